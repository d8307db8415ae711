"""The table of experiments: everything that decides a run's numbers, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Experiment:
    """One training run and its settings.

    Attributes:
        study: The question that the run helps to answer; a table is made per study.
        data: Name of the data set, a key of ``DATA`` in ``recipe.py``.
        trunk: ``'frozen'`` trains the head on features computed once; ``'top'`` also the trunk's stages of stride 32,
            on features of stride 16 computed once; ``'trained'`` trains the whole network.
        stride: Output stride of the features that the head sees, 16 or 32.
        optimizer: Name of the optimizer, a key of ``OPTIMIZERS`` in ``recipe.py``.
        upsampling: ``'bilinear'`` is the stock head, ``'gdn'`` the head with matrices that start as bilinear.
        lr_mult: Factor on the learning rate of the matrices; ``None`` without matrices.
        decay_mult: Factor on the weight decay of the matrices; ``None`` without matrices.
        iterations: Optimizer steps.
        batch: Images per step.
        seed: Decides the head's start values, the order of the images and the augmentation, alike for all upsamplings.
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

    @property
    def setting(self) -> str:
        """All but the variant and the seed: runs with the same setting are compared."""
        return f'{self.data}_{self.trunk}_s{self.stride}_{self.optimizer}_{self.iterations}x{self.batch}'

    @property
    def variant(self) -> str:
        """What is compared: ``bilinear``, or the factor on the matrices' rate, ``decay`` if they decay as the rest."""
        if self.upsampling == 'bilinear':
            return 'bilinear'
        return f'x{self.lr_mult:g}' + ('-decay' if self.decay_mult else '')

    @property
    def name(self) -> str:
        """File name of the result, without its suffix."""
        return f'{self.study}_{self.setting}_{self.variant}_seed{self.seed}'

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Experiment:
        """The inverse of :meth:`as_dict`."""
        return cls(**{field.name: settings[field.name] for field in fields(cls)})


def matrix_rates() -> list[Experiment]:
    """How fast should the matrices learn, compared with the rest of the network? Most wanted runs first.

    The baseline is factor 0: the matrices stay bilinear interpolation. It equals the stock head and, on CPUs, takes a
    third of its time.
    """
    frozen = Experiment(study='matrix-rates', data='camvid', trunk='frozen', stride=32, optimizer='sgd',
                        upsampling='gdn', lr_mult=0, decay_mult=0, iterations=300, batch=8, seed=0)
    factors, decayed = (0, 1, 5, 20, 50, 100), (1, 20)
    top = dict(trunk='top', iterations=200)

    def rates(optimizer: str, lr_mults: tuple[float, ...], **changes: Any) -> list[Experiment]:
        return [replace(frozen, optimizer=optimizer, lr_mult=lr_mult, **changes) for lr_mult in lr_mults]

    return [
        *rates('sgd', factors),
        *rates('adamw', factors),
        *rates('sgd', (0, 20, 100), data='voc'),
        *rates('sgd', (0, 20, 100), **top),
        *rates('adamw', (0, 5, 20), **top),
        *rates('adamw', (0, 5, 20), data='voc'),
        *rates('sgd', (0, 20, 100), iterations=1200),
        *rates('sgd', (0, 20, 100, 1), trunk='trained', iterations=200),
        *rates('sgd', decayed, decay_mult=1),
        *rates('adamw', decayed, decay_mult=1),
        *rates('sgd', (1, 5, 50), data='voc'),
        *rates('adamw', (1, 50, 100), data='voc'),
        *rates('sgd', (1, 5, 50), **top),
        *rates('adamw', (1, 50, 100), **top),
        *rates('sgd', factors, seed=1),
        *rates('adamw', factors, seed=1),
        *rates('sgd', factors, **top, seed=1),
        *rates('adamw', factors, **top, seed=1),
        *rates('sgd', factors, data='voc', seed=1),
        *rates('adamw', factors, data='voc', seed=1),
        *rates('sgd', factors, stride=16),
        *rates('adamw', factors, stride=16),
    ]


EXPERIMENTS = matrix_rates()
BASELINES = {'matrix-rates': 'x0'}  # the variant that a study compares the others with
