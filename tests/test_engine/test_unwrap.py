"""The model inside of wrappers."""

import torch
from torch import nn

from mmseg_gdn.engine.unwrap import whole_model


def test_the_whole_model_can_be_read_and_changed(wrap):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    names = [name for name, _ in model.named_parameters()]
    model = wrap(model)
    with whole_model(model) as whole, torch.no_grad():
        assert [name for name, _ in whole.named_parameters()] == names
        assert whole[0].weight.shape == (3, 2)
        whole[0].weight.fill_(3)
    with whole_model(model) as whole:
        assert (whole[0].weight == 3).all()
