"""The page as a visitor uses it, in a real browser without a window."""

from __future__ import annotations

import base64
import io
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
MESSAGE = '#message [role=status]'  # not all of the field: Gradio counts seconds in it while it waits for an answer
LOADED = """() => {
    const images = [...document.querySelectorAll('#masks img')];
    return images.length == 2 && images.every(image => image.complete && image.naturalWidth);
}"""
SOURCES = 'images => images.map(image => image.src)'
CHANGED = "before => [...document.querySelectorAll('#masks img')].every((image, index) => image.src != before[index])"
SAYS = f"text => document.querySelector('{MESSAGE}').innerText.includes(text)"
CONTENT = """image => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/png').split(',')[1];
}"""
LOCAL = ('data', 'blob')  # schemes of what the page itself holds
# Runs the tool, and notes on standard error what the process connects to or looks up.
WATCHED = """
import runpy, sys
def note(event, args):
    if event in ('socket.connect', 'socket.getaddrinfo'):
        address = args[1] if event == 'socket.connect' else args
        print('ASKED', address[0] if isinstance(address, tuple) else address, file=sys.stderr)
sys.addaudithook(note)
sys.argv = ['tools/demo_page.py', '--port', '0', '--device', 'cpu']
sys.path.insert(0, 'tools')
runpy.run_path(sys.argv[0], run_name='__main__')
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason='needs the browser Chromium, which is not installed'),
]


@pytest.fixture(scope='module')
def address():
    """The page of the bundled networks; ended by Ctrl-C."""
    pytest.importorskip('gradio', reason='needs Gradio, the extra demo')
    with subprocess.Popen(
        [sys.executable, '-c', WATCHED], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = next((line for line in process.stdout if line.startswith('The page is at')), None)
        try:
            assert line, process.stderr.read()
            yield re.search(r'http://127\.0\.0\.1:\d+', line)[0]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == 'Stopped by Ctrl-C; results that were not finished have not been written.'
    assert 'Traceback' not in errors
    assert set(re.findall('^ASKED (.*)', errors, flags=re.MULTILINE)) == {'127.0.0.1'}


@pytest.fixture(scope='module')
def browser():
    api = pytest.importorskip('playwright.sync_api', reason='needs the package playwright')
    with api.sync_playwright() as playwright:
        # Chromium does not run as root with its sandbox, and the page is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """The opened page; nothing that it loads may come from another machine."""
    page = browser.new_page(viewport=dict(width=1200, height=800))
    page.set_default_timeout(120_000)
    asked, errors = [], []
    page.on('request', lambda request: asked.append(urlsplit(request.url)))
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.goto(address)
    page.locator('#photograph input[type=file]').wait_for(state='attached')
    yield page
    page.close()
    assert {url.netloc for url in asked if url.scheme not in LOCAL} == {urlsplit(address).netloc}
    assert not errors


def choose(page, path):
    page.set_input_files('#photograph input[type=file]', path)
    page.wait_for_function(SAYS, arg=path.name)


@pytest.fixture
def with_cat(page, cat):
    choose(page, cat)
    page.wait_for_function(LOADED)
    return page


def masks(page):
    """Pixels of both pictures."""
    contents = [image.evaluate(CONTENT) for image in page.query_selector_all('#masks img')]
    pictures = [Image.open(io.BytesIO(base64.b64decode(content))).convert('RGB') for content in contents]
    return [np.asarray(picture).astype(int) for picture in pictures]


@contextmanager
def other_masks(page):
    """What is done inside makes other pictures, which are there at the end."""
    before = page.eval_on_selector_all('#masks img', SOURCES)
    yield
    page.wait_for_function(CHANGED, arg=before)
    page.wait_for_function(LOADED)


@contextmanager
def answer(page):
    """What is done inside asks the server; at the end the page has its answer, and so has hung up."""
    with page.expect_event('requestfailed', lambda request: '/queue/data' in request.url):
        yield


def test_both_masks_the_legend_and_the_labels(with_cat, cat):
    left, right = masks(with_cat)
    photograph = np.asarray(Image.open(cat)).astype(int)
    assert (left != photograph).any(-1).mean() > 0.5 < (right != photograph).any(-1).mean()
    assert (left != right).any()
    assert with_cat.inner_text('#sides').split() == ['◀', 'bilinear', 'GDN', '▶']
    cells = [row.split('\t') for row in with_cat.inner_text('#classes tbody').split('\n') if row.strip()]
    assert cells[0][0] == 'cat'
    assert all(re.fullmatch(r'[\d.]+ %', share) for share in cells[0][1:])
    assert 'bilinear has no label branch. The label branch of GDN believes in cat.' in with_cat.inner_text('#classes')
    colour = with_cat.eval_on_selector('#classes tbody i', 'patch => getComputedStyle(patch).backgroundColor')
    assert colour == 'rgb(64, 0, 0)'


def test_the_handle_between_the_masks_moves(with_cat):
    def cut():
        return with_cat.eval_on_selector('#masks img.fixed', 'image => image.style.clipPath')

    before = cut()
    box = with_cat.locator('#masks [data-testid=slider]').bounding_box()
    with_cat.mouse.move(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2)
    with_cat.mouse.down()
    with_cat.mouse.move(box['x'] - 150, box['y'] + box['height'] / 2, steps=5)
    with_cat.mouse.up()
    position, moved = (float(re.findall(r'([\d.]+)%', text)[-1]) for text in (before, cut()))
    assert moved < position - 10


def test_the_strength_changes_the_colours(with_cat, cat):
    photograph = np.asarray(Image.open(cat)).astype(int)
    stronger = np.abs(masks(with_cat)[1] - photograph).mean()
    with other_masks(with_cat):
        with_cat.locator('#strength input[type=number]').fill('10')
        with_cat.locator('#strength input[type=number]').press('Enter')
    assert 0 < np.abs(masks(with_cat)[1] - photograph).mean() < stronger / 2


def test_the_crf_on_and_off(with_cat):
    pytest.importorskip('pydensecrf')
    before = masks(with_cat)
    with other_masks(with_cat):
        with_cat.locator('#crf input').check()
        with_cat.wait_for_function(SAYS, arg='CRF in')
    refined = masks(with_cat)
    assert (before[0] != refined[0]).any() and (before[1] != refined[1]).any()
    with other_masks(with_cat):
        with_cat.locator('#crf input').uncheck()
        with_cat.wait_for_function(f'!({SAYS})("CRF in")')
    assert all(np.array_equal(*pair) for pair in zip(before, masks(with_cat)))


def test_a_broken_file_and_then_another_photograph(with_cat, cat, tmp_path):
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'\xff\xd8\xff and no more')
    choose(with_cat, broken)
    assert with_cat.inner_text('#message .error').startswith('broken.jpg is not an image in a known format (JPEG')
    assert not with_cat.query_selector_all('#masks img')
    assert not with_cat.query_selector_all('#classes table')
    choose(with_cat, cat)
    with_cat.wait_for_function(LOADED)


def test_a_huge_file_and_then_a_photograph(page, cat, tmp_path):
    with open(tmp_path / 'huge.jpg', 'wb') as file:
        file.truncate(101 * 2**20)
    page.set_input_files('#photograph input[type=file]', tmp_path / 'huge.jpg')
    message = page.locator('.toast-body')
    message.wait_for()
    assert 'exceed the maximum allowed size of 100' in message.inner_text()
    choose(page, cat)
    page.wait_for_function(LOADED)


def test_settings_without_a_photograph(page):
    with answer(page):
        page.locator('#strength input[type=number]').fill('10')
        page.locator('#strength input[type=number]').press('Enter')
    with answer(page):
        page.locator('#crf input').check()
    assert page.inner_text(MESSAGE) == 'Drop a photograph to begin.'
    assert not page.query_selector_all('.toast-body')
