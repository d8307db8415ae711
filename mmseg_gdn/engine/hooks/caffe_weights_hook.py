"""Start training from converted Caffe weights, or say how to get them."""

from __future__ import annotations

import logging
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, load_checkpoint
from mmseg.registry import HOOKS

from mmseg_gdn.engine.unwrap import whole_model
from mmseg_gdn.utils import InputError

_WEIGHTS = {'fcn32s': 'vgg16', 'largefov': 'vgg16-reduced'}
_HOW_TO = ("Training needs Caffe's ImageNet weights, but there is no {checkpoint}. To get them, run: "
           'python tools/model_converters/get_weights.py {weights} --out {checkpoint}. To convert a .caffemodel of '
           'your own: python tools/model_converters/caffe2mmseg.py MODEL.caffemodel {checkpoint} --layout {layout}. '
           'To train from random weights instead, add: '
           '--cfg-options custom_hooks.0.from_scratch=True (0 is the position of CaffeWeightsHook in custom_hooks).')


@HOOKS.register_module()
class CaffeWeightsHook(Hook):
    """Loads a converted Caffe model before training, unless training resumes or starts from ``load_from``.

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
            InputError: If they do not exist.
        """
        # When hooks are called, the runner has already loaded or resumed.
        if runner.iter > 0 or runner._load_from is not None:
            return
        if self.from_scratch:
            print_log('Training starts from random weights (from_scratch=True); the published results start from '
                      "Caffe's ImageNet weights.", runner.logger, logging.WARNING)
            return
        if not Path(self.checkpoint).is_file():
            raise InputError(_HOW_TO.format(checkpoint=self.checkpoint, layout=self.layout,
                                            weights=_WEIGHTS[self.layout]))
        with whole_model(runner.model) as model:
            load_checkpoint(model, self.checkpoint, map_location='cpu', logger=runner.logger)
        print_log(f'Training starts from the Caffe weights in {self.checkpoint}.', runner.logger)
