"""Random problems for the operators: sizes from 0 on, strides, magnitudes, values that are not finite, odd labels."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor

_SIDES = (0, *range(1, 20), 33, 64)
_SIZES = (0, *range(1, 40), 65, 130)
_CLASSES = (0, 1, 2, 3, 5, 21, 33, 150)
_MAGNITUDES = (1e-6, 1e-2, 1.0, 1.0, 1.0, 10.0, 1e3)
_LABEL_TYPES = (torch.uint8, torch.int16, torch.int32, torch.int64)
_REDUCTIONS = ('mean', 'sum', 'none')
_LARGEST = 300_000  # scores at full size: many small problems find more than a few large ones


@dataclass
class Case:
    """A problem.

    Attributes:
        x: Coarse scores (N, C, h, w).
        kernel_h: Matrix (H, h).
        kernel_w: Matrix (W, w).
        target: Labels (N, H, W), of any integer type.
        weight: Weight of each class, or ``None``.
        ignore_index: Label of pixels that do not count.
        reduction: That of the loss.
        threads: Number of threads to compute with.
        broken_images: Images that hold values that are not finite; other images do not.
        broken_kernels: Whether a matrix holds one.
        wrong_labels: Whether a label is no class.
        about: What is unusual about the problem.
    """

    x: Tensor
    kernel_h: Tensor
    kernel_w: Tensor
    target: Tensor
    weight: Tensor | None
    ignore_index: int
    reduction: str
    threads: int
    broken_images: set[int] = field(default_factory=set)
    broken_kernels: bool = False
    wrong_labels: bool = False
    about: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """The three differentiable inputs."""
        return self.x, self.kernel_h, self.kernel_w

    @property
    def text(self) -> str:
        """Sizes and what is unusual, for messages."""
        return (
            f'{tuple(self.x.shape)} -> {len(self.kernel_h)}x{len(self.kernel_w)}, {self.threads} threads, '
            f'{self.reduction}, ignore_index {self.ignore_index}, {", ".join(self.about) or "nothing unusual"}'
        )


def draw(number: int, seed: int, dtype: torch.dtype) -> Case:
    """The problem of a number; the same one whenever it is asked for.

    Args:
        number: Number of the problem.
        seed: Seed of all problems of a run.
        dtype: Type of scores and matrices.

    Returns:
        The problem.
    """
    choices = random.Random(f'{seed}/{number}')
    generator = torch.Generator().manual_seed(choices.getrandbits(40))
    n, c, h, w, fine_h, fine_w = _sizes(choices)
    magnitude = choices.choice(_MAGNITUDES)
    about = [f'magnitude {magnitude:g}'] if magnitude != 1 else []
    tensors = [
        _strided(choices, torch.randn(shape, generator=generator, dtype=dtype) * scale, about)
        for shape, scale in (
            ((n, c, h, w), magnitude),
            ((fine_h, h), max(1, h) ** -0.5),
            ((fine_w, w), max(1, w) ** -0.5),
        )
    ]
    ignore_index = choices.choice([255, 255, -100, 0, c // 2])
    target = torch.randint(0, max(1, c), (n, fine_h, fine_w), generator=generator)
    ignored = torch.rand(target.shape, generator=generator) < choices.choice([0, 0.2, 0.2, 1])
    weight = torch.rand(c, generator=generator) + 0.1 if choices.random() < 0.3 else None
    case = Case(*tensors, target, weight, ignore_index, choices.choice(_REDUCTIONS), choices.randint(1, 4), about=about)
    _break_numbers(choices, case)
    _break_labels(choices, case, ignored)
    return case


def _sizes(choices: random.Random) -> tuple[int, ...]:
    while True:
        n, c = choices.choice([0, 1, 1, 1, 2, 3]), choices.choice(_CLASSES[1:] if choices.random() < 0.98 else _CLASSES)
        sizes = (n, c, choices.choice(_SIDES), choices.choice(_SIDES), choices.choice(_SIZES), choices.choice(_SIZES))
        if n * c * sizes[4] * sizes[5] <= _LARGEST:
            return sizes


def _strided(choices: random.Random, tensor: Tensor, about: list[str]) -> Tensor:
    """The tensor, or one of equal values that lies in memory in another way."""
    kind = choices.choice(['plain', 'plain', 'transposed', 'every other', 'offset', 'repeated', 'negated'])
    if kind == 'transposed':
        tensor = tensor.mT.contiguous().mT
    elif kind == 'every other':
        wide = torch.full((*tensor.shape[:-1], 2 * tensor.shape[-1]), torch.nan, dtype=tensor.dtype)
        wide[..., ::2] = tensor
        tensor = wide[..., ::2]
    elif kind == 'offset':
        room = torch.full((tensor.numel() + 3,), torch.nan, dtype=tensor.dtype)
        tensor = room[3:].view(tensor.shape).copy_(tensor)
    elif kind == 'repeated' and tensor.shape[0]:
        tensor = tensor[:1].expand(tensor.shape)
    elif kind == 'negated':
        tensor = torch.complex(tensor, -tensor).conj().imag
    if kind != 'plain':
        about.append(kind)
    return tensor


def _break_numbers(choices: random.Random, case: Case) -> None:
    """Put a value that is not finite into one image, or sometimes into a matrix."""
    if choices.random() < 0.8:
        return
    value = choices.choice([torch.nan, torch.inf, -torch.inf])
    if choices.random() < 0.7:
        case.x = _with_value(choices, case.x, value)
        case.broken_images = (
            {int(n) for n in (~case.x.isfinite()).flatten(1).any(1).nonzero().flatten()} if case.x.numel() else set()
        )
    else:
        case.kernel_h = _with_value(choices, case.kernel_h, value)
        case.broken_kernels = case.kernel_h.numel() > 0
    case.about.append(f'holds {value}')


def _with_value(choices: random.Random, tensor: Tensor, value: float) -> Tensor:
    tensor = tensor.clone(memory_format=torch.contiguous_format)
    if tensor.numel():
        tensor.view(-1)[choices.randrange(tensor.numel())] = value
    return tensor


def _break_labels(choices: random.Random, case: Case, ignored: Tensor) -> None:
    """Give the target another type and other strides, and sometimes a label that is no class."""
    kind = choices.choice(_LABEL_TYPES)
    classes = case.x.shape[1]
    # The label of ignored pixels must exist in the type; otherwise no pixel is ignored.
    if torch.iinfo(kind).min <= case.ignore_index <= torch.iinfo(kind).max:
        case.target[ignored] = case.ignore_index
    wrong = choices.choice([classes, 254, -1])
    if choices.random() < 0.1 and case.target.numel() and torch.iinfo(kind).min <= wrong <= torch.iinfo(kind).max:
        case.target.view(-1)[choices.randrange(case.target.numel())] = wrong
        case.about.append(f'label {wrong}')
    valid = case.target[case.target != case.ignore_index]
    case.wrong_labels = bool(((valid < 0) | (valid >= classes)).any())
    case.target = case.target.to(kind)
    if choices.random() < 0.3:
        case.target = case.target.mT.contiguous().mT
    case.about.append(str(kind).removeprefix('torch.'))
