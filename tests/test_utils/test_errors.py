"""How tools end."""

import errno
import os

import pytest

from mmseg_gdn.utils import InputError, run_tool


def ending(main):
    with pytest.raises(SystemExit) as exit_:
        run_tool(main)
    return exit_.value.code


def raise_(error):
    raise error


def test_status_is_handed_on():
    assert ending(lambda: None) is None
    assert ending(lambda: 1) == 1


def test_bad_input_is_one_sentence():
    assert (
        ending(lambda: raise_(InputError('The mask a.png is empty; delete it.')))
        == 'error: The mask a.png is empty; delete it.'
    )


def test_the_traceback_of_a_worker_is_left_out():
    text = (
        'Caught InputError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n'
        '  File "x.py", line 1\nmmseg_gdn.utils.errors.InputError: The mask a.png is empty; delete it.\n'
    )
    assert ending(lambda: raise_(InputError(text))) == 'error: The mask a.png is empty; delete it.'


def test_defects_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(lambda: 1 // 0)


@pytest.mark.parametrize(
    ('error', 'sentence'),
    [
        (
            OSError(errno.ENOSPC, 'No space left on device', 'log.json'),
            r'error: log\.json cannot be written \(No space left on device\); make room',
        ),
        (OSError(errno.EROFS, 'Read-only file system'), 'error: A file of the results cannot be written .*read-only'),
        (
            PermissionError(errno.EACCES, 'Permission denied', '/folder/a'),
            r'error: /folder/a may not be read or written',
        ),
        (RuntimeError('[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0'), 'make room on the disk'),
    ],
)
def test_files_that_cannot_be_written(error, sentence):
    def main():
        raise error

    with pytest.raises(SystemExit, match=sentence):
        run_tool(main)


def test_torch_is_told_to_load_data_only_while_a_tool_runs(monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    seen = {}

    def main():
        seen.update({name: os.environ.get(f'TORCH_FORCE_{name}ONLY_LOAD') for name in ('WEIGHTS_', 'NO_WEIGHTS_')})

    ending(main)
    assert seen == {'WEIGHTS_': '1', 'NO_WEIGHTS_': None}
    assert os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ
