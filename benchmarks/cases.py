"""Which shapes are measured, and which ratios are aimed at."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """Coarse scores (n, classes, h, w) brought to (fine_h, fine_w)."""

    n: int
    classes: int
    h: int
    w: int
    fine_h: int
    fine_w: int

    @property
    def name(self) -> str:
        """Short form, as in ``1x21x16x16->500x500``."""
        return f'{self.n}x{self.classes}x{self.h}x{self.w}->{self.fine_h}x{self.fine_w}'

    @property
    def flops(self) -> int:
        """Of the forward product in the cheaper order."""
        rows_first = self.fine_h * self.w * (self.h + self.fine_w)
        columns_first = self.fine_w * self.h * (self.w + self.fine_h)
        return 2 * self.n * self.classes * min(rows_first, columns_first)

    @property
    def scores(self) -> int:
        """How many full-size scores there are."""
        return self.n * self.classes * self.fine_h * self.fine_w


CASES = (
    Case(1, 21, 16, 16, 500, 500),
    Case(1, 21, 64, 64, 500, 500),
    Case(4, 21, 16, 16, 512, 512),
    Case(2, 150, 64, 64, 512, 512),
    Case(1, 19, 64, 128, 512, 1024),
)

# Time (or memory) over that of F.interpolate followed by the same next step, on two CPU cores.
AIMS = {
    CASES[0]: {'forward': 0.35, 'forward_backward': 0.5, 'cross_entropy': 0.5, 'argmax': 0.25, 'memory': 0.15},
    CASES[1]: {'forward': 0.9, 'forward_backward': 1.0, 'cross_entropy': 0.7, 'argmax': 0.3, 'memory': 0.15},
    CASES[3]: {'forward': 0.8, 'forward_backward': 1.0, 'cross_entropy': 0.6, 'argmax': 0.4, 'memory': 0.1},
}

GROWTH = {
    'classes': [Case(1, classes, 64, 64, 512, 512) for classes in (2, 8, 21, 64, 150)],
    'batch': [Case(n, 21, 64, 64, 512, 512) for n in (1, 2, 4, 8)],
    'coarse side': [Case(1, 21, side, side, 512, 512) for side in (8, 16, 32, 64, 128)],
    'fine side': [Case(1, 21, 32, 32, side, side) for side in (128, 256, 512, 1024)],
}
