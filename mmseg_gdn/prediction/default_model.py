"""The bundled models, for tools to which none is named."""

from __future__ import annotations

import json
from pathlib import Path

from mmseg_gdn.shipped import shipped_folder
from mmseg_gdn.utils import InputError

_TABLE = Path('checkpoints', 'default.json')


def default_model(hint: str, root: Path | None = None, upsampling: str = 'gdn') -> tuple[str, str]:
    """Config and checkpoint named by ``checkpoints/default.json``.

    The table has an entry for each kind of upsampling, with the keys ``config`` and ``checkpoint``, whose paths are
    relative to the folder that holds ``checkpoints``.

    Args:
        hint: What to name instead, for messages: the end of a sentence, without a full stop.
        root: The folder that holds ``checkpoints``; that of this package by default.
        upsampling: Which of the two trained models: ``'gdn'`` or ``'bilinear'``.

    Returns:
        Their paths.

    Raises:
        InputError: If there is no such table, or if it names files that are missing.
    """
    root = root or shipped_folder()
    if not (root / _TABLE).is_file():
        raise InputError(f'There is no model to predict with, because {root / _TABLE} does not exist; {hint}')
    try:
        entry = json.loads((root / _TABLE).read_text(encoding='utf-8'))[upsampling]
        paths = [root / entry[name] for name in ('config', 'checkpoint')]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{root / _TABLE} cannot be used ({type(error).__name__}: {error}); restore it, or {hint}'
        ) from error
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise InputError(f'{_TABLE} names {" and ".join(missing)}, which does not exist; restore it, or {hint}')
    config, checkpoint = map(str, paths)
    return config, checkpoint
