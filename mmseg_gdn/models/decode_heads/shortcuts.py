"""What a head can do without its full-size scores."""

from __future__ import annotations

from typing import Callable

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn

from mmseg_gdn.models.losses import CaffeSoftmaxLoss
from mmseg_gdn.models.losses.caffe_softmax_loss import MAX_LOSS
from mmseg_gdn.ops import global_interp_cross_entropy

from .caffe_fc_head import CaffeFCHead

TiledLoss = Callable[..., 'tuple[Tensor, Tensor]']
# Classes whose loss_by_feat and predict_by_feat do nothing but bring scores to full size and sum up losses.
_PLAIN = (BaseDecodeHead, CaffeFCHead)


def find_tiled_loss(head: BaseDecodeHead, base: type[BaseDecodeHead]) -> TiledLoss | None:
    """The fast path of a head, if its configured losses allow one.

    Args:
        head: A head with global interpolation.
        base: The class that makes its coarse scores.

    Returns:
        A function of coarse scores (N, C, h, w), the two matrices, labels (N, H, W) and ``ignore_index`` that gives
        the loss and the accuracy in percent; ``None`` if full-size scores are needed: by several losses, by a sampler
        of pixels, or by a ``loss_by_feat`` of the head's own.
    """
    if not _is_plain(base, 'loss_by_feat') or head.sampler is not None:
        return None
    if type(head.loss_decode) is CrossEntropyLoss:
        return _tiled_cross_entropy(head.loss_decode)
    if type(head.loss_decode) is CaffeSoftmaxLoss:
        return _weighted(head.loss_decode, normalization=head.loss_decode.normalization, max_loss=MAX_LOSS)
    return None


def predicts_from_coarse(base: type[BaseDecodeHead]) -> bool:
    """Whether what ``predict`` of a class gives is what its ``forward`` gives, at another size."""
    return base.predict is BaseDecodeHead.predict and _is_plain(base, 'predict_by_feat')


def _is_plain(base: type[BaseDecodeHead], method: str) -> bool:
    return getattr(base, method) in [getattr(plain, method) for plain in _PLAIN]


def _tiled_cross_entropy(loss: CrossEntropyLoss) -> TiledLoss | None:
    if loss.use_sigmoid or loss.use_mask or loss.reduction != 'mean' or loss.class_weight is not None:
        return None
    return _weighted(loss, normalization='valid' if loss.avg_non_ignore else 'full')


def _weighted(loss: nn.Module, **options) -> TiledLoss:
    def tiled_loss(*tensors: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
        value, accuracy = global_interp_cross_entropy(
            *tensors, ignore_index=ignore_index, return_accuracy=True, **options)
        return loss.loss_weight * value, accuracy

    return tiled_loss
