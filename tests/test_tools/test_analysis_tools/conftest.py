"""Pictures that the tools draw."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def draw(monkeypatch, tmp_path) -> Callable[..., np.ndarray]:
    """Run a tool in this process; gives the pixels (H, W, 3) of the picture that it wrote."""

    def run(tool: str, *args: object) -> np.ndarray:
        out = tmp_path / 'new' / 'picture.png'
        monkeypatch.setattr(sys, 'argv', [f'{tool}.py', *map(str, args), '--out', str(out)])
        importlib.import_module(tool).main()
        assert [path.name for path in out.parent.iterdir()] == [out.name]
        with Image.open(out) as picture:
            return np.array(picture.convert('RGB'))

    return run


@pytest.fixture
def write_mask() -> Callable[[Path, np.ndarray], None]:
    """Write class indices as a PNG of grey values."""

    def write(path: Path, mask: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8)).save(path)

    return write
