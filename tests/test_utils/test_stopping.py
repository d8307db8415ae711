"""Signals end a tool in order."""

import os
import signal

import pytest

from mmseg_gdn.utils import atomic_write, run_tool


def kill_itself(signum):
    os.kill(os.getpid(), signum)
    signal.pause()


@pytest.mark.parametrize(
    ('signum', 'handler', 'name', 'status'),
    [
        (signal.SIGTERM, signal.SIG_DFL, 'SIGTERM', 143),
        (signal.SIGUSR1, signal.SIG_DFL, 'SIGUSR1', 143),
        (signal.SIGINT, signal.default_int_handler, 'Ctrl-C', 130),
    ],
)
def test_a_signal_is_a_sentence_and_a_status(tmp_path, capsys, signum, handler, name, status):
    path = tmp_path / 'result.txt'
    path.write_text('old')

    def main():
        with atomic_write(path) as partial:
            partial.write_text('half')
            kill_itself(signum)

    before = signal.signal(signum, handler)
    try:
        with pytest.raises(SystemExit) as exit_:
            run_tool(main)
        assert signal.getsignal(signum) == handler
    finally:
        signal.signal(signum, before)
    assert exit_.value.code == status
    assert capsys.readouterr().err == f'Stopped by {name}; results that were not finished have not been written.\n'
    assert [file.name for file in tmp_path.iterdir()] == ['result.txt']
    assert path.read_text() == 'old'


def test_a_signal_in_a_destructor_is_not_lost(capsys):
    class Loader:
        def __del__(self):
            kill_itself(signal.SIGTERM)

    def main():
        loader = Loader()
        del loader
        signal.pause()

    with pytest.raises(SystemExit) as exit_:
        run_tool(main)
    assert exit_.value.code == 143
    assert capsys.readouterr().err.startswith('Stopped by SIGTERM;')


def test_processes_of_a_tool_end_as_if_it_had_no_handler():
    def main():
        child = os.fork()
        if not child:
            kill_itself(signal.SIGTERM)
        _, outcome = os.waitpid(child, 0)
        return os.WTERMSIG(outcome)

    with pytest.raises(SystemExit) as exit_:
        run_tool(main)
    assert exit_.value.code == signal.SIGTERM
