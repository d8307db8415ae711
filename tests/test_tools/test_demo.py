"""``make demo`` with few images and iterations: everything it promises is there at the end."""

import re

import numpy as np
import pytest
from PIL import Image

FEW = (
    'train_cfg.max_iters=4',
    'train_cfg.val_interval=4',
    'default_hooks.checkpoint.interval=4',
    'train_dataloader.batch_size=4',
)


@pytest.mark.slow
def test_from_drawn_images_to_table_picture_and_archive(run_script, tmp_path):
    data, work_dir = tmp_path / 'VOC2012', tmp_path / 'demo'
    drawn = run_script('tools/dataset_converters/synthetic_voc.py', data, '--train', 8, '--val', 2, '--test', 2)
    assert drawn.returncode == 0, drawn.stderr
    demo = run_script('tools/demo.py', '--work-dir', work_dir, '--data-root', data, '--cfg-options', *FEW)
    assert demo.returncode == 0, demo.stderr
    assert re.search(r'\| +bilinear +\|.*\n.*\| +GDN +\|', demo.stdout)
    assert f'{work_dir}/submission.tar.gz: 2 predictions, 0 defects' in demo.stdout
    assert np.asarray(Image.open(work_dir / 'report.png').convert('L')).std() > 0
