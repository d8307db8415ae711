"""Prints the results of a study as Markdown: means over seeds, and differences from the baseline seed by seed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np
from bootstrap import difference_interval
from counts import as_array
from experiment import Experiment
from experiments import BASELINES
from records import read_results
from scoring import mean_iou

from mmseg_gdn.utils import InputError, run_tool

Results = list[dict[str, Any]]
# Classes with enough training images in the VOC extract: background, cat, cow, dog, horse, person, sheep.
_WELL_POPULATED = {'voc': (0, 8, 10, 12, 13, 15, 17)}


def main() -> None:
    """Print the tables."""
    args = _arguments()
    print(tables(args.results, args.study), end='')


def tables(folder: Path, study: str) -> str:
    """All tables of a study.

    Args:
        folder: Folder of the results.
        study: Name of the study.

    Returns:
        A Markdown table for each setting, with a title.

    Raises:
        InputError: If the folder has no results of this study.
    """
    results = [result for result in read_results(folder).values() if result['settings']['study'] == study]
    if not results:
        raise InputError(f'{folder} has no results of the study {study}; make them with benchmarks/accuracy/run.py.')
    by_setting: dict[str, Results] = {}
    for result in results:
        by_setting.setdefault(Experiment.from_dict(result['settings']).setting, []).append(result)
    return '\n'.join(f'{_title(runs[0]["settings"])}\n\n{table(runs, BASELINES[study])}\n'
                     for runs in by_setting.values())


def table(results: Results, baseline: str) -> str:
    """Compare the variants of one setting.

    Args:
        results: Runs that differ in variant and seed only.
        baseline: Name of the variant that the others are compared with.

    Returns:
        A Markdown table. Ranges are from the lowest to the highest seed; a difference is taken between runs of the
        same seed. The interval over images is a paired bootstrap of that difference.
    """
    variants = {}
    for result in sorted(results, key=_order):
        variants.setdefault(Experiment.from_dict(result['settings']).variant, []).append(result)
    few = _WELL_POPULATED.get(results[0]['settings']['data'])
    counted = all('counts' in result for result in results)  # the first runs kept none
    head = ['factor', 'mIoU', 'difference', *(['95 % over images', 'within 4 px of borders', 'difference'] if counted
                                              else []), *([f'mIoU of {len(few)} classes', 'difference'] if few else []),
            'pixel accuracy', 'K_h, K_w moved', 'seeds']
    lines = [_row(head), '|---' * len(head) + '|']
    for variant, runs in variants.items():
        against = variants.get(baseline, []) if variant != baseline else []
        cells = [variant, *_compared(runs, against, _miou)]
        if counted:
            cells += [_interval(runs, against), *_compared(runs, against, _miou_near_borders)]
        if few:
            cells += _compared(runs, against, lambda run: mean_iou([run['IoU'][index] for index in few]))
        accuracies = [run['pixel_accuracy'] for run in runs]
        cells += [f'{_mean(accuracies):.2f}', _moved(runs), str(len(runs))]
        lines.append(_row(cells))
    return '\n'.join(lines)


def _miou(result: dict) -> float:
    return result['mIoU']


def _miou_near_borders(result: dict) -> float:
    return result['mIoU_near_borders']['4px']


def _interval(runs: Results, baseline: Results) -> str:
    """Where the difference lies, judged by the validation images."""
    base = {run['settings']['seed']: run for run in baseline}
    pairs = [(_counts(run), _counts(base[seed])) for run in runs if (seed := run['settings']['seed']) in base]
    if not pairs:
        return ''
    low, high = difference_interval(*map(np.stack, zip(*pairs)))
    return f'{low:+.2f} to {high:+.2f}'


def _counts(result: dict) -> np.ndarray:
    return as_array(result['counts']['whole'], len(result['IoU']))


def _compared(runs: Results, baseline: Results, measure: Callable[[dict], float]) -> tuple[str, str]:
    values = {run['settings']['seed']: measure(run) for run in runs}
    base = {run['settings']['seed']: measure(run) for run in baseline}
    differences = [value - base[seed] for seed, value in values.items() if seed in base]
    return _with_range(list(values.values()), '.2f'), _with_range(differences, '+.2f')


def _with_range(values: list[float], form: str) -> str:
    if not values:
        return ''
    spread = f' ({min(values):{form}} to {max(values):{form}})' if len(values) > 1 else ''
    return f'{_mean(values):{form}}{spread}'


def _moved(runs: Results) -> str:
    distances = [list(run['moved'].values()) for run in runs if run['moved']]
    return ', '.join(f'{100 * _mean(values):.0f} %' for values in zip(*distances))


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def _order(result: dict) -> tuple:
    settings = result['settings']
    return settings['decay_mult'] or 0, settings['lr_mult'] or 0, settings['seed']


def _title(settings: dict) -> str:
    return (f'**{settings["data"]}, {settings["trunk"]} trunk, stride {settings["stride"]}, {settings["optimizer"]}** '
            f'({settings["iterations"]} iterations of {settings["batch"]} images)')


def _row(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('study', choices=list(BASELINES), help='which study')
    parser.add_argument('--results', type=Path, default=Path(__file__).parent / 'results',
                        help='folder of the results (default: the one beside this script)')
    return parser.parse_args()


if __name__ == '__main__':
    run_tool(main)
