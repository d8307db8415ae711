"""Whatever happens while checkpoints are saved, one is left to go on from, and nothing else is touched."""

import resource
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner._flexible_runner import FlexibleRunner

from mmseg_gdn.engine import durable_saving
from mmseg_gdn.engine.hooks import CheckpointCheckHook, DurableCheckpointHook, ExactResumeHook
from mmseg_gdn.engine.newest_checkpoint import newest_checkpoint
from mmseg_gdn.utils import InputError, space


def hooks():
    return [ExactResumeHook(), CheckpointCheckHook()]


@pytest.fixture
def edit(tmp_path):
    """Change what a checkpoint says."""

    def change(runtime_info=(), name='iter_4.pth', **entries):
        path = tmp_path / 'run' / name
        checkpoint = torch.load(path, weights_only=True)
        checkpoint['message_hub']['runtime_info'].update(runtime_info)
        checkpoint['message_hub']['resumed_keys'].update(dict.fromkeys(dict(runtime_info), True))
        checkpoint['meta'].update(entries)
        torch.save(checkpoint, path)

    return change


@pytest.mark.parametrize('max_keep_ckpts', [1, 2])
def test_older_checkpoints_go_when_the_newer_one_stands(training, names, monkeypatch, max_keep_ckpts):
    seen = []
    rename = durable_saving._replace

    def watch(partial, target):
        seen.append(len(names()))
        rename(partial, target)

    monkeypatch.setattr(durable_saving, '_replace', watch)
    training(saving=dict(max_keep_ckpts=max_keep_ckpts))
    assert seen[1:] == [1, 2, 2, 2, 2][-5:] if max_keep_ckpts == 2 else [1] * 5
    assert names() == ['iter_5.pth', 'iter_6.pth'][-max_keep_ckpts:]


@pytest.mark.parametrize('max_keep_ckpts', [1, 2])
def test_a_kill_before_the_older_one_is_removed(training, names, monkeypatch, max_keep_ckpts):
    remove = DurableCheckpointHook._remove

    def die(self, name):
        if name == f'iter_{4 - max_keep_ckpts}.pth':
            raise Crash
        remove(self, name)

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(DurableCheckpointHook, '_remove', die)
        training(hooks=hooks(), saving=dict(max_keep_ckpts=max_keep_ckpts))
    assert 'iter_4.pth' in names()
    assert f'iter_{4 - max_keep_ckpts}.pth' in names()
    training(hooks=hooks(), saving=dict(max_keep_ckpts=max_keep_ckpts), resume=True)
    assert names() == ['iter_5.pth', 'iter_6.pth'][-max_keep_ckpts:]


@pytest.mark.parametrize('outdated', [7, [4, 'x', 2.5, None, [1], True], ['../../outside']])
def test_what_a_checkpoint_says_is_outdated_may_be_anything(training, names, edit, tmp_path, kill_at, outdated):
    (tmp_path / 'outside.pth').touch()
    training(hooks=hooks(), kill=kill_at('before_train_iter', 5))
    edit(dict(outdated_ckpt_ids=outdated))
    training(hooks=hooks(), resume=True)
    assert 'iter_4.pth' in names()
    assert (tmp_path / 'outside.pth').exists()


def test_the_best_checkpoint_goes_when_the_better_one_stands(training, names, monkeypatch):
    seen = []
    rename = durable_saving._replace

    def watch(partial, target):
        seen.append(sum(name.startswith('best') for name in names()))
        rename(partial, target)

    monkeypatch.setattr(durable_saving, '_replace', watch)
    training(saving=dict(save_best='acc', rule='less', max_keep_ckpts=1))
    best = [name for name in names() if name.startswith('best')]
    assert len(best) == 1
    assert seen[0] == 0
    assert 0 not in seen[seen.index(1) :]


class Crash(BaseException):
    """The process ends while it writes."""


@pytest.mark.parametrize('stock', [False, True])
def test_a_crash_while_writing_leaves_the_checkpoint_before(training, names, tmp_path, monkeypatch, stock):
    def put(self, content, path):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_bytes(content[:100] if 'iter_4' in str(path) else content)
        if 'iter_4' in str(path):
            raise Crash

    monkeypatch.setattr(LocalBackend, 'put', put)
    with pytest.raises(Crash):
        training(saving=dict(max_keep_ckpts=1, type='CheckpointHook' if stock else 'DurableCheckpointHook'))
    monkeypatch.undo()
    newest = newest_checkpoint(tmp_path / 'run')
    if stock:
        assert newest is None
    else:
        assert newest == tmp_path / 'run/iter_3.pth'
        training(hooks=hooks(), resume=True, load_from=str(newest), saving=dict(max_keep_ckpts=1))
        assert names() == ['iter_6.pth']
        assert not (tmp_path / 'run' / durable_saving.PARTIAL).exists()


