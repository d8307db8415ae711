"""Checkpoints, checked when a runner loads them."""

from pathlib import Path

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.runner import Runner
from torch import nn

from mmseg_gdn.engine.hooks import CheckpointCheckHook
from mmseg_gdn.utils import InputError


@pytest.fixture
def check(train):
    """Load a checkpoint into a model and train it for one step that changes nothing."""

    def run(model, checkpoint, *hooks, partial=False, **settings):
        return train(
            model, [CheckpointCheckHook(partial), *hooks], max_iters=1, lr=0, load_from=str(checkpoint), **settings
        )

    return run


def edit(path, change):
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)


@pytest.fixture
def saved(model, train, tmp_path):
    """A checkpoint of two steps."""
    runner = train(model, [])
    return Path(runner.work_dir, 'iter_2.pth')


def test_training_resumes_from_its_own_checkpoint(model, train, saved):
    runner = train(type(model)(), [CheckpointCheckHook()], max_iters=3, resume=True)
    assert runner.iter == 3


def test_training_starts_from_a_checkpoint(model, check, saved):
    other = type(model)()
    check(other, saved)
    assert torch.equal(other.conv.weight, model.conv.weight)


def test_a_checkpoint_of_another_model_is_refused(model, check, saved):
    edit(saved, lambda checkpoint: checkpoint['state_dict'].pop('conv.weight'))
    with pytest.raises(InputError, match=r"iter_2\.pth does not fit this config's model .*it lacks conv\.weight"):
        check(model, saved)


@pytest.mark.parametrize('classes', [('background', 'cat'), ('sky', 'road'), ('cat', 'background', 'dog'), 3, None])
def test_classes_with_other_names_are_left_alone(model, check, saved, classes):
    edit(saved, lambda checkpoint: checkpoint['meta']['dataset_meta'].update(classes=classes))
    check(model, saved)


def test_classes_in_another_order_are_refused(model, check, saved):
    edit(saved, lambda checkpoint: checkpoint['meta']['dataset_meta'].update(classes=('cat', 'background')))
    with pytest.raises(InputError, match=r"iter_2\.pth .* its class 0 is 'cat', that of the data set is 'background'"):
        check(model, saved)


def test_a_resumed_checkpoint_of_another_model_is_refused(model, train, saved):
    edit(saved, lambda checkpoint: checkpoint['state_dict'].update({'interp.kernel_h': torch.zeros(16, 4)}))
    with pytest.raises(InputError, match=r'iter_2\.pth .*kernel_h is \(16, 4\).*cannot resume.*load_from'):
        train(model, [CheckpointCheckHook()], max_iters=3, resume=True)


def test_training_may_start_from_a_checkpoint_that_fits_in_part(model, check, saved, read_log):
    edit(saved, lambda checkpoint: checkpoint['state_dict'].update({'conv.bias': torch.zeros(9)}))
    other = type(model)()
    runner = check(other, saved, partial=True)
    assert torch.equal(other.conv.weight, model.conv.weight)
    assert 'conv.bias is (9,) instead of (2,)' in read_log(runner)


def test_keys_that_are_left_over_are_a_warning(model, train, saved, read_log):
    edit(saved, lambda checkpoint: checkpoint['state_dict'].update(more=torch.zeros(1)))
    runner = train(model, [CheckpointCheckHook()], max_iters=3, resume=True)
    assert 'iter_2.pth has keys that the model does not use (1: more).' in read_log(runner)


def test_weights_alone_are_a_start_but_cannot_be_resumed(model, check, saved):
    torch.save(model.state_dict(), saved)
    other = type(model)()
    check(other, saved)
    assert torch.equal(other.conv.weight, model.conv.weight)
    with pytest.raises(InputError, match='weights without a training state'):
        check(other, saved, resume=True)


def add_prefix(checkpoint):
    checkpoint['state_dict'] = {f'module.{key}': value for key, value in checkpoint['state_dict'].items()}


def test_the_prefix_of_wrapped_models_is_dropped(model, check, saved):
    edit(saved, add_prefix)
    other = type(model)()
    check(other, saved)
    assert torch.equal(other.conv.weight, model.conv.weight)


# mmengine's EMAHook cannot load with FlexibleRunner.
@pytest.mark.parametrize('train', [Runner], indirect=True)
def test_the_prefix_is_dropped_for_the_moving_average_as_well(model, check, saved):
    edit(saved, add_prefix)
    other = type(model)()
    average = EMAHook()
    check(other, saved, average)
    assert torch.equal(average.ema_model.module.conv.weight, model.conv.weight)


def test_files_without_weights_are_refused(model, check, saved):
    torch.save(dict(state_dict={}, meta={}), saved)
    with pytest.raises(InputError, match='has no state dict'):
        check(model, saved)


def test_weights_are_compared_with_the_model_inside_of_wrappers(wrap):
    model = wrap(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    weights = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict()
    runner = type('Loading', (), dict(model=model, _resume=False, _load_from='x.pth', work_dir=''))
    CheckpointCheckHook().after_load_checkpoint(runner, dict(state_dict=weights))
    del weights['0.bias']
    with pytest.raises(InputError, match=r'x\.pth does not fit .*\(1 of 7 keys: it lacks 0\.bias\)'):
        CheckpointCheckHook().after_load_checkpoint(runner, dict(state_dict=weights))
