"""Start training from converted Caffe weights, or say how to get them."""

from __future__ import annotations

import logging
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, load_checkpoint
from mmseg.registry import HOOKS

_HOW_TO = ('Training starts from random weights, because there is no {checkpoint}. The published results start from '
           "Caffe's ImageNet weights; get VGG_ILSVRC_16_layers.caffemodel (Caffe Model Zoo, VGG team) and run: "
           'python tools/model_converters/caffe2mmseg.py VGG_ILSVRC_16_layers.caffemodel {checkpoint} '
           '--layout {layout}')


@HOOKS.register_module()
class CaffeWeightsHook(Hook):
    """Loads a converted Caffe model before training, unless training resumes or starts from ``load_from``.

    Args:
        checkpoint: Where ``tools/model_converters/caffe2mmseg.py`` has put the converted weights.
        layout: Its ``--layout``, for the message that tells how to get them.
    """

    def __init__(self, checkpoint: str, layout: str) -> None:
        self.checkpoint = checkpoint
        self.layout = layout

    def before_train(self, runner: Runner) -> None:
        """Load the weights if they are there; warn if not."""
        # The runner has loaded or resumed already when hooks are called.
        if runner.iter > 0 or runner._load_from is not None:
            return
        if Path(self.checkpoint).is_file():
            load_checkpoint(runner.model, self.checkpoint, map_location='cpu', logger=runner.logger)
            print_log(f'Start from the Caffe weights in {self.checkpoint}.', runner.logger)
        else:
            print_log(_HOW_TO.format(checkpoint=self.checkpoint, layout=self.layout), runner.logger, logging.WARNING)
