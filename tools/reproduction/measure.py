"""Measure what one image takes in training and in testing, with random images and weights, and write it as JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.models import BaseSegmentor
from mmseg.registry import MODELS

from mmseg_gdn.utils import atomic_write, run_tool

# Height and width of a typical photograph of VOC.
_PHOTO = (375, 500)


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='configs of trainings')
    parser.add_argument('--out', required=True, metavar='OUT.json', help='measurements by name of the config')
    return parser.parse_args()


def main() -> None:
    """Measure."""
    args = parse_args()
    init_default_scope('mmseg')
    measured = {}
    for path in args.configs:
        name = Path(path).stem
        measured[name] = measure(Config.fromfile(path))
        print(json.dumps(measured[name]))
        print(
            f'measured {len(measured)} of {len(args.configs)}, {name}: {measured[name]["train_seconds"]:.2f} s per '
            f'training image, {measured[name]["test_seconds"]:.2f} s per test image',
            flush=True,
        )
    with atomic_write(args.out) as partial:
        partial.write_text(json.dumps(measured, indent=1) + '\n')


def measure(cfg: Config) -> dict[str, Any]:
    """Run a few iterations.

    Args:
        cfg: Config of a training.

    Returns:
        ``device``; ``train_seconds`` and ``test_seconds`` per image; ``parameters`` and ``trained``, their numbers;
        ``activations``, the bytes per image that training keeps for the backward pass; and on a GPU ``peak``, the
        bytes allocated at most in training with the batch of the recipe.
    """
    device = get_device()
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
    model = MODELS.build(cfg.model).to(device)
    # A CPU takes one image after the other anyway.
    batch_size = 1 if device == 'cpu' else cfg.train_dataloader.batch_size
    train_batch = _batch(cfg.train_dataloader.dataset.pipeline, batch_size)
    test_batch = _batch(cfg.test_dataloader.dataset.pipeline, 1)
    optim_wrapper = build_optim_wrapper(model, ConfigDict(cfg.optim_wrapper, accumulative_counts=1))

    model.train()
    activations = _kept_for_backward(model, train_batch, optim_wrapper)
    train_seconds = _seconds(lambda: model.train_step(train_batch, optim_wrapper)) / batch_size
    peak = torch.cuda.max_memory_allocated() if device == 'cuda' else None
    model.eval()
    with torch.no_grad():
        model.test_step(test_batch)
        test_seconds = _seconds(lambda: model.test_step(test_batch))
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return dict(
        device=torch.cuda.get_device_name() if device == 'cuda' else device,
        train_seconds=train_seconds,
        test_seconds=test_seconds,
        parameters=sum(size for size, _ in sizes),
        trained=sum(size for size, is_trained in sizes if is_trained),
        activations=activations // batch_size,
        peak=peak,
    )


def _batch(pipeline: list[dict], size: int) -> dict:
    """Random photographs and masks after the steps of a pipeline that follow loading."""
    generator = np.random.default_rng(0)
    transform = Compose([step for step in pipeline if not step['type'].startswith('Load')])
    return pseudo_collate(
        [
            transform(
                dict(
                    img=generator.integers(0, 255, (*_PHOTO, 3), dtype=np.uint8),
                    img_shape=_PHOTO,
                    ori_shape=_PHOTO,
                    gt_seg_map=generator.integers(0, 21, _PHOTO, dtype=np.uint8),
                    seg_fields=['gt_seg_map'],
                    img_path='',
                    seg_map_path='',
                    reduce_zero_label=False,
                )
            )
            for _ in range(size)
        ]
    )


def _kept_for_backward(model: BaseSegmentor, batch: dict, optim_wrapper: Any) -> int:
    """Bytes of all tensors that autograd keeps in one iteration, the parameters left out."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model.train_step(batch, optim_wrapper)
    return sum(kept.values())


def _seconds(run: Callable[[], object], times: int = 2) -> float:
    """The shortest of a few runs."""
    return min(_seconds_once(run) for _ in range(times))


def _seconds_once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == '__main__':
    run_tool(main)
