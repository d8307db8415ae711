"""A training that was interrupted ends as one that was not, bit for bit."""

import os
import subprocess
import sys

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.hooks import EMAHook
from torch.utils.data import DataLoader, RandomSampler

from mmseg_gdn.engine.hooks import ExactResumeHook


def hooks():
    return [EMAHook(), ExactResumeHook()]


def all_that_goes_on(checkpoint):
    """What of a checkpoint influences the rest of a training, or was logged, in a form that can be compared."""
    hub = checkpoint['message_hub']
    logged = {key: buffer.data[0].tolist() for key, buffer in hub['log_scalars'].items() if 'time' not in key}
    record = {key: hub['runtime_info'][key] for key in ('best_score', 'max_iters')}
    weights = [checkpoint[key] for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers')]
    return plain([weights, logged, record])


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.fixture
def compare(training, load):
    """Train to the end, once without interruption and once killed and resumed, and compare the last checkpoints."""

    def run(kill, name='iter_6.pth', resumed=None, saving=None, **settings):
        saving = dict(dict(save_best='acc'), **saving or {})
        training('whole', hooks(), saving=saving, **settings)
        training('parts', hooks(), kill, saving=saving, **settings)
        settings.update(resumed or {})
        runner = training('parts', hooks(), saving=saving, resume=True, **settings)
        whole = all_that_goes_on(load('whole', name))
        assert len(whole[1]['train/loss']) == 6
        assert all_that_goes_on(load('parts', name)) == whole
        return runner

    return run


@pytest.mark.parametrize(
    ('method', 'iteration'),
    [('after_train_iter', 1), ('after_train_iter', 4), ('before_val_iter', 4), ('before_val_iter', 6)],
)
def test_killed_after_an_iteration_or_in_validation(compare, kill_at, method, iteration):
    compare(kill_at(method, iteration))


def test_batches_that_were_trained_on_are_not_loaded_again(compare, kill_at):
    runner = compare(kill_at('after_train_iter', 5))
    assert len(runner.train_dataloader.dataset.read) == 2


def test_a_validation_that_was_done_is_not_repeated(training, kill_at, tmp_path):
    training('run', hooks(), kill_at('before_train_iter', 5), saving=dict(save_best='acc'))
    runner = training('run', hooks(), kill_at('before_train_iter', 5), saving=dict(save_best='acc'), resume=True)
    assert not runner.val_dataloader.dataset.read


@pytest.mark.slow
def test_the_number_of_workers_does_not_matter(compare, kill_at, images, dataset):
    compare(
        kill_at('after_train_iter', 3),
        train_dataloader=images(dataset, workers=2),
        resumed=dict(train_dataloader=images(dataset, workers=1)),
    )


def test_the_order_of_the_data_is_kept_without_a_seed(training, load, kill_at):
    training('parts', hooks(), kill_at('after_train_iter', 3), randomness=dict(seed=None))
    seed = load('parts', 'iter_3.pth')['meta']['seed']
    training('parts', hooks(), randomness=dict(seed=None), resume=True)
    training('whole', hooks(), randomness=dict(seed=seed))
    assert plain(load('parts')['optimizer']) == plain(load('whole')['optimizer'])


@pytest.mark.parametrize('iteration', [2, 5])
def test_samplers_of_one_pass(compare, kill_at, images, dataset, iteration):
    compare(kill_at('after_train_iter', iteration), train_dataloader=images(dataset, sampler=DefaultSampler))


def test_samplers_of_pytorch(compare, kill_at, dataset):
    loader = DataLoader(dataset, batch_size=2, sampler=RandomSampler(dataset), collate_fn=list)
    compare(kill_at('after_train_iter', 3), train_dataloader=loader)


def test_gradients_that_are_being_accumulated(compare, kill_at):
    accumulating = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9), accumulative_counts=4)
    compare(kill_at('before_train_iter', 6), optim_wrapper=accumulating, saving=dict(interval=3))


@pytest.mark.parametrize('moment', [('after_train_iter', 5), ('before_val_iter', 3), ('before_val_iter', 6)])
def test_loops_that_count_epochs(compare, kill_at, images, dataset, moment):
    compare(
        kill_at(*moment),
        'epoch_2.pth',
        saving=dict(by_epoch=True),
        train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
        log_processor=dict(by_epoch=True),
        train_dataloader=dict(images(dataset, sampler=DefaultSampler), drop_last=True),
    )


def test_without_the_hook_dropout_differs_after_resuming(training, load, kill_at):
    training('whole')
    training('parts', kill=kill_at('after_train_iter', 4))
    training('parts', resume=True)
    assert plain(load('parts')['state_dict']) != plain(load('whole')['state_dict'])


def test_iterations_draw_different_numbers(training):
    drawn = []

    class Watch(ExactResumeHook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            drawn.append(torch.rand(1).item())

    training(hooks=[Watch()])
    assert len(set(drawn)) == 6


@pytest.mark.slow
@pytest.mark.parametrize(('hook', 'second'), [('ExactResumeHook', 1.0), ('IterTimerHook', 2.0)])
def test_several_processes_validate_with_the_means_of_the_first(root_dir, tmp_path, hook, second):
    command = [
        sys.executable,
        '-m',
        'torch.distributed.run',
        '--standalone',
        '--nproc_per_node=2',
        root_dir / 'tests/test_engine/running_means.py',
        hook,
        tmp_path / 'means',
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
    assert [(tmp_path / f'means{rank}').read_text() for rank in range(2)] == [str([1.0] * 3), str([second] * 3)]
