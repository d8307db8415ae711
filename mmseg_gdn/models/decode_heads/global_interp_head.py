"""Any decode head of mmseg with learned global interpolation in place of its bilinear upsampling."""

from __future__ import annotations

from functools import cache
from typing import Any, SupportsIndex

from mmengine.logging import print_log
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.models.layers.global_interp import Init, SizePolicy
from mmseg_gdn.models.losses import sum_by_name
from mmseg_gdn.utils import InputError

from .base_heads import check_built_head, find_base_head
from .caffe_fc_head import CaffeFCHead
from .fused_loss import FusedLoss, find_fused_loss
from .head_keys import known_keys, require_size
from .label_branch import LabelBranch
from .score_maps import main_scores, map_scores
from .sizes import Size, input_size, label_size

# Classes whose loss_by_feat and predict_by_feat do nothing but upsample scores and add up losses.
_PLAIN = (BaseDecodeHead, CaffeFCHead)


@MODELS.register_module()
class GlobalInterpHead(BaseDecodeHead):
    """The decode head ``base_type`` with its scores upsampled by :class:`GlobalInterp`.

    An instance belongs to both this class and the head named by ``base_type``, and has the parameter names of the
    latter, so a checkpoint of the stock model loads with only ``interp.kernel_h`` and ``interp.kernel_w`` missing.
    ``forward`` is the base's and returns coarse scores; ``loss_by_feat`` and ``predict_by_feat`` upsample them to the
    size of the labels or of the network's input, where the base would resize them bilinearly. In a cascade, use it for
    the last head; the others pass their coarse scores on.

    Args:
        base_type: The decode head that computes the coarse scores: its registered name, or the class itself.
        in_size: Height and width (h, w) of its score maps for the training crop; required.
        out_size: Height and width (H, W) of the training crop, in pixels; required.
        init: Initial values, see :class:`GlobalInterp`.
        size_policy: What to do with other sizes, see :class:`GlobalInterp`.
        any_train_size: Whether to allow training on crops of other sizes. By default that is an error, because smaller
            crops would train only a part of the matrices. ``size_policy='slice'`` always allows it: images smaller than
            ``out_size`` train the top-left parts.
        label_branch: Arguments of :class:`LabelBranch`, the paper's classification loss on the coarse scores, on which
            predicted masks do not depend; ``None`` for none.
        **base_cfg: All arguments of ``base_type``.

    Raises:
        InputError: If ``base_type`` is missing, unknown or not a decode head with one score map, if a key is missing or
            unknown, or if a size or policy is invalid.

    Example:
        A GDN variant of a stock config::

            decode_head=dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(64, 64), out_size=(512, 512))
    """

    base_head: type[BaseDecodeHead] | None = None  # set in the combined classes, which instances belong to

    def __new__(cls, *args, base_type: str | type | None = None, **kwargs) -> GlobalInterpHead:
        """Make an instance of a class that inherits from this one and from the head named by ``base_type``."""
        # Copying starts from the class of an instance, which already has its base.
        return object.__new__(cls if cls.base_head else _combine((cls, find_base_head(base_type))))

    def __init__(
        self,
        *,
        base_type: str | type,
        in_size: Size | None = None,
        out_size: Size | None = None,
        init: Init = 'bilinear',
        size_policy: SizePolicy = 'resample',
        any_train_size: bool = False,
        label_branch: dict | None = None,
        **base_cfg: Any,
    ) -> None:
        in_size = require_size(type(self).__name__, 'in_size', in_size, base_cfg)
        out_size = require_size(type(self).__name__, 'out_size', out_size, base_cfg)
        with known_keys(base_type, type(self), base_cfg):
            super().__init__(**base_cfg)
        check_built_head(base_type, self)
        self.any_train_size = any_train_size
        self.interp = GlobalInterp(
            in_size,
            out_size,
            init=init,
            size_policy=size_policy,
            align_corners=self.align_corners,
            channels=self.out_channels,
        )
        self.label_branch = (
            None
            if label_branch is None
            else LabelBranch(self.out_channels, self.num_classes, self.interp.in_size, **label_branch)
        )
        way = 'from coarse scores' if self.fused_loss else 'from full-size scores, which the configured losses need'
        print_log(f'{type(self).__name__}: training computes the loss {way}.', 'current')

    def loss_by_feat(self, seg_logits: Any, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of the base at the size of the labels, and those of the label branch.

        Args:
            seg_logits: What ``forward`` returned, with coarse scores (N, C, h, w).
            batch_data_samples: Samples with the masks.

        Returns:
            Losses by name, and ``acc_seg``.

        Raises:
            InputError: If the crop is not the one the matrices were made for, or if there is no score map.
        """
        scores = self._main_scores(seg_logits)
        coarse, full = (scores.shape[2], scores.shape[3]), label_size(batch_data_samples)
        self._check_training_size(coarse, full)
        if self.fused_loss is not None:
            labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
            loss, accuracy = self.fused_loss(scores, *self.interp.kernels(coarse, full), labels, self.ignore_index)
            losses = {self.loss_decode.loss_name: loss, 'acc_seg': accuracy}
        else:
            losses = super().loss_by_feat(self._upsample(seg_logits, scores, full), batch_data_samples)
        if self.label_branch is None:
            return losses
        masks = self._stack_batch_gt(batch_data_samples).squeeze(1)
        return sum_by_name(losses, self.label_branch.loss(scores, masks, self.ignore_index))

    def predict_by_feat(self, seg_logits: Any, batch_img_metas: list[dict]) -> Tensor:
        """What the base predicts from scores at the size of the network's input.

        Args:
            seg_logits: Coarse scores (N, C, h, w) as the base's ``predict`` passes them.
            batch_img_metas: Meta data of the images, with the size of the network's input (H, W).

        Returns:
            Full-size scores, shape (N, C, H, W).

        Raises:
            InputError: If ``size_policy`` does not allow these sizes, or if there is no score map.
        """
        full = self._upsample(seg_logits, self._main_scores(seg_logits), input_size(batch_img_metas))
        return super().predict_by_feat(full, batch_img_metas)

    @property
    def fused_loss(self) -> FusedLoss | None:
        """The loss from coarse scores; ``None`` with several losses, a pixel sampler or losses of the base's own."""
        is_plain = self._base_is_plain('loss_by_feat') and self.sampler is None
        return find_fused_loss(self.loss_decode) if is_plain else None

    @property
    def predicts_from_coarse(self) -> bool:
        """Whether ``predict`` does nothing but upsample, so that :meth:`predict_coarse` can replace it."""
        is_stock = getattr(self.base_head, 'predict', None) is BaseDecodeHead.predict
        return is_stock and self._base_is_plain('predict_by_feat') and self.out_channels > 1

    def predict_coarse(self, inputs: tuple[Tensor, ...], batch_img_metas: list[dict]) -> tuple[Tensor, Tensor, Tensor]:
        """The factors of the scores that ``predict`` returns, without their product.

        Args:
            inputs: Feature maps of the backbone.
            batch_img_metas: Meta data of the images, with the size of the network's input (H, W).

        Returns:
            Coarse scores (N, C, h, w) and the two matrices, (H, h) and (W, w).
        """
        scores = self.forward(inputs)
        return scores, *self.interp.kernels((scores.shape[2], scores.shape[3]), input_size(batch_img_metas))

    def _main_scores(self, outputs: Any) -> Tensor:
        scores = main_scores(outputs, self.out_channels)
        if scores is None:
            raise InputError(
                f'{type(self).__name__} returns no score map with {self.out_channels} channels; use the '
                'base head as it is, or another base_type.'
            )
        return scores

    def _upsample(self, outputs: Any, scores: Tensor, size: Size) -> Any:
        return map_scores(lambda coarse: self.interp(coarse, size), outputs, scores.shape)

    def _check_training_size(self, coarse: Size, full: Size) -> None:
        made_for = self.interp.in_size, self.interp.out_size
        is_meant = self.any_train_size or self.interp.size_policy == 'slice'
        if not self.training or (coarse, full) == made_for or (is_meant and full != self.interp.out_size):
            return
        raise InputError(
            f'The matrices are for {_text(made_for[0])} scores of {_text(made_for[1])} crops, but this '
            f'network computes {_text(coarse)} scores of {_text(full)} crops; set in_size={coarse}, '
            f'out_size={full} in the GlobalInterpHead config'
            + (', or any_train_size=True to train on crops of several sizes.' if full != made_for[1] else '.')
        )

    def _base_is_plain(self, method: str) -> bool:
        return getattr(self.base_head, method) in [getattr(plain, method) for plain in _PLAIN]

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple:
        """Copy and pickle by the two classes, because the combined one is in no module."""
        return _new_head, (self.wrapper, self.base_head), self.__dict__.copy()


def _text(size: Size) -> str:
    return f'{size[0]}x{size[1]}'


def _new_head(wrapper: type, base: type) -> GlobalInterpHead:
    return object.__new__(_combine((wrapper, base)))


@cache
def _combine(classes: tuple[type, type]) -> Any:
    wrapper, base = classes
    attributes = dict(__module__=__name__, wrapper=wrapper, base_head=base)
    return type(wrapper)(f'{wrapper.__name__}_{base.__name__}', (wrapper, base), attributes)
