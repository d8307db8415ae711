"""What the tests of the accuracy experiments share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.models import MobileNetV2
from PIL import Image

FOLDER = Path(__file__).parents[3] / 'benchmarks/accuracy'


@pytest.fixture(autouse=True)
def _scripts(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def tiny():
    """Two iterations of two images."""
    from experiments import matrix_rates

    return replace(matrix_rates()[0], lr_mult=20, iterations=2, batch=2)


@pytest.fixture
def folders(tmp_path) -> dict[str, Path]:
    """A few small images in CamVid's layout: half sky, half road, and a stripe of void."""
    root = tmp_path / 'camvid'
    generator = np.random.default_rng(0)
    for split, count in (('train', 3), ('val', 2)):
        (root / split).mkdir(parents=True)
        (root / f'{split}annot').mkdir()
        for index in range(count):
            mask = np.zeros((60, 80), np.uint8)
            mask[30:], mask[28:30], mask[:, 70:] = 3, 11, 8
            photo = generator.integers(0, 60, (60, 80, 3), dtype=np.uint8) + 15 * mask[..., None]
            Image.fromarray(photo).save(root / split / f'{index}.jpg')
            Image.fromarray(mask).save(root / f'{split}annot' / f'{index}.png')
    return dict(camvid=root)


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / 'mobilenet_v2.pth'
    torch.save(dict(state_dict=MobileNetV2().state_dict()), path)
    return path


@pytest.fixture
def run_missing(folders, weights, tmp_path):
    """Run experiments; gives the results by name."""
    from records import read_results
    from runner import run_missing

    def run(*experiments) -> dict:
        run_missing(experiments, folders, dict(mobilenetv2=weights), tmp_path / 'results', tmp_path / 'scratch')
        return read_results(tmp_path / 'results')

    return run


@pytest.fixture
def made_by_hand():
    """A result without a run."""
    return _made_by_hand


@pytest.fixture
def counted(tiny, tmp_path) -> Path:
    """Results with counts: GDN is right in 5 of 100 pixels more than bilinear interpolation, alike in all images."""
    from records import write_result

    bilinear = replace(tiny, study='upsampling', upsampling='bilinear', lr_mult=None, decay_mult=None)
    gdn = replace(bilinear, upsampling='gdn', lr_mult=20, decay_mult=0)
    folder = tmp_path / 'results'
    for run, right in ((bilinear, 50), (replace(bilinear, seed=1), 52), (gdn, 55), (replace(gdn, seed=1), 59)):
        images = [f'0:{right}/100 1:{right + image}/100' for image in range(20)]
        near = [f'0:{right - 10}/100' for _ in range(20)]
        write_result(
            folder,
            dict(
                _made_by_hand(run, 0.0, 0.1),
                IoU=[0.0] * 11,
                counts={'whole': images, '4px': near, '2px': near},
                image_level_mAP=dict(of_masks=80.0, of_labels=None),
            ),
        )
    return folder


def _made_by_hand(experiment, miou: float, moved: float) -> dict:
    return dict(
        name=experiment.name,
        settings=experiment.as_dict(),
        mIoU=miou,
        pixel_accuracy=80.0,
        IoU=[miou] * 21,
        moved=dict(kernel_h=moved, kernel_w=moved / 2),
    )
