"""Processes that run the CRF: pydensecrf computes with one thread, and lets no other Python thread run meanwhile."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context

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
        return ProcessPoolExecutor(workers, mp_context=get_context('spawn'))
    context = get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, mp_context=context)


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


def read_rgb(loading: BaseTransform, path: str) -> np.ndarray:
    """Load an image as the test pipeline does.

    Args:
        loading: The transform that loads the image.
        path: The image.

    Returns:
        The image, shape (H, W, 3), with mmcv's order BGR turned into RGB.
    """
    return loading(dict(img_path=path))['img'][..., ::-1]
