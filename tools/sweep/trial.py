"""One trial: a stock model and its GDN variant, equal before training, and one step of the variant."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Callable

import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_gdn.models.decode_heads import find_base_head
from mmseg_gdn.models.variant import Size, gdn_model, gdn_optim_wrapper_settings, last_head, score_size
from mmseg_gdn.utils import InputError

from .stock_configs import StockConfig
from .thin_model import thin_model

WORKS, OTHER_KIND, LACKS, FAILS = 'works', 'other kind', 'lacks', 'fails'
# BatchNorm after global pooling needs two images.
_BATCH = 2
_SMALLEST = 64
_SCORE_TOLERANCE, _SAME_PIXELS = 1e-4, 0.999


@dataclass(frozen=True)
class Outcome:
    """Outcome of a trial.

    Attributes:
        status: ``'works'``, ``'other kind'`` (the head makes no score map), ``'lacks'`` (a package or a compiled
            operator that is not installed) or ``'fails'``.
        reason: One sentence when it does not work.
        in_size: Height and width of the coarse scores.
        out_size: Height and width of the images tried.
        score_error: Largest difference between the scores of the untrained variant and of the stock model, relative
            to the largest score.
        same_pixels: Share of pixels with the same prediction.
        seconds: Time it took.
    """

    status: str
    reason: str = ''
    in_size: Size | None = None
    out_size: Size | None = None
    score_error: float | None = None
    same_pixels: float | None = None
    seconds: float = 0.0


def run_trial(config: StockConfig) -> Outcome:
    """Try a stock model at the smallest size it can work at.

    The stock model and its GDN variant are built; the stock weights must load with only the two matrices missing,
    the predictions must be equal, and a training step must move the matrices.

    Args:
        config: A stock config.

    Returns:
        The outcome; no error of the model is raised.
    """
    start = time.perf_counter()
    outcome = _refusal(find_base_head, config.head)
    for size in [] if outcome else _sizes(config.crop):
        outcome = _attempt(config, size)
        if outcome.status != WORKS:
            # Of some heads only the instance shows the kind; the rest of the model may need missing packages.
            head = last_head(gdn_model(thin_model(config.model, size), (1, 1), size))
            outcome = _refusal(MODELS.build, head) or outcome
        if outcome.status != FAILS:
            break
    return replace(outcome, seconds=time.perf_counter() - start)


def _refusal(function: Callable, argument: str | dict) -> Outcome | None:
    """The outcome if GlobalInterpHead refuses a head; other errors are reported by the trial."""
    try:
        function(argument)
    except InputError as error:
        return Outcome(OTHER_KIND, str(error))
    except Exception:
        return None
    return None


def _sizes(crop: Size) -> list[Size]:
    """Sizes to try: the crop shrunk to a short side of 64 (65 for odd ones), twice that, ... up to the crop."""
    sizes = []
    short, odd = min(crop), min(crop) % 2
    side = _SMALLEST
    while side + odd < short:
        sizes.append(tuple(round(length / short * side) // 2 * 2 + odd for length in crop))
        side *= 2
    return [*sizes, crop][:4]


def _attempt(config: StockConfig, crop: Size) -> Outcome:
    try:
        return _try_at(thin_model(config.model, crop), config.optim_wrapper, crop)
    # Models may raise any exception, and the sweep has to report all of them.
    except Exception as error:
        return Outcome(_kind(error), _sentence(error), out_size=crop)


def _try_at(model: dict, optim_wrapper: dict, crop: Size) -> Outcome:
    images, samples = torch.randn(_BATCH, model['backbone'].get('in_channels', 3), *crop), _samples(crop, model)
    stock = MODELS.build(model).eval()
    in_size = score_size(stock, images)
    wanted_scores, wanted_classes = _scores(stock, images, crop), _classes(stock, images, crop)
    variant = MODELS.build(gdn_model(model, in_size, crop)).eval()
    problem = _load(variant, stock.state_dict())
    del stock
    if problem is not None:
        return Outcome(FAILS, problem, in_size, crop)
    error = float((_scores(variant, images, crop) - wanted_scores).abs().max() / wanted_scores.abs().max())
    same = float((_classes(variant, images, crop) == wanted_classes).double().mean())
    if not (error <= _SCORE_TOLERANCE and same >= _SAME_PIXELS):
        problem = f'The untrained variant differs from the stock model: scores by {error:.1e}, {same:.2%} equal pixels.'
    else:
        problem = _step(variant, optim_wrapper, images, samples)
    return Outcome(FAILS if problem else WORKS, problem or '', in_size, crop, error, same)


def _samples(crop: Size, model: dict) -> list[SegDataSample]:
    classes = _find(last_head(model), 'num_classes')
    samples = []
    for _ in range(_BATCH):
        # No void pixels, because mmseg's cross-entropy with class weights fails on them.
        labels = torch.randint(0, classes, (1, *crop))
        edges = torch.randint(0, 2, (1, *crop))
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=labels), gt_edge_map=PixelData(data=edges)))
    return samples


def _find(cfg: dict, key: str) -> int:
    """The first value of a key in a head's config, or in that of a head within it."""
    if key in cfg:
        return cfg[key]
    return next(_find(part, key) for part in cfg.values() if isinstance(part, dict) and key in str(part))


