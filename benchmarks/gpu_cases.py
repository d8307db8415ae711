"""Shapes that are measured on GPUs, and what is aimed at for the large ones."""

from __future__ import annotations

from cases import CASES, Case

LARGE = Case(16, 21, 64, 64, 512, 512), Case(8, 150, 128, 128, 512, 512)
GPU_CASES = *CASES, *LARGE

# Time (or memory) over that of F.interpolate followed by the same next step, on an H100.
GPU_AIMS = {case: {'loss': 0.35, 'loss_memory': 0.1, 'argmax': 0.3} for case in LARGE}
BANDWIDTH_AIM = 0.7  # of the limit of writing full-size scores
