"""mmseg's own analysis tools on a config with global interpolation."""

import json
import runpy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from mmseg_gdn.utils import InputError


@pytest.fixture
def config(root_dir, voc_root, tmp_path):
    path = tmp_path / 'stock_tools.py'
    loaders = ', '.join(
        f'{name}_dataloader=dict(dataset=dict(data_root={str(voc_root)!r}))' for name in ('train', 'val', 'test')
    )
    path.write_text(f'_base_ = {str(root_dir / "configs/gdn/demo_gdn.py")!r}\nlocals().update({loaders})\n')
    return path


@pytest.mark.slow
def test_flops_pictures_and_confusion(run_script, root_dir, config, voc_root, tmp_path):
    flops = run_script('tools/stock.py', 'analysis_tools/get_flops', config, '--shape', 128, 128)
    assert 'Flops: ' in flops.stdout, flops.stderr

    browsed = run_script(
        'tools/stock.py', 'analysis_tools/browse_dataset', config, '--not-show', '--output-dir', tmp_path / 'browse'
    )
    assert browsed.returncode == 0, browsed.stderr
    assert sorted(path.name for path in (tmp_path / 'browse').iterdir()) == ['a.jpg', 'b.jpg']

    (tmp_path / 'predictions').mkdir()
    for name in 'de':
        mask = np.asarray(Image.open(voc_root / f'SegmentationClass/{name}.png'))
        Image.fromarray(np.where(mask == 255, 0, mask)).save(tmp_path / f'predictions/{name}.png')
    confusion = run_script(
        'tools/stock.py', 'analysis_tools/confusion_matrix', config, tmp_path / 'predictions', tmp_path / 'confusion'
    )
    assert confusion.returncode == 0, confusion.stderr
    assert (tmp_path / 'confusion/confusion_matrix.png').is_file()


def test_unknown_tool(run_script):
    result = run_script('tools/stock.py', 'get_flop')
    assert result.returncode == 1
    assert "no tool 'get_flop'; give one of: analysis_tools/analyze_logs" in result.stderr


def test_help_lists_the_tools(run_script):
    result = run_script('tools/stock.py', '--help')
    assert result.returncode == 0
    assert '\n  analysis_tools/get_flops\n' in result.stdout


def test_help_of_a_tool_is_its_own(run_script):
    result = run_script('tools/stock.py', 'analysis_tools/get_flops', '--help')
    assert 'Get the FLOPs of a segmentor' in result.stdout


def test_a_tool_that_works_for_no_model(run_script, config):
    result = run_script('tools/stock.py', 'deployment/pytorch2torchscript', config)
    assert result.returncode == 1
    assert 'Trace the model with torch.jit.trace' in result.stderr


@pytest.mark.slow
def test_benchmark(run_script, config, voc_root, tmp_path):
    """The tool times 200 images; it pads as in training and cannot cut that off again, so they have that size."""
    ids = [f'd{index}' for index in range(200)]
    (voc_root / 'ImageSets/Segmentation/val.txt').write_text('\n'.join(ids))
    for folder, suffix in (('JPEGImages', '.jpg'), ('SegmentationClass', '.png')):
        first = voc_root / folder / f'd{suffix}'
        Image.open(first).resize((128, 128), Image.NEAREST).save(first)
        for image_id in ids:
            first.with_name(image_id + suffix).hardlink_to(first)
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), tmp_path / 'weights.pth')
    result = run_script(
        'tools/stock.py',
        'analysis_tools/benchmark',
        config,
        tmp_path / 'weights.pth',
        '--work-dir',
        tmp_path / 'benchmark',
    )
    assert result.returncode == 0, result.stderr
    assert 'Done image [200/ 200]' in result.stdout
    (report,) = (tmp_path / 'benchmark').glob('fps_*.json')
    assert json.loads(report.read_text())['average_fps'] > 0


@pytest.mark.slow
def test_analyze_logs(run_script, gdn_config, tmp_path):
    trained = run_script('tools/train.py', gdn_config, '--work-dir', tmp_path / 'run')
    assert trained.returncode == 0, trained.stderr
    (log,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    for keys in (('mIoU',), ('decode.loss_ce', 'aux_0.loss_mlc')):
        assert all(any(key in line for line in logged) for key in keys), 'nothing to draw'
        picture = tmp_path / f'{keys[0]}.png'
        result = run_script('tools/stock.py', 'analysis_tools/analyze_logs', log, '--keys', *keys, '--out', picture)
        assert result.returncode == 0, result.stderr
        assert np.asarray(Image.open(picture).convert('L')).std() > 0


def test_a_missing_package_is_named_as_pip_knows_it(root_dir, monkeypatch):
    monkeypatch.syspath_prepend(root_dir / 'tools')
    main = runpy.run_path(str(root_dir / 'tools/stock.py'))['main']
    monkeypatch.setitem(sys.modules, 'pytorch_grad_cam', None)
    monkeypatch.setattr(sys, 'argv', ['stock.py', 'analysis_tools/visualization_cam', '--help'])
    with pytest.raises(InputError, match=r'imports pytorch_grad_cam, .* install it \(pip install grad-cam\)'):
        main()
