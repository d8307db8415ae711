"""No tool runs code that lies in a checkpoint, a ``.npy`` or a ``.npz`` file."""

import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.prediction.predictor import Predictor
from mmseg_gdn.utils import run_tool
from reduced_vgg import read_reduced_vgg


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.mkdir, (Path(self.path),)


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'code_has_run'


@pytest.fixture
def files(tmp_path, mark):
    """Files of all kinds with code in them, by kind."""
    made = {kind: tmp_path / f'planted.{kind}' for kind in ('zip.pth', 'pickle.pth', 'npy', 'npz')}
    tensors = dict(weight=torch.ones(2), planted=Planted(mark))
    torch.save(dict(state_dict=tensors, meta=dict(a=Planted(mark)), message_hub={}, optimizer={}), made['zip.pth'])
    made['pickle.pth'].write_bytes(pickle.dumps(dict(state_dict=tensors)))
    array = np.array([Planted(mark)], dtype=object)
    np.save(made['npy'], array, allow_pickle=True)
    np.savez(made['npz'], array)
    return made


@pytest.fixture
def run(monkeypatch, root_dir, tmp_path):
    """Run a tool in this process; gives its exit status."""
    for folder in ('tools', 'tools/analysis_tools', 'tools/model_converters'):
        monkeypatch.syspath_prepend(root_dir / folder)
    monkeypatch.chdir(tmp_path)

    def do(tool, *args):
        script = root_dir / 'tools' / tool
        monkeypatch.setattr(sys, 'argv', [script.name, *map(str, args)])
        with pytest.raises(SystemExit) as ending:
            run_tool(runpy.run_path(str(script))['main'])
        return ending.value.code

    return do


def test_the_files_do_run_code_where_they_are_let(files, mark):
    for read in (
        lambda: torch.load(files['zip.pth'], weights_only=False),
        lambda: pickle.loads(files['pickle.pth'].read_bytes()),
        lambda: np.load(files['npy'], allow_pickle=True),
    ):
        mark.mkdir()
        with pytest.raises(FileExistsError):
            read()
        mark.rmdir()


@pytest.mark.parametrize('kind', ['zip.pth', 'pickle.pth'])
@pytest.mark.parametrize(
    ('tool', 'args'),
    [
        ('test.py', ['{config}', '{file}']),
        ('test.py', ['{config}', '{file}', '--submission', 'a.tar.gz']),
        ('train.py', ['{config}', '--cfg-options', 'load_from={file}']),
        ('train.py', ['{config}', '--resume', '{file}']),
        ('predict.py', ['{config}', '{file}', '{image}']),
        ('export_onnx.py', ['{config}', '{file}', 'a.onnx', '--shape', '64', '64']),
        ('fit_kernels.py', ['mmseg::fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py', '{file}', '--out', 'a.pth']),
        ('analysis_tools/plot_kernels.py', ['{file}', '--out', 'a.png']),
        ('analysis_tools/crf_search.py', ['{config}', '{file}', '--ids', '{ids}', '--out', 'search']),
        ('model_converters/mobilenetv2_to_mmseg.py', ['{file}', 'a.pth']),
        ('model_converters/get_weights.py', ['vgg16', '--out', '{file}']),
    ],
)
def test_checkpoints(run, files, mark, gdn_config, voc_root, tool, args, kind):
    names = dict(
        config=gdn_config,
        file=files[kind],
        image=voc_root / 'JPEGImages/a.jpg',
        ids=voc_root / 'ImageSets/Segmentation/val.txt',
    )
    status = run(tool, *(arg.format(**names) for arg in args))
    assert not mark.exists()
    assert status not in (0, None)
    assert 'cannot be read as a checkpoint' in str(status) or 'not a converted checkpoint' in str(status)


def test_arrays(run, files, mark, root_dir, tmp_path):
    model = root_dir / 'tests/data/golden/v1_legacy.caffemodel'
    assert 'planted.npy cannot be read as a .npy matrix' in run(
        'model_converters/caffe2mmseg.py', model, 'a.pth', '--layout', 'largefov', '--kernels', *[files['npy']] * 2
    )
    assert 'planted.npz cannot be read' in run('verify_caffe.py', tmp_path)
    assert 'planted.npy' in run('analysis_tools/plot_kernels.py', files['npy'], files['npy'], '--out', 'a.png')
    assert not mark.exists()


@pytest.mark.parametrize('kind', ['zip.pth', 'pickle.pth'])
def test_the_reduced_vgg(files, mark, kind):
    with pytest.raises(ValueError, match='it cannot be read'):
        read_reduced_vgg(files[kind])
    assert not mark.exists()


@pytest.fixture
def with_config(gdn_config, tmp_path, mark):
    """A checkpoint that fits, with a config in it that runs code when it is read."""
    weights = MODELS.build(Config.fromfile(gdn_config).model).state_dict()
    path = tmp_path / 'with_config.pth'
    torch.save(dict(state_dict=weights, meta=dict(config=f'import os\nos.mkdir({str(mark)!r})\n')), path)
    return path


def test_the_config_in_a_checkpoint_is_not_read_to_predict(gdn_config, with_config, mark):
    Predictor(str(gdn_config), str(with_config), 'cpu')
    assert not mark.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ('tool', 'args'),
    [
        ('test.py', ['{config}', '{file}']),
        ('train.py', ['{config}', '--cfg-options', 'load_from={file}', 'train_cfg.max_iters=1']),
        ('export_onnx.py', ['{config}', '{file}', 'a.onnx', '--shape', '64', '64']),
    ],
)
def test_the_config_in_a_checkpoint_is_not_read(run, gdn_config, with_config, mark, tool, args):
    assert run(tool, *(arg.format(config=gdn_config, file=with_config) for arg in args)) in (0, None)
    assert not mark.exists()
