"""How tools end."""

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
    assert ending(lambda: raise_(InputError('The mask a.png is empty; delete it.'))) == \
        'error: The mask a.png is empty; delete it.'


def test_the_traceback_of_a_worker_is_left_out():
    text = ('Caught InputError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n'
            '  File "x.py", line 1\nmmseg_gdn.utils.errors.InputError: The mask a.png is empty; delete it.\n')
    assert ending(lambda: raise_(InputError(text))) == 'error: The mask a.png is empty; delete it.'


def test_defects_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(lambda: 1 // 0)
