"""The two bundled networks, and photographs for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from mmseg_gdn.demo_page.models import NamedModel, load_models
from mmseg_gdn.demo_page.photograph import read_photograph
from mmseg_gdn.demo_page.segmentation import Segmentation, segment


@pytest.fixture(scope='session')
def models() -> list[NamedModel]:
    """The bilinear network and the one with GDN."""
    return load_models(None, None, 'cpu')


@pytest.fixture(scope='session')
def cat(tmp_path_factory) -> Path:
    """A photograph of a cat, 451x300 pixels."""
    path = tmp_path_factory.mktemp('photographs') / 'cat.png'
    Image.fromarray(pytest.importorskip('skimage.data').chelsea()).save(path)
    return path


@pytest.fixture
def segmentation(models, cat) -> Segmentation:
    """What both networks say about the cat."""
    return segment(models, read_photograph(str(cat), 1024))
