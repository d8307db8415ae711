"""The pages that lead through an example do what they say, with fewer and smaller images and iterations."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
FEWER = {
    'max_iters=60': 'max_iters=2 train_dataloader.batch_size=2',
    'iter_60': 'iter_2',
    'VOCdevkit/VOC2012\n': 'VOCdevkit/VOC2012 --train 6 --val 2 --test 1\n',
}
BLOCK = re.compile(r'```(sh|python|text)\n(.*?)```', re.DOTALL)


def blocks(page):
    text = (ROOT / 'docs' / page).read_text(encoding='utf-8')
    for kind, block in BLOCK.findall(text):
        if 'pip install' not in block:
            for whole, part in FEWER.items():
                block = block.replace(whole, part)
            yield kind, block


class Walk:
    """A folder in which the blocks of a page are carried out one by one."""

    def __init__(self, folder):
        self.folder, self.printed = folder, {}
        for name in ('tools', 'configs', 'checkpoints'):
            (folder / name).symlink_to(ROOT / name)
        path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
        self.environment = os.environ | {'PATH': path, 'OMP_NUM_THREADS': '1'}

    def run(self, *command):
        result = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=500
        )
        assert result.returncode == 0, f'{command}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}'
        return result.stdout + result.stderr

    def follow(self, page):
        for kind, block in blocks(page):
            named = re.match(r'# (\w+\.py)\n', block)
            if kind == 'sh':
                for line in block.splitlines():
                    self.printed[line] = self.run('bash', '-c', line)
            elif named:
                (self.folder / named[1]).write_text(block)
            elif kind == 'python' and 'written by tools/gdn_variant.py' in block:
                written = (self.folder / 'my_gdn.py').read_text()
                assert re.sub("'/.*/configs/", "'configs/", written) == block
            elif kind == 'python':
                self.printed['python'] = self.run(sys.executable, '-c', block)
            else:
                assert block in self.printed['python']

    def miou(self, line):
        return re.findall(r'mIoU: +([\d.]+)', self.printed[line])[-1]


@pytest.fixture
def walk(tmp_path):
    return Walk(tmp_path)


@pytest.mark.slow
def test_add_gdn(walk):
    walk.follow('add_gdn.md')
    stock, variant, trained = (line for line in walk.printed if 'tools/test.py' in line)
    assert walk.miou(stock) == walk.miou(variant)
    assert float(walk.miou(trained)) > 0
    masks, others = (sorted((walk.folder / f'work_dirs/{name}_masks').iterdir()) for name in ('stock', 'variant'))
    assert [path.name for path in masks] == [path.name for path in others]
    assert masks
    assert all(
        np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(other))) for one, other in zip(masks, others)
    )
    assert any('Moved since the start of training' in text for text in walk.printed.values())


@pytest.mark.slow
def test_getting_started(walk):
    Image.open(ROOT / 'docs/photographs.png').convert('RGB').crop((4, 90, 296, 380)).save(walk.folder / 'photo.jpg')
    walk.follow('getting_started.md')
    assert {path.name for path in (walk.folder / 'predictions').iterdir()} == {'photo.png', 'photo_overlay.jpg'}
    assert len(list((walk.folder / 'work_dirs/demo_gdn/masks').iterdir())) == 2
