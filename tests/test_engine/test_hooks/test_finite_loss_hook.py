"""A training whose loss is NaN or infinite ends."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.structures import BaseDataElement

from mmseg_gdn.engine.hooks import FiniteLossHook
from mmseg_gdn.utils import InputError


class Spoil(Hook):
    """Puts another value in the place of a loss."""

    priority = 'VERY_HIGH'

    def __init__(self, iteration, value):
        self.iteration, self.value = iteration, value

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            outputs['decode.loss_ce'] = torch.tensor(self.value)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_training_ends_before_a_checkpoint_is_saved(training, names, value):
    with pytest.raises(
        InputError,
        match=rf'at iteration 3: decode\.loss_ce is {value}\. Usually the learning rate '
        r'.* To go on from .*run/iter_2\.pth, add --resume\.',
    ):
        training(hooks=[Spoil(3, value), FiniteLossHook()])
    assert names() == ['iter_1.pth', 'iter_2.pth']


def test_the_first_iteration_leaves_nothing_to_go_on_from(training):
    with pytest.raises(InputError, match='at iteration 1: .* It has no checkpoint to go on from.'):
        training(hooks=[Spoil(1, float('nan')), FiniteLossHook()])


def test_the_images_are_named():
    samples = [BaseDataElement(metainfo=dict(img_path=f'{name}.jpg')) for name in 'ab']
    runner = type('Training', (), dict(iter=0, work_dir='nowhere'))
    with pytest.raises(InputError, match=r'loss is nan, on a\.jpg, b\.jpg\.'):
        FiniteLossHook().after_train_iter(runner, 0, dict(data_samples=samples), dict(loss=float('nan'), acc=1.0))


def test_other_outputs_may_be_infinite(training, names):
    class Norm(Spoil):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            outputs['grad_norm'] = float('inf')

    training(hooks=[Norm(0, 0), FiniteLossHook()])
    assert 'iter_6.pth' in names()
