"""Files of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.prediction.overlay import draw_overlay
from mmseg_gdn.prediction.predictor import Prediction
from mmseg_gdn.utils import atomic_write
from mmseg_gdn.visualization import ClassLegend

from .inputs import CLASSES, OVERLAY, PROBABILITIES


def write_prediction(target: Path, image: np.ndarray, prediction: Prediction, legend: ClassLegend) -> None:
    """Write the class indices as a palette PNG, the overlay as a JPEG and, if there are any, the probabilities.

    Args:
        target: Path without suffix.
        image: Pixels in BGR order, shape (H, W, 3), uint8.
        prediction: What the model says about it.
        legend: Names and colours of the classes.

    Raises:
        InputError: If the folder cannot be written.
    """
    with atomic_write(f'{target}{CLASSES}') as partial:
        indexed = Image.fromarray(prediction.classes)
        indexed.putpalette(legend.palette.tobytes())
        indexed.save(partial, format='PNG')
    with atomic_write(f'{target}{OVERLAY}') as partial:
        draw_overlay(image, prediction.classes, legend).save(partial, format='JPEG', quality=92)
    if prediction.probabilities is not None:
        with atomic_write(f'{target}{PROBABILITIES}') as partial:
            names = [legend.name(label) for label in range(len(prediction.probabilities))]
            np.savez_compressed(partial, probabilities=prediction.probabilities, classes=names)
