"""Runs the experiments whose results are missing, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from experiment import Experiment
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from records import about, check_settings, read_results, write_result
from scoring import count_parameters, judge, moved, upsampling_of
from trainer import train

from mmseg_gdn.utils import InputError

_MAKE_WEIGHTS = {
    'mobilenetv2': 'make them with tools/model_converters/mobilenetv2_to_mmseg.py',
    'largefov': 'make them with tools/model_converters/caffe2mmseg.py --layout largefov',
}


def run_missing(
    experiments: Iterable[Experiment],
    folders: dict[str, Path],
    weights: dict[str, Path],
    results: Path,
    scratch: Path,
    workers: int = 0,
) -> None:
    """Run every experiment that has no result yet, and keep each result as soon as it is known.

    Args:
        experiments: In the order in which they are run.
        folders: Where the data sets lie, by name; experiments on other data sets are skipped.
        weights: ImageNet weights of the trunks, by the beginning of the network's name.
        results: Folder of the results, one JSON file per run.
        scratch: Folder for caches and logs.
        workers: Processes that load images when whole networks are trained.

    Raises:
        InputError: If a folder or the weights are missing, or a result was made with other settings than its
            experiment's.
    """
    experiments = list(experiments)
    wanted = [experiment for experiment in experiments if experiment.data in folders]
    _check_inputs(wanted, folders, weights)
    done = read_results(results)
    check_settings(experiments, done, results)
    missing = [experiment for experiment in wanted if experiment.name not in done]
    print(
        f'{len(wanted) - len(missing)} of {len(wanted)} runs are finished; '
        f'{len(experiments) - len(wanted)} are skipped, because the folder of their data set is not given.',
        flush=True,
    )
    init_default_scope('mmseg')
    MMLogger.get_instance('mmengine', log_level='WARNING')  # thousands of lines on start values otherwise
    for index, experiment in enumerate(missing, start=1):
        result = run(experiment, folders[experiment.data], weights[experiment.trunk_weights], scratch, workers)
        write_result(results, result)
        done[experiment.name] = result
        print(f'[{index}/{len(missing)}] {_told(result)}; {_time_left(missing[index:], done)}', flush=True)


def run(experiment: Experiment, folder: Path, weights: Path, scratch: Path, workers: int = 0) -> dict[str, Any]:
    """Train and judge one experiment.

    Args:
        experiment: What to run.
        folder: Where its data set lies.
        weights: ImageNet weights of the trunk.
        scratch: Folder for caches and logs.
        workers: See :func:`run_missing`.

    Returns:
        The result, as it is kept: settings, numbers, and how to get them again. Percentages but for ``moved``, which
        is a share.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    trained = train(experiment, folder, weights, scratch, workers)
    head = trained.network.decode_head
    return dict(
        name=experiment.name,
        settings=experiment.as_dict(),
        **judge(trained.network, trained.val),
        moved=moved(head.interp) if experiment.upsampling == 'gdn' and experiment.init == 'bilinear' else None,
        parameters=dict(head=count_parameters(head), upsampling=count_parameters(*upsampling_of(head))),
        cpu_seconds_per_iteration=trained.seconds_per_iteration,
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu_started,
        **about(experiment),
    )


def require_weights(name: str, path: Path) -> None:
    """Make sure that a trunk's ImageNet weights are there.

    Args:
        name: Name of the trunk, as in the option that names the file.
        path: The file.

    Raises:
        InputError: If there is none.
    """
    if not path.is_file():
        raise InputError(
            f'There are no weights {path}; {_MAKE_WEIGHTS[name]}, or name another file with --{name}-weights.'
        )


def _check_inputs(wanted: list[Experiment], folders: dict[str, Path], weights: dict[str, Path]) -> None:
    for name in sorted({experiment.trunk_weights for experiment in wanted}):
        require_weights(name, weights[name])
    for name, folder in folders.items():
        if not folder.is_dir():
            raise InputError(f'There is no folder {folder}; name that of the data set with --{name}.')


def _told(result: dict[str, Any]) -> str:
    distances = [f'{100 * distance:.0f} %' for distance in (result['moved'] or {}).values()]
    moves = f', matrices moved by {" and ".join(distances)}' if distances else ''
    return f'{result["name"]}: mIoU {result["mIoU"]:.2f}{moves}, {result["seconds"]:.0f} s'


def _time_left(missing: list[Experiment], done: dict[str, dict[str, Any]]) -> str:
    """By the finished runs of the same cost; their median, because the first one of a data set computes features."""
    seconds = {}
    for result in done.values():
        seconds.setdefault(_cost(Experiment.from_dict(result['settings'])), []).append(result['seconds'])
    known = [median(seconds[_cost(experiment)]) for experiment in missing if _cost(experiment) in seconds]
    unknown = len(missing) - len(known)
    return f'about {sum(known) / 60:.0f} min left' + (f', and {unknown} runs of unknown length' if unknown else '')


def _cost(experiment: Experiment) -> tuple:
    """The settings that decide how long a run takes."""
    return (
        experiment.data,
        experiment.network,
        experiment.trunk,
        experiment.stride,
        experiment.upsampling,
        experiment.iterations,
        experiment.batch,
        experiment.views,
        experiment.learns,
        experiment.test_scale,
    )
