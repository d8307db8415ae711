"""Building and computing the losses of a head or branch with image-level logits."""

from __future__ import annotations

from collections.abc import Iterable

from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.models.registered import is_registered_as
from mmseg_gdn.utils import InputError

from .multi_label_aux_loss import MultiLabelAuxLoss


def share_background(loss_decode: dict | list[dict], with_background: bool) -> dict | list[dict]:
    """Give every multi-label loss the ``with_background`` of the head that predicts its logits.

    Args:
        loss_decode: Config of one loss, or of several.
        with_background: Whether the logits include class 0.

    Returns:
        The same with ``with_background`` set in each :class:`MultiLabelAuxLoss`.

    Raises:
        InputError: If a loss has another setting.
    """
    if isinstance(loss_decode, (list, tuple)):
        return [_with_background(loss, with_background) for loss in loss_decode]
    return _with_background(loss_decode, with_background)


def _with_background(loss: dict, with_background: bool) -> dict:
    if not is_registered_as(loss['type'], MultiLabelAuxLoss):
        return loss
    if loss.get('with_background', with_background) != with_background:
        raise InputError(
            f'The logits have with_background={with_background}, but their loss has '
            f'with_background={not with_background}; set it in the head or branch only.'
        )
    return dict(loss, with_background=with_background)


def count_labels(num_classes: int, with_background: bool) -> int:
    """Number of image-level logits.

    Args:
        num_classes: Number of segmentation classes.
        with_background: Whether the logits include class 0.

    Raises:
        InputError: If nothing is left to predict.
    """
    count = num_classes if with_background else num_classes - 1
    if count < 1:
        raise InputError(
            f'With num_classes={num_classes} and with_background={with_background} there is no class to '
            'predict for an image; set with_background=True, or leave out the multi-label loss.'
        )
    return count


def build_label_losses(loss_decode: dict | list[dict], with_background: bool) -> nn.ModuleList:
    """Build the losses of image-level logits.

    Args:
        loss_decode: Config of one loss, or of several.
        with_background: Whether the logits include class 0.

    Returns:
        The losses.

    Raises:
        InputError: See :func:`share_background`.
    """
    configs = share_background(loss_decode, with_background)
    return nn.ModuleList(MODELS.build(config) for config in (configs if isinstance(configs, list) else [configs]))


def label_losses(losses: Iterable[nn.Module], logits: Tensor, masks: Tensor, ignore_index: int) -> dict[str, Tensor]:
    """Losses of image-level logits, by name.

    Args:
        losses: The losses to compute.
        logits: Image-level logits, shape (N, K).
        masks: Class indices, shape (N, H, W).
        ignore_index: Label of void pixels.

    Returns:
        Scalars by name; losses of the same name are added.
    """
    return sum_by_name(*({str(loss.loss_name): loss(logits, masks, ignore_index=ignore_index)} for loss in losses))


def sum_by_name(*losses: dict[str, Tensor]) -> dict[str, Tensor]:
    """All losses in one dictionary; losses of the same name are added, as in mmseg."""
    total: dict[str, Tensor] = {}
    for part in losses:
        for name, value in part.items():
            total[name] = total[name] + value if name in total else value
    return total
