"""What the models say about one photograph, before and after the CRF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from mmseg_gdn.evaluation.dense_crf import make_crf
from mmseg_gdn.prediction.overlay import tinted
from mmseg_gdn.prediction.predictor import Prediction, Predictor

from .models import NamedModel
from .photograph import Photograph


@dataclass
class Segmentation:
    """A photograph with the classes that each model predicts.

    Attributes:
        photograph: The photograph.
        models: The models.
        predictions: What each of them says.
        seconds: How long that took.
        refined: Classes after the CRF of each model, shape (H, W), uint8; empty until they are asked for.
        crf_seconds: How long the CRF took.
    """

    photograph: Photograph
    models: Sequence[NamedModel]
    predictions: list[Prediction]
    seconds: float
    refined: list[np.ndarray] = field(default_factory=list)
    crf_seconds: float = 0.0

    def refine(self) -> None:
        """Run the CRF, unless it has been run.

        Raises:
            InputError: If pydensecrf is missing, or if the memory does not suffice.
        """
        if self.refined:
            return
        start = perf_counter()
        # Probabilities are large, so they are computed where they are needed instead of kept for each visitor.
        self.refined = [_refined(model.predictor, self.photograph) for model in self.models]
        self.crf_seconds = perf_counter() - start

    def classes(self, with_crf: bool) -> list[np.ndarray]:
        """Class indices of each model, shape (H, W), uint8; the CRF must have been run if it is wanted."""
        return self.refined if with_crf else [prediction.classes for prediction in self.predictions]

    def pictures(self, strength: float, with_crf: bool) -> tuple[Image.Image, Image.Image]:
        """The left and the right picture; with one model, the left one is the photograph.

        Args:
            strength: How strongly classes are tinted, from 0 to 1.
            with_crf: Whether to show the classes after the CRF.
        """
        pixels = self.photograph.pixels
        painted = [
            tinted(pixels, classes, model.predictor.legend, strength)
            for model, classes in zip(self.models, self.classes(with_crf))
        ]
        left, right = painted if len(painted) == 2 else (Image.fromarray(pixels[..., ::-1]), *painted)
        return left, right


def segment(models: Sequence[NamedModel], photograph: Photograph) -> Segmentation:
    """Predict a photograph with each model.

    Args:
        models: The models.
        photograph: The photograph.

    Returns:
        The predictions.

    Raises:
        InputError: If a model cannot take an image of this size.
    """
    start = perf_counter()
    predictions = [model.predictor(photograph.pixels, photograph.path) for model in models]
    return Segmentation(photograph, models, predictions, perf_counter() - start)


def warm_up(models: Sequence[NamedModel]) -> None:
    """Predict something, because the first prediction of a process takes longest.

    Args:
        models: The models.
    """
    segment(models, Photograph(Path(), np.zeros((64, 64, 3), np.uint8), (64, 64)))


def _refined(predictor: Predictor, photograph: Photograph) -> np.ndarray:
    prediction = predictor(photograph.pixels, photograph.path, with_probabilities=True)
    probabilities = np.asarray(prediction.probabilities, np.float32)
    crf = make_crf(predictor.crf)
    return crf.refine(photograph.pixels[..., ::-1], probabilities).argmax(0).astype(np.uint8)
