"""Watching the matrices while they are trained."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmseg_gdn.engine.hooks import GlobalInterpHook
from mmseg_gdn.models.decode_heads import MultiLabelHead
from mmseg_gdn.utils import InputError

MATRICES = ('interp.kernel_h', 'interp.kernel_w')


def logged(runner):
    """Scalars of the training in the JSON log, by step."""
    lines = Path(runner.log_dir, 'vis_data/scalars.json').read_text().splitlines()
    return {line['step']: line for line in map(json.loads, lines)}


def distance(before, after, name):
    start, end = before[name], after[name]
    return float((end - start).norm() / start.norm())


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def copy_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_movement_is_logged_whenever_the_logger_logs(model, train):
    start = copy_of(model)
    runner = train(model, [GlobalInterpHook()], max_iters=3)
    scalars = logged(runner)
    for step in (1, 2, 3):
        now = weights(Path(runner.work_dir, f'iter_{step}.pth'))
        for name in MATRICES:
            assert scalars[step][f'{name}.moved'] == pytest.approx(distance(start, now, name), rel=1e-4)
    assert 0 < scalars[1]['interp.kernel_h.moved'] < scalars[3]['interp.kernel_h.moved']


def test_movement_is_computed_only_for_the_log(model, train):
    runner = train(model, [GlobalInterpHook()], max_iters=5, interval=2)
    history, _ = runner.message_hub.get_scalar('train/interp.kernel_h.moved').data
    assert len(history) == 2


def test_the_end_of_training_tells_the_movement(model, train, read_log):
    start = copy_of(model)
    runner = train(model, [GlobalInterpHook()], lr=5.0)
    told = ', '.join(f'{name} {distance(start, model.state_dict(), name):.1%}' for name in MATRICES)
    assert f'Moved since the start of training, relative to its size: {told}.' in read_log(runner)


@pytest.mark.parametrize(('lr', 'warned'), [(1e-3, True), (5.0, False), (0.0, False)])
def test_a_warning_with_the_remedy_if_the_matrices_hardly_moved(model, train, read_log, lr, warned):
    log = read_log(train(model, [GlobalInterpHook()], lr=lr))
    assert ('moved by less than 5%' in log) == warned
    assert ("custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}" in log) == warned


def test_a_resumed_training_counts_from_its_first_start(model, train):
    start = copy_of(model)
    train(model, [GlobalInterpHook()])
    resumed = type(model)()
    runner = train(resumed, [GlobalInterpHook()], max_iters=4, resume=True)
    for name in MATRICES:
        moved = distance(start, resumed.state_dict(), name)
        assert logged(runner)[4][f'{name}.moved'] == pytest.approx(moved, rel=1e-4)


def test_a_training_resumed_without_the_hook_before_counts_from_there(model, train):
    train(model, [])
    runner = train(type(model)(), [GlobalInterpHook()], max_iters=3, resume=True)
    saved = [weights(Path(runner.work_dir, f'iter_{step}.pth')) for step in (2, 3)]
    assert logged(runner)[3]['interp.kernel_h.moved'] == pytest.approx(distance(*saved, 'interp.kernel_h'), rel=1e-4)


def test_a_training_by_epochs_that_was_finished_without_the_hook_ends_in_peace(model):
    # Then no epoch begins, in which the start would be noted.
    GlobalInterpHook().after_train(SimpleNamespace(model=model, logger=None))


def test_load_from_starts_anew(model, train, tmp_path):
    runner = train(model, [GlobalInterpHook()])
    first = weights(Path(runner.work_dir, 'iter_2.pth'))
    torch.save(torch.load(Path(runner.work_dir, 'iter_2.pth'), weights_only=True), tmp_path / 'first.pth')
    other = type(model)()
    runner = train(other, [GlobalInterpHook()], max_iters=1, load_from=str(tmp_path / 'first.pth'))
    moved = distance(first, other.state_dict(), 'interp.kernel_h')
    assert logged(runner)[1]['interp.kernel_h.moved'] == pytest.approx(moved, rel=1e-4)


class Load(Hook):
    """Sets the matrices before training, as CaffeWeightsHook may."""

    def before_train(self, runner):
        nn.init.constant_(runner.model.interp.kernel_h, 0.5)


def test_the_start_is_what_other_hooks_have_loaded(model, train):
    runner = train(model, [GlobalInterpHook(), Load()], max_iters=1)
    loaded = torch.full((8, 4), 0.5)
    moved = distance({'kernel_h': loaded}, model.interp.state_dict(), 'kernel_h')
    assert logged(runner)[1]['interp.kernel_h.moved'] == pytest.approx(moved, rel=1e-4)


# mmengine's EMAHook cannot resume with FlexibleRunner.
@pytest.mark.parametrize('train', [Runner], indirect=True)
def test_a_moving_average_does_not_disturb_the_movement(model, train):
    start = copy_of(model)
    train(model, [EMAHook(momentum=0.1), GlobalInterpHook()])
    resumed = type(model)()
    runner = train(resumed, [EMAHook(momentum=0.1), GlobalInterpHook()], max_iters=4, resume=True)
    moved = distance(start, resumed.state_dict(), 'interp.kernel_w')
    assert logged(runner)[4]['interp.kernel_w.moved'] == pytest.approx(moved, rel=1e-4)
    average = weights(Path(runner.work_dir, 'iter_4.pth'))
    assert distance(start, average, 'interp.kernel_w') < moved


def test_a_pair_that_no_gradient_reaches_stops_the_first_step(model, train, tmp_path):
    model.unused = type(model)().interp
    with pytest.raises(InputError, match=r'No gradient reaches unused\.kernel_h, unused\.kernel_w'):
        train(model, [GlobalInterpHook()])
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_a_gradient_of_zeros_is_a_gradient(model, train):
    nn.init.zeros_(model.conv.weight)
    nn.init.zeros_(model.conv.bias)
    runner = train(model, [GlobalInterpHook()], max_iters=1)
    assert logged(runner)[1]['interp.kernel_h.moved'] == 0


def test_frozen_matrices_are_left_alone(model, train, read_log):
    model.interp.requires_grad_(False)
    runner = train(model, [GlobalInterpHook()])
    assert not any('moved' in key for key in logged(runner)[2])
    assert 'moved by less' not in read_log(runner)


class Unfreeze(Hook):
    """Trains the matrices from the second step on."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.model.interp.requires_grad_(True)


def test_matrices_may_be_unfrozen_during_the_training(model, train):
    start = copy_of(model)
    model.interp.requires_grad_(False)
    runner = train(model, [GlobalInterpHook(), Unfreeze()], max_iters=3)
    moved = distance(start, model.state_dict(), 'interp.kernel_h')
    assert logged(runner)[3]['interp.kernel_h.moved'] == pytest.approx(moved, rel=1e-4)
    assert moved > 0


class Streets(Dataset):
    """Data without a background class."""

    metainfo = {'classes': ('road', 'sidewalk', 'building')}

    def __len__(self):
        return 4


def test_labels_that_would_lose_a_class_stop_the_training(model, train):
    model.labels = MultiLabelHead(2, num_classes=3)
    with pytest.raises(InputError, match=r"labels leaves out class 0 .* is 'road'; set with_background=True"):
        train(model, [GlobalInterpHook()], train_dataloader=DataLoader(Streets(), batch_size=4))
