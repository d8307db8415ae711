"""The ONNX model of a segmentor, and whether it computes the same."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.engine.checkpoint import load_weights
from mmseg_gdn.ops import library, plain
from mmseg_gdn.utils import InputError, atomic_write, require_extra
from mmseg_gdn.utils.cli import read_config, require_model
from mmseg_gdn.utils.memory import is_lack_of_memory
from mmseg_gdn.utils.places import require_file_place, require_other_file

# ONNX does not know the plugin's operators, but what they are made of.
DECOMPOSITIONS = {library.global_interp: plain.global_interp, library.global_interp_argmax: plain.global_interp_argmax}
_MOST_PIXELS = 2**27  # the images alone take 1.5 GiB
TOLERANCE = 1e-4  # of the largest score: float32 sums in another order


def export_model(args: argparse.Namespace) -> None:
    """Export and compare.

    Args:
        args: Options of ``tools/export_onnx.py``.

    Raises:
        InputError: If the model is not a single graph, or if the exported one gives other scores.
    """
    _require_size(*args.shape)
    require_extra('export')
    require_other_file(args.out, args.config, args.checkpoint)
    require_file_place(args.out, 'the model', 'another OUT')
    cfg = read_config(args.config, args.cfg_options)
    require_model(cfg, args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    cfg.model.update(pretrained=None, train_cfg=None)
    model = revert_sync_batchnorm(MODELS.build(cfg.model)).eval()
    load_weights(model, args.checkpoint)
    if model.test_cfg.mode != 'whole':
        raise InputError(
            "The config has test_cfg.mode='slide', which is not a single graph; export the window alone: "
            '--cfg-options model.test_cfg.mode=whole --shape with the size of the window.'
        )
    scores = FullSizeScores(model)
    images, expected = _example(scores, 2 if args.dynamic_batch else 1, args.shape)
    if not np.isfinite(expected).all():
        raise InputError(
            f'The scores of random images are NaN or infinite, although the weights of {args.checkpoint} '
            'are finite: numbers overflow within the network. Take a checkpoint of an earlier iteration, '
            'or train with a lower rate.'
        )
    with atomic_write(args.out) as partial:
        export(scores, images, partial, args.dynamic_batch)
        error = largest_difference(partial, images, expected)
        if not error <= TOLERANCE:  # nor NaN
            raise InputError(
                f'The scores of the exported model differ by {error:.1e} of the largest score, more than '
                f'{TOLERANCE:.0e}; nothing was written. Try other versions of torch and onnxruntime.'
            )
    count, (height, width) = 'N' if args.dynamic_batch else 1, args.shape
    print(
        f'{args.out}: {Path(args.out).stat().st_size / 2**20:.1f} MiB, images {count}x3x{height}x{width}, '
        f"scores equal PyTorch's to {error:.1e}"
    )


def _require_size(height: int, width: int) -> None:
    if min(height, width) < 1 or height * width > _MOST_PIXELS:
        raise InputError(
            f'--shape {height} {width} is not the size of an image; give height and width in pixels, 1 or '
            f'more each, and {_MOST_PIXELS} pixels at most.'
        )


@torch.no_grad()
def _example(scores: nn.Module, count: int, shape: list[int]) -> tuple[Tensor, np.ndarray]:
    """Random images, and their scores."""
    try:
        images = torch.rand(count, 3, *shape)
        return images, scores(images).numpy()
    except (MemoryError, RuntimeError) as error:
        if not is_lack_of_memory(error):
            raise
        raise InputError(
            f'The memory does not suffice for images of --shape {shape[0]} {shape[1]}; export for smaller ones.'
        ) from error


class FullSizeScores(nn.Module):
    """Maps normalised images to scores of their size.

    Args:
        segmentor: The segmentor; its data preprocessor is not used.
    """

    def __init__(self, segmentor: nn.Module) -> None:
        super().__init__()
        self.segmentor = segmentor

    def forward(self, images: Tensor) -> Tensor:
        """Scores (N, C, H, W) of images (N, 3, H, W)."""
        size = tuple(images.shape[2:])
        return self.segmentor.encode_decode(images, [dict(img_shape=size, pad_shape=size)])


def export(scores: nn.Module, images: Tensor, path: Path, dynamic_batch: bool) -> None:
    """Write the graph."""
    shapes = ({0: torch.export.Dim('batch')},) if dynamic_batch else None
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        program = torch.export.export(scores, (images,), dynamic_shapes=shapes).run_decompositions(DECOMPOSITIONS)
        torch.onnx.export(
            program,
            (images,),
            str(path),
            input_names=['images'],
            output_names=['scores'],
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def largest_difference(path: Path, images: Tensor, expected: np.ndarray) -> float:
    """Largest difference between the graph's scores and the expected ones, as a share of the largest score."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    (actual,) = session.run(None, {'images': images.numpy()})
    return float(np.abs(actual - expected).max() / np.abs(expected).max())
