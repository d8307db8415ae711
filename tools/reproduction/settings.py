"""What the user has asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Settings:
    """Options of ``tools/reproduce.py``.

    Attributes:
        networks: Networks to train, 'fcn32s' and 'deeplab-largefov'.
        work_dir: Folder of all results.
        data_root: Folder in VOC's layout.
        is_small: Whether to train the small versions of the configs, and to test on few images.
        weights: A .caffemodel to start from; ``None`` to download the published ones.
        released: The authors' .caffemodel and its two matrices, if there.
        gpus: Processes for training.
        launcher: 'pytorch' or 'slurm'; for one process only the latter matters.
        partition: Slurm's partition.
        workers: Processes for the CRF and for converting data.
        val_images: Images of val to test on, the first ones; ``None`` for all.
        search_images: Images of val to search the CRF's parameters on, the first ones.
        options: Settings by dotted keys that override those of all configs.
    """

    networks: tuple[str, ...]
    work_dir: Path
    data_root: Path
    is_small: bool = False
    weights: Path | None = None
    released: tuple[Path, ...] | None = None
    gpus: int = 1
    launcher: str = 'pytorch'
    partition: str = ''
    workers: int = 1
    val_images: int | None = None
    search_images: int = 100
    options: dict[str, Any] = field(default_factory=dict)

    def source(self, name: str) -> Path:
        """A config of this project: with ``is_small`` its small version, if it has one."""
        folder = ROOT / 'configs' / 'gdn'
        small = folder / 'small' / f'{name}.py'
        return small if self.is_small and small.is_file() else folder / f'{name}.py'

    def config(self, name: str) -> Path:
        """Where a completed config is written."""
        return self.work_dir / 'configs' / f'{name}.py'

    def ids(self, name: str) -> Path:
        """A list of image names of the data set."""
        return self.data_root / 'ImageSets' / 'Segmentation' / f'{name}.txt'
