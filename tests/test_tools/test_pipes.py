"""Pipes in place of files: no tool waits for them."""

import os
import runpy
import sys

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.utils import run_tool

# PIPE is a pipe, and FOLDER has nothing but pipes.
COMMANDS = [
    'predict.py PIPE',
    'predict.py CONFIG PIPE a.jpg',
    'predict.py CONFIG MODEL PIPE --device cpu',
    'predict.py CONFIG MODEL FOLDER/*.png --device cpu',
    'predict.py PIPE.py MODEL a.jpg',
    'test.py PIPE.py MODEL',
    'test.py CONFIG PIPE',
    'test.py CONFIG MODEL --ids PIPE',
    'train.py PIPE.py',
    'train.py CONFIG --resume PIPE.pth',
    'train.py CONFIG --cfg-options load_from=PIPE',
    'export_onnx.py CONFIG PIPE a.onnx --shape 64 64',
    'gdn_variant.py PIPE.py',
    'fit_kernels.py CONFIG PIPE --out a.pth',
    'check_submission.py PIPE',
    'check_submission.py a.tgz --ids PIPE',
    'make_submission.py . --ids PIPE --out a.tgz',
    'make_submission.py FOLDER --ids LIST --out a.tgz',
    'verify_caffe.py FOLDER',
    'model_converters/caffe2mmseg.py PIPE a.pth --layout fcn32s',
    'model_converters/mobilenetv2_to_mmseg.py PIPE a.pth',
    'dataset_converters/check_voc.py --data-root PIPE',
    'analysis_tools/plot_kernels.py PIPE --out a.png',
    'analysis_tools/plot_kernels.py PIPE.npy PIPE.npy --out a.png',
    'analysis_tools/plot_training.py PIPE --out a.png',
    'analysis_tools/plot_training.py FOLDER --out a.png',
    'analysis_tools/compare.py --images FOLDER --truth FOLDER --a FOLDER --b FOLDER --out a.png',
]


@pytest.fixture
def places(gdn_config, tmp_path):
    """What the words in capitals stand for."""
    (tmp_path / 'folder/1/vis_data').mkdir(parents=True)
    for name in (
        'pipe',
        'pipe.py',
        'pipe.pth',
        'pipe.npy',
        'folder/a.png',
        'folder/b.npz',
        'folder/c.caffemodel',
        'folder/1/vis_data/scalars.json',
    ):
        os.mkfifo(tmp_path / name)
    (tmp_path / 'list.txt').write_text('a\n')
    model = MODELS.build(Config.fromfile(gdn_config).model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'model.pth')
    return dict(
        CONFIG=gdn_config,
        MODEL=tmp_path / 'model.pth',
        LIST=tmp_path / 'list.txt',
        FOLDER=tmp_path / 'folder',
        PIPE=tmp_path / 'pipe',
    )


@pytest.mark.slow
@pytest.mark.timeout(120)  # a tool that waits for a pipe waits for ever
@pytest.mark.parametrize('command', COMMANDS)
def test_a_sentence(command, places, tmp_path, root_dir, monkeypatch):
    for word, path in places.items():
        command = command.replace(word, str(path))
    tool, *words = command.split()
    script = root_dir / 'tools' / tool
    monkeypatch.syspath_prepend(script.parent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', [script.name, *words])
    main = runpy.run_path(str(script))['main']
    with pytest.raises(SystemExit) as ending:
        run_tool(main)
    assert str(ending.value.code).startswith('error: '), ending.value.code
