"""The average of several models' predictions."""

from __future__ import annotations

from itertools import zip_longest

import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn

from mmseg_gdn.utils import InputError

from .ensemble_member import EnsembleMember


@MODELS.register_module()
class Ensemble(BaseModel):
    """Averages the class probabilities of several models at the size of the image. For testing only.

    Every member reads an image from its file and prepares it as its own config says, so members may differ in sizes,
    normalization and ``size_policy``. Of the ensemble's own pipeline only the path of the image and the mask are used.
    The members predict one after the other: beside the weights of all, memory holds what one member needs, and the
    average.

    Args:
        members: For each member its ``config`` and ``checkpoint``, and its ``weight`` in the average (1 by default).
            Weights are divided by their sum.
        data_preprocessor: Not used, because members have their own; mmengine passes the one of the config.

    Raises:
        InputError: If there is no member, if a member is incomplete or cannot be built, or if two members predict
            different classes.

    Example:
        A model for ``tools/test.py``, which then takes no checkpoint::

            model = dict(type='Ensemble', members=[
                dict(config='a.py', checkpoint='a.pth'),
                dict(config='b.py', checkpoint='b.pth', weight=0.5)])
    """

    def __init__(self, members: list[dict], data_preprocessor: dict | None = None) -> None:
        super().__init__()
        self.shares = _shares(members)
        first, *others = [EnsembleMember(member['config'], member['checkpoint']) for member in members]
        self.members = nn.ModuleList([first, *others])
        for other in others:
            _require_same_classes(first, other)

    @torch.no_grad()
    def forward(
        self, inputs: list[Tensor] | None = None, data_samples: OptSampleList = None, mode: str = 'tensor'
    ) -> SampleList:
        """Predict.

        Args:
            inputs: Not used.
            data_samples: Samples with ``img_path``.
            mode: Has to be ``'predict'``.

        Returns:
            The samples with ``seg_logits``, the logarithms of the average probabilities, shape (C, H, W), whose softmax
            gives these probabilities; and with ``pred_sem_seg``.

        Raises:
            InputError: With another mode, or if an image is in no file.
        """
        if mode != 'predict':
            raise InputError('An Ensemble can only predict; train its members by their own configs.')
        for sample in data_samples:
            # Probabilities that underflow would have no logarithm.
            scores = self._average(_image_path(sample)).clamp_(min=torch.finfo(torch.float32).tiny).log_()
            sample.set_metainfo(dict(ori_shape=tuple(scores.shape[1:])))
            sample.seg_logits = PixelData(data=scores)
            sample.pred_sem_seg = PixelData(data=scores.argmax(0, keepdim=True))
        return data_samples

    def _average(self, img_path: str) -> Tensor:
        # The maps of single members have no names here, so that each is freed before the next member runs.
        average = self.members[0](img_path).mul_(self.shares[0])
        for member, share in zip(self.members[1:], self.shares[1:]):
            average.add_(member(img_path), alpha=share)
        return average


def _shares(members: list[dict]) -> list[float]:
    """Weights that add up to 1."""
    if not members or not isinstance(members, (list, tuple)):
        raise InputError('An Ensemble needs members; list a config and a checkpoint for each in model.members.')
    for index, member in enumerate(members):
        keys = set(member) if isinstance(member, dict) else set()
        if not {'config', 'checkpoint'} <= keys <= {'config', 'checkpoint', 'weight'}:
            raise InputError(
                f'Each member of an Ensemble has a config, a checkpoint and, if needed, a weight, but '
                f'model.members[{index}] has {", ".join(sorted(keys)) or "none of them"}.'
            )
        if not all(isinstance(member[key], str) for key in ('config', 'checkpoint')):
            raise InputError(
                f'config and checkpoint of model.members[{index}] are paths, but got {member["config"]!r} '
                f'and {member["checkpoint"]!r}.'
            )
    weights = [member.get('weight', 1.0) for member in members]
    if not all(isinstance(weight, (int, float)) and 0 < weight < float('inf') for weight in weights):
        raise InputError(
            f'The weights of an Ensemble must be positive numbers, but got {weights}; leave out a member '
            'instead of giving it no weight.'
        )
    return [weight / sum(weights) for weight in weights]


def _require_same_classes(first: EnsembleMember, other: EnsembleMember) -> None:
    rule = 'The members of an Ensemble must predict the same classes in the same order, but'
    counts = first.model.num_classes, other.model.num_classes
    if counts[0] != counts[1]:
        raise InputError(f'{rule} {first.config} has {counts[0]} and {other.config} has {counts[1]} classes.')
    if not first.classes or not other.classes:
        return
    for index, names in enumerate(zip_longest(first.classes, other.classes)):
        if names[0] != names[1]:
            raise InputError(
                f'{rule} class {index} is {names[0]!r} in {first.config} and {names[1]!r} in {other.config}.'
            )


def _image_path(sample: SegDataSample) -> str:
    path = sample.get('img_path')
    if not path:
        raise InputError(
            'An Ensemble reads images from files, because its members prepare them in different ways; '
            'give paths instead of arrays.'
        )
    return path
