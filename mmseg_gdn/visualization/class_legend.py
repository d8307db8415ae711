"""Names and colours of the classes of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmseg.registry import DATASETS

from mmseg_gdn.evaluation.voc_palette import voc_palette


@dataclass(frozen=True)
class ClassLegend:
    """Names and colours of classes.

    Attributes:
        names: Name of each class.
        palette: Colour of each label, shape (256, 3), uint8. Labels without a class, such as void, have VOC's colours.
    """

    names: Sequence[str]
    palette: np.ndarray

    def name(self, label: int) -> str:
        """Name of a class; ``'class 7'`` if it has none."""
        return self.names[label] if label < len(self.names) else f'class {label}'


def legend_of_dataset(dataset: Mapping[str, Any], num_classes: int | None = None) -> ClassLegend:
    """The classes of a data set, without its files.

    Args:
        dataset: Config of the data set: ``type``, a registered name or a class, and possibly ``metainfo``, which may
            select classes.
        num_classes: Number of classes that a model predicts. Names of another number of classes are not used.

    Returns:
        Names and colours; VOC's colours and no names for a data set that has neither.
    """
    known, chosen = _known(dataset), dataset.get('metainfo') or {}
    names = class_names(dataset)
    if num_classes is not None and len(names) != num_classes:
        return ClassLegend((), voc_palette())
    colours = dict(zip(known.get('classes') or (), known.get('palette') or ()))
    colours.update(zip(names, chosen.get('palette') or ()))
    palette = voc_palette()
    for label, name in enumerate(names[: len(palette)]):
        palette[label] = colours.get(name, palette[label])
    return ClassLegend(tuple(names), palette)


def class_names(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the classes of a data set, without its files.

    Args:
        dataset: Config of the data set, as for :func:`legend_of_dataset`.

    Returns:
        The names in the order of the labels; none if they are not known.
    """
    chosen = dataset.get('metainfo') or {}
    return tuple(chosen.get('classes') or _known(dataset).get('classes') or ())


def _known(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = dataset.get('type')
    return getattr(DATASETS.get(kind) if isinstance(kind, str) else kind, 'METAINFO', None) or {}
