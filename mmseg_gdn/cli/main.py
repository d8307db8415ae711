"""What ``mmseg-gdn`` and ``python -m mmseg_gdn`` do with their command line."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from ..shipped import PREFIX, shipped_config, shipped_folder
from ..utils import InputError, run_tool
from ..utils.broken_pipes import quiet_if_unread
from ..utils.commands import COMMANDS, as_here

_OTHERS = {
    'doctor': 'What is installed, whether it works, and what to do if it does not',
    'run': 'Run any Python script after loading this package, as stock scripts need with mmcv-lite',
    'where': 'Print the folder that holds the configs, tools and checkpoints',
}


def main() -> None:
    """Do what the command line says, and end the process."""
    with quiet_if_unread():
        _do_what_is_said()


def _do_what_is_said() -> None:
    name, *args = sys.argv[1:] or ['doctor']
    if name in COMMANDS:
        _run_command(name, args)
    elif name == 'run':
        _run_script(args)
    elif name == 'where':
        print(shipped_folder())
    else:
        _run_doctor([name, *args])


def _run_command(name: str, args: Sequence[str]) -> None:
    script = shipped_folder() / 'tools' / COMMANDS[name]
    sys.argv = [f'mmseg-gdn {name}', *map(_path_of_config, args)]
    sys.path.insert(0, str(script.parent))  # as for `python SCRIPT`: tools have helpers beside them
    tool = import_module(script.stem)
    with _as_here() if {'-h', '--help'}.intersection(args) else contextlib.nullcontext():
        run_tool(tool.main)


def _path_of_config(word: str) -> str:
    return str(shipped_config(word)) if word.startswith(PREFIX) else word


@contextlib.contextmanager
def _as_here() -> Iterator[None]:
    """Let a text on standard output name the commands of this installation."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        print(as_here(printed.getvalue()), end='')


def _run_script(args: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(f'{_program()} run', description=_OTHERS['run'])
    parser.add_argument('script', metavar='SCRIPT.py', help="such as a clone of mmseg's tools/train.py")
    parser.add_argument('args', nargs=argparse.REMAINDER, metavar='...', help='the command line of the script')
    options = parser.parse_args(args)
    script = Path(options.script)
    if not script.is_file():
        run_tool(lambda: _refuse(script))
    from .scripts import run_script

    run_script(script, options.args)


def _refuse(script: Path) -> None:
    raise InputError(
        f"There is no script {script}; give the path of a Python file. mmseg's own tools are run by their "
        'names: python tools/stock.py NAME'
    )


def _run_doctor(args: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        _program(),
        usage='%(prog)s [COMMAND ... | CONFIG]',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_OTHERS['doctor'],
        epilog=_list_of_commands(),
    )
    parser.add_argument('config', nargs='?', help='a config: can its training start? The exit status is 1 if not')
    words = args[1:] if args[:1] == ['doctor'] else args
    config = parser.parse_args(words).config
    if config and words is args and not Path(config).suffix and not Path(config).exists():
        similar = get_close_matches(config, [*COMMANDS, *_OTHERS], n=1)
        hint = f'; did you mean {similar[0]}?' if similar else '; --help lists the commands'
        parser.error(f'there is no command {config}{hint}')
    from ..doctor import report

    sys.exit(report(config and _path_of_config(config)))


def _list_of_commands() -> str:
    about = {name: _purpose(script) for name, script in COMMANDS.items()} | _OTHERS
    width = max(map(len, about)) + 2
    lines = [f'  {name:{width}}{text}' for name, text in about.items()]
    return '\n'.join(['commands, each with its own --help:', *lines])


def _purpose(script: str) -> str:
    tree = ast.parse((shipped_folder() / 'tools' / script).read_text(encoding='utf-8'))
    return re.split('[:,.]', ast.get_docstring(tree) or '')[0]


def _program() -> str:
    return 'python -m mmseg_gdn' if Path(sys.argv[0]).stem == '__main__' else 'mmseg-gdn'
