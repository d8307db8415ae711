"""The configs, read once, and which of them is the baseline of which."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from pathlib import Path

from mmengine.config import Config

from mmseg_gdn.models.variant import stock_config_folder

FOLDER = Path(__file__).parents[2] / 'configs' / 'gdn'
_NAME = re.compile(r'`([\w*-]+\.py)`')


def read(path: Path) -> Config:
    """A config of one's own; mmengine reads all metafiles of mmseg again for each ``mmseg::`` that a config names."""
    return deepcopy(_read(path))


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)


def baselines() -> dict[Path, Path]:
    """Baseline by config, as the table in configs/gdn/README.md says."""
    rows = [
        line.strip('|').split('|') for line in (FOLDER / 'README.md').read_text().splitlines() if line.startswith('| `')
    ]
    return {
        path: _baseline(path, cells[2])
        for cells in rows
        for pattern in _NAME.findall(cells[0])
        for path in sorted(FOLDER.glob(pattern))
        if cells[2].strip()
    }


def _baseline(path: Path, cell: str) -> Path:
    named = _NAME.search(cell)
    if named:
        return FOLDER / named[1]
    base = re.search(r"^_base_ = 'mmseg::(.*)'$", path.read_text(), re.MULTILINE)
    return stock_config_folder() / base[1]


def is_gdn(cfg: Config) -> bool:
    """Whether a config has matrices."""
    return cfg.model.get('decode_head', {}).get('type') == 'GlobalInterpHead'
