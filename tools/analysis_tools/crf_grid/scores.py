"""Scores of the network for each image, computed once and kept in files."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmengine.utils import ProgressBar
from mmseg.registry import DATASETS, MODELS
from PIL import Image
from torch.utils.data import Subset

from mmseg_gdn.datasets.checked_loading import with_checked_parts
from mmseg_gdn.engine.checkpoint import load_weights
from mmseg_gdn.engine.class_order import require_class_order
from mmseg_gdn.evaluation.crf_evaluator import full_size_probabilities
from mmseg_gdn.evaluation.finite_scores import require_finite_scores
from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.regular import require_no_pipe
from mmseg_gdn.utils.space import require_space


class ScoredImage(NamedTuple):
    """An image and the file with its scores and its mask."""

    path: str
    scores: Path


def cache_scores(cfg: Config, checkpoint: str, folder: Path) -> list[ScoredImage]:
    """Compute what is missing of the scores.

    A file holds ``scores``, log-probabilities at the size of the image, (C, H, W), float16, and ``label``, (H, W),
    int16, in which void is negative. One batch at a time is in memory.

    Args:
        cfg: Config with the images as its test set.
        checkpoint: Weights of the network.
        folder: Folder of the search; the files go to its ``scores``.

    Returns:
        The images, in the order of the data set.

    Raises:
        InputError: If the checkpoint is no file, if the folder belongs to another search, if the disk is too small, or
            if an image has no mask.
    """
    dataset = DATASETS.build(with_checked_parts(cfg.test_dataloader.dataset))
    paths = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]
    images = [ScoredImage(path, folder / 'scores' / f'{Path(path).stem}.npz') for path in paths]
    if len({image.scores for image in images}) < len(images):
        raise InputError(
            'The list names images of the same file name in different folders; search on images with '
            'names of their own.'
        )
    _require_same_search(folder / 'inputs.json', _inputs(cfg, checkpoint, paths))
    missing = [index for index, image in enumerate(images) if not image.scores.is_file()]
    if missing:
        require_space([(folder, _size([images[index].path for index in missing], len(dataset.metainfo['classes'])))])
        _compute(cfg, checkpoint, Subset(dataset, missing), {image.path: image.scores for image in images})
    return images


def read_scores(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (C, H, W), float32, and mask (H, W) of an image."""
    with np.load(path) as stored:
        return np.exp(stored['scores'].astype(np.float32)), stored['label']


def _inputs(cfg: Config, checkpoint: str, paths: list[str]) -> dict:
    """What the scores depend on."""
    dataset = {key: value for key, value in cfg.test_dataloader.dataset.items() if key != 'ann_file'}
    text = json.dumps([cfg.model, dataset], sort_keys=True, default=repr)
    if not Path(checkpoint).is_file():
        raise InputError(
            f'{checkpoint} is no file of this machine, which a search needs: it has to know whether the weights are '
            'those of an earlier call. Download it first.'
        )
    with open(checkpoint, 'rb') as file:
        weights = hashlib.sha256()
        while block := file.read(2**20):
            weights.update(block)
    return dict(config=hashlib.sha256(text.encode()).hexdigest(), checkpoint=weights.hexdigest(), images=paths)


def _require_same_search(path: Path, inputs: dict) -> None:
    if not path.is_file():
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(inputs, indent=1))
        return
    earlier = json.loads(path.read_text())
    changed = [key for key, value in inputs.items() if earlier.get(key) != value]
    if changed:
        raise InputError(
            f'{path.parent} holds a search with a different {" and different ".join(changed)}; name '
            'another folder with --out, or delete this one.'
        )


def _size(paths: list[str], classes: int) -> float:
    pixels = 0
    for path in paths:
        require_no_pipe(path)
        try:
            with Image.open(path) as image:
                pixels += image.width * image.height
        except OSError as error:
            raise InputError(
                f'The image {path} cannot be read ({error}); replace it, or take it off the list.'
            ) from error
    return 2 * pixels * (classes + 1)


@torch.no_grad()
def _compute(cfg: Config, checkpoint: str, dataset: Subset, files: dict[str, Path]) -> None:
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    meta = load_weights(model, checkpoint)
    require_class_order(meta, dataset.dataset.metainfo.get('classes') or (), checkpoint)
    model.to(get_device()).eval()
    print(f'Scores of {len(dataset)} images:', file=sys.stderr)
    ignore_index = model.decode_head.ignore_index
    bar = ProgressBar(len(dataset), file=sys.stderr)
    for batch in Runner.build_dataloader(dict(cfg.test_dataloader, dataset=dataset)):
        for sample in model.test_step(batch):
            require_finite_scores(sample, sample.img_path)
            _store(sample.to_dict(), ignore_index, files[sample.img_path])
            bar.update()
    print(file=sys.stderr)


def _store(sample: dict, ignore_index: int, path: Path) -> None:
    probabilities = full_size_probabilities(sample)
    if 'gt_sem_seg' not in sample:
        raise InputError(
            f'{sample["img_path"]} comes without a mask; search on a list of images that have masks, '
            'with a pipeline that loads them.'
        )
    label = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
    if label.shape != probabilities.shape[1:]:
        raise InputError(
            f'The mask of {sample["img_path"]} is {label.shape}, but the image is '
            f'{probabilities.shape[1:]}; load masks after resizing (LoadAnnotations after Resize).'
        )
    scores = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float16)
    with atomic_write(path) as partial:
        np.savez(partial, scores=scores, label=np.where(label == ignore_index, -1, label).astype(np.int16))
