"""The models that the page shows: one, or two beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.prediction.default_model import default_model
from mmseg_gdn.prediction.predictor import Predictor
from mmseg_gdn.utils import InputError

NOTE = (
    'Two small bundled networks, trained on the same images for as long. They know cats, cows, dogs, '
    'horses, people and sheep.'
)
_HINT = 'name a config and a checkpoint: python tools/demo_page.py CONFIG CHECKPOINT'


@dataclass(frozen=True)
class NamedModel:
    """A model and what the page calls it."""

    name: str
    predictor: Predictor


def load_models(files: Sequence[str] | None, compared: Sequence[str] | None, device: str) -> list[NamedModel]:
    """Load the models.

    Args:
        files: Config and checkpoint; those of the two bundled networks by default.
        compared: Config and checkpoint of the model on the left side of the other, if there is one.
        device: Name of a device, such as 'cpu' or 'cuda:0'.

    Returns:
        One model, or two with the same classes.

    Raises:
        InputError: If a file is missing or cannot be used, or if the models have different classes.
    """
    if files is None:
        files, compared = default_model(_HINT), default_model(_HINT, upsampling='bilinear')
    pairs = [files] if compared is None else [compared, files]
    predictors = [Predictor(config, checkpoint, device) for config, checkpoint in pairs]
    if len({_classes(predictor) for predictor in predictors}) > 1:
        raise InputError(
            f'{pairs[0][0]} and {pairs[1][0]} predict different classes, so they cannot be compared; name '
            'two models for the same data.'
        )
    return [NamedModel(name, predictor) for name, predictor in zip(_names(pairs, predictors), predictors)]


def _classes(predictor: Predictor) -> tuple:
    return predictor.model.num_classes, *predictor.legend.names


def _names(pairs: Sequence[Sequence[str]], predictors: Sequence[Predictor]) -> list[str]:
    """What tells the models apart: the upsampling, the config, or else the checkpoint."""
    upsampling = ['GDN' if _is_learned(predictor) else 'bilinear' for predictor in predictors]
    configs, checkpoints = ([Path(path).stem for path in paths] for paths in zip(*pairs))
    numbered = [f'{name} ({side})' for name, side in zip(checkpoints, ('left', 'right'))]
    return next(names for names in (upsampling, configs, checkpoints, numbered) if len(set(names)) == len(pairs))


def _is_learned(predictor: Predictor) -> bool:
    return any(isinstance(module, GlobalInterp) for module in predictor.model.modules())
