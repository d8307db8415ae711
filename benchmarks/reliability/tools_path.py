"""The repository's tools, as modules."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / 'tools'), str(ROOT / 'tools/dataset_converters')]

import drawn_scenes  # noqa: E402
import train  # noqa: E402

__all__ = ['ROOT', 'drawn_scenes', 'train']
