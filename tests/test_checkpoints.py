"""The checkpoints that come with the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmseg_gdn.prediction.default_model import default_model

ROOT = Path(__file__).parents[1]
NAMES = ('fcn_mobilenet-v2_voc-extract', 'fcn_mobilenet-v2_gdn_voc-extract')
CONFIGS = dict(zip(NAMES, ('fcn_mobilenet-v2_voc12aug.py', 'fcn_mobilenet-v2_gdn-multilabel_voc12aug.py')))


@pytest.mark.parametrize('name', NAMES)
def test_a_checkpoint_is_small_has_weights_only_and_a_card(name) -> None:
    path = ROOT / 'checkpoints' / f'{name}.pth'
    assert path.stat().st_size <= 6 * 2**20
    checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    assert set(checkpoint) == {'meta', 'state_dict'}
    assert all(
        value.dtype == torch.float16 and value.isfinite().all()
        for value in checkpoint['state_dict'].values()
        if value.is_floating_point()
    )
    assert len(checkpoint['meta']['dataset_meta']['classes']) == 21
    text = path.with_suffix('.md').read_text(encoding='utf-8')
    assert 'MIT licence' in text
    assert '**Limits.**' in text


@pytest.mark.parametrize('name', NAMES)
def test_its_metrics_are_kept(name) -> None:
    metrics = json.loads((ROOT / 'checkpoints/metrics.json').read_text(encoding='utf-8'))[name]
    assert len([key for key in metrics if key.startswith('IoU/')]) == 21


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_it_predicts_a_photograph(name, tmp_path) -> None:
    from mmseg_gdn.prediction.predictor import Predictor

    predictor = Predictor(str(ROOT / 'configs/gdn' / CONFIGS[name]), str(ROOT / 'checkpoints' / f'{name}.pth'), 'cpu')
    photograph = pytest.importorskip('skimage.data').chelsea()
    classes = predictor(np.ascontiguousarray(photograph[..., ::-1]), tmp_path / 'chelsea.png').classes
    assert classes.shape == photograph.shape[:2]
    assert (classes == predictor.legend.names.index('cat')).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_its_metrics_come_out_again(name, voc_extract, tmp_path) -> None:
    command = [
        sys.executable,
        'tools/test.py',
        f'configs/gdn/{CONFIGS[name]}',
        f'checkpoints/{name}.pth',
        '--work-dir',
        str(tmp_path),
        '--cfg-options',
        f'test_dataloader.dataset.data_root={voc_extract}',
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (result,) = tmp_path.glob('*/*.json')
    found = json.loads(result.read_text().splitlines()[-1])
    kept = json.loads((ROOT / 'checkpoints/metrics.json').read_text(encoding='utf-8'))[name]
    assert {key: found[key] for key in kept} == pytest.approx(kept, abs=0.02)


@pytest.mark.parametrize('upsampling', ['gdn', 'bilinear'])
def test_the_default_models_exist(upsampling) -> None:
    config, checkpoint = default_model('no hint', upsampling=upsampling)
    assert CONFIGS[Path(checkpoint).stem] == Path(config).name


def test_the_picture_can_be_opened() -> None:
    with Image.open(ROOT / 'docs/photographs.png') as picture:
        assert min(picture.size) > 500
