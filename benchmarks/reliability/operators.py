"""Compare the operators with double precision on random problems, in compiled code and in PyTorch's operations.

    nice -n 15 python benchmarks/reliability/operators.py --cases 10000

Each problem has a bound of its own: so many roundings of the sum of the absolute terms that a value consists of. Where
the right value is not finite, ours must not be finite either; in images that hold only numbers all must be right.
Labels that are no classes, and scores without classes, must end in an InputError. Exit status 1 if anything is off.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from operator_cases import Case, draw
from torch import Tensor

from mmseg_gdn.ops import cpu, cross_entropy_sums, global_interp, global_interp_argmax, global_interp_cross_entropy
from mmseg_gdn.ops.cpu import compiled
from mmseg_gdn.utils import InputError

WAYS = {'compiled': ('1', torch.float32), 'PyTorch': ('0', torch.float32), 'PyTorch, double': ('0', torch.float64)}
_SHOWN = 10  # deviations
_ROUNDINGS = {torch.float32: 1e-6, torch.float64: 1e-14}  # of a sum of absolute terms


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=10_000, help='problems per way; default: %(default)s')
    parser.add_argument('--first', type=int, default=0, help='number of the first problem')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--ways', nargs='+', choices=list(WAYS), default=list(WAYS))
    parser.add_argument('--kernels', metavar='FOLDER', help='take the compiled code (_kernels*.so) from this folder')
    return parser.parse_args()


def main() -> int:
    """Compare, and print a table."""
    args = parse_args()
    if args.kernels:
        take_kernels(args.kernels)
    if 'compiled' in args.ways and not cpu.is_available():
        raise InputError(cpu.status())
    deviations = 0
    print('| way | quantity | problems | values | largest error, of its bound | off |\n|---|---|---|---|---|---|')
    for way in args.ways:
        begin, tally = time.process_time(), Tally()
        os.environ['MMSEG_GDN_NATIVE'], dtype = WAYS[way]
        for number in range(args.first, args.first + args.cases):
            check(draw(number, args.seed, dtype), tally, number)
        for row in tally.rows():
            print(f'| {way} | {row} |')
        deviations += tally.off
        print(
            f'{way}: {args.cases} problems, {tally.off} deviations, {time.process_time() - begin:.0f} s of CPU time',
            file=sys.stderr,
        )
    return 1 if deviations else 0


def take_kernels(folder: str) -> None:
    """Use the compiled code of another folder."""
    compiled.__file__ = str(Path(folder, 'compiled.py'))
    compiled._load.cache_clear()


class Tally:
    """Counts comparisons and keeps the largest errors."""

    def __init__(self) -> None:
        self.problems, self.values = Counter(), Counter()
        self.largest, self.wrong = defaultdict(float), Counter()

    @property
    def off(self) -> int:
        """Number of deviations."""
        return sum(self.wrong.values())

    def numbers(self, quantity: str, result: Tensor, right: Tensor, bound: Tensor, about: str) -> None:
        """Compare values, each with a bound of its own."""
        result, right, bound = (tensor.detach().double() for tensor in (result, right, bound.expand(right.shape)))
        self.problems[quantity] += 1
        self.values[quantity] += right.numel()
        if result.shape != right.shape:
            self.report(quantity, f'shape {tuple(result.shape)} instead of {tuple(right.shape)}', about)
            return
        finite = right.isfinite()
        if not torch.equal(result.isfinite(), finite):
            self.report(
                quantity,
                f'{int((result.isfinite() != finite).sum())} values are finite only here, or only in the right ones',
                about,
            )
            return
        share = ((result - right).abs() / bound)[finite].nan_to_num(0)
        largest = float(share.max()) if share.numel() else 0.0
        self.largest[quantity] = max(self.largest[quantity], largest)
        if largest > 1:
            self.report(quantity, f'{largest:.3g} of its bound', about)

    def truth(self, quantity: str, is_right: bool, what: str, about: str) -> None:
        """Count a comparison that is right or wrong."""
        self.problems[quantity] += 1
        if not is_right:
            self.report(quantity, what, about)

    def report(self, quantity: str, what: str, about: str) -> None:
        """Count and show a deviation."""
        self.wrong[quantity] += 1
        if self.off <= _SHOWN:
            print(f'OFF {quantity}: {what}; {about}', file=sys.stderr)

    def rows(self) -> Iterator[str]:
        """Cells of the table."""
        for quantity, problems in self.problems.items():
            largest = f'{self.largest[quantity]:.1e}' if quantity in self.largest else ''
            yield f'{quantity} | {problems} | {self.values[quantity] or ""} | {largest} | {self.wrong[quantity]}'


def check(case: Case, tally: Tally, number: int) -> None:
    """Make all comparisons of a problem."""
    about = f'problem {number}: {case.text}'
    torch.set_num_threads(case.threads)
    reference = Reference(case)
    _check_product(case, reference, tally, about)
    if case.x.shape[1] == 0:
        tally.truth(
            'refused: no classes',
            _refuses(lambda: global_interp_argmax(*case.inputs), '0 classes')
            and _refuses(lambda: _loss(case, case.inputs), '0 classes'),
            'was not refused',
            about,
        )
        return
    _check_argmax(case, reference, tally, about)
    if case.wrong_labels:
        tally.truth(
            'refused: labels',
            _refuses(lambda: _loss(case, case.inputs), 'The target holds the label'),
            'was not refused',
            about,
        )
        return
    _check_loss(case, reference, tally, about)


class Reference:
    """Scores in double precision, and what they would be if all terms added up."""

    def __init__(self, case: Case) -> None:
        self.inputs = [tensor.detach().resolve_neg().double().clone().requires_grad_() for tensor in case.inputs]
        self.scores = _plain(*self.inputs)
        with torch.no_grad():
            self.magnitudes = [tensor.abs().nan_to_num(0, 0, 0) for tensor in self.inputs]
            self.rounding = _ROUNDINGS[case.x.dtype]
            self.score_bound = self.rounding * _plain(*self.magnitudes) + _tiny(case.x.dtype)

    def gradients(self, value: Tensor) -> list[Tensor]:
        """Gradients of a value, of all inputs."""
        found = torch.autograd.grad(value.sum(), self.inputs, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(tensor) if grad is None else grad for grad, tensor in zip(found, self.inputs)]

    def bounds(self, score_gradient: Tensor) -> list[Tensor]:
        """Bounds of the gradients, from those of the gradient of the scores."""
        with torch.enable_grad():
            inputs = [tensor.clone().requires_grad_() for tensor in self.magnitudes]
            found = torch.autograd.grad(_plain(*inputs), inputs, score_gradient.nan_to_num(0, 0, 0))
        return [bound + 1e-30 for bound in found]


def _check_product(case: Case, reference: Reference, tally: Tally, about: str) -> None:
    inputs = [tensor.detach().requires_grad_() for tensor in case.inputs]
    result = global_interp(*inputs)
    tally.numbers('product', result, reference.scores, reference.score_bound, about)
    if case.broken_images or case.broken_kernels or 0 in result.shape:
        return
    grad = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view(result.shape)
    right = reference.gradients(reference.scores * grad)
    bounds = reference.bounds(grad.abs().double() * reference.rounding)
    for name, found, expected, bound in zip(
        ('x', 'kernel_h', 'kernel_w'), torch.autograd.grad(result, inputs, grad), right, bounds
    ):
        tally.numbers(f'product, gradient of {name}', found, expected, bound + _tiny(result.dtype), about)


def _check_argmax(case: Case, reference: Reference, tally: Tally, about: str) -> None:
    best = global_interp_argmax(*case.inputs)
    scores = reference.scores.detach()
    whole = [n for n in range(len(scores)) if n not in case.broken_images and not case.broken_kernels]
    in_range = bool(((best >= 0) & (best < scores.shape[1])).all())
    tally.truth('best class, range', in_range and best.shape == scores[:, 0].shape, 'no class of the problem', about)
    if not in_range or not whole or best.numel() == 0:
        return
    best, scores = best[whole], scores[whole]
    # Any class is right whose score rounding cannot tell from the largest one.
    largest, doubt = scores.max(1).values, 2 * reference.score_bound[whole].max(1).values
    short = largest - scores.gather(1, best[:, None])[:, 0]
    tally.numbers('best class, short of the largest score', short, torch.zeros_like(short), doubt, about)


def _check_loss(case: Case, reference: Reference, tally: Tally, about: str) -> None:
    inputs = [tensor.detach().requires_grad_() for tensor in case.inputs]
    result = _loss(case, inputs)
    target = case.target.long()
    weight = None if case.weight is None else case.weight.double()
    # Bounds are of pixels; the losses of ignored ones are 0, also where scores are not finite.
    losses = F.cross_entropy(reference.scores, target, weight, ignore_index=case.ignore_index, reduction='none')
    doubt = 2 * reference.score_bound.max(1).values if losses.numel() else torch.zeros_like(losses)
    valid = target != case.ignore_index
    weights = valid.double() if weight is None else weight[target * valid] * valid
    bound = weights * (doubt + 5 * reference.rounding * (1 + losses.detach().nan_to_num(0, 0, 0))) + 1e-30
    total = weights.sum()
    if case.reduction == 'none':
        tally.numbers('loss of each pixel', result, losses, bound, about)
        right, factors = losses, weights
    else:
        divisor = total if case.reduction == 'mean' else torch.ones((), dtype=torch.float64)
        right, factors = losses.sum() / divisor, weights / divisor
        bounds = (bound.sum() + reference.rounding * losses.detach().nan_to_num(0, 0, 0).sum()) / divisor
        tally.numbers(f'loss, {case.reduction}', result, right, bounds, about)
    _check_hits(case, reference, valid, tally, about)
    if case.broken_images or case.broken_kernels or right.numel() == 0 or not bool(right.isfinite().all()):
        return
    # The gradient of a score is at most the pixel's factor, and changes by at most the doubt about its scores.
    grads = factors[:, None] * (torch.clamp(2 * doubt, max=1)[:, None] + 5 * reference.rounding)
    right_gradients = reference.gradients(right)
    bounds = [one + _tiny(case.x.dtype) for one in reference.bounds(grads.expand(reference.scores.shape))]
    found = torch.autograd.grad(result.sum(), inputs)
    for name, gradient, expected, limit in zip(('x', 'kernel_h', 'kernel_w'), found, right_gradients, bounds):
        tally.numbers(f'loss, gradient of {name}', gradient, expected, limit, about)


def _check_hits(case: Case, reference: Reference, valid: Tensor, tally: Tally, about: str) -> None:
    """The number of hits lies between those that are certain and those that rounding leaves possible."""
    sums = cross_entropy_sums(*case.inputs, case.target, weight=case.weight, ignore_index=case.ignore_index)
    if case.broken_images or case.broken_kernels or 0 in reference.scores.shape:
        return
    scores = reference.scores.detach()
    own = scores.gather(1, (case.target.long() * valid)[:, None])
    others = scores.scatter(1, (case.target.long() * valid)[:, None], -torch.inf).max(1).values
    doubt = 2 * reference.score_bound.max(1).values
    certain = (valid & (own[:, 0] - others > doubt)).sum()
    possible = (valid & (own[:, 0] - others >= -doubt)).sum()
    tally.truth(
        'hits',
        bool(certain <= sums.hits <= possible),
        f'{int(sums.hits)} instead of {int(certain)} to {int(possible)}',
        about,
    )


def _loss(case: Case, inputs: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    return global_interp_cross_entropy(
        *inputs, case.target, weight=case.weight, ignore_index=case.ignore_index, reduction=case.reduction
    )


def _plain(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    return kernel_h @ x @ kernel_w.t()


def _tiny(dtype: torch.dtype) -> float:
    """What the smallest normal numbers may be off by."""
    return 1e3 * torch.finfo(dtype).tiny


def _refuses(call: object, sentence: str) -> bool:
    try:
        call()
    except InputError as error:
        return sentence in str(error)
    return False


if __name__ == '__main__':
    sys.exit(main())
