"""A model in parts on two processes (PyTorch's ``fully_shard``) learns what it learns whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

MODEL = dict(
    type='EncoderDecoder',
    # Statistics of a batch would depend on how it is split.
    backbone=dict(
        type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN'), norm_eval=True
    ),
    decode_head=dict(
        type='GlobalInterpHead',
        base_type='FCNHead',
        in_channels=32,
        in_index=3,
        channels=8,
        num_convs=1,
        num_classes=5,
        norm_cfg=None,
        dropout_ratio=0,
        in_size=(2, 3),
        out_size=(64, 96),
    ),
    auxiliary_head=[dict(type='MultiLabelHead', in_channels=32, in_index=3, num_classes=5)],
)


@pytest.mark.slow
def test_one_step_on_two_processes(root_dir, tmp_path):
    model = MODELS.build(MODEL).train()
    step = dict(
        model=MODEL,
        state_dict=model.state_dict(),
        images=torch.randn(4, 3, 64, 96),
        labels=torch.randint(0, 5, (4, 1, 64, 96)),
        lr=0.1,
    )
    torch.save(step, tmp_path / 'step.pth')
    command = [
        sys.executable,
        '-m',
        'torch.distributed.run',
        '--standalone',
        '--nproc_per_node=2',
        root_dir / 'tests/test_models/fsdp_step.py',
        tmp_path / 'step.pth',
        tmp_path / 'out.pth',
    ]
    result = subprocess.run(
        command,
        cwd=root_dir,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    sharded = torch.load(tmp_path / 'out.pth', weights_only=True)

    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in step['labels']]
    loss, _ = model.parse_losses(model(step['images'], samples, mode='loss'))
    loss.backward()
    torch.testing.assert_close(sharded['loss'], loss.detach())
    parameters = dict(model.named_parameters())
    assert sharded['gradients'].keys() == parameters.keys()
    assert sharded['shards']['decode_head.interp.kernel_h'] == (32, 2)
    assert sharded['shards']['auxiliary_head.0.fc.weight'] == (2, 32)
    for name, gradient in sharded['gradients'].items():
        wanted = parameters[name].grad
        assert wanted.abs().max() > 0, name
        assert (gradient - wanted).abs().max() <= 1e-4 * wanted.abs().max(), name
    torch.optim.SGD(model.parameters(), lr=step['lr']).step()
    for name, weight in sharded['weights'].items():
        torch.testing.assert_close(weight, parameters[name].detach(), rtol=1e-5, atol=1e-6)
