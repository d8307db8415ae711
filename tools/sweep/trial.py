"""One trial: a stock model and its GDN variant, equal before training, and one step of the variant."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass, replace
from typing import Any, Callable

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_gdn.models.decode_heads import find_base_head
from mmseg_gdn.utils import InputError

from .variant import gdn_model, last_head, thin_model

Size = tuple[int, int]

WORKS, OTHER_KIND, LACKS, FAILS = 'works', 'other kind', 'lacks', 'fails'
# BatchNorm after global pooling needs two images.
_BATCH = 2
_SMALLEST = 64
_SCORE_TOLERANCE, _SAME_PIXELS = 1e-4, 0.999


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

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
    seconds: float = 0.


def run_trial(model: dict, crop: Size) -> Outcome:
    """Try a stock model at the smallest size it can work at.

    The stock model and its GDN variant are built; the stock weights must load with only the two matrices missing,
    the predictions must be equal, and a training step must reach the matrices.

    Args:
        model: ``model`` of a stock config.
        crop: Height and width of its training crops.

    Returns:
        The outcome; no error of the model is raised.
    """
    start = time.perf_counter()
    outcome = _refusal(find_base_head, last_head(model)['type'])
    for size in [] if outcome else _sizes(crop):
        outcome = _attempt(model, size)
        if outcome.status != WORKS:
            # Of some heads only the instance shows the kind; the rest of the model may need missing packages.
            head = last_head(gdn_model(thin_model(model, size), (1, 1), size))
            outcome = _refusal(MODELS.build, head) or outcome
        if outcome.status != FAILS:
            break
    return replace(outcome, seconds=time.perf_counter() - start)


def _refusal(function: Callable, argument: str | dict) -> Outcome | None:
    """The outcome if GlobalInterpHead refuses a head; other errors are told by the trial."""
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


def _attempt(model: dict, crop: Size) -> Outcome:
    try:
        return _try_at(thin_model(model, crop), crop)
    # Models fail in any way, and the sweep has to tell of all of them.
    except Exception as error:
        return Outcome(_kind(error), _sentence(error), out_size=crop)


def _try_at(model: dict, crop: Size) -> Outcome:
    channels = model['backbone'].get('in_channels', 3)
    images, samples = torch.randn(_BATCH, channels, *crop), _samples(crop, model)
    metas = [dict(img_shape=crop, ori_shape=crop, pad_shape=crop)] * _BATCH
    stock = MODELS.build(model).eval()
    in_size, wanted = _coarse_size(stock, images, metas)
    variant = MODELS.build(gdn_model(model, in_size, crop)).eval()
    problem = _load(variant, stock.state_dict())
    del stock
    if problem is not None:
        return Outcome(FAILS, problem, in_size, crop)
    scores = _predict(variant, images, metas)
    error = float((scores - wanted).abs().max() / wanted.abs().max())
    same = float((scores.argmax(1) == wanted.argmax(1)).double().mean())
    if not (error <= _SCORE_TOLERANCE and same >= _SAME_PIXELS):
        problem = f'The untrained variant differs from the stock model: scores by {error:.1e}, {same:.2%} equal pixels.'
    else:
        problem = _step(variant, images, samples)
    return Outcome(FAILS if problem else WORKS, problem or '', in_size, crop, error, same)


def _samples(crop: Size, model: dict) -> list[SegDataSample]:
    classes = _find(last_head(model), 'num_classes')
    samples = []
    for _ in range(_BATCH):
        # No void pixels: mmseg's cross-entropy with class weights cannot be given any.
        labels = torch.randint(0, classes, (1, *crop))
        edges = torch.randint(0, 2, (1, *crop))
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=labels), gt_edge_map=PixelData(data=edges)))
    return samples


def _find(cfg: dict, key: str) -> int:
    """The first value of a key in a head's config, or in that of a head within it."""
    if key in cfg:
        return cfg[key]
    return next(_find(part, key) for part in cfg.values() if isinstance(part, dict) and key in str(part))


def _coarse_size(stock: nn.Module, images: Tensor, metas: list[dict]) -> tuple[Size, Tensor]:
    """Size of the scores that the head of a stock model makes, and what becomes of them at full size."""
    head = stock.decode_head[-1] if isinstance(stock.decode_head, nn.ModuleList) else stock.decode_head
    seen, forward = [], head.forward

    @functools.wraps(forward)
    def watched(*args, **kwargs) -> Any:
        seen.append(forward(*args, **kwargs))
        return seen[-1]

    head.forward = watched
    scores = _predict(stock, images, metas)
    main = seen[0][0] if isinstance(seen[0], (list, tuple)) else seen[0]
    return tuple(main.shape[2:]), scores


@torch.no_grad()
def _predict(model: nn.Module, images: Tensor, metas: list[dict]) -> Tensor:
    # Ham's factorisation starts from random numbers in every forward.
    torch.manual_seed(0)
    return model.encode_decode(images, metas)


def _load(variant: nn.Module, weights: dict[str, Tensor]) -> str | None:
    """Load stock weights; what is wrong if anything but the two matrices is missing."""
    result = variant.load_state_dict(weights, strict=False)
    wrong = [key for key in result.missing_keys if not key.endswith(('.interp.kernel_h', '.interp.kernel_w'))]
    if wrong or len(result.missing_keys) != 2 or result.unexpected_keys:
        return f'A stock checkpoint lacks {result.missing_keys} and has unknown {result.unexpected_keys}.'
    return None


def _step(variant: nn.Module, images: Tensor, samples: list[SegDataSample]) -> str | None:
    """Forward and backward; what is wrong if it does not train the matrices."""
    losses = variant.train().loss(images, samples)
    total, _ = variant.parse_losses(losses)
    if not math.isfinite(total):
        return f'The loss is {float(total)}.'
    total.backward()
    for name, parameter in variant.named_parameters():
        if '.interp.' in name and not (parameter.grad is not None and parameter.grad.abs().sum() > 0):
            return f'No gradient reaches {name}.'
    return None


def _kind(error: Exception) -> str:
    return LACKS if isinstance(error, ImportError) or 'compiled operator' in str(error) else FAILS


def _sentence(error: Exception) -> str:
    text = ' '.join(str(error).split()) or 'no message'
    return f'{type(error).__name__}: {text[:300]}'
