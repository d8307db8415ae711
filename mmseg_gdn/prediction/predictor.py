"""A segmentor that predicts images given as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.models import BaseSegmentor
from mmseg.registry import MODELS, TRANSFORMS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_gdn.engine.checkpoint import load_weights, require_checkpoint
from mmseg_gdn.engine.class_order import require_class_order
from mmseg_gdn.evaluation.finite_scores import require_finite_scores
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import read_config, require_model
from mmseg_gdn.utils.memory import is_lack_of_memory
from mmseg_gdn.utils.pipelines import find_test_set, loads_images, loads_masks
from mmseg_gdn.utils.type_names import type_name
from mmseg_gdn.visualization import class_names, legend_of_dataset


@dataclass(frozen=True)
class Prediction:
    """What a model says about an image.

    Attributes:
        classes: Class indices, shape (H, W), uint8.
        probabilities: Class probabilities, shape (C, H, W), float16; ``None`` unless they were wanted.
        labels: Probability that a class is in the image, by class index, as the classification branch says; ``None`` if
            the model has none, empty if it can say nothing (see :func:`attach_image_scores`).
    """

    classes: np.ndarray
    probabilities: np.ndarray | None
    labels: dict[int, float] | None


class Predictor:
    """A segmentor with its checkpoint and the test pipeline of its config.

    Args:
        config: Path of the config.
        checkpoint: Path of the checkpoint. Nothing in it is executed.
        device: Name of a device, such as 'cpu' or 'cuda:0'.
        options: Settings that override the config, by dotted keys.

    Attributes:
        legend: Names and colours of the classes.
        crf: Parameters that the config sets for a dense CRF, by name; ``None`` if it sets none.

    Raises:
        InputError: If a file cannot be used, if they do not belong together, or if the device cannot be used.
    """

    def __init__(self, config: str, checkpoint: str, device: str, options: dict | None = None) -> None:
        cfg = read_config(config, options)
        require_model(cfg, config)
        if type_name(cfg.model) == 'Ensemble':
            raise InputError(
                f"{config} is an Ensemble, which reads images by its members' pipelines; test it with "
                'tools/test.py, or predict with one of its members.'
            )
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        dataset = find_test_set(cfg, config, 'which says how to prepare images')
        self.pipeline = Compose(
            [TRANSFORMS.build(_from_array(step)) for step in dataset['pipeline'] if not loads_masks(step)]
        )
        require_checkpoint(checkpoint)
        cfg.model.update(pretrained=None, train_cfg=None)
        skip_full_size_scores(cfg.model)
        model = MODELS.build(cfg.model)
        meta = load_weights(model, checkpoint)
        require_class_order(meta, class_names(dataset), checkpoint)
        self.model: BaseSegmentor = _to_device(revert_sync_batchnorm(model).eval(), device)
        if model.num_classes > 256:
            raise InputError(f'{config} has {model.num_classes} classes, but a palette PNG holds at most 256.')
        self.legend = legend_of_dataset(dataset, model.num_classes)
        self.crf = cfg.get('crf')

    @torch.no_grad()
    def __call__(self, image: np.ndarray, path: Path, with_probabilities: bool = False) -> Prediction:
        """Predict an image.

        Args:
            image: Pixels in BGR order, shape (H, W, 3), uint8.
            path: Where it comes from. A pipeline that loads something else than colour images does so from here.
            with_probabilities: Whether to compute probabilities as well.

        Returns:
            The prediction, at the size of the image.

        Raises:
            InputError: If the model cannot take an image of this size.
        """
        try:
            data = self.pipeline(dict(img=image, img_path=str(path), seg_fields=[]))
            (sample,) = self.model.test_step(pseudo_collate([data]))
            require_finite_scores(sample, str(path))
            classes = sample.pred_sem_seg.data[0].to(torch.uint8).cpu().numpy()
            probabilities = _probabilities(sample).half().cpu().numpy() if with_probabilities else None
            labels = _labels(sample, self.model.num_classes)
        except (MemoryError, RuntimeError) as error:
            if not is_lack_of_memory(error):
                raise
            raise InputError(
                f'The memory does not suffice for an image of {image.shape[1]}x{image.shape[0]} px.'
            ) from error
        return Prediction(classes, probabilities, labels)


def _from_array(step: Any) -> Any:
    if loads_images(step) and step.get('color_type', 'color').startswith('color'):
        return dict(step, type='LoadImageFromNDArray')
    return step


def _to_device(model: nn.Module, device: str) -> nn.Module:
    try:
        torch.zeros(1, device=device).cpu()  # a device without memory takes weights, and predicts nothing
        return model.to(device)
    # torch reports devices that do not exist by several kinds of exceptions.
    except Exception as error:
        reason = str(error).splitlines()[0].split('. ')[0].rstrip('.!')
        raise InputError(f'--device {device} cannot be used ({reason}).') from error


def _probabilities(sample: SegDataSample) -> Tensor:
    scores = sample.seg_logits.data.float()
    if len(scores) == 1:
        # The probability of the second of two classes, which mmseg has taken the sigmoid for.
        return torch.cat([1 - scores, scores])
    return scores.softmax(0)


def _labels(sample: SegDataSample, num_classes: int) -> dict[int, float] | None:
    """Without a background among the labels, the first one is that of class 1."""
    if 'image_scores' not in sample:
        return None
    logits = sample.image_scores
    if logits is None:
        return {}
    return dict(enumerate(logits.float().sigmoid().tolist(), start=num_classes - len(logits)))
