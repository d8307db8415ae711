"""One training run as plain data: everything that decides its numbers."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Experiment:
    """One training run and its settings.

    Attributes:
        study: The question that the run helps to answer; tables are made per study.
        data: Name of the data set, a key of ``DATA`` in ``recipe.py``.
        trunk: ``'frozen'`` trains the head alone, on features computed once; ``'top'`` also the trunk's stages of
            stride 32, on features of stride 16; ``'most'`` all but the first three stages, on features of stride 8;
            ``'trained'`` the whole network, on images.
        stride: Output stride of the features that the head sees.
        optimizer: Name of the optimizer, a key of ``OPTIMIZERS`` in ``recipe.py``.
        upsampling: ``'bilinear'`` is the stock head, ``'gdn'`` the head with matrices, ``'deconv'`` the stock head
            with a learned deconvolution.
        lr_mult: Factor on the learning rate of the upsampling; ``None`` if it has no weights.
        decay_mult: Factor on its weight decay; ``None`` if it has no weights.
        iterations: Optimizer steps.
        batch: Images per step.
        seed: Decides the head's start values, the order of the images and the augmentation, alike for all upsamplings.
        network: A key of ``NETWORKS`` in ``recipe.py``.
        labels: Where the classification loss sits: ``'none'``, on the coarse ``'scores'``, or on ``'features'``.
        init: How the matrices start: ``'bilinear'``, or ``'caffe'`` as the authors' do.
        views: ``'whole'`` images, or random ``'crops'`` of them.
        start: Iterations of the bilinear baseline whose weights this run starts from; 0 starts from ImageNet.
        learns: ``'all'`` that the trunk allows; ``'matrices'`` alone, on fixed scores; what ``'fit_kernels'`` makes of
            the baseline; ``'nothing'``: the run of the same variant is tested in another way.
        test_scale: Size of the images in testing, relative to that in training.
        size_policy: How the matrices are brought to other sizes.
        head_lr_mult: Factor on the learning rate of the head, without the upsampling's weights.
    """

    study: str
    data: str
    trunk: str
    stride: int
    optimizer: str
    upsampling: str
    lr_mult: float | None
    decay_mult: float | None
    iterations: int
    batch: int
    seed: int
    network: str = 'mobilenetv2'
    labels: str = 'none'
    init: str = 'bilinear'
    views: str = 'whole'
    start: int = 0
    learns: str = 'all'
    test_scale: float = 1.0
    size_policy: str = 'resample'
    head_lr_mult: float = 1.0

    @property
    def setting(self) -> str:
        """All but the variant and the seed: runs with the same setting are compared."""
        if self.learns != 'all':
            base = self.parent
            return base.setting + (f'_test{self.test_scale:g}' if self.test_scale != 1 else '')
        network = '' if self.network == 'mobilenetv2' else f'{self.network}_'
        views = '' if self.views == 'whole' else f'_{self.views}'
        head = '' if self.head_lr_mult == 1 else f'_head-x{self.head_lr_mult:g}'
        total = self.start + self.iterations
        return f'{self.data}_{network}{self.trunk}_s{self.stride}_{self.optimizer}_{total}x{self.batch}{views}{head}'

    @property
    def variant(self) -> str:
        """What is compared within a setting: upsampling, its rates, and how it is trained and tested."""
        if self.study == 'matrix-rates':
            return 'bilinear' if self.upsampling == 'bilinear' else self._rates
        if self.learns == 'nothing':
            policy = f'-{self.size_policy}' if self.upsampling == 'gdn' else ''
            return self.parent.variant + policy
        parts = [self.upsampling]
        if self.lr_mult is not None and self.learns != 'fit_kernels':
            parts.append(self._rates)
        if self.init != 'bilinear':
            parts.append(self.init)
        if self.labels != 'none':
            parts.append(f'labels-on-{self.labels}')
        if self.learns != 'all':
            parts += [self.learns] + ([self.optimizer] if self.learns == 'matrices' else [])
        elif self.start:
            parts.append('staged')
        return '-'.join(parts)

    @property
    def name(self) -> str:
        """File name of the result, without its suffix."""
        return f'{self.study}_{self.weights_name}'

    @property
    def weights_name(self) -> str:
        """Name of the weights, which studies share."""
        return f'{self.setting}_{self.variant}_seed{self.seed}'

    @property
    def parent(self) -> Experiment | None:
        """The run whose weights this one starts from, or tests; ``None`` if it starts from ImageNet."""
        if self.learns == 'nothing':
            return replace(self, learns='all', test_scale=1.0, size_policy='resample')
        if not self.start:
            return None
        return replace(
            self,
            optimizer=BASELINE_OPTIMIZERS[self.network],
            upsampling='bilinear',
            lr_mult=None,
            decay_mult=None,
            labels='none',
            init='bilinear',
            iterations=self.start,
            start=0,
            learns='all',
        )

    @property
    def trunk_weights(self) -> str:
        """Which network's ImageNet weights the trunk has."""
        return self.network.split('-')[0]

    @property
    def _rates(self) -> str:
        return f'x{self.lr_mult:g}' + ('-decay' if self.decay_mult else '')

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Experiment:
        """The inverse of :meth:`as_dict`; settings that older results do not name have their defaults."""
        return cls(
            **{
                field.name: settings[field.name]
                for field in fields(cls)
                if field.default is MISSING or field.name in settings
            }
        )


# What the bilinear baselines are trained with, which other runs start from.
BASELINE_OPTIMIZERS = {'mobilenetv2': 'sgd', 'mobilenetv2-cut': 'sgd', 'largefov': 'adam-fc'}
