"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import resource
import signal
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.stack import find_stack

ROOT = Path(__file__).parents[1]
FULL_GOLDEN = ROOT.parent / 'shared' / 'golden'
VOC_EXTRACT = ROOT.parent / 'shared' / 'voc_subset'

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its background jobs ignore Ctrl-C, which the programs that tests start would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def root_dir() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope='session')
def golden_dir() -> Path:
    """The golden Caffe arrays: the full set where it lies beside this checkout, else the reduced one in tests/data."""
    return FULL_GOLDEN if FULL_GOLDEN.is_dir() else ROOT / 'tests' / 'data' / 'golden'


@pytest.fixture(scope='session')
def full_golden_dir() -> Path:
    """The full set of golden Caffe arrays, which the repository does not carry."""
    if not FULL_GOLDEN.is_dir():
        pytest.skip('needs arrays that tests/data/golden leaves out: the full golden set is not beside this checkout')
    return FULL_GOLDEN


@pytest.fixture(scope='session')
def released_matrices() -> dict[str, np.ndarray]:
    """The matrices of the authors' release, stored as (h, H) and (w, W), by their names in the golden set."""
    if not FULL_GOLDEN.is_dir():
        pytest.skip("needs the authors' released matrices, which the repository does not carry")
    with np.load(FULL_GOLDEN / 'released_K.npz') as stored:
        return dict(stored)


@pytest.fixture(scope='session')
def voc_extract() -> Path:
    """Some real images and masks of PASCAL VOC 2012."""
    if not VOC_EXTRACT.is_dir():
        pytest.skip('needs images of PASCAL VOC 2012, which the repository does not carry')
    return VOC_EXTRACT


@pytest.fixture
def shared_dir() -> Path:
    """The folder with the golden Caffe arrays and the VOC extract, where this checkout has one beside it."""
    path = ROOT.parent / 'shared'
    if not path.is_dir():
        pytest.skip('the shared material (golden arrays, VOC extract) is not beside this checkout')
    return path


@pytest.fixture
def with_both_stacks(tmp_path) -> dict[str, str]:
    """Environment variables under which the other stack's mmengine seems to be installed as well."""
    name = 'mmengine' if find_stack().is_onedl else 'onedl-mmengine'
    folder = tmp_path / 'packages' / f'{name.replace("-", "_")}-0.10.12.dist-info'
    folder.mkdir(parents=True)
    (folder / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 0.10.12\n')
    paths = [str(folder.parent), os.environ.get('PYTHONPATH', '')]
    return os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, paths))}


@pytest.fixture(autouse=True)
def _seed_and_scope() -> None:
    torch.manual_seed(0)
    init_default_scope('mmseg')


@pytest.fixture
def voc_root(tmp_path) -> Path:
    """A small folder in VOC's layout: train a b, aug c, val d e, test f g (without masks)."""
    root = tmp_path / 'VOCdevkit' / 'VOC2012'
    lists = {'train': 'ab', 'aug': 'c', 'val': 'de', 'test': 'fg'}
    masks = {'train': 'SegmentationClass', 'aug': 'SegmentationClassAug', 'val': 'SegmentationClass'}
    for folder in ('JPEGImages', 'SegmentationClass', 'SegmentationClassAug', 'ImageSets/Segmentation'):
        (root / folder).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, ids in lists.items():
        (root / 'ImageSets/Segmentation' / f'{name}.txt').write_text('\n'.join(ids) + '\n')
        for index, image_id in enumerate(ids):
            size = (48 + 8 * index, 64)
            photo = generator.integers(0, 255, (*size, 3), dtype=np.uint8)
            Image.fromarray(photo).save(root / 'JPEGImages' / f'{image_id}.jpg')
            if name in masks:
                mask = np.zeros(size, np.uint8)
                mask[10:30, 20:40], mask[9, 20:40] = 12 + index, 255
                image = Image.fromarray(mask)
                image.putpalette(voc_palette().tobytes())
                image.save(root / masks[name] / f'{image_id}.png')
    return root


@pytest.fixture
def limit_files() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond a number of bytes, so that writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class LargestTensor(TorchDispatchMode):
    """Notes the number of elements of the largest tensor that any operation yields."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.numel = max([self.numel, *sizes])
        return result


@pytest.fixture
def largest_tensor() -> type[LargestTensor]:
    """A context that notes the size of the largest tensor made in it."""
    return LargestTensor


@pytest.fixture
def grey_png() -> Callable[[int, list[int]], bytes]:
    """A PNG with one row of grey values, of fewer bits per pixel than Pillow writes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    def encode(bits: int, row: list[int]) -> bytes:
        length = (len(row) * bits + 7) // 8
        packed = int(''.join(f'{value:0{bits}b}' for value in row).ljust(8 * length, '0'), 2)
        header = struct.pack('>IIBBBBB', len(row), 1, bits, 0, 0, 0, 0)
        pixels = zlib.compress(b'\0' + packed.to_bytes(length, 'big'))
        return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')

    return encode
