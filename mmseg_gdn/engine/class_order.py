"""The order of the classes that a checkpoint was trained with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.runner import Runner

from mmseg_gdn.utils import InputError


def check_class_order(runner: Runner, checkpoint: Mapping[str, Any], source: str) -> None:
    """Refuse a checkpoint whose classes are those of the data set in another order.

    Other names are left alone: many data sets call the same class differently.

    Args:
        runner: The runner that has read the checkpoint.
        checkpoint: Its content.
        source: Where it is from, for the message.

    Raises:
        InputError: If the order differs.
    """
    require_class_order(checkpoint.get('meta'), _classes(getattr(_dataset(runner), 'metainfo', None)), source)


def require_class_order(meta: Any, classes: Sequence[str], source: str) -> None:
    """Refuse a checkpoint whose classes are the given ones in another order.

    Args:
        meta: What the checkpoint says of itself.
        classes: Names of the classes of the data set, in the config's order.
        source: Where the checkpoint is from, for the message.

    Raises:
        InputError: If the order differs.
    """
    trained, given = _classes(meta.get('dataset_meta') if isinstance(meta, Mapping) else None), list(classes)
    if trained == given or sorted(trained) != sorted(given):
        return
    number = next(index for index, pair in enumerate(zip(trained, given)) if pair[0] != pair[1])
    raise InputError(
        f'{source} was trained with the classes in another order: its class {number} is '
        f'{trained[number]!r}, that of the data set is {given[number]!r}; set metainfo.classes of the '
        "data set in the config to the checkpoint's order."
    )


def _dataset(runner: Runner) -> Any:
    """The data set of the loop at work; ``None`` if it has none of mmengine's kind."""
    for name in ('_test_loop', '_val_loop', '_train_loop'):
        loop = getattr(runner, name, None)
        dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
        if dataset is not None:
            return dataset
    return None


def _classes(metainfo: Any) -> list[str]:
    classes = metainfo.get('classes') if isinstance(metainfo, Mapping) else None
    if isinstance(classes, (list, tuple)) and all(isinstance(name, str) for name in classes):
        return list(classes)
    return []
