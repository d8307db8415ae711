"""What is trained and judged: the part of a segmentor behind cached features, with its classification loss."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from experiment import Experiment
from features import Inputs
from mmseg.models import EncoderDecoder
from mmseg.utils import SampleList
from recipe import DATA, NETWORKS, coarse_size, label_loss
from torch import Tensor, nn

from mmseg_gdn.models import MultiLabelHead
from mmseg_gdn.models.decode_heads.label_branch import LabelBranch
from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel
from mmseg_gdn.ops import global_interp_cross_entropy

# The stages behind the cached features, and the level of the features.
_STAGES = {'most': (('layer4', 'layer5', 'layer6', 'layer7'), 1), 'top': (('layer6', 'layer7'), 2)}


class Network(nn.Module):
    """Stages of a trunk, a decode head, and at most one module with a classification loss.

    Args:
        model: The whole segmentor; its modules are taken, not copied.
        experiment: What is trained.
    """

    def __init__(self, model: EncoderDecoder, experiment: Experiment) -> None:
        super().__init__()
        self.level = feature_level(experiment)
        names, _ = _STAGES.get(experiment.trunk, ((), None))
        self.stages = nn.Sequential(*(getattr(model.backbone, name) for name in names))
        self.stages.to(memory_format=torch.channels_last)
        self.decode_head = model.decode_head
        self.label_branch = self.label_head = None
        self.is_bilinear = experiment.upsampling == 'bilinear'
        self.in_bfloat16 = experiment.network == 'largefov'  # its convolutions take most of the time
        data = DATA[experiment.data]
        if experiment.labels == 'scores':
            self.label_branch = LabelBranch(
                data['num_classes'], data['num_classes'], coarse_size(experiment), **label_loss(experiment)
            )
        elif experiment.labels == 'features':
            self.label_head = MultiLabelHead(
                num_classes=data['num_classes'],
                ignore_index=data['ignore_index'],
                **NETWORKS[experiment.network],
                **label_loss(experiment),
            )

    def losses(self, inputs: Inputs, samples: SampleList) -> dict[str, Tensor]:
        """Losses of the masks and of the classes.

        Args:
            inputs: Features at ``level``, as a head takes them.
            samples: Samples with the masks.

        Returns:
            Losses by name.
        """
        inputs = self._pass_stages(inputs)
        scores = self._scores(inputs)
        losses = self._pixel_losses(scores, samples)
        if self.label_branch is not None:
            masks = stacked_masks(samples)
            losses.update(self.label_branch.loss(scores, masks, self.decode_head.ignore_index))
        if self.label_head is not None:
            losses.update(self.label_head.loss(inputs, samples, train_cfg=None))
        return losses

    @torch.no_grad()
    def predict(self, inputs: Inputs, samples: SampleList) -> tuple[Tensor, Tensor | None]:
        """Full-size scores (N, C, H, W), and image-level logits (N, K) if there is a classification loss."""
        inputs = self._pass_stages(inputs)
        scores = self._scores(inputs)
        full = self.decode_head.predict_by_feat(scores, [sample.metainfo for sample in samples])
        labels = None
        if self.label_branch is not None:
            labels = self.label_branch(scores)
        if self.label_head is not None:
            labels = self.label_head(inputs)
        return full, labels

    @torch.no_grad()
    def coarse_scores(self, inputs: Inputs) -> Tensor:
        """Coarse scores, shape (N, C, h, w)."""
        return self._scores(self._pass_stages(inputs))

    def _pixel_losses(self, scores: Tensor, samples: SampleList) -> dict[str, Tensor]:
        """Losses of the head; for the stock head the same in a third of the time, from coarse scores."""
        if not self.is_bilinear:
            return self.decode_head.loss_by_feat(scores, samples)
        masks = stacked_masks(samples)
        kernels = [bilinear_kernel(full, coarse) for full, coarse in zip(masks.shape[1:], scores.shape[2:])]
        loss = global_interp_cross_entropy(scores, *kernels, masks, ignore_index=self.decode_head.ignore_index)
        return dict(loss_ce=loss)

    def _pass_stages(self, inputs: Inputs) -> Inputs:
        if not len(self.stages):
            return inputs
        features = inputs[self.level].contiguous(memory_format=torch.channels_last)
        return None, None, None, self.stages(features)

    def _scores(self, inputs: Inputs) -> Tensor:
        with self._precision():
            scores = self.decode_head(inputs)
        return scores.float()

    def _precision(self) -> AbstractContextManager:
        return torch.autocast('cpu', torch.bfloat16, enabled=self.in_bfloat16)


def stacked_masks(samples: SampleList) -> Tensor:
    """Masks of a batch, shape (N, H, W)."""
    return torch.stack([sample.gt_sem_seg.data[0] for sample in samples])


def feature_level(experiment: Experiment) -> int:
    """Which output of the trunk is cached: that before the first trained layer."""
    if experiment.trunk in _STAGES:
        return _STAGES[experiment.trunk][1]
    return NETWORKS[experiment.network].get('in_index', 0)


class ScoresOnly(nn.Module):
    """A network without all before its coarse scores, for training matrices on scores computed once.

    Args:
        network: Its decode head is taken.
    """

    level = 0

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.decode_head = network.decode_head

    def losses(self, inputs: Inputs, samples: SampleList) -> dict[str, Tensor]:
        """Losses of the masks; the inputs hold the scores."""
        return self.decode_head.loss_by_feat(inputs[0], samples)