@pytest.fixture
def full_disk():
    """Let no file become larger than some bytes, as if the disk was full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_one_sentence_and_older_checkpoints_are_untouched(training, names, kill_at, tmp_path, full_disk):
    training(kill=kill_at('after_train_iter', 2))
    before = (tmp_path / 'run/iter_2.pth').read_bytes()
    full_disk(4000)
    with pytest.raises(InputError, match=r'iter_3\.pth cannot be written \(File too large\).*iter_2\.pth, add'):
        training(resume=True)
    assert (tmp_path / 'run/iter_2.pth').read_bytes() == before
    assert names() == ['iter_1.pth', 'iter_2.pth']
    assert not (tmp_path / 'run' / durable_saving.PARTIAL).exists()


def test_a_disk_without_room_for_a_checkpoint_is_told_before_training(training, names, monkeypatch):
    usage = space.shutil.disk_usage('/')
    monkeypatch.setattr(space.shutil, 'disk_usage', lambda path: usage._replace(free=300))
    with pytest.raises(InputError, match='are needed, but .* are free'):
        training()
    assert not names()


def test_paths_in_a_checkpoint_remove_nothing_outside_of_the_folder(training, kill_at, edit, names, tmp_path):
    (tmp_path / 'precious').mkdir()
    planted = tmp_path / 'precious/best_of_all.pth'
    planted.write_text('kept')
    saving = dict(save_best='acc', rule='less', max_keep_ckpts=2)
    training(hooks=hooks(), kill=kill_at('after_train_iter', 4), saving=saving)
    info = dict(best_ckpt=str(planted), best_score=1e9, keep_ckpt_ids=['../../precious/best_of_all', 3, 4, 'x', 4])
    edit(info)
    training(hooks=hooks(), resume=True, saving=saving)
    assert planted.read_text() == 'kept'
    assert 'iter_6.pth' in names()
    edit(dict(best_ckpt=str(planted.parent), best_score=1e9), 'iter_6.pth')
    training(hooks=hooks(), resume=True, saving=saving, train_cfg=dict(by_epoch=False, max_iters=8, val_interval=2))
    assert planted.read_text() == 'kept'


def test_stock_hook_would_have_removed_the_planted_path(training, kill_at, edit, tmp_path):
    planted = tmp_path / 'precious.pth'
    planted.write_text('gone')
    saving = dict(type=CheckpointHook, save_best='acc', rule='less')
    training(kill=kill_at('after_train_iter', 4), saving=saving)
    edit(dict(best_ckpt=str(planted), best_score=1e9))
    training(resume=True, saving=saving)
    assert not planted.exists()


def test_a_resumed_copy_leaves_the_best_checkpoint_of_the_original(training, kill_at, names, tmp_path):
    saving = dict(save_best='acc', rule='less')
    training(hooks=hooks(), kill=kill_at('after_train_iter', 5), saving=saving)
    before = names()
    (tmp_path / 'run').rename(tmp_path / 'copy')
    shutil.copytree(tmp_path / 'copy', tmp_path / 'run')
    training('copy', hooks(), resume=True, load_from=str(newest_checkpoint(tmp_path / 'copy')), saving=saving)
    assert names() == before


def test_text_in_a_checkpoint_is_not_run(training, kill_at, edit, tmp_path):
    training(hooks=hooks(), kill=kill_at('after_train_iter', 4))
    trace = tmp_path / 'ran'
    edit(config=f'open({str(trace)!r}, "w")')
    training(hooks=hooks(), resume=True)
    assert not trace.exists()


class Diverge(Hook):
    """Spoils a weight after some iterations."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 3:
            runner.model.layers[3].bias.data.fill_(float('inf'))


def test_weights_that_are_infinite_are_not_saved(training, names):
    with pytest.raises(InputError, match=r'at iteration 4, because its weights are NaN or infinite \(layers.*iter_3'):
        training(hooks=[Diverge()])
    assert names() == ['iter_1.pth', 'iter_2.pth', 'iter_3.pth']


@pytest.mark.parametrize('train', [FlexibleRunner], indirect=True)
def test_the_other_runner_saves_the_same_way_and_goes_on(train, model, tmp_path):
    def resumable():
        return [ExactResumeHook(), DurableCheckpointHook(interval=1, by_epoch=False, max_keep_ckpts=1)]

    runner = train(model, resumable())
    assert isinstance(runner.save_checkpoint, durable_saving.DurableSaving)
    assert newest_checkpoint(tmp_path / 'run').name == 'iter_2.pth'
    train(type(model)(), resumable(), max_iters=3, resume=True)
    assert newest_checkpoint(tmp_path / 'run').name == 'iter_3.pth'
