"""Checkpoints that are damaged or not finite end testing, submissions and exports before anything is written."""

import importlib
import sys

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.utils import InputError


@pytest.fixture
def checkpoint(gdn_config, tmp_path):
    """A checkpoint of the small model."""
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(gdn_config).model).state_dict(), meta={}), path)
    return path


def diverge(path):
    checkpoint = torch.load(path, weights_only=True)
    checkpoint['state_dict']['decode_head.conv_seg.bias'][3] = float('nan')
    torch.save(checkpoint, path)


def flip(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - byte for byte in content[middle : middle + 64])
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('spoil', 'sentence'),
    [
        (diverge, r'model\.pth has weights that are NaN or infinite .*decode_head\.conv_seg\.bias'),
        (flip, r'model\.pth is damaged: its checksums do not fit'),
    ],
)
@pytest.mark.parametrize('tool', ['test', 'submission', 'export'])
def test_refused(monkeypatch, gdn_config, checkpoint, tmp_path, tool, spoil, sentence):
    spoil(checkpoint)
    result = tmp_path / 'result.tar.gz'
    arguments = {
        'test': ['test', gdn_config, checkpoint, '--work-dir', tmp_path / 'run'],
        'submission': ['test', gdn_config, checkpoint, '--work-dir', tmp_path / 'run', '--submission', result],
        'export': ['export_onnx', gdn_config, checkpoint, result, '--shape', 64, 64],
    }[tool]
    monkeypatch.setattr(sys, 'argv', list(map(str, arguments)))
    with pytest.raises(InputError, match=sentence):
        importlib.import_module(arguments[0]).main()
    assert not result.exists()
