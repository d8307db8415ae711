"""The model that predicts where none is named."""

from __future__ import annotations

import json
from pathlib import Path

from mmseg_gdn.utils import InputError

ROOT = Path(__file__).parents[2]
_TABLE = Path('checkpoints', 'default.json')


def default_model(root: Path = ROOT) -> tuple[str, str]:
    """Config and checkpoint named by ``checkpoints/default.json``.

    The table has the keys ``config`` and ``checkpoint``, paths relative to the root of the repository.

    Args:
        root: Root of the repository.

    Returns:
        Their paths.

    Raises:
        InputError: If there is no such table, or if it names files that are missing.
    """
    hint = 'name a config and a checkpoint before the images: python tools/predict.py CONFIG CHECKPOINT IMAGES'
    if not (root / _TABLE).is_file():
        raise InputError(f'There is no model to predict with, because {root / _TABLE} does not exist; {hint}')
    try:
        table = json.loads((root / _TABLE).read_text(encoding='utf-8'))
        paths = [root / table[name] for name in ('config', 'checkpoint')]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{root / _TABLE} cannot be used ({type(error).__name__}: {error}); restore it, or {hint}'
                         ) from error
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise InputError(f'{_TABLE} names {" and ".join(missing)}, which does not exist; restore it, or {hint}')
    config, checkpoint = map(str, paths)
    return config, checkpoint
