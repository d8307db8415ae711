"""A short run on the stack at hand: draw data, train a few iterations with GDN, test, submit and check.

Run as a script, so that it also serves a stack on which the whole suite would take too long.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FEW = ('train_cfg.max_iters=4', 'train_cfg.val_interval=4', 'default_hooks.checkpoint.interval=4',
       'train_dataloader.batch_size=4')


def main() -> None:
    """Run."""
    with tempfile.TemporaryDirectory() as folder:
        data, work_dir = Path(folder, 'VOC2012'), Path(folder, 'run')
        archive, config = work_dir / 'submission.tar.gz', 'configs/gdn/demo_gdn.py'
        ids = data / 'ImageSets/Segmentation/test.txt'
        options = ['--cfg-options', *FEW,
                   *(f'{name}_dataloader.dataset.data_root={data}' for name in ('train', 'val', 'test'))]
        run('tools/dataset_converters/synthetic_voc.py', data, '--train', 8, '--val', 2, '--test', 2)
        run('tools/train.py', config, '--work-dir', work_dir, *options)
        run('tools/test.py', config, work_dir / 'iter_4.pth', '--work-dir', work_dir, *options)
        run('tools/test.py', config, work_dir / 'iter_4.pth', '--work-dir', work_dir, '--submission', archive,
            '--ids', ids, *options)
        run('tools/check_submission.py', archive, '--ids', ids, '--images', data / 'JPEGImages')
        run('-m', 'pytest', '-q', '-n', '2', '-m', 'not slow')


def run(*args: object) -> None:
    """Run Python on a script of this repository; a failure ends this one."""
    subprocess.run([sys.executable, *map(str, args)], cwd=ROOT, check=True)


if __name__ == '__main__':
    main()
