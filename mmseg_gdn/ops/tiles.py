"""Full-size scores a tile at a time: the two products of global interpolation on some rows of some images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .memory import spans, tile_bytes
from .precision import sum_dtype

_TILES_PER_BAND, _ROWS_PER_BAND = 2, 128  # whichever is more


class Band(NamedTuple):
    """A few tiles: their rows before the product with ``kernel_w``.

    Attributes:
        images: Which images (n of them).
        rows: Which rows.
        coarse: Scaled coarse scores of these images, shape (h, C * n * w).
        scored_rows: ``kernel_h[rows] @ coarse``, shape (rows, C * n * w).
    """

    images: slice
    rows: slice
    coarse: Tensor
    scored_rows: Tensor

    def of(self, maps: Tensor) -> Tensor:
        """The band's part of full-size maps (N, H, W): a view of shape (rows, n, W)."""
        return maps[self.images, self.rows].transpose(0, 1)


class Tile(NamedTuple):
    """Scores of some rows of a band.

    Layout: rows, classes, images, columns. So each product is a single one over everything in the tile, and sums
    over classes run along whole rows of memory.

    Attributes:
        rows: Which rows of the band (R of them).
        scored_rows: Those of the band, shape (R * C * n, w).
        scores: ``scored_rows @ kernel_w.T``, shape (R, C, n * W); overwritten by the next tile.
    """

    rows: slice
    scored_rows: Tensor
    scores: Tensor


class TiledScores:
    """``scale * kernel_h @ x @ kernel_w.T``, of which one tile exists at a time.

    A tile fits the cache. The first product and its gradients are made for a band of tiles at once, because on a
    tile's few rows they would read all coarse scores for next to no work.

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
        row_bytes = x.shape[1] * len(kernel_w) * torch.finfo(sum_dtype(kernel_w.dtype)).bits // 8
        self.rows_per_tile = max(1, tile_bytes(x.device) // max(1, row_bytes))
        self._memory = kernel_w.new_empty(0, len(kernel_w))

    def bands(self) -> Iterator[Band]:
        """Bands that cover all pixels, all rows of an image before the next image."""
        rows_per_band = max(_TILES_PER_BAND * self.rows_per_tile, _ROWS_PER_BAND)
        for images in spans(len(self.x), self.rows_per_tile // max(1, len(self.kernel_h))):
            coarse = self._coarse(images)
            for rows in spans(len(self.kernel_h), rows_per_band):
                yield Band(images, rows, coarse, torch.mm(self.kernel_h[rows], coarse))

    def tiles(self, band: Band) -> Iterator[Tile]:
        """The tiles of a band."""
        for rows in spans(len(band.scored_rows), self.rows_per_tile):
            scored_rows = band.scored_rows[rows].view(-1, self.kernel_w.shape[1])
            scores = torch.mm(scored_rows, self.kernel_w.t(), out=self._room_for(len(scored_rows)))
            yield Tile(rows, scored_rows, scores.view(rows.stop - rows.start, self.x.shape[1], -1))

    def _coarse(self, images: slice) -> Tensor:
        rows_first = self.x[images].permute(2, 1, 0, 3)
        if self.scale != 1:
            rows_first = rows_first.to(sum_dtype(self.x.dtype)) * self.scale
        return rows_first.to(self.kernel_h.dtype).reshape(len(rows_first), -1)

    def _room_for(self, count: int) -> Tensor:
        if len(self._memory) < count:
            self._memory = self.kernel_w.new_empty(count, len(self.kernel_w))
        return self._memory[:count]
