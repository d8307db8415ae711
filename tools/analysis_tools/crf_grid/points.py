"""Confusion counts of each point of the grid, each in a file of its own."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.utils import ProgressBar
from mmseg.registry import TRANSFORMS

from mmseg_gdn.evaluation.crf_pool import crf_pool, refine_file, result_of, start
from mmseg_gdn.evaluation.dense_crf import DenseCRF, make_crf
from mmseg_gdn.utils import InputError, atomic_write

from .scores import ScoredImage, read_scores


def make_points(
    settings: dict | None, searched: Mapping[str, Sequence[float] | None], iterations: int | None
) -> list[DenseCRF]:
    """All combinations of parameters, and no CRF at all (0 iterations) as the first point.

    Args:
        settings: Parameters that a config sets; they hold where nothing is searched.
        searched: Values by name of the parameter.
        iterations: Mean-field updates; default: those of ``settings``.

    Returns:
        The points, without repetitions.

    Raises:
        InputError: If a value has no meaning.
    """
    base = make_crf(settings if iterations is None else dict(settings or {}, iterations=iterations))
    if base.iterations == 0:
        raise InputError(
            "A search needs a CRF with one iteration or more, but got 0; change --iterations or the config's crf."
        )
    searched = {name: values for name, values in searched.items() if values}
    points = [replace(base, **dict(zip(searched, values))) for values in product(*searched.values())]
    return list(dict.fromkeys([replace(base, iterations=0), *points]))


def evaluate_points(
    points: Sequence[DenseCRF], images: Sequence[ScoredImage], loading: dict, folder: Path, workers: int
) -> dict[DenseCRF, np.ndarray]:
    """Compute what is missing of the counts, point after point.

    Args:
        points: The points.
        images: The images with their scores.
        loading: The transform that loads images.
        folder: Folder of the search; the files go to its ``points``.
        workers: Number of processes.

    Returns:
        Pixels by true and predicted class, (C, C), for each point.

    Raises:
        InputError: If an image cannot be refined; the message names it.
    """
    files = {point: folder / 'points' / f'{_name(point)}.npy' for point in points}
    missing = [point for point in points if not files[point].is_file()]
    if missing:
        _compute(missing, images, TRANSFORMS.build(loading), files, workers)
    return {point: np.load(file) for point, file in files.items()}


def count(crf: DenseCRF, loading: BaseTransform, image: ScoredImage) -> np.ndarray:
    """Pixels of one image by true and predicted class, (C, C), without void; this is what the processes run."""
    probabilities, label = read_scores(image.scores)
    classes = len(probabilities)
    valid = label >= 0
    if label.max(initial=0) >= classes:
        raise InputError(
            f'The mask of {image.path} holds {label.max()}, but the model has {classes} classes; search with the '
            'config of the same data.'
        )
    predicted = refine_file(crf, loading, image.path, probabilities)
    return np.bincount(classes * label[valid].astype(np.int64) + predicted[valid], minlength=classes**2).reshape(
        classes, classes
    )


def _name(point: DenseCRF) -> str:
    return '_'.join(f'{name}-{value:g}' for name, value in asdict(point).items())


def _compute(
    points: list[DenseCRF],
    images: Sequence[ScoredImage],
    loading: BaseTransform,
    files: dict[DenseCRF, Path],
    workers: int,
) -> None:
    print(f'{len(points)} points of the grid, {len(images)} images each, {workers} processes:', file=sys.stderr)
    bar = ProgressBar(len(points) * len(images), file=sys.stderr)
    # The next point is begun before the last images of a point are done, so that no process waits.
    running: deque[tuple[DenseCRF, list[Future]]] = deque()
    pool = crf_pool(workers)
    try:
        for point in [*points, None]:
            if point is not None:
                running.append((point, _start_point(pool, point, images, loading)))
            if len(running) > 1 or point is None:
                _finish_point(*running.popleft(), images, files, bar)
    finally:
        pool.shutdown(cancel_futures=True)
    print(file=sys.stderr)


def _start_point(
    pool: ProcessPoolExecutor, point: DenseCRF, images: Sequence[ScoredImage], loading: BaseTransform
) -> list[Future]:
    return [start(pool, image.path, count, point, loading, image) for image in images]


def _finish_point(
    point: DenseCRF, tasks: list[Future], images: Sequence[ScoredImage], files: dict[DenseCRF, Path], bar: ProgressBar
) -> None:
    total = 0
    for task, image in zip(tasks, images):
        total = total + result_of(task, image.path)
        bar.update()
    with atomic_write(files[point]) as partial:
        np.save(partial, total)
