"""The site builds without a warning, leads nowhere wrong, and asks nothing of other servers."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ('ops', 'models', 'datasets', 'engine', 'evaluation', 'structures', 'caffe', 'visualization', 'utils')
LOADING = {
    ('script', 'src'),
    ('img', 'src'),
    ('link', 'href'),
    ('iframe', 'src'),
    ('source', 'src'),
    ('object', 'data'),
}

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page loads, where it leads, and the places that can be led to."""

    def __init__(self, path):
        super().__init__()
        self.loaded, self.links, self.places, self.tags = [], [], set(), set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in ('id', 'name'):
                self.places.add(value)
            if (tag, name) in LOADING:
                self.loaded.append(value)
            if (tag, name) == ('a', 'href'):
                self.links.append(value)


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    command = [
        sys.executable,
        '-m',
        'sphinx',
        '-W',
        '--keep-going',
        '-n',
        '-q',
        '-d',
        folder / 'read',
        '-c',
        'docs',
        '.',
        folder / 'html',
    ]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert built.returncode == 0, built.stderr
    return folder / 'html'


@pytest.fixture(scope='module')
def pages(site):
    return {path: Page(path) for path in site.rglob('*.html') if '_modules' not in path.parts}


def test_every_page_is_there(site, pages):
    written = {path.relative_to(site).with_suffix('').as_posix() for path in pages}
    wanted = {f'docs/{path.stem}' for kind in ('md', 'ipynb') for path in (ROOT / 'docs').glob(f'*.{kind}')}
    assert wanted | {'index', 'CONTRIBUTING', 'CHANGELOG', 'configs/gdn/README'} <= written


def test_nothing_comes_from_elsewhere(site, pages):
    assert not {source for page in pages.values() for source in page.loaded if urlsplit(source).netloc}
    for sheet in site.rglob('*.css'):
        text = sheet.read_text(encoding='utf-8')
        assert not re.search(r'url\(\s*["\']?(?:https?:)?//|@import\s+["\']?(?:https?:)?//', text)


def test_links_within_the_site(pages):
    assert not [
        (path.name, link)
        for path, page in pages.items()
        for link in [*page.links, *page.loaded]
        if not leads_somewhere(path, link, pages)
    ]


def leads_somewhere(path, link, pages):
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not parts.fragment or target not in pages:
        return target.exists()
    return unquote(parts.fragment) in pages[target].places


def test_formulas_are_mathml(site, pages):
    assert 'math' in pages[site / 'docs/method.html'].tags
    assert r'\frac' not in (site / 'docs/method.html').read_text(encoding='utf-8')


@pytest.mark.parametrize('part', PARTS)
def test_public_names(part, pages, site):
    places = pages[site / 'docs/api.html'].places
    module = import_module(f'mmseg_gdn.{part}')
    assert {f'{module.__name__}.{name}' for name in module.__all__} <= places


def test_all_parts_are_looked_at():
    public = {
        path.parent.name
        for path in (ROOT / 'mmseg_gdn').glob('*/__init__.py')
        if '__all__' in path.read_text(encoding='utf-8')
    }
    assert public == set(PARTS)
