"""Predictions painted on images as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mmcv
from mmengine import fileio
from mmengine.runner import Runner
from mmseg.engine.hooks import SegVisualizationHook
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample


@HOOKS.register_module()
class StoredImageVisualizationHook(SegVisualizationHook):
    """mmseg's ``SegVisualizationHook`` for images that :class:`LoadCheckedImage` loads.

    The stock hook turns an image as its EXIF data asks for; the prediction that it paints on it has the image's size as
    it is stored. This one draws with the runner's visualizer, not with whichever the process made last.
    """

    def _after_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample], mode: str = 'val'
    ) -> None:
        if not self.draw or mode == 'train' or not self.every_n_inner_iters(batch_idx, self.interval):
            return
        for sample in outputs:
            content = fileio.get(sample.img_path, backend_args=self.backend_args)
            image = mmcv.imfrombytes(content, flag='color_ignore_orientation', channel_order='rgb')
            runner.visualizer.add_datasample(
                f'{mode}_{Path(sample.img_path).name}',
                image,
                data_sample=sample,
                show=self.show,
                wait_time=self.wait_time,
                step=runner.iter,
            )
