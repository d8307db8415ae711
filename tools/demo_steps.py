"""The steps of the demo, from drawn data to a picture and a table."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image
from prettytable import PrettyTable

from demo_report import draw_report
from mmseg_gdn.engine.checkpoint import read_weights
from mmseg_gdn.evaluation.border import border_miou
from mmseg_gdn.prediction.quiet import quietly
from mmseg_gdn.utils import InputError

TOOLS = Path(__file__).parent
MODELS_TO_COMPARE = {'bilinear': 'demo_bilinear', 'GDN': 'demo_gdn'}
SCENES = 5  # pictures in the report: the first ones of the validation list


def run_demo(args: argparse.Namespace) -> None:
    """Run all steps.

    Args:
        args: Options of ``tools/demo.py``.
    """
    work_dir, data_root = Path(args.work_dir), Path(args.data_root)
    if not (data_root / 'ImageSets/Segmentation/test.txt').is_file():
        step('dataset_converters/synthetic_voc.py', data_root)
    results = [
        run_model(title, config, work_dir, data_root, args.cfg_options) for title, config in MODELS_TO_COMPARE.items()
    ]
    submit(work_dir, data_root, args.cfg_options)
    report = work_dir / 'report.png'
    draw(report, work_dir, data_root, results)
    print(table(results))
    print(f'picture: {report}\narchive: {work_dir / "submission.tar.gz"}')


def run_model(title: str, config: str, work_dir: Path, data_root: Path, options: list[str]) -> dict:
    """Train and test one model.

    Returns:
        Its row of the final table.
    """
    folder = work_dir / config
    shutil.rmtree(folder, ignore_errors=True)
    overrides = with_data(data_root, options)
    start = time.monotonic()
    step('train.py', config_path(config), '--work-dir', folder, *overrides)
    seconds = time.monotonic() - start
    checkpoint = latest_checkpoint(folder)
    step(
        'test.py',
        config_path(config),
        checkpoint,
        '--work-dir',
        folder / 'test',
        '--out',
        folder / 'predictions',
        *overrides,
    )
    metrics = json.loads(next((folder / 'test').glob('*/*.json')).read_text())
    pairs = [
        (labels(folder / 'predictions', name), labels(data_root / 'SegmentationClass', name))
        for name in validation_ids(data_root)
    ]
    return dict(
        model=title,
        miou=metrics['mIoU'],
        border=border_miou(pairs, 21),
        seconds=seconds,
        parameters=count_parameters(config),
    )


def submit(work_dir: Path, data_root: Path, options: list[str]) -> None:
    """Write a submission with GDN's predictions for the test images, and check it."""
    config, archive = MODELS_TO_COMPARE['GDN'], work_dir / 'submission.tar.gz'
    ids = data_root / 'ImageSets/Segmentation/test.txt'
    folder = work_dir / config
    step(
        'test.py',
        config_path(config),
        latest_checkpoint(folder),
        '--work-dir',
        folder / 'submit',
        '--submission',
        archive,
        '--ids',
        ids,
        *with_data(data_root, options),
    )
    step('check_submission.py', archive, '--ids', ids, '--images', data_root / 'JPEGImages')


def draw(report: Path, work_dir: Path, data_root: Path, results: list[dict]) -> None:
    """Draw images, truth, predictions and the learned matrices in one picture."""
    scenes = []
    for name in validation_ids(data_root)[:SCENES]:
        image = np.asarray(Image.open(data_root / 'JPEGImages' / f'{name}.jpg'))
        predictions = [labels(work_dir / config / 'predictions', name) for config in MODELS_TO_COMPARE.values()]
        scenes.append((image, labels(data_root / 'SegmentationClass', name), *predictions))
    weights = read_weights(str(latest_checkpoint(work_dir / MODELS_TO_COMPARE['GDN'])))
    titles = ['image', 'truth', *(f'{line["model"]} (mIoU {line["miou"]:.1f})' for line in results)]
    draw_report(
        report,
        scenes,
        titles,
        weights['decode_head.interp.kernel_h'],
        weights['decode_head.interp.kernel_w'],
        'The first validation images. Below: the matrices, from 8 coarse cells to 128 pixels.',
    )


def table(results: list[dict]) -> PrettyTable:
    """The comparison in numbers."""
    lines = PrettyTable(['upsampling', 'mIoU', 'mIoU within 4 px of borders', 'parameters', 'training'])
    for line in results:
        lines.add_row(
            [
                line['model'],
                f'{line["miou"]:.2f}',
                f'{line["border"]:.2f}',
                f'{line["parameters"]:,}',
                f'{line["seconds"]:.0f} s',
            ]
        )
    return lines


def step(script: str, *args: object) -> None:
    """Run a tool of this project, showing its output; stop with its exit status if it fails."""
    status = subprocess.run([sys.executable, TOOLS / script, *map(str, args)], check=False).returncode
    if status:
        print(f'The demo stopped because tools/{script} failed; see its message above.', file=sys.stderr)
        sys.exit(status)


def with_data(data_root: Path, options: list[str]) -> list[str]:
    """Options that make every data set of a config use the drawn data."""
    roots = [f'{name}_dataloader.dataset.data_root={data_root}' for name in ('train', 'val', 'test')]
    return ['--cfg-options', *roots, *options]


def config_path(config: str) -> Path:
    """Path of one of the demo's configs."""
    return TOOLS.parent / 'configs' / 'gdn' / f'{config}.py'


def latest_checkpoint(folder: Path) -> Path:
    """The last checkpoint that training wrote.

    Raises:
        InputError: If there is none.
    """
    note = folder / 'last_checkpoint'
    if not note.is_file():
        raise InputError(f'Training left no checkpoint in {folder}; run the demo again.')
    return Path(note.read_text().strip())


def validation_ids(data_root: Path) -> list[str]:
    """Names of the validation images."""
    return (data_root / 'ImageSets/Segmentation/val.txt').read_text().split()


def labels(folder: Path, name: str) -> np.ndarray:
    """Class indices (H, W) stored in a PNG."""
    return np.asarray(Image.open(folder / f'{name}.png'))


def count_parameters(config: str) -> int:
    """Number of parameters that inference needs."""
    init_default_scope('mmseg')
    with quietly():
        model = MODELS.build(Config.fromfile(config_path(config)).model)
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith('auxiliary_head'))
