"""Runs of one setting, compared with the setting's baseline seed by seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bootstrap import difference_interval
from counts import as_array, mean_iou_of
from experiment import Experiment

Result = dict[str, Any]
# Classes that short trainings learn. CamVid: sky, building, road, sidewalk, tree, car, with nine tenths of the pixels;
# VOC extract: background, cat, cow, dog, horse, person, sheep, which have enough training images.
WELL_POPULATED = {'camvid': (0, 1, 3, 4, 5, 8), 'voc': (0, 8, 10, 12, 13, 15, 17)}
# CamVid's validation images are every second frame of one clip of seven seconds, so neighbours are not independent.
_BLOCKS = {'camvid': 25, 'voc': 1}


@dataclass(frozen=True)
class Measure:
    """A kind of mean IoU.

    Attributes:
        region: Which pixels count, a key of ``REGIONS`` in :mod:`counts`.
        classes: Which classes count; all when ``None``.
    """

    region: str = 'whole'
    classes: tuple[int, ...] | None = None

    def of(self, result: Result) -> float | None:
        """Its value in percent; ``None`` if the run kept no counts that it needs."""
        if 'counts' in result:
            return float(mean_iou_of(self.counts(result).sum(0)))
        if self.region != 'whole':
            return None
        iou = [result['IoU'][index] for index in self.classes or range(len(result['IoU']))]
        present = [value for value in iou if value is not None]
        return sum(present) / len(present)

    def counts(self, result: Result) -> np.ndarray:
        """Intersections and unions, shape (images, classes, 2)."""
        counts = as_array(result['counts'][self.region], len(result['IoU']))
        return counts if self.classes is None else counts[:, self.classes]


@dataclass(frozen=True)
class Variant:
    """The runs of a variant and those of the baseline.

    Attributes:
        runs: By seed.
        baseline: By seed; empty for the baseline itself.
    """

    runs: dict[int, Result]
    baseline: dict[int, Result]

    @property
    def experiment(self) -> Experiment:
        """The settings, with any of the seeds."""
        return Experiment.from_dict(next(iter(self.runs.values()))['settings'])

    def values(self, measure: Measure) -> list[float]:
        """Its values by seed, in percent."""
        values = (measure.of(run) for run in self.runs.values())
        return [value for value in values if value is not None]

    def differences(self, measure: Measure) -> list[float]:
        """Differences from the baseline with the same seed, in points."""
        pairs = (
            (measure.of(run), measure.of(self.baseline[seed]))
            for seed, run in self.runs.items()
            if seed in self.baseline
        )
        return [ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]

    def interval(self, measure: Measure) -> tuple[float, float] | None:
        """Where the mean difference lies, judged by the validation images; ``None`` if runs kept no counts."""
        seeds = [
            seed
            for seed, run in self.runs.items()
            if seed in self.baseline and 'counts' in run and 'counts' in self.baseline[seed]
        ]
        if not seeds:
            return None
        ours, theirs = (np.stack([measure.counts(of[seed]) for seed in seeds]) for of in (self.runs, self.baseline))
        return difference_interval(ours, theirs, _BLOCKS[self.experiment.data])


def compared(results: list[Result], baseline: str) -> list[Variant]:
    """Group the runs of one setting.

    Args:
        results: Runs that differ in variant and seed only.
        baseline: Name of the variant that the others are compared with.

    Returns:
        The variants, the baseline first where there is one.
    """
    by_variant: dict[str, dict[int, Result]] = {}
    for result in sorted(results, key=_order):
        experiment = Experiment.from_dict(result['settings'])
        by_variant.setdefault(experiment.variant, {})[experiment.seed] = result
    base = by_variant.get(baseline, {})
    return [Variant(runs, {} if name == baseline else base) for name, runs in by_variant.items()]


def by_setting(results: list[Result]) -> dict[str, list[Result]]:
    """Group results by their setting, in the order of its name."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(Experiment.from_dict(result['settings']).setting, []).append(result)
    return dict(sorted(groups.items()))


def _order(result: Result) -> tuple:
    """Simplest first: the stock head, more weights, more losses, other ways of training."""
    run = Experiment.from_dict(result['settings'])
    ways, labels = ('all', 'nothing', 'matrices', 'fit_kernels'), ('none', 'scores', 'features')
    return (
        run.start > 0,
        ways.index(run.learns),
        labels.index(run.labels),
        ('bilinear', 'deconv', 'gdn').index(run.upsampling),
        run.init != 'bilinear',
        run.decay_mult or 0,
        run.lr_mult or 0,
        run.optimizer,
        run.size_policy,
        run.seed,
    )
