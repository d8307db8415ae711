"""Files that the documents name or link to exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for folder in ('.', 'docs', 'benchmarks', 'checkpoints') for path in (ROOT / folder).rglob('*.md')
               if path.parent == ROOT or folder != '.')
# Files of the repository are named from its root, or, in a list that says where they are, by their names.
NAMED = re.compile(r'(?<![\w/.-])((?:tests|tools|configs|benchmarks|mmseg_gdn|docs|checkpoints|requirements)/[\w./-]+'
                   r'\.(?:py|md|sh|png|json|txt|pth|c|h|ipynb))(?![\w/])')
LINK = re.compile(r'\]\((?!https?:|#|mailto:)([^)#\s]+)')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_exist(page):
    text = page.read_text(encoding='utf-8')
    missing = [name for name in NAMED.findall(text) if 'NAME' not in name and not (ROOT / name).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing


def test_pages_name_files():
    assert sum(len(NAMED.findall(page.read_text(encoding='utf-8'))) for page in PAGES) > 100
