"""What variants gain over bilinear interpolation, by the names that the result files have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from comparison import Measure, Variant, by_setting, compared
from experiments import BASELINES
from records import read_results

from mmseg_gdn.utils import InputError

_ALL = Measure()


class Gains:
    """The results of all studies, compared with their baselines.

    Args:
        folder: Folder of the results.
    """

    def __init__(self, folder: Path) -> None:
        self._variants: dict[tuple[str, str, str], Variant] = {}
        results = list(read_results(folder).values())
        for study, baseline in BASELINES.items():
            runs = [result for result in results if result['settings']['study'] == study]
            for setting, of_setting in by_setting(runs).items():
                for variant in compared(of_setting, baseline):
                    self._variants[study, setting, variant.experiment.variant] = variant

    def by_seed(self, setting: str, variant: str, measure: Measure = _ALL, study: str = 'upsampling') -> list[float]:
        """Differences from the baseline, in points.

        Args:
            setting: As in the result's file name, such as ``'camvid_most_s32_sgd_300x8'``.
            variant: Likewise, such as ``'gdn-x100'``.
            measure: Which mean IoU.
            study: Likewise, such as ``'upsampling'``.

        Raises:
            InputError: If it has not been run.
        """
        return self._found(study, setting, variant).differences(measure)

    def over(self, setting: str, variant: str, other: str) -> list[float]:
        """Differences in mean IoU from another variant of the main study, by seed, in points.

        Raises:
            InputError: If one of the two has not been run.
        """
        ours, theirs = (self._found('upsampling', setting, name) for name in (variant, other))
        return Variant(ours.runs, theirs.runs).differences(_ALL)

    def mean(self, setting: str, variant: str, measure: Measure = _ALL, study: str = 'upsampling') -> float:
        """Their mean over seeds."""
        return mean(self.by_seed(setting, variant, measure, study))

    def baseline(self, setting: str, study: str = 'upsampling') -> float:
        """Mean IoU of bilinear interpolation, in percent."""
        return mean(self._found(study, setting, BASELINES[study]).values(_ALL))

    def moved(self, setting: str, variant: str, study: str = 'upsampling') -> tuple[float, ...]:
        """How far K_h and K_w are from their start, as shares of its norm, mean over seeds."""
        runs = self._found(study, setting, variant).runs.values()
        return tuple(mean(distances) for distances in zip(*(run['moved'].values() for run in runs)))

    def interval(self, setting: str, variant: str, study: str = 'upsampling') -> tuple[float, float]:
        """95 % of the mean difference over the validation images, in points."""
        ends = self._found(study, setting, variant).interval(_ALL)
        if ends is None:
            raise InputError(f'the results of {study}_{setting}_{variant} have no counts.')
        return ends

    def weights(self, setting: str, variant: str) -> int:
        """Number of weights of the upsampling."""
        run = next(iter(self._found('upsampling', setting, variant).runs.values()))
        return run['parameters']['upsampling']

    def settings(self, *variants: str, study: str = 'upsampling') -> Iterator[str]:
        """Settings in which all these variants have been run."""
        names = {setting for of, setting, _ in self._variants if of == study}
        yield from sorted(
            setting for setting in names if all((study, setting, variant) in self._variants for variant in variants)
        )

    def _found(self, study: str, setting: str, variant: str) -> Variant:
        try:
            return self._variants[study, setting, variant]
        except KeyError:
            raise InputError(
                f'there are no results of {study}_{setting}_{variant}; make them with benchmarks/accuracy/run.py.'
            ) from None


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean.

    Raises:
        InputError: If there are none.
    """
    if not values:
        raise InputError('results of a seed or of its baseline are missing; make them with benchmarks/accuracy/run.py.')
    return sum(values) / len(values)
