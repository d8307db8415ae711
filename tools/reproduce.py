"""Reproduce the paper, from nothing to an archive for the VOC server.

Prints the plan with estimates of time and disk, then runs it. What is done stays: run it again after a break.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, require_extra, run_tool
from mmseg_gdn.utils.lock import only_user
from mmseg_gdn.utils.options import ConfigOptions
from reproduction.estimates import measurements
from reproduction.executor import StepInterrupted, run_steps
from reproduction.facts import epilog
from reproduction.plan import make_plan, stage_configs
from reproduction.printing import plan_as_text
from reproduction.records import Records
from reproduction.results import collect_results, write_results
from reproduction.settings import Settings
from reproduction.stages import STAGES
from reproduction.step import Step, with_needs

_VOC = Path('data/VOCdevkit/VOC2012')
_SMALL_VAL, _SMALL_SEARCH = 16, 4
_EXTRAS = {
    '--crf': ('crf',),
    'tools/analysis_tools/crf_search.py': ('crf', 'plots'),
    'tools/model_converters/caffe2mmseg.py': ('caffe',),
    'tools/model_converters/get_weights.py': ('caffe',),
}


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=epilog(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--dry-run', action='store_true', help='print the plan, and run nothing but the measurement')
    parser.add_argument('--only', nargs='+', default=[], metavar='STEP', help='these steps, and those that they need')
    parser.add_argument('--skip', nargs='+', default=[], metavar='STEP', help='neither these, nor those that need them')
    parser.add_argument('--network', choices=[*STAGES, 'both'], default='both', help='default: %(default)s')
    parser.add_argument(
        '--small',
        action='store_true',
        help='thin networks, few iterations and images of 161 px, to try everything out on a CPU',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        default=_VOC,
        help="folder in VOC's layout; without --small it is filled. Default: %(default)s",
    )
    parser.add_argument(
        '--weights',
        type=Path,
        metavar='FILE.caffemodel',
        help='weights to start from, instead of downloads; convolutions are enough',
    )
    parser.add_argument(
        '--released',
        type=Path,
        nargs=3,
        metavar=('FILE.caffemodel', 'W0.npy', 'W1.npy'),
        help="the authors' model and matrices, to test them as well",
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='folder of all results; default: work_dirs/reproduce, or work_dirs/reproduce-small',
    )
    parser.add_argument('--gpus', type=int, default=1, help='devices for training; default: %(default)s')
    parser.add_argument(
        '--launcher',
        choices=['pytorch', 'slurm'],
        default='pytorch',
        help='how trainings on several devices are started; default: %(default)s',
    )
    parser.add_argument('--partition', default='', help="Slurm's partition")
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes for the CRF and for data; default: %(default)s',
    )
    parser.add_argument(
        '--val-images',
        type=int,
        help=f'test on the first images of val only; default: all, or {_SMALL_VAL} with --small',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        default={},
        metavar='KEY=VALUE',
        help='settings that override those of the configs that are trained',
    )
    args = parser.parse_args()
    if args.launcher == 'slurm' and not args.partition:
        parser.error('--launcher slurm needs --partition')
    if min(args.gpus, args.workers, 1 if args.val_images is None else args.val_images) < 1:
        parser.error('--gpus, --workers and --val-images are 1 or more')
    return args


def main() -> int:
    """Print the plan and run it."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    settings = settings_of(args)
    require_inputs(settings)
    try:
        settings.work_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f'Cannot make the folder {settings.work_dir} ({error.strerror}); name one you may write to with --work-dir.'
        ) from error
    with only_user(settings.work_dir):
        configs = stage_configs(settings)
        plan = make_plan(settings, configs)
        steps = chosen(plan, args.only, args.skip)
        records = Records(settings.work_dir / 'steps')
        measured = measurements(settings, configs)
        print(plan_as_text(steps, records, settings, configs, measured), flush=True)
        if args.dry_run:
            return 0
        require_packages(steps)
        command = started_as(sys.argv)
        try:
            run_steps(steps, records, settings.work_dir / 'logs', command)
        except StepInterrupted as step:
            print(f'Stopped in the step {step}; to go on from there, run: {command}', file=sys.stderr)
            return 130
        print(write_results(collect_results(plan, records, settings, configs), settings.work_dir))
    return 0


def started_as(argv: list[str]) -> str:
    """The command line to go on with, of the script or of the command."""
    program = argv[0] if argv[0].startswith('mmseg-gdn ') else shlex.join(['python', argv[0]])
    return ' '.join([program, *map(shlex.quote, argv[1:])])


def settings_of(args: argparse.Namespace) -> Settings:
    """The options as the plan needs them."""
    return Settings(
        networks=tuple(STAGES) if args.network == 'both' else (args.network,),
        work_dir=args.work_dir or Path('work_dirs', 'reproduce-small' if args.small else 'reproduce'),
        data_root=args.data_root,
        is_small=args.small,
        weights=args.weights,
        released=args.released and tuple(args.released),
        gpus=args.gpus,
        launcher=args.launcher,
        partition=args.partition,
        workers=args.workers,
        val_images=args.val_images or (_SMALL_VAL if args.small else None),
        **(dict(search_images=_SMALL_SEARCH) if args.small else {}),
        options=args.cfg_options,
    )


def require_inputs(settings: Settings) -> None:
    """Check what the user has to bring.

    Raises:
        InputError: If it is missing.
    """
    for path in filter(None, [settings.weights, *(settings.released or ())]):
        if not path.is_file():
            raise InputError(f'There is no {path}; give a file that exists.')
    if settings.is_small and not settings.ids('val').is_file():
        raise InputError(
            f"There is no {settings.ids('val')}; name a folder in VOC's layout by --data-root. One with "
            'drawn images is made by: python tools/dataset_converters/synthetic_voc.py FOLDER'
        )
    if not settings.is_small and settings.data_root.name != 'VOC2012':
        raise InputError(
            f'--data-root {settings.data_root} would be filled with VOC 2012, whose folder is always '
            'named VOC2012; name such a folder.'
        )


def require_packages(steps: list[Step]) -> None:
    """Check what the steps need besides the stack, now instead of after days of training.

    Raises:
        InputError: If a package is missing.
    """
    words = {word for step in steps for word in step.command}
    for word, extras in _EXTRAS.items():
        for extra in extras if word in words else ():
            require_extra(extra)
    if 'tools/dataset_converters/get_voc.py' in words and find_spec('scipy') is None:
        raise InputError('SBD has MATLAB files, which are read by SciPy; run: pip install scipy')


def chosen(steps: list[Step], only: list[str], skip: list[str]) -> list[Step]:
    """The steps to run.

    Raises:
        InputError: If a name is unknown, or if none of the wanted steps is left.
    """
    names = [step.name for step in steps]
    unknown = [name for name in (*only, *skip) if name not in names]
    if unknown:
        raise InputError(f'There is no step {unknown[0]}; the steps are {", ".join(names)}.')
    kept = without(with_needs(steps, only or names), skip)
    if only and not {step.name for step in kept}.intersection(only):
        raise InputError(f'--skip {" ".join(skip)} leaves nothing of --only {" ".join(only)}; name other steps.')
    return kept


def without(steps: list[Step], names: list[str]) -> list[Step]:
    """The steps that are not named, and need none of the named ones, directly or through others."""
    left_out, kept = set(names), []
    for step in steps:
        if step.name in left_out or left_out.intersection(step.needs):
            left_out.add(step.name)
        else:
            kept.append(step)
    return kept


if __name__ == '__main__':
    run_tool(main)
