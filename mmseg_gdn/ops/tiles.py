"""Full-size scores a tile at a time: the two products of global interpolation on some rows of some images."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .memory import spans, tile_bytes
from .precision import sum_dtype


class Tile:
    """Scores of some rows of some images, and the factors they were made of.

    Layout: rows, classes, images, columns. So each product is a single one over everything in the tile, and sums
    over classes run along whole rows of memory.

    Attributes:
        images: Which images (n of them).
        rows: Which rows (R of them).
        coarse: Scaled coarse scores of these images, shape (h, C * n * w).
        scored_rows: ``kernel_h[rows] @ coarse``, shape (R * C * n, w).
        scores: ``scored_rows @ kernel_w.T``, shape (R, C, n, W); valid until the next tile is made.
    """

    def __init__(self, images: slice, rows: slice, coarse: Tensor, scored_rows: Tensor, scores: Tensor) -> None:
        self.images = images
        self.rows = rows
        self.coarse = coarse
        self.scored_rows = scored_rows
        self.scores = scores

    def of(self, maps: Tensor) -> Tensor:
        """The tile's part of full-size maps (N, H, W), as a view of shape (R, n, W)."""
        return maps[self.images, self.rows].transpose(0, 1)


class Tiles:
    """All tiles of ``kernel_h @ x @ kernel_w.T``, image group by image group.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h), in the type to compute products in.
        kernel_w: Maps columns, shape (W, w), in the same type.
        scale: Factor of the scores.
    """

    def __init__(self, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, scale: float = 1) -> None:
        self.x = x
        self.kernel_h = kernel_h
        self.kernel_w = kernel_w
        self.scale = scale
        row_bytes = x.shape[1] * len(kernel_w) * sum_dtype(kernel_w.dtype).itemsize
        rows_per_tile = tile_bytes(x.device) // max(1, row_bytes)
        self.images_per_tile = max(1, rows_per_tile // max(1, len(kernel_h)))
        self.rows_per_tile = min(max(1, rows_per_tile), len(kernel_h))

    def __iter__(self) -> Iterator[Tile]:
        """Make the tiles; the scores of each overwrite those of the one before."""
        (fine_w, coarse_w), classes = self.kernel_w.shape, self.x.shape[1]
        memory = self.x.new_empty(0, dtype=self.kernel_w.dtype)
        for images in spans(len(self.x), self.images_per_tile):
            coarse = self.coarse_scores(images)
            for rows in spans(len(self.kernel_h), self.rows_per_tile):
                scored_rows = torch.mm(self.kernel_h[rows], coarse).view(-1, coarse_w)
                memory = memory if len(memory) >= len(scored_rows) else scored_rows.new_empty(len(scored_rows), fine_w)
                scores = torch.mm(scored_rows, self.kernel_w.t(), out=memory[:len(scored_rows)])
                shape = rows.stop - rows.start, classes, images.stop - images.start, fine_w
                yield Tile(images, rows, coarse, scored_rows, scores.view(shape))

    def coarse_scores(self, images: slice) -> Tensor:
        """Scaled scores of some images, shape (h, C * n * w)."""
        rows_first = self.x[images].permute(2, 1, 0, 3)
        scaled = rows_first if self.scale == 1 else rows_first.to(sum_dtype(self.x.dtype)) * self.scale
        return scaled.to(self.kernel_h.dtype).reshape(len(rows_first), -1)
