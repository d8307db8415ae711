"""Prints the results of a study as Markdown: means over seeds, and differences from the baseline seed by seed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from comparison import WELL_POPULATED, Measure, Result, Variant, by_setting, compared
from experiments import BASELINES
from records import read_results
from wording import setting_text, variant_text

from mmseg_gdn.utils import InputError, run_tool


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
    results = results_of(folder, [study])
    return '\n'.join(
        f'**{setting_text(variants[0].experiment)}**\n\n{table(variants)}\n'
        for variants in (compared(runs, BASELINES[study]) for runs in by_setting(results).values())
    )


def results_of(folder: Path, studies: Sequence[str]) -> list[Result]:
    """Results of some studies.

    Raises:
        InputError: If the folder has none.
    """
    results = [result for result in read_results(folder).values() if result['settings']['study'] in studies]
    if not results:
        raise InputError(
            f'{folder} has no results of the study {studies[0]}; make them with benchmarks/accuracy/run.py.'
        )
    return results


def table(variants: list[Variant]) -> str:
    """Compare the variants of one setting.

    Args:
        variants: The baseline among them.

    Returns:
        A Markdown table. Round brackets hold the lowest and the highest seed, square ones the paired bootstrap over
        images of the mean difference.
    """
    frequent = WELL_POPULATED[variants[0].experiment.data]
    columns = {
        'mIoU': Measure(),
        f'{len(frequent)} frequent classes': Measure(classes=frequent),
        'within 4 px of borders': Measure('4px'),
        'within 2 px': Measure('2px'),
    }
    columns = {name: measure for name, measure in columns.items() if all(one.values(measure) for one in variants)}
    # CamVid's classes are in every image, so there every network knows them.
    has_precision = any(
        run.get('image_level_mAP', {}).get('of_masks', 100) < 99.99 for one in variants for run in one.runs.values()
    )
    has_moved = any(run.get('moved') for one in variants for run in one.runs.values())
    head = [
        'upsampling',
        *(cell for name in columns for cell in (name, 'difference')),
        *(['image-level mAP of masks', 'of label loss'] if has_precision else []),
        *(['K_h, K_w moved'] if has_moved else []),
        'weights of the upsampling',
        'CPU s per iteration',
        'seeds',
    ]
    lines = [_row(head), '|---' * len(head) + '|']
    for variant in variants:
        cells = [variant_text(variant.experiment)]
        for measure in columns.values():
            cells += [with_range(variant.values(measure), '.2f'), difference_text(variant, measure)]
        if has_precision:
            cells += [_precision(variant, 'of_masks'), _precision(variant, 'of_labels')]
        if has_moved:
            cells.append(_moved(variant))
        lines.append(_row([*cells, _weights(variant), _seconds(variant), str(len(variant.runs))]))
    return '\n'.join(lines)


def difference_text(variant: Variant, measure: Measure) -> str:
    """Mean difference, (lowest to highest seed), [95 % over images]."""
    interval = variant.interval(measure)
    over_images = f' [{interval[0]:+.2f}, {interval[1]:+.2f}]' if interval else ''
    return with_range(variant.differences(measure), '+.2f') + over_images


def with_range(values: list[float], form: str) -> str:
    """Mean (lowest to highest)."""
    if not values:
        return ''
    spread = f' ({min(values):{form}} to {max(values):{form}})' if len(values) > 1 else ''
    return f'{_mean(values):{form}}{spread}'


def _precision(variant: Variant, kind: str) -> str:
    values = [run['image_level_mAP'][kind] for run in variant.runs.values() if 'image_level_mAP' in run]
    return with_range([value for value in values if value is not None], '.1f')


def _moved(variant: Variant) -> str:
    distances = [list(run['moved'].values()) for run in variant.runs.values() if run['moved']]
    return ', '.join(f'{100 * _mean(values):.0f} %' for values in zip(*distances))


def _weights(variant: Variant) -> str:
    numbers = {run['parameters']['upsampling'] for run in variant.runs.values() if 'parameters' in run}
    return ', '.join(f'{number:,}' for number in sorted(numbers))


def _seconds(variant: Variant) -> str:
    known = [run['cpu_seconds_per_iteration'] for run in variant.runs.values() if run.get('cpu_seconds_per_iteration')]
    return f'{median(known):.2f}' if known else ''


def _mean(values: list[float] | tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _row(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('study', choices=list(BASELINES), help='which study')
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results (default: the one beside this script)',
    )
    return parser.parse_args()


if __name__ == '__main__':
    run_tool(main)
