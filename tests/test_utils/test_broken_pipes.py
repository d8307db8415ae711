"""The end of a tool whose output nobody reads any more."""

import subprocess
import sys

import pytest

TOOL = """
import logging
import sys
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.broken_pipes import raise_broken_pipes

def main():
    {}

run_tool(main)
"""
LOGGED = """handler = logging.StreamHandler(sys.stdout)
    raise_broken_pipes(handler)
    logger = logging.Logger('tool')
    logger.addHandler(handler)
    for number in range(10**5):
        logger.info('line %d', number)"""


@pytest.fixture
def script(tmp_path):
    """Write a tool. By its name it loads no more than it imports."""

    def write(body):
        path = tmp_path / 'mmseg-gdn.py'
        path.write_text(TOOL.format(body))
        return str(path)

    return write


@pytest.fixture
def run_unread(script):
    """Run a tool of which nobody reads more than the first line; gives its status and what it reports."""

    def run(body, reader='head -1'):
        command = ['bash', '-c', f'"$0" "$1" | {reader}; exit ${{PIPESTATUS[0]}}', sys.executable, script(body)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return result.returncode, result.stderr

    return run


@pytest.mark.parametrize(
    'body',
    [
        "[print('line', number) for number in range(10**5)]",
        "[print('line', number) for number in range(10**5)]; raise InputError('The file is empty.')",
        LOGGED,
    ],
    ids=['print', 'error', 'log'],
)
def test_it_ends_in_silence(run_unread, body):
    assert run_unread(body) == (141, '')


def test_what_is_printed_at_the_very_end(run_unread):
    status, report = run_unread("import time; print('line'); time.sleep(0.5)", 'true')
    assert (status, report) == (141, '')


def test_the_end_of_help(run_unread):
    body = "import argparse; argparse.ArgumentParser(epilog='x ' * 10**5).parse_args(['--help'])"
    assert run_unread(body, 'true') in ((141, ''), (0, ''))


def test_other_pipes_are_errors_as_any_other(script):
    tool = script("raise BrokenPipeError('of a worker')")
    result = subprocess.run([sys.executable, tool], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert 'BrokenPipeError: of a worker' in result.stderr
