"""From where tools/train.py starts, and what it refuses before it does."""

import multiprocessing
import sys

import pytest
import torch
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.lock import only_user
from train import parse_args
from training.start import AUTO, LATEST, training_in


@pytest.fixture
def cfg(tmp_path):
    """A config with an empty work folder."""
    (tmp_path / 'run').mkdir()
    return Config(dict(work_dir=str(tmp_path / 'run'), launcher='none', load_from='start.pth'))


@pytest.fixture
def save(tmp_path):
    """Write a checkpoint."""

    def write(path, iteration):
        state = dict(state_dict={}, optimizer={}, message_hub={}, meta=dict(iter=iteration))
        (tmp_path / path).parent.mkdir(exist_ok=True)
        torch.save(state, tmp_path / path)
        return str(tmp_path / path)

    return write


def start(cfg, resume):
    with training_in(cfg, resume):
        return cfg.get('resume', False), cfg.load_from


@pytest.mark.parametrize('resume', [None, AUTO])
def test_a_new_training(cfg, resume):
    assert start(cfg, resume) == (False, 'start.pth')


def test_a_mistyped_folder_is_told_and_not_left_behind(cfg, tmp_path):
    with pytest.raises(InputError, match=r'There is no training in .*run to resume; correct --work-dir'):
        start(cfg, LATEST)
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('resume', [LATEST, AUTO])
def test_the_newest_checkpoint_is_taken(cfg, save, resume):
    save('run/iter_8.pth', 8)
    newest = save('run/iter_10.pth', 10)
    assert start(cfg, resume) == (True, newest)


def test_a_training_that_has_no_checkpoint_yet_starts_anew(cfg, monkeypatch):
    told = []
    monkeypatch.setattr('training.start.print_log', lambda message, *args: told.append(message))
    start(cfg, None)
    assert start(cfg, LATEST) == (False, 'start.pth')
    assert any('has no checkpoint yet, so it starts anew' in message for message in told)


@pytest.mark.parametrize('resume', [LATEST, AUTO])
def test_nothing_starts_anew_where_all_checkpoints_are_damaged(cfg, tmp_path, resume):
    (tmp_path / 'run/iter_8.pth').write_bytes(b'')
    with pytest.raises(InputError, match='None of the checkpoints in .* can be resumed from'):
        start(cfg, resume)


def test_a_checkpoint_by_its_path(cfg, save):
    other = save('other/iter_3.pth', 3)
    assert start(cfg, other) == (True, other)


def test_a_path_that_is_missing_or_has_weights_only(cfg, tmp_path):
    with pytest.raises(InputError, match='There is no checkpoint nothing.pth'):
        start(cfg, 'nothing.pth')
    torch.save(dict(state_dict={}), tmp_path / 'weights.pth')
    with pytest.raises(InputError, match='weights without a training state'):
        start(cfg, str(tmp_path / 'weights.pth'))


def test_a_new_training_does_not_mix_with_an_old_one(cfg, save):
    save('run/iter_10.pth', 10)
    with pytest.raises(InputError, match=r'checkpoints of an earlier training \(iter_10\.pth and others\).*--resume'):
        start(cfg, None)


def test_checkpoints_in_a_folder_of_their_own(cfg, save, tmp_path):
    cfg.default_hooks = dict(checkpoint=dict(out_dir=str(tmp_path / 'disk')))
    (tmp_path / 'disk').mkdir()
    newest = save('disk/run/iter_4.pth', 4)
    assert start(cfg, LATEST) == (True, newest)


def hold(folder, ready, done):
    with only_user(folder, 'training.lock'):
        ready.set()
        done.wait()


def test_two_trainings_in_one_folder(cfg, tmp_path):
    context = multiprocessing.get_context('fork')
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / 'run', ready, done))
    other.start()
    ready.wait()
    with pytest.raises(InputError, match='Another run uses .*run; wait for it, or name another folder'):
        start(cfg, AUTO)
    done.set()
    other.join()


@pytest.mark.parametrize(
    ('arguments', 'config', 'resume'),
    [
        (['a.py'], 'a.py', None),
        (['a.py', '--resume'], 'a.py', LATEST),
        (['--resume', 'a.py'], 'a.py', LATEST),
        (['a.py', '--resume', 'auto'], 'a.py', AUTO),
        (['a.py', '--resume', 'x/iter_3.pth', '--amp'], 'a.py', 'x/iter_3.pth'),
        (['--resume', 'x/iter_3.pth', 'a.py'], 'a.py', 'x/iter_3.pth'),
    ],
)
def test_what_follows_resume(monkeypatch, arguments, config, resume):
    monkeypatch.setattr(sys, 'argv', ['train.py', *arguments])
    args = parse_args()
    assert (args.config, args.resume) == (config, resume)


@pytest.mark.parametrize('arguments', [['a.py', 'b.py'], ['a.py', '--resume', 'nonsense'], ['a.py', '--no-such']])
def test_arguments_that_mean_nothing(monkeypatch, arguments):
    monkeypatch.setattr(sys, 'argv', ['train.py', *arguments])
    with pytest.raises(SystemExit):
        parse_args()
