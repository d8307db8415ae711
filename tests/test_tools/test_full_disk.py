"""Tools on a disk without room: one sentence, status 1, and what was there before is untouched."""

import importlib.util
import runpy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from mmseg_gdn.utils import run_tool


@pytest.fixture
def run(monkeypatch, root_dir, tmp_path, limit_files):
    """Run a tool in this process while no file may grow beyond some bytes; gives its exit status."""
    for folder in ('tools', 'tools/analysis_tools', 'tools/model_converters'):
        monkeypatch.syspath_prepend(root_dir / folder)
    monkeypatch.chdir(tmp_path)

    def do(size, tool, *args):
        script = root_dir / 'tools' / tool
        monkeypatch.setattr(sys, 'argv', [script.name, *map(str, args)])
        main = runpy.run_path(str(script))['main']
        limit_files(size)
        with pytest.raises(SystemExit) as ending:
            run_tool(main)
        return ending.value.code

    return do


@pytest.fixture
def checkpoint(gdn_config, tmp_path):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(gdn_config).model).state_dict()), path)
    return path


@pytest.fixture
def old(tmp_path):
    """Results of before."""
    folder = tmp_path / 'results'
    folder.mkdir()
    for name in ('a.pth', 'a.png', 'a_overlay.jpg', 'a.onnx', 'd.png'):
        (folder / name).write_text('old')
    return folder


def is_untouched(folder):
    return all(path.read_text() == 'old' for path in folder.iterdir()) and len(list(folder.iterdir())) == 5


def test_converted_weights(run, old, tmp_path, root_dir):
    spec = importlib.util.spec_from_file_location('caffemodels', root_dir / 'tests/test_caffe/caffemodels.py')
    caffemodels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(caffemodels)
    model = caffemodels.write(tmp_path / 'vgg.caffemodel', caffemodels.vgg())
    status = run(4096, 'model_converters/caffe2mmseg.py', model, old / 'a.pth', '--layout', 'fcn32s')
    assert 'a.pth' in status and 'run this again' in status
    assert is_untouched(old)


def test_predicted_photographs(run, old, gdn_config, checkpoint, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (512, 512, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'a.png')
    status = run(
        65_536,
        'predict.py',
        gdn_config,
        checkpoint,
        tmp_path / 'a.png',
        '--out',
        old,
        '--cfg-options',
        'model.decode_head.size_policy=resample',
    )
    assert 'a_overlay.jpg' in status and 'run this again' in status
    (old / 'a.png').write_text('old')  # the mask itself fits
    assert is_untouched(old)


def test_pictures_of_matrices(run, old, tmp_path):
    for name in ('0', '1'):
        np.save(tmp_path / f'{name}.npy', np.eye(8, 64, dtype=np.float32))
    status = run(4096, 'analysis_tools/plot_kernels.py', tmp_path / '0.npy', tmp_path / '1.npy', '--out', old / 'a.png')
    assert 'a.png' in status and 'run this again' in status
    assert is_untouched(old)


@pytest.mark.slow
def test_the_log_of_a_test(run, old, gdn_config, checkpoint, tmp_path):
    status = run(11_264, 'test.py', gdn_config, checkpoint, '--out', old, '--work-dir', tmp_path / 'run')
    assert 'results, or the log of this run (' in status and 'run this again' in status
    assert is_untouched(old)


@pytest.mark.slow
def test_an_exported_model(run, old, gdn_config, checkpoint):
    pytest.importorskip('onnxruntime')
    status = run(100_000, 'export_onnx.py', gdn_config, checkpoint, old / 'a.onnx', '--shape', 64, 64)
    assert 'a.onnx' in status and 'run this again' in status
    assert is_untouched(old)
