"""Workarounds for mmseg's tools with current versions of the stack."""

from __future__ import annotations

import functools
from typing import Any

import mmengine.analysis
import numpy as np
from mmseg.visualization import SegLocalVisualizer


def apply_remedies() -> None:
    """Work around defects of mmseg 1.2's tools; for a process that runs nothing else."""
    _prefer_given_inputs()
    _paint_on_contiguous_images()


def _prefer_given_inputs() -> None:
    """get_flops passes both a shape and inputs, which mmengine 0.10.7 refuses; the inputs suffice."""
    original = mmengine.analysis.get_model_complexity_info

    @functools.wraps(original)
    def complexity(model: Any, input_shape: Any = None, inputs: Any = None, **kwargs) -> dict:
        return original(model, input_shape if inputs is None else None, inputs, **kwargs)

    mmengine.analysis.get_model_complexity_info = complexity


def _paint_on_contiguous_images() -> None:
    """browse_dataset passes a transposed view, on which OpenCV cannot draw the names of classes."""
    original = SegLocalVisualizer.add_datasample

    @functools.wraps(original)
    def add_datasample(self: SegLocalVisualizer, name: str, image: np.ndarray, *args, **kwargs) -> None:
        original(self, name, np.ascontiguousarray(image), *args, **kwargs)

    SegLocalVisualizer.add_datasample = add_datasample
