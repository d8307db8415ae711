"""How ``fit_kernels.py`` trains the matrices: sizes, frozen model, images, optimizer and schedule."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from fitting.images import build_dataset, fitting_dataset, typical_size
from mmseg_gdn.models import variant
from mmseg_gdn.models.variant import Size
from mmseg_gdn.utils.space import require_space

# On CamVid, from a network of 40.2 mIoU: 2000 images at 0.003 gain 1.1 (three orders of the images differ by 0.03), at
# 0.005 or 0.01 or with SGD as much; 1000 images gain 1.0, 8000 no more than 2000.
_RATE = 0.003
_IMAGES_PER_STEP = 8
_PASSES, _FEWEST, _MOST = 2, 2000, 10000


@dataclass(frozen=True)
class FitPlan:
    """A fit that is known to be possible.

    Attributes:
        head: Settings to update the config of the decode head with.
        dataset: Config of the images to fit on.
        iterations: Iterations of one image each.
        scores: Folder of coarse scores.
        validation_images: Number of images in validation.
        metainfo: Classes and palette of the data.
    """

    head: dict
    dataset: dict
    iterations: int
    scores: Path
    validation_images: int
    metainfo: dict

    def apply(self, cfg: Config) -> None:
        """Turn a config of the stock model into that of the fit.

        Images come one by one, because they may differ in size; a step of the optimizer takes the mean of the gradients
        of eight. Adam needs no rate that depends on the loss or on the size of the scores. Weight decay would pull the
        matrices to zero.

        Args:
            cfg: The config; changed in place.
        """
        cfg.model = _frozen_variant(cfg.model.to_dict(), self.head, str(self.scores))
        cfg.train_dataloader = dict(
            cfg.train_dataloader,
            dataset=self.dataset,
            batch_size=1,
            batch_sampler=None,
            sampler=dict(type='InfiniteSampler', shuffle=True),
        )
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=self.iterations, val_interval=self.iterations)
        cfg.optim_wrapper = dict(
            type='OptimWrapper', optimizer=dict(type='Adam', lr=_RATE), accumulative_counts=_IMAGES_PER_STEP
        )
        cfg.param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=0, begin=0, end=self.iterations, by_epoch=False)]
        interval = max(1, self.iterations // 20)
        cfg.log_processor = dict(by_epoch=False, window_size=interval)
        cfg.default_hooks.logger = dict(type='LoggerHook', interval=interval, log_metric_by_epoch=False)


def plan_fit(cfg: Config, head: dict, scores: Path, flip: bool, iterations: int | None) -> FitPlan:
    """Find the sizes of a fit.

    Args:
        cfg: Stock config.
        head: Config of its decode head.
        scores: Folder for coarse scores.
        flip: Whether images are mirrored.
        iterations: Number of iterations; by the number of images when not given.

    Raises:
        InputError: If there are no images, if they are loaded without masks, if the model cannot be run on them, or if
            the disk has no room for the scores.
    """
    dataset = fitting_dataset(cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, flip)
    images = build_dataset(dataset, 'training')
    validation = build_dataset(cfg.val_dataloader.dataset, 'validation')
    model = cfg.model.to_dict()
    full = _padded(model, typical_size(images))
    coarse = variant.find_score_size(model, full)
    map_bytes = 4 * (head.get('out_channels') or head['num_classes']) * coarse[0] * coarse[1]
    require_space([(scores, map_bytes * len(images) * (2 if flip else 1))])
    return FitPlan(
        head=dict(variant.gdn_head_settings(head, coarse, full), any_train_size=True),
        dataset=dataset,
        iterations=iterations or min(max(_PASSES * len(images), _FEWEST), _MOST),
        scores=scores,
        validation_images=len(validation),
        metainfo=validation.metainfo,
    )


def _frozen_variant(model: dict, head: dict, scores: str) -> dict:
    """The GDN variant with everything frozen but the matrices, and with images padded as in validation."""
    model = _without_initial_weights(copy.deepcopy(model))
    model['data_preprocessor'].update(
        _padding(model), seg_pad_val=model['decode_head'].get('ignore_index', 255), batch_augments=None
    )
    model['decode_head'].update(head)
    return model | dict(type='GlobalInterpEncoderDecoder', train_only=['decode_head.interp'], cache_scores=scores)


def _padded(model: dict, size: Size) -> Size:
    """Size of the network's input in validation, for images of a size."""
    padding = _padding(model)
    if padding['size'] is not None:
        return tuple(max(pair) for pair in zip(size, padding['size']))
    divisor = padding['size_divisor']
    return tuple(-(-side // divisor) * divisor for side in size)


def _padding(model: dict) -> dict:
    """``size`` and ``size_divisor`` of the padding in validation, one of which is ``None``."""
    settings = (model.get('data_preprocessor') or {}).get('test_cfg') or {}
    size, divisor = settings.get('size'), settings.get('size_divisor')
    return dict(size=size, size_divisor=divisor if size or divisor else 1)


def _without_initial_weights(node: Any) -> Any:
    """A config without the weights to start from, which the checkpoint replaces."""
    if isinstance(node, (list, tuple)):
        return type(node)(_without_initial_weights(child) for child in node)
    if not isinstance(node, dict):
        return node
    kept = {key: _without_initial_weights(child) for key, child in node.items() if key != 'pretrained'}
    if 'Pretrained' in str(kept.get('init_cfg')):
        kept['init_cfg'] = None
    return kept
