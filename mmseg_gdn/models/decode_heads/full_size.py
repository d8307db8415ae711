"""Heads whose ``forward`` gives full-size scores: learn the wanted size from labels or image meta data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils import SampleList
from torch import Tensor

from mmseg_gdn.utils import InputError

Size = tuple[int, int]


class FullSizeMixin(BaseDecodeHead):
    """Wraps ``forward`` of the class behind it: its score maps are brought to the wanted size.

    The wanted size is that of the labels in ``loss``, that of the network's input in ``predict``, and ``None``
    (the head's own choice) when ``forward`` is called alone. mmseg's own resize to that size then finds nothing
    left to do, whatever losses a head computes.
    """

    _wanted_size: Size | None = None
    _reached = False
    _positions: dict[str, int]

    def __init_subclass__(cls, **kwargs) -> None:
        """Note where plain and cascaded heads have the arguments that tell the wanted size."""
        super().__init_subclass__(**kwargs)
        cls._positions = _argument_positions(super().loss) | _argument_positions(super().predict)

    def upsample(self, seg_logits: Tensor, size: Size | None) -> Tensor:
        """Bring coarse scores (N, C, h, w) to ``size``; for subclasses to say how."""
        raise NotImplementedError

    def forward(self, *args, **kwargs) -> Any:
        """Full-size scores; other outputs of the head (image-level logits, boundaries) stay as they are.

        Raises:
            InputError: If the head behind yields no score map.
        """
        outputs = super().forward(*args, **kwargs)
        main = self._main_scores(outputs)
        if main is None:
            raise InputError(f'{type(self).__name__} yields no map of {self.out_channels} score channels that could '
                             'be brought to full size; use it as it is, or another head.')
        self._reached = True
        return self._upsample_scores(outputs, main.shape)

    def loss(self, *args, **kwargs) -> dict:
        """Mmseg's ``loss`` of the head behind, at the size of the labels."""
        samples = self._argument('batch_data_samples', args, kwargs)
        with self._wanting(label_size(samples)):
            return super().loss(*args, **kwargs)

    def predict(self, *args, **kwargs) -> Tensor:
        """Mmseg's ``predict`` of the head behind, at the size of the network's input."""
        metas = self._argument('batch_img_metas', args, kwargs)
        with self._wanting(input_size(metas)):
            return super().predict(*args, **kwargs)

    def _argument(self, name: str, args: tuple, kwargs: dict) -> Any:
        return kwargs[name] if name in kwargs else args[self._positions[name]]

    def _main_scores(self, outputs: Any) -> Tensor | None:
        """The first score map of the outputs."""
        if isinstance(outputs, (list, tuple)):
            maps = (self._main_scores(output) for output in outputs)
            return next((scores for scores in maps if scores is not None), None)
        is_map = isinstance(outputs, Tensor) and outputs.dim() == 4 and outputs.shape[1] == self.out_channels
        return outputs if is_map else None

    def _upsample_scores(self, outputs: Any, main: torch.Size) -> Any:
        """Upsample the main score map and all of its shape; mmseg resizes what a head makes at other sizes."""
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self._upsample_scores(output, main) for output in outputs)
        if isinstance(outputs, Tensor) and outputs.shape == main:
            return self.upsample(outputs, self._wanted_size)
        return outputs

    @contextmanager
    def _wanting(self, size: Size) -> Iterator[None]:
        self._wanted_size, self._reached = size, False
        try:
            yield
        finally:
            self._wanted_size = None
        # Without this, the scores of such a head would go on being resized by mmseg, and nobody would notice.
        if not self._reached:
            raise InputError(f'{type(self).__name__} does not make its scores by its forward, the place where they '
                             'are brought to full size; use it as it is, or another head.')


def label_size(batch_data_samples: SampleList) -> Size:
    """Height and width of the ground-truth masks of a batch."""
    return tuple(batch_data_samples[0].gt_sem_seg.shape[-2:])


def input_size(batch_img_metas: list[dict]) -> Size:
    """Height and width of what the network was given, padding included.

    Slide inference writes the size of its window into ``img_shape`` as a ``torch.Size`` and leaves the
    ``pad_shape`` of the whole image standing.
    """
    meta = batch_img_metas[0]
    in_window = isinstance(meta['img_shape'], torch.Size)
    shape = meta['img_shape'] if in_window else meta.get('pad_shape', meta['img_shape'])
    return tuple(int(side) for side in shape[:2])


def _argument_positions(method: Callable) -> dict[str, int]:
    """Where a call of a method has its arguments, ``self`` not counted."""
    return {name: position - 1 for position, name in enumerate(inspect.signature(method).parameters)}
