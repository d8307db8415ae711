"""Processes that run the CRF: pydensecrf computes with one thread, and lets no other Python thread run meanwhile."""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_all_start_methods, get_context, parent_process
from threading import Thread
from typing import Any, Callable

import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_gdn.utils import InputError

from .dense_crf import DenseCRF


def crf_pool(workers: int) -> ProcessPoolExecutor:
    """Processes for the CRF.

    A process with PyTorch's threads must not be forked. Where possible the processes are forked from a server without
    threads, which imports this package once for all of them; elsewhere each imports it by itself.

    Args:
        workers: Number of processes.

    Returns:
        The pool; processes start when they are needed.
    """
    if 'forkserver' not in get_all_start_methods():
        return ProcessPoolExecutor(workers, get_context('spawn'), _end_with_parent)
    context = get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, context, _end_with_parent)


def default_workers() -> int:
    """As many processes as this one has CPUs, shared with the other processes that torchrun has started here."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return max(1, cpus // int(os.environ.get('LOCAL_WORLD_SIZE', 1)))


def refine_file(crf: DenseCRF, loading: BaseTransform, path: str, probabilities: np.ndarray) -> np.ndarray:
    """Classes of one image after the CRF; this is what the processes run.

    Args:
        crf: The CRF.
        loading: The transform that loads the image.
        path: The image.
        probabilities: See :meth:`DenseCRF.refine`.

    Returns:
        Class of each pixel, shape (H, W), int64.

    Raises:
        InputError: If the image cannot be read, or does not fit; the message names it.
    """
    try:
        return crf.refine(read_rgb(loading, path), probabilities).argmax(0)
    # OpenCV and Pillow report broken files by many kinds of exceptions.
    except Exception as error:
        reason = ' '.join(str(error).split()) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'
        raise InputError(f'The CRF failed for {path} ({reason}); check this image and the scores for it.') from error


def start(pool: ProcessPoolExecutor, path: str, function: Callable, *args) -> Future:
    """Give a process something to compute.

    Args:
        pool: The processes.
        path: The image it is for; for the message.
        function: What to call.
        *args: Arguments of the call.

    Returns:
        The task, for :func:`result_of`.

    Raises:
        InputError: If a process was killed.
    """
    try:
        return pool.submit(function, *args)
    except BrokenProcessPool as error:
        raise _killed(path) from error


def result_of(task: Future, path: str) -> Any:
    """Wait for what a process computes.

    Args:
        task: The task.
        path: The image it is for; for the message.

    Returns:
        Its result.

    Raises:
        InputError: If a process was killed, or if the computation failed by such an error.
    """
    try:
        return task.result()
    except BrokenProcessPool as error:
        raise _killed(path) from error


def read_rgb(loading: BaseTransform, path: str) -> np.ndarray:
    """Load an image as the test pipeline does.

    Args:
        loading: The transform that loads the image.
        path: The image.

    Returns:
        The image, shape (H, W, 3), with mmcv's order BGR turned into RGB.
    """
    return loading(dict(img_path=path))['img'][..., ::-1]


def _killed(path: str) -> InputError:
    return InputError(
        f'A process for the CRF was killed while it refined {path} or an image near it in the list, '
        'probably for lack of memory; use fewer processes.'
    )


def _end_with_parent() -> None:
    """Let a process end when the one that started it is killed; otherwise it would wait for work forever."""
    Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    if parent is not None:  # as in every process of the pool
        parent.join()
        os._exit(1)
