"""Gradients of the matrices, seen on their way, with and without wrappers."""

import pytest
import torch
from torch import nn

from mmseg_gdn.engine.gradient_watch import GradientWatch
from mmseg_gdn.engine.unwrap import whole_model
from mmseg_gdn.models.layers import GlobalInterp


class TwoPairs(nn.Module):
    """Two pairs of matrices, of which one or both are used."""

    def __init__(self, both):
        super().__init__()
        self.first, self.second = GlobalInterp((2, 2), (4, 4)), GlobalInterp((4, 4), (8, 8))
        self.both = both

    def forward(self, x):
        x = self.first(x)
        return self.second(x) if self.both else x


@pytest.mark.parametrize('both', [True, False])
def test_matrices_without_a_gradient_are_named(wrap, both):
    model = wrap(TwoPairs(both))
    watch = GradientWatch(model)
    model(torch.randn(1, 3, 2, 2)).square().sum().backward()
    assert watch.stop() == ([] if both else ['second.kernel_h', 'second.kernel_w'])


def test_nothing_is_watched_afterwards(wrap):
    model = wrap(TwoPairs(both=True))
    watch = GradientWatch(model)
    model(torch.randn(1, 3, 2, 2)).sum().backward()
    watch.stop()
    with whole_model(model) as whole:
        assert not whole._forward_pre_hooks
        assert not any(parameter._backward_hooks for parameter in whole.parameters())
