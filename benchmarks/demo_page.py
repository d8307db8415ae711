"""How long the demo page needs from a chosen photograph to both masks, in a real browser, and how it looks then."""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import skimage.data
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
_WINDOW = dict(width=1200, height=760)
_COLOURS = 256  # which keep the picture small
_ADDRESSES = "[...document.querySelectorAll('#masks img')].map(image => image.src)"
_NEW_MASKS = """before => {
    const masks = [...document.querySelectorAll('#masks img')];
    return masks.length == 2 && masks.every(mask => mask.complete && mask.naturalWidth && !before.includes(mask.src));
}"""


def main() -> None:
    """Measure, print the times, and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', help='file of the picture; default: none')
    parser.add_argument('--rounds', type=int, default=7, help='photographs to measure; default: %(default)s')
    parser.add_argument('--chromium', default=shutil.which('chromium'), help='the browser; default: %(default)s')
    args = parser.parse_args()
    with served() as address, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        # Chromium does not run as root with its sandbox, and the page is our own.
        browser = playwright.chromium.launch(executable_path=args.chromium, args=['--no-sandbox'])
        page = browser.new_page(viewport=_WINDOW)
        page.goto(address)
        seconds = [choose(page, photograph) for photograph in photographs(Path(folder), args.rounds)]
        print(
            f'500x375 pixels, from the choice to both masks: {median(seconds):.2f} s (median of {args.rounds}, '
            f'{min(seconds):.2f} to {max(seconds):.2f})'
        )
        if args.out:
            page.mouse.move(0, 0)
            page.wait_for_timeout(1000)  # what shows the progress fades away
            with Image.open(io.BytesIO(page.screenshot())) as picture:
                picture.convert('RGB').quantize(_COLOURS).save(args.out, optimize=True)
        browser.close()


@contextmanager
def served(*args: str) -> Iterator[str]:
    """The page in a process of its own, until the block ends.

    Args:
        *args: Options of ``tools/demo_page.py``.

    Yields:
        Its address.
    """
    command = [sys.executable, ROOT / 'tools/demo_page.py', '--port', '0', '--device', 'cpu', *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield next(line.split()[4].rstrip(';') for line in process.stdout if line.startswith('The page is at'))
        finally:
            process.terminate()


def photographs(folder: Path, number: int) -> Iterator[Path]:
    """Several parts of a photograph.

    Args:
        folder: Where to put them.
        number: How many.

    Yields:
        Each file.
    """
    for index in range(number):
        path = folder / f'photograph-{index + 1}.jpg'
        part = skimage.data.astronaut()[8 * index : 375 + 8 * index, 8:508]
        Image.fromarray(part).save(path, quality=95)
        yield path


def choose(page: Page, photograph: Path) -> float:
    """Choose a photograph, and wait for its masks.

    Args:
        page: The opened page.
        photograph: The file.

    Returns:
        The seconds that this took.
    """
    field = page.locator('#photograph input[type=file]')
    field.wait_for(state='attached')
    before = page.evaluate(_ADDRESSES)
    start = time.perf_counter()
    field.set_input_files(photograph)
    page.wait_for_function(_NEW_MASKS, arg=before)
    return time.perf_counter() - start


if __name__ == '__main__':
    main()
