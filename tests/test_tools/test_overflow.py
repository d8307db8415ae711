"""Weights that are finite and give scores that are not: no tool writes classes from them."""

import importlib
import sys

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.utils import InputError

IMAGE = 'scores of the image .*JPEGImages/[df].jpg are NaN or infinite, although the weights are finite'


@pytest.fixture
def write(gdn_config, tmp_path):
    """Write weights with which the coarse scores overflow, or the full-size ones alone."""

    def overflowing(where):
        state = MODELS.build(Config.fromfile(gdn_config).model).state_dict()
        names = dict(scores=('convs.0.bn.bias', 'conv_seg.weight'), matrices=('interp.kernel_h', 'interp.kernel_w'))
        for name in names[where]:
            state[f'decode_head.{name}'].fill_(1e30)
        torch.save(dict(state_dict=state, meta={}), tmp_path / 'model.pth')
        return tmp_path / 'model.pth'

    return overflowing


@pytest.mark.slow
@pytest.mark.parametrize(
    ('where', 'tool', 'told'),
    [
        ('scores', 'test --submission', IMAGE),
        ('scores', 'test --tta', IMAGE),
        ('matrices', 'test --out', IMAGE),
        ('matrices', 'predict', '1 of 1 images could not be predicted'),
        ('scores', 'export_onnx', 'The scores of random images are NaN'),
    ],
)
def test_nothing_is_written(monkeypatch, capsys, gdn_config, write, voc_root, tmp_path, where, tool, told):
    checkpoint = write(where)
    tool, *flags = tool.split()
    out, image = tmp_path / 'out.tar.gz', voc_root / 'JPEGImages/d.jpg'
    if tool == 'export_onnx':
        pytest.importorskip('onnxruntime')
    arguments = dict(
        test=[*flags, *([out] if flags and flags != ['--tta'] else []), '--work-dir', tmp_path / 'run'],
        predict=[image, '--out', out, '--device', 'cpu', '--cfg-options', 'model.decode_head.size_policy=resample'],
        export_onnx=[out, '--shape', 64, 64],
    )[tool]
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, [gdn_config, checkpoint, *arguments])])
    with pytest.raises(InputError, match=told):
        importlib.import_module(tool).main()
    assert not out.exists() or not list(out.iterdir())
    if tool == 'predict':
        assert f'skipped: The scores of the image {image} are NaN' in capsys.readouterr().err
