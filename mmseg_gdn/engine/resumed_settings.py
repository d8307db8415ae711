"""Whether a training goes on with the settings that it was begun with."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_gdn.utils import InputError

# mmengine takes these from the checkpoint, whatever the config says.
_KEPT = ('optim_wrapper.optimizer.', 'param_scheduler.')
_COMPARED = (*_KEPT, 'optim_wrapper.', 'train_cfg.', 'train_dataloader.batch_size')


def compare_settings(cfg: Config, checkpoint: Mapping[str, Any], source: str) -> None:
    """Log what is set otherwise than in the training that a checkpoint comes from.

    Args:
        cfg: The config of the training that goes on.
        checkpoint: What is resumed; mmengine stores the text of the config in it, which is read here and not executed.
        source: Where it comes from, for messages.

    Raises:
        InputError: If the optimizer or the schedulers are of another type, so that their states mean something else.
    """
    before, now = settings_of((checkpoint.get('meta') or {}).get('cfg')), settings_of(cfg.pretty_text)
    if not before or not now:
        return
    changed = [
        key
        for key in sorted(before.keys() | now.keys())
        if key.startswith(_COMPARED) and before.get(key) != now.get(key)
    ]
    for key in changed:
        if key == 'optim_wrapper.optimizer.type' or (key.startswith('param_scheduler.') and key.endswith('.type')):
            raise InputError(
                f'The training cannot go on from {source} with {key}={now.get(key)}, because it was begun '
                f'with {before.get(key)}, whose state means something else; resume with the config that '
                'it was begun with, or start a new training from its weights, with load_from and without '
                'resuming.'
            )
    kept = [key for key in changed if key.startswith(_KEPT)]
    taken = [key for key in changed if key not in kept]
    if taken:
        _warn(
            f'{source} is resumed with other settings than it was trained with',
            [f'{key} is {now.get(key)} and was {before.get(key)}' for key in taken],
        )
    if kept:
        _warn(
            f'{source} is resumed with its own settings, which the config has changed without effect',
            [f'{key} stays {before.get(key)} and not {now.get(key)}' for key in kept],
        )


def settings_of(text: Any) -> dict[str, Any]:
    """The settings in the text of a config, as mmengine writes it.

    Args:
        text: The text; anything else, and what is no such text, has no settings.

    Returns:
        Values by dotted keys. Nothing of the text is executed.
    """
    if not isinstance(text, str):
        return {}
    try:
        statements = ast.parse(text).body
        return dict(
            pair
            for statement in statements
            if isinstance(statement, ast.Assign) and isinstance(name := statement.targets[0], ast.Name)
            for pair in _flat(name.id, statement.value)
        )
    # Somebody's checkpoint may hold any text.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _flat(path: str, node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and node.keywords:
        inner: list[tuple[object, ast.expr]] = [(keyword.arg, keyword.value) for keyword in node.keywords]
    elif isinstance(node, ast.Dict) and node.keys:
        inner = [
            (key.value if isinstance(key, ast.Constant) else '', value) for key, value in zip(node.keys, node.values)
        ]
    elif isinstance(node, (ast.List, ast.Tuple)) and any(isinstance(part, ast.Call) for part in node.elts):
        inner = list(enumerate(node.elts))
    else:
        yield path, ast.unparse(node)
        return
    for key, value in inner:
        yield from _flat(f'{path}.{key}', value)


def _warn(begin: str, differences: list[str]) -> None:
    print_log(f'{begin}: {"; ".join(differences)}.', 'current', logging.WARNING)
