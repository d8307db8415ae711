"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root_dir() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def shared_dir() -> Path:
    """The folder with the golden Caffe arrays and the VOC extract, where this checkout has one beside it."""
    path = ROOT.parent / 'shared'
    if not path.is_dir():
        pytest.skip('the shared material (golden arrays, VOC extract) is not beside this checkout')
    return path


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