@torch.no_grad()
def _scores(model: nn.Module, images: Tensor, crop: Size) -> Tensor:
    """Full-size scores, shape (N, C, H, W)."""
    # Ham's factorisation starts from random numbers in every forward.
    torch.manual_seed(0)
    return model.encode_decode(images, [_meta(crop)] * _BATCH)


@torch.no_grad()
def _classes(model: nn.Module, images: Tensor, crop: Size) -> Tensor:
    """Predicted classes, shape (N, H, W), the way the segmentor predicts them: in a variant, from the coarse scores."""
    torch.manual_seed(0)
    predictions = model.predict(images, [SegDataSample(metainfo=_meta(crop)) for _ in range(_BATCH)])
    return torch.cat([sample.pred_sem_seg.data for sample in predictions])


def _meta(crop: Size) -> dict:
    return dict(img_shape=crop, ori_shape=crop, pad_shape=crop)


def _load(variant: nn.Module, weights: dict[str, Tensor]) -> str | None:
    """Load stock weights; returns the problem if anything but the two matrices is missing."""
    result = variant.load_state_dict(weights, strict=False)
    wrong = [key for key in result.missing_keys if not key.endswith(('.interp.kernel_h', '.interp.kernel_w'))]
    if wrong or len(result.missing_keys) != 2 or result.unexpected_keys:
        return f'A stock checkpoint lacks {result.missing_keys} and has unknown {result.unexpected_keys}.'
    return None


def _step(variant: nn.Module, optim_wrapper: dict, images: Tensor, samples: list[SegDataSample]) -> str | None:
    """Run one iteration; returns the problem if it does not train the matrices."""
    wrapper = _optimizer(variant, optim_wrapper)
    losses = variant.train().loss(images, samples)
    total, _ = variant.parse_losses(losses)
    if not math.isfinite(total):
        return f'The loss is {float(total)}.'
    total.backward()
    kernels = {name: value for name, value in variant.named_parameters() if '.interp.' in name}
    for name, value in kernels.items():
        if not (value.grad is not None and value.grad.abs().sum() > 0):
            return f'No gradient reaches {name}.'
    before = {name: value.detach().clone() for name, value in kernels.items()}
    wrapper.step()
    return next(
        (
            f'A step of the optimizer leaves {name} as it was.'
            for name, value in kernels.items()
            if torch.equal(value, before[name])
        ),
        None,
    )


def _optimizer(variant: nn.Module, optim_wrapper: dict) -> OptimWrapper:
    """The config's optimizer with the matrices' own learning rate, without the mixed precision that needs a GPU."""
    kept = {key: value for key, value in optim_wrapper.items() if key in ('optimizer', 'constructor', 'paramwise_cfg')}
    settings = ConfigDict(kept)
    settings.merge(ConfigDict(gdn_optim_wrapper_settings(kept)))
    return build_optim_wrapper(variant, settings.to_dict())


def _kind(error: Exception) -> str:
    return LACKS if isinstance(error, ImportError) or 'compiled operator' in str(error) else FAILS


def _sentence(error: Exception) -> str:
    text = ' '.join(str(error).split()) or 'no message'
    return f'{type(error).__name__}: {text[:300]}'
