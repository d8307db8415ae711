"""Prediction from coarse scores without full-size ones, and training of some parts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import ConfigType, OptSampleList, SampleList, add_prefix
from torch import Tensor, nn

from mmseg_gdn.models.decode_heads import GlobalInterpHead, MultiLabelHead
from mmseg_gdn.models.registered import is_registered_as, registered_class
from mmseg_gdn.models.score_cache import ScoreCache
from mmseg_gdn.models.train_only import freeze_others, keep_frozen_parts_in_eval_mode
from mmseg_gdn.ops import global_interp, global_interp_argmax
from mmseg_gdn.structures import DeferredPixelData
from mmseg_gdn.utils import InputError

from .image_scores import attach_image_scores


def skip_full_size_scores(model: dict) -> bool:
    """Change a model's config, if possible, to a segmentor that predicts classes without full-size scores.

    Args:
        model: Config of a segmentor; changed in place if it is an ``EncoderDecoder`` with a ``GlobalInterpHead``.

    Returns:
        Whether it was changed.
    """
    is_stock = registered_class(model['type']) is EncoderDecoder
    is_direct = is_stock and is_registered_as(model['decode_head'].get('type'), GlobalInterpHead)
    if is_direct:
        model['type'] = 'GlobalInterpEncoderDecoder'
    return is_direct


@MODELS.register_module()
class GlobalInterpEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that predicts classes from coarse scores, without full-size scores.

    What mmseg does with full-size scores before it takes the best class (removing padding, flipping back, bilinear
    resizing to the size of the image) is linear along rows and columns, so it is applied to the two matrices instead:
    ``argmax(R_h K_h x (R_w K_w)^T)``. ``seg_logits`` of the predictions are computed when they are first read. Heads
    that predict in another way, and sliding windows, whose scores overlap, are left to ``EncoderDecoder``.

    A :class:`MultiLabelHead` among the auxiliary heads takes ``num_classes``, ``ignore_index`` and, if the decode head
    has a label branch, ``with_background`` from the decode head, unless its config sets them.

    Args:
        train_only: Parts to train, by the beginnings of their parameters' names; ``['decode_head.interp']`` trains the
            matrices alone, as the authors' release does. Everything else is frozen: it gets no gradients, and its
            normalization layers and dropout are in evaluation mode. ``None`` trains everything.
        cache_scores: Folder in which to keep the coarse scores of each training image, so that they are computed once.
            For ``train_only`` with nothing but matrices and label branch, and for data that is not augmented, except by
            mirroring. ``None`` keeps nothing.
        **kwargs: Arguments of ``EncoderDecoder``.

    Raises:
        InputError: If ``train_only`` names no part, if ``cache_scores`` is set although what it keeps would change, or
            if it is set although auxiliary heads are trained, which need features.
    """

    def __init__(self, *, train_only: Sequence[str] | None = None, cache_scores: str | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.train_only = train_only
        if train_only is not None:
            freeze_others(self, train_only)
        self._score_cache = (
            None if cache_scores is None else ScoreCache(cache_scores, self._parts_before_scores(), self.decode_head)
        )

    def train(self, mode: bool = True) -> GlobalInterpEncoderDecoder:
        """Set training or evaluation mode; what is frozen by ``train_only`` stays in evaluation mode.

        Args:
            mode: Whether to train.

        Returns:
            The segmentor.
        """
        super().train(mode)
        if mode and self.train_only is not None:
            keep_frozen_parts_in_eval_mode(self, self.train_only)
        return self

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict:
        """Losses of all heads; if ``cache_scores`` is set, of the decode head alone, from coarse scores on disk.

        Args:
            inputs: Images, shape (N, 3, H, W).
            data_samples: Samples with the masks.

        Returns:
            Losses by name.

        Raises:
            InputError: If the images are augmented in a way that ``cache_scores`` does not allow.
        """
        if self._score_cache is None:
            return super().loss(inputs, data_samples)
        scores = self._score_cache.scores(inputs, data_samples, self._forward)
        return add_prefix(self.decode_head.loss_by_feat(scores, data_samples), 'decode')

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict the class of each pixel.

        Args:
            inputs: Images, shape (N, 3, H, W).
            data_samples: Samples with the meta data of the images.

        Returns:
            The samples with ``pred_sem_seg`` and ``seg_logits`` at the size of each image, and with ``image_scores``
            (see :func:`attach_image_scores`) if the model has a label branch or a multi-label head.
        """
        head = self.decode_head
        if data_samples is None or self.test_cfg.get('mode', 'whole') != 'whole':
            return attach_image_scores(self, super().predict(inputs, data_samples))
        metas = [sample.metainfo for sample in data_samples]
        features = self.extract_feat(inputs)
        if not (isinstance(head, GlobalInterpHead) and head.predicts_from_coarse):
            seg_logits = head.predict(features, metas, self.test_cfg)
            return attach_image_scores(self, self.postprocess_result(seg_logits, data_samples), features)
        scores, kernel_h, kernel_w = head.predict_coarse(features, metas)
        # Copies, because seg_logits may be read after the matrices have been trained further.
        kernel_h, kernel_w = kernel_h.clone(), kernel_w.clone()
        for sample, score in zip(data_samples, scores.split(1)):
            kernels = self._to_image(kernel_h, sample, 0), self._to_image(kernel_w, sample, 1)
            sample.seg_logits = DeferredPixelData(
                partial(_full_size_scores, score, *kernels), partial(_largest_possible_score, score, *kernels)
            )
            sample.pred_sem_seg = PixelData(data=global_interp_argmax(score, *kernels))
        return attach_image_scores(self, data_samples, features, scores)

    def _parts_before_scores(self) -> dict[str, nn.Module]:
        if self.with_auxiliary_head and any(value.requires_grad for value in self.auxiliary_head.parameters()):
            raise InputError(
                'cache_scores keeps no features, which auxiliary heads need to be trained; set '
                "auxiliary_head=None or train_only=['decode_head.interp'], or leave out cache_scores."
            )
        after = ('interp', 'label_branch')
        head = {f'decode_head.{name}': part for name, part in self.decode_head.named_children() if name not in after}
        return {**{name: part for name, part in self.named_children() if name in ('backbone', 'neck')}, **head}

    def _to_image(self, kernel: Tensor, sample: SegDataSample, axis: int) -> Tensor:
        """Turn the rows of a matrix, one for each pixel of the network's input, into rows for pixels of the image."""
        padding = sample.get('img_padding_size', sample.get('padding_size', [0] * 4))
        before, after = (padding[2:], padding[:2])[axis]
        kernel = kernel[before : len(kernel) - after]
        if sample.get('flip') and sample.get('flip_direction') in (('vertical', 'horizontal')[axis], 'diagonal'):
            kernel = kernel.flip(0)
        wanted = sample.ori_shape[axis]
        if len(kernel) == wanted:
            return kernel
        return F.interpolate(kernel.t()[None], size=wanted, mode='linear', align_corners=self.align_corners)[0].t()

    def _init_auxiliary_head(self, auxiliary_head: ConfigType) -> None:
        if isinstance(auxiliary_head, (list, tuple)):
            auxiliary_head = [self._with_labels_of_decode_head(head) for head in auxiliary_head]
        elif auxiliary_head is not None:
            auxiliary_head = self._with_labels_of_decode_head(auxiliary_head)
        super()._init_auxiliary_head(auxiliary_head)

    def _with_labels_of_decode_head(self, head: dict) -> dict:
        if not is_registered_as(head['type'], MultiLabelHead):
            return head
        labels = dict(num_classes=self.decode_head.num_classes, ignore_index=self.decode_head.ignore_index)
        branch = getattr(self.decode_head, 'label_branch', None)
        if branch is not None:
            labels['with_background'] = branch.with_background
        return labels | head


def _full_size_scores(score: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    return global_interp(score, kernel_h, kernel_w)[0]


def _largest_possible_score(score: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    largest = score.detach().abs().amax().float()
    for kernel in (kernel_h, kernel_w):
        largest = largest * kernel.detach().abs().sum(1).amax()
    return largest
