"""The messages that docs/troubleshooting.md quotes are those of the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/troubleshooting.md').read_text(encoding='utf-8')
OURS = PAGE.split('## Messages of this project')[1]
QUOTED = [line for block in re.findall(r'```text\n(.*?)```', OURS, re.DOTALL) for line in block.splitlines()]
SOURCES = [ROOT / 'setup.py', *sorted((ROOT / 'mmseg_gdn').rglob('*.py')), *sorted((ROOT / 'tools').rglob('*.py'))]


@pytest.fixture(scope='module')
def messages():
    """All texts of the source, with … for what is put into them."""
    trees = [ast.parse(path.read_text(encoding='utf-8')) for path in SOURCES]
    return [text for tree in trees for node in ast.walk(tree) if (text := text_of(node))]


def text_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(part.value if isinstance(part, ast.Constant) else '…' for part in node.values)
    if isinstance(node, ast.BinOp):
        return f'{text_of(node.left) or "…"}{text_of(node.right) or "…"}'
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'print':
        return ' '.join(text_of(argument) or '…' for argument in node.args)
    return ''


def squeezed(text):
    """Neighbouring parts that are put in count as one."""
    return re.sub(r'…(?:\s*…)+', '…', ' '.join(text.split()))


@pytest.mark.parametrize('quoted', QUOTED)
def test_stands_in_the_source(quoted, messages):
    wanted = squeezed(quoted).strip('…').strip()
    assert len(re.sub(r'[\W_]', '', wanted)) >= 15, 'too short to be found again'
    assert any(wanted in squeezed(message) for message in messages)


def test_a_message_that_is_not_there_is_noticed(messages):
    assert not any('There is no cofnig' in message for message in messages)


def test_many_are_quoted():
    assert len(QUOTED) > 50
