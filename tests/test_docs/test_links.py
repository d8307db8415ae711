"""Files and headings that the documents name or link to exist; addresses are well-formed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for folder in ('.', 'docs', 'benchmarks', 'checkpoints')
    for path in (ROOT / folder).rglob('*.md')
    if path.parent == ROOT or folder != '.'
)
# Files of the repository are named from its root, or, in a list that says where they are, by their names.
NAMED = re.compile(
    r'(?<![\w/.-])((?:tests|tools|configs|benchmarks|mmseg_gdn|docs|checkpoints|requirements)/[\w./-]+'
    r'\.(?:py|md|sh|png|json|txt|pth|c|h|ipynb))(?![\w/])'
)
LINK = re.compile(r'\]\((?!https?:|#|mailto:)([^)#\s]+)')
ANCHOR = re.compile(r'\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)')
ADDRESS = re.compile(r'(?:https?|ftp)://[^\s<>"`|]+')
FENCED = re.compile(r'^( *)```.*?^\1```', re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_exist(page):
    text = page.read_text(encoding='utf-8')
    missing = [name for name in NAMED.findall(text) if 'NAME' not in name and not (ROOT / name).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing


def test_pages_name_files():
    assert sum(len(NAMED.findall(page.read_text(encoding='utf-8'))) for page in PAGES) > 100


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_headings_exist(page):
    links = ANCHOR.findall(FENCED.sub('', page.read_text(encoding='utf-8')))
    assert not [link for link in links if link[1] not in anchors((page.parent / link[0]) if link[0] else page)]


@cache
def anchors(page):
    """Anchors of the headings, as GitHub and the site make them."""
    found = set()
    for heading in re.findall(r'^#+ +(.+?) *$', FENCED.sub('', page.read_text(encoding='utf-8')), re.MULTILINE):
        text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).lower()
        slug = re.sub(r'[^\w\- ]', '', text).replace(' ', '-')
        found.add(slug if slug not in found else f'{slug}-1')
    return found


def test_anchors():
    assert 'three-times-as-many-iterations' in anchors(ROOT / 'docs/results.md')
    assert 'layout-of-mmseg_gdnops' in anchors(ROOT / 'docs/internals.md')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_addresses_are_well_formed(page):
    for address in ADDRESS.findall(page.read_text(encoding='utf-8')):
        address = address if address.count('(') == address.count(')') else address.split(')')[0]
        parts = urlsplit(address.rstrip('.,;:'))
        assert parts.scheme in ('http', 'https')
        assert re.fullmatch(r'[\w-]+(?:\.[\w-]+)+', parts.hostname), address
        assert parts.port is None or parts.port < 65536, address
        assert not re.search(r'[{}\\^]', parts.path), address


@pytest.mark.parametrize(
    'page', [*sorted((ROOT / 'docs').glob('[!.]*.md')), ROOT / 'CONTRIBUTING.md'], ids=lambda page: page.stem
)
def test_pages_begin_with_what_one_can_do_after_reading_them(page):
    assert re.match(r'# .+\n\nAfter reading this you (?:can|know) ', page.read_text(encoding='utf-8'))
