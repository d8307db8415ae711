"""What a runner prints, and what only its log file has."""

import logging
import warnings
from pathlib import Path

import pytest
import torch

from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.engine.quiet_runner import QuietRunner, is_for_people, warnings_in_log
from mmseg_gdn.utils import InputError


@pytest.fixture
def run(tmp_path, model, capsys):
    """Build a runner; gives what it prints, and what its log file has."""

    def build(log_level='INFO'):
        runner = QuietRunner(
            model,
            str(tmp_path),
            experiment_name=f'{tmp_path.name}_{log_level}',
            log_level=log_level,
            cfg=dict(answer=42),
        )
        return capsys.readouterr().out, Path(runner.log_dir, f'{runner.timestamp}.log')

    return build


def test_environment_config_and_hooks_are_in_the_file_only(run):
    printed, path = run()
    for text in ('System environment', 'answer = 42', 'Hooks will be executed'):
        assert text not in printed
        assert text in path.read_text()
    assert printed.count('\n') == 1
    assert printed.endswith(f'Log, with the config and all warnings: {path}\n')


def test_a_debugger_sees_everything(run):
    printed, _ = run('DEBUG')
    assert 'Hooks will be executed' in printed


@pytest.mark.parametrize(
    ('level', 'text', 'is_shown'),
    [
        (logging.INFO, 'Iter(train) [2/4]', True),
        (logging.WARNING, 'The prefix is not set in metric class A.', False),
        (logging.WARNING, 'a.jpg asks viewers to turn it', True),
        (logging.ERROR, 'Config:\n is broken', True),
    ],
)
def test_what_is_shown(level, text, is_shown):
    assert is_for_people(logging.LogRecord('a', level, '', 0, text, (), None)) == is_shown


@pytest.mark.parametrize(
    ('filename', 'is_logged'),
    [('/somewhere/site-packages/mmseg/models/builder.py', True), ('/home/me/mmseg_models/mine.py', False)],
)
def test_warnings_of_others_are_logged_and_those_of_ones_own_code_shown(run, filename, is_logged):
    _, path = run()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter('always')
        with warnings_in_log():
            warnings.warn_explicit('do not do that', UserWarning, filename, 3)
    logged = f'Warning of {filename}:3: do not do that' in path.read_text()
    assert (logged, [str(one.message) for one in shown]) == (is_logged, [] if is_logged else ['do not do that'])


@pytest.mark.parametrize('train', [QuietRunner], indirect=True)
@pytest.mark.parametrize(
    ('part', 'state', 'message'),
    [
        ('meta', dict(iter='x', epoch=0, seed=0), 'Error'),
        ('meta', dict(iter=-3, epoch=0, seed=0), 'done -3 iter'),
        ('meta', dict(iter=10**30, epoch=0, seed=0), 'iterations of 4; set more'),
        ('meta', 5, 'Error'),
        ('optimizer', dict(state={}, param_groups=[]), 'Error'),
        ('optimizer', 3, 'Error'),
        ('message_hub', [], 'Error'),
        ('param_schedulers', 3, 'Error'),
    ],
)
def test_a_training_state_that_does_not_fit(train, model, tmp_path, part, state, message):
    scheduler = dict(type='PolyLR', by_epoch=False, end=4)
    train(model, [], max_iters=2, param_scheduler=scheduler)
    path = tmp_path / 'run/iter_2.pth'
    checkpoint = torch.load(path, weights_only=True)
    torch.save(dict(checkpoint, **{part: state}), path)
    with pytest.raises(InputError, match=rf'^The training cannot go on from .*iter_2\.pth, .*{message}'):
        train(type(model)(), [], max_iters=4, param_scheduler=scheduler, resume=True)


def test_a_checkpoint_that_changes_after_it_was_looked_at(model, tmp_path):
    runner = QuietRunner(model, str(tmp_path), experiment_name=tmp_path.name)
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    require_checkpoint(str(path))
    for spoil, told in (
        (lambda: path.write_bytes(path.read_bytes()[:500]), 'cannot be read as a checkpoint'),
        (lambda: path.write_bytes(b''), 'is empty'),
        (path.unlink, 'There is no checkpoint'),
    ):
        spoil()
        with pytest.raises(InputError, match=rf'model\.pth.* {told}|{told} .*model\.pth'):
            runner.load_checkpoint(str(path))
