"""Try the GDN variant of every stock config of the installed mmseg."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, atomic_write, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=f'{__doc__[:-1]}: same weights, same predictions before training, one training step. Prints counts '
        'per family; exit 1 if fewer configs pass than --at-least says.'
    )
    parser.add_argument('--family', nargs='+', metavar='NAME', help='folders of configs to try; default: all')
    parser.add_argument('--sample', action='store_true', help='try one config of each of twelve families')
    parser.add_argument('--jobs', type=int, default=1, help='processes; each computes with one thread')
    parser.add_argument(
        '--results', metavar='FILE', help='store outcomes in this JSON file, and skip configs that it lists as working'
    )
    parser.add_argument(
        '--docs', metavar='FILE', help='write the page on heads and configs to this file; needs all configs'
    )
    parser.add_argument(
        '--at-least',
        type=float,
        default=0.95,
        metavar='SHARE',
        help='share of the configs with a head of the right kind that has to work; default: 0.95',
    )
    return parser.parse_args()


def main() -> int:
    """Sweep."""
    args = parse_args()
    if args.docs and (args.family or args.sample):
        raise InputError('--docs needs the outcomes of all configs; leave out --family and --sample.')
    if args.jobs < 1:
        raise InputError(f'--jobs is the number of processes, at least 1, but got {args.jobs}.')
    import_parts()  # takes seconds, and --help needs none of it
    import sweep

    warnings.simplefilter('ignore')
    results = sweep.read_results(args.results)
    names = sweep.SAMPLE if args.sample else sweep.stock_config_names(args.family)
    groups = sweep.group_configs([sweep.read_stock_config(name) for name in names])
    settled = {name for name, result in results.items() if result.settled}
    missing = {key: configs[0] for key, configs in groups.items() if not settled.issuperset(c.name for c in configs)}
    print(f'{len(names)} configs, {len(groups)} different models, {len(missing)} to try', flush=True)
    for done, (key, outcome) in enumerate(sweep.try_configs(missing, args.jobs), start=1):
        results |= {config.name: sweep.Result(config.name, config.head, outcome) for config in groups[key]}
        sweep.write_results(args.results, results)
        print(
            f'{done}/{len(missing)} {outcome.status}: {missing[key].name} (speaks for {len(groups[key])}), '
            f'{outcome.seconds:.1f} s. {outcome.reason}'.rstrip(),
            flush=True,
        )
    wanted = [results[name] for name in names]
    print(sweep.summary(wanted))
    if args.docs:
        with atomic_write(args.docs) as partial:
            Path(partial).write_text(sweep.heads_document(wanted))
    return 0 if sweep.share(wanted) >= args.at_least else 1


if __name__ == '__main__':
    run_tool(main)
