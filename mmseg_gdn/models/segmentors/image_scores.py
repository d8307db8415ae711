"""Which classes are in the image: what a model that was trained to tell it says in predictions."""

from __future__ import annotations

from mmseg.models import EncoderDecoder
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_gdn.models.decode_heads import MultiLabelHead


def attach_image_scores(
    model: EncoderDecoder, samples: SampleList, features: tuple[Tensor, ...] | None = None, scores: Tensor | None = None
) -> SampleList:
    """Set ``image_scores`` of the samples: the logits (K,) of the label branch, or else of the first multi-label head.

    They are ``None`` if the checkpoint had no weights for them, if the score map is larger than the branch was made
    for, without features of whole images, and for a branch also without their coarse scores. A model with neither
    branch nor head leaves the samples as they are.

    Args:
        model: The segmentor.
        samples: Predictions of N images; changed in place.
        features: Feature maps of the backbone for whole images.
        scores: Coarse scores of whole images, shape (N, C, h, w).

    Returns:
        The samples.
    """
    branch = getattr(model.decode_head, 'label_branch', None)
    head = next((head for head in _auxiliary_heads(model) if isinstance(head, MultiLabelHead)), None)
    if branch is None and head is None:
        return samples
    logits = None
    if scores is not None and branch is not None:
        logits = branch.predict_labels(scores)
    elif features is not None and branch is None and head is not None:
        logits = head.predict_labels(features)
    for index, sample in enumerate(samples):
        sample.image_scores = None if logits is None else logits[index]
    return samples


def _auxiliary_heads(model: EncoderDecoder) -> list[nn.Module]:
    if not model.with_auxiliary_head:
        return []
    heads = model.auxiliary_head
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]
