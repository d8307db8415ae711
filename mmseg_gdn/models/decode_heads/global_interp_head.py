"""Any decode head of mmseg with learned global interpolation in place of its bilinear upsampling."""

from __future__ import annotations

from functools import cache
from typing import Any

from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.utils import InputError

from .base_heads import check_built_head, find_base_head
from .full_size import FullSizeMixin, input_size
from .shortcuts import TiledLoss, find_tiled_loss, predicts_from_coarse

Size = tuple[int, int]


@MODELS.register_module()
class GlobalInterpHead(FullSizeMixin):
    """Decode head ``base_type`` whose scores are brought to full size by :class:`GlobalInterp`.

    Building gives an instance of both this class and the head named by ``base_type``, with the parameter names
    of the latter, so that a checkpoint of the stock model loads with only ``interp.kernel_h`` and
    ``interp.kernel_w`` missing. ``loss`` asks for the size of the labels, ``predict`` for that of the network's
    input, and ``forward`` alone for ``out_size``. In a cascade it is the last head, because the others hand their
    coarse scores on.

    Args:
        base_type: Registered name of the decode head that makes the coarse scores.
        in_size: Height and width (h, w) of its score maps for the training crop.
        out_size: Height and width (H, W) of the training crop.
        init: Start values, see :class:`GlobalInterp`.
        size_policy: What to do with other sizes, see :class:`GlobalInterp`; ``'resample'`` serves all of them.
        **base_cfg: All arguments of ``base_type``.

    Raises:
        InputError: If ``base_type`` is missing, unknown or no decode head that makes one score map, or if the sizes
            do not fit.

    Example:
        A GDN variant of a stock config::

            decode_head=dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(64, 64), out_size=(512, 512))
    """

    _keeps_coarse = False  # while a loss or a prediction needs no full-size scores

    def __new__(cls, *args, base_type: str | None = None, **kwargs) -> GlobalInterpHead:
        """Make an instance of a class that inherits from this one and from the head named by ``base_type``."""
        return object.__new__(_combined_class(cls, find_base_head(base_type)))

    def __init__(self,
                 *,
                 base_type: str,
                 in_size: Size,
                 out_size: Size,
                 init: str = 'bilinear',
                 size_policy: str = 'resample',
                 **base_cfg: Any) -> None:
        super().__init__(**base_cfg)
        check_built_head(base_type, self)
        self.base_type = base_type
        self.interp = GlobalInterp(
            in_size,
            out_size,
            init=init,
            size_policy=size_policy,
            align_corners=self.align_corners,
            channels=self.out_channels)

    @property
    def _tiled_loss(self) -> TiledLoss | None:
        return find_tiled_loss(self, MODELS.get(self.base_type))

    def upsample(self, seg_logits: Tensor, size: Size | None) -> Tensor:
        """Bring coarse scores to ``size``.

        Args:
            seg_logits: Coarse scores, shape (N, C, h, w).
            size: Wanted height and width; the trained ``out_size`` for ``None``.

        Returns:
            Full-size scores, shape (N, C, H, W).

        Raises:
            InputError: If the scores do not fit the matrices.
        """
        self._check_training_size(tuple(seg_logits.shape[2:]), size)
        return seg_logits if self._keeps_coarse else self.interp(seg_logits, size)

    def loss(self, *args, **kwargs) -> dict[str, Tensor]:
        """Mmseg's ``loss``, tile by tile where the configured losses allow it."""
        self._keeps_coarse = self._tiled_loss is not None
        try:
            return super().loss(*args, **kwargs)
        finally:
            self._keeps_coarse = False

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses and accuracy as in mmseg, which full-size scores of this shape would give as well.

        Args:
            seg_logits: Full-size scores (N, C, H, W), or in the tiled loss coarse ones (N, C, h, w).
            batch_data_samples: With the masks.

        Returns:
            Losses by name, and ``acc_seg``.
        """
        if not self._keeps_coarse:
            return super().loss_by_feat(seg_logits, batch_data_samples)
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        kernels = self.interp.kernels(tuple(seg_logits.shape[2:]), tuple(labels.shape[1:]))
        loss, accuracy = self._tiled_loss(seg_logits, *kernels, labels, ignore_index=self.ignore_index)
        return {self.loss_decode.loss_name: loss, 'acc_seg': accuracy}

    @property
    def predicts_from_coarse(self) -> bool:
        """Whether :meth:`predict_coarse` says all that ``predict`` does."""
        return self.out_channels > 1 and predicts_from_coarse(MODELS.get(self.base_type))

    def predict_coarse(self, inputs: tuple[Tensor, ...], batch_img_metas: list[dict]) -> tuple[Tensor, Tensor, Tensor]:
        """What makes the scores that ``predict`` gives, without making them.

        Args:
            inputs: Feature maps of the backbone.
            batch_img_metas: Meta data of the images, which tell the size of the network's input (H, W).

        Returns:
            Coarse scores (N, C, h, w) and the two matrices, (H, h) and (W, w).
        """
        self._keeps_coarse = True
        try:
            scores = self.forward(inputs)
        finally:
            self._keeps_coarse = False
        return scores, *self.interp.kernels(tuple(scores.shape[2:]), input_size(batch_img_metas))

    def _check_training_size(self, in_size: Size, size: Size | None) -> None:
        if self.training and size == self.interp.out_size and in_size != self.interp.in_size:
            raise InputError(
                f'in_size={self.interp.in_size} does not fit this network: it makes {in_size[0]}x{in_size[1]} '
                f'scores for {size[0]}x{size[1]} crops; set in_size={in_size} in the GlobalInterpHead config.')

    def __reduce_ex__(self, protocol: int) -> tuple:
        """Copy and pickle by the base's name, because the combined class stands in no module."""
        return _new_head, (self.base_type, ), self.__dict__.copy()


def _new_head(base_type: str) -> GlobalInterpHead:
    return GlobalInterpHead.__new__(GlobalInterpHead, base_type=base_type)


@cache
def _combined_class(wrapper: type, base: type) -> type:
    return type(wrapper)(f'{wrapper.__name__}[{base.__name__}]', (wrapper, base), {'__module__': __name__})
