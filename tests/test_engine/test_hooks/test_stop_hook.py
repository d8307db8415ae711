"""Signals end a training with a checkpoint from which it goes on as if it had not been stopped."""

import os
import signal

import pytest
import torch
from mmengine.hooks import EMAHook, Hook

from mmseg_gdn.engine.hooks import ExactResumeHook, StopHook
from mmseg_gdn.utils.stopping import Stopped

METHODS = ['before_train_iter', 'before_val_iter']


class Send(Hook):
    """Sends a signal to this process at some point."""

    def __init__(self, method, iteration, *signals):
        self.iteration, self.signals = iteration, signals
        setattr(self, method, self.send)

    def send(self, runner, *args, **kwargs):
        if runner.iter == self.iteration:
            for signum in self.signals:
                os.kill(os.getpid(), signum)


def hooks(*more):
    return [EMAHook(), ExactResumeHook(), StopHook(), *more]


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(
    ('signum', 'name', 'status'),
    [(signal.SIGINT, 'Ctrl-C', 130), (signal.SIGTERM, 'SIGTERM', 143), (signal.SIGUSR1, 'SIGUSR1', 143)],
)
def test_a_stopped_training_goes_on(training, load, method, signum, name, status):
    saving = dict(interval=100)
    done = 5 if method == 'before_train_iter' else 4
    with pytest.raises(
        Stopped, match=f'Stopped by {name} after iteration {done}. To go on from .*iter_{done}.pth, add --resume.'
    ) as stopped:
        training('parts', hooks(Send(method, 4, signum)), saving=saving)
    assert stopped.value.status == status
    training('parts', hooks(), saving=saving, resume=True)
    training('whole', hooks(), saving=saving)
    parts, whole = load('parts'), load('whole')
    for key in ('state_dict', 'ema_state_dict'):
        assert all(torch.equal(parts[key][name], value) for name, value in whole[key].items())
    assert (
        parts['message_hub']['log_scalars']['val/acc'].data[0].tolist()
        == whole['message_hub']['log_scalars']['val/acc'].data[0].tolist()
    )


def test_the_signals_that_torchrun_repeats_change_nothing(training):
    with pytest.raises(Stopped, match='SIGTERM'):
        training(hooks=hooks(Send('before_train_iter', 2, signal.SIGTERM, signal.SIGTERM)))


def test_a_second_ctrl_c_does_not_wait(training, names):
    with pytest.raises(KeyboardInterrupt):
        training(hooks=hooks(Send('before_train_iter', 2, signal.SIGINT, signal.SIGINT)), saving=dict(interval=100))
    assert not names()


def test_accumulated_gradients_are_used_first(training, names):
    accumulating = dict(optimizer=dict(type='SGD', lr=0.01), accumulative_counts=4)
    with pytest.raises(Stopped, match='after iteration 4'):
        training(
            hooks=hooks(Send('before_train_iter', 1, signal.SIGTERM)),
            saving=dict(interval=100),
            optim_wrapper=accumulating,
        )
    assert names() == ['iter_4.pth']


def test_signals_are_left_alone_after_training(training):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    training(hooks=hooks())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
