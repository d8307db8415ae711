"""Start training from converted Caffe weights, or say how to get them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_gdn.engine.checkpoint import read_weights
from mmseg_gdn.engine.gradient_watch import all_matrices
from mmseg_gdn.engine.unwrap import whole_model
from mmseg_gdn.utils import InputError

_WEIGHTS = {'fcn32s': 'vgg16', 'largefov': 'vgg16-reduced'}
_HOW_TO = (
    "Training needs Caffe's ImageNet weights, but there is no {checkpoint}. To get them, run: "
    'python tools/model_converters/get_weights.py {weights} --out {checkpoint}. To convert a .caffemodel of '
    'your own: python tools/model_converters/caffe2mmseg.py MODEL.caffemodel {checkpoint} --layout {layout}. '
    'To train from random weights instead, add: '
    '--cfg-options custom_hooks.0.from_scratch=True (0 is the position of CaffeWeightsHook in custom_hooks).'
)
_OTHER_LAYOUT = (
    'fc6 of {checkpoint} has a {found[0]}x{found[1]} kernel, but that of the layout {layout} is '
    '{wanted[0]}x{wanted[1]}, so these weights are for another network. To get those for {layout}, '
    'run: python tools/model_converters/get_weights.py {weights} --out OTHER.pth, and name that file by '
    '--cfg-options custom_hooks.0.checkpoint=OTHER.pth (0 is the position of CaffeWeightsHook in '
    'custom_hooks).'
)


@HOOKS.register_module()
class CaffeWeightsHook(Hook):
    """Loads a converted Caffe model before training, unless training resumes or starts from ``load_from``.

    Layers that the file does not have, or has in other sizes, keep their initial values; a warning names them.

    Args:
        checkpoint: The weights, as written by ``tools/model_converters/get_weights.py``.
        layout: The network it is for, 'fcn32s' or 'largefov'; the message says how to get its weights.
        from_scratch: Whether to train from random weights instead.

    Raises:
        InputError: If ``layout`` is unknown.
    """

    def __init__(self, checkpoint: str, layout: str, from_scratch: bool = False) -> None:
        if layout not in _WEIGHTS:
            raise InputError(f"layout of CaffeWeightsHook must be 'fcn32s' or 'largefov', but got {layout!r}.")
        self.checkpoint = checkpoint
        self.layout = layout
        self.from_scratch = from_scratch

    def before_train(self, runner: Runner) -> None:
        """Load the weights.

        Args:
            runner: The runner of the training.

        Raises:
            InputError: If they do not exist, or if they are those of the other layout.
        """
        # When hooks are called, the runner has already loaded or resumed.
        if runner.iter > 0 or runner._load_from is not None:
            return
        if self.from_scratch:
            print_log(
                'Training starts from random weights (from_scratch=True); the published results start from '
                "Caffe's ImageNet weights.",
                runner.logger,
                logging.WARNING,
            )
            return
        if not Path(self.checkpoint).is_file():
            raise InputError(
                _HOW_TO.format(checkpoint=self.checkpoint, layout=self.layout, weights=_WEIGHTS[self.layout])
            )
        weights = read_weights(self.checkpoint)
        with whole_model(runner.model) as model:
            self._require_layout(model, weights)
            initial = _load_what_fits(model, weights)
        print_log(f'Training starts from the Caffe weights in {self.checkpoint}.', runner.logger)
        if initial:
            print_log(self._about_initial(initial), runner.logger, logging.WARNING)

    def _require_layout(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        key = 'decode_head.fc6.weight'
        wanted = model.state_dict().get(key)
        if key in weights and wanted is not None and weights[key].shape[2:] != wanted.shape[2:]:
            raise InputError(
                _OTHER_LAYOUT.format(
                    checkpoint=self.checkpoint,
                    layout=self.layout,
                    weights=_WEIGHTS[self.layout],
                    found=tuple(weights[key].shape[2:]),
                    wanted=tuple(wanted.shape[2:]),
                )
            )

    def _about_initial(self, parts: list[str]) -> str:
        text = (
            f'{self.checkpoint} has no weights for {", ".join(parts)}. These start as the config initialises them: '
            "FCN-32s' score layer (conv_seg) at zero, GDN's matrices by their init, and other layers randomly."
        )
        if 'decode_head.fc6' in parts:
            text += (
                ' For fc6 and fc7 trained on ImageNet, at full width, run: python '
                f'tools/model_converters/get_weights.py {_WEIGHTS[self.layout]}'
            )
        return text


def _load_what_fits(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Load the weights whose sizes fit; returns the parts of the model that keep their initial values."""
    own, matrices = model.state_dict(), {name for name, _ in all_matrices(model)}
    # Matrices are resampled when they are loaded.
    fitting = {
        key: value
        for key, value in weights.items()
        if key in matrices or (key in own and value.shape == own[key].shape)
    }
    model.load_state_dict(fitting, strict=False)
    return _parts(key for key in own if key not in fitting)


def _parts(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys('.'.join(key.split('.')[:2]) for key in keys))
