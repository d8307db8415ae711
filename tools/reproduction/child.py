"""Running one command, which ends with this process however that ends."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_SECONDS_TO_STOP = 20


def run_child(command: Sequence[str], log: Path, environment: Mapping[str, str], started: Callable[[int], None]) -> int:
    """Run a command and append its output to a log.

    Args:
        command: Program and arguments.
        log: The log.
        environment: Variables to add to the environment.
        started: Called with the process id.

    Returns:
        The exit status; negative if a signal ended it.

    Raises:
        KeyboardInterrupt: On Ctrl-C, after the command has been stopped.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('a', encoding='utf-8') as output:
        print(f'$ {shlex.join(command)}', file=output, flush=True)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            preexec_fn=die_with_parent,
        )
        try:
            started(process.pid)
            return process.wait()
        except BaseException:
            _stop(process)
            raise


def wait_for_end(pid: int, birth: str, seconds: float = _SECONDS_TO_STOP) -> bool:
    """Wait until a process that an earlier run has started is gone.

    Args:
        pid: Its id.
        birth: Its :func:`birth`, because ids are used again.
        seconds: How long to wait.

    Returns:
        Whether it is gone.
    """
    deadline = time.monotonic() + seconds
    while birth and birth_of(pid) == birth:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def birth_of(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty if it has ended, or without Linux's /proc."""
    try:
        # The name of the program, in parentheses, may contain spaces.
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return ''
    state, birth = fields[0], fields[19]
    return '' if state == 'Z' else birth


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no training goes on unseen."""
    if sys.platform.startswith('linux'):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
