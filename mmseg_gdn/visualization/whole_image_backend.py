"""Painted predictions as files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.visualization import LocalVisBackend
from mmengine.visualization.vis_backend import force_init_env
from mmseg.registry import VISBACKENDS
from PIL import Image

from mmseg_gdn.utils import atomic_write


@VISBACKENDS.register_module()
class WholeImageVisBackend(LocalVisBackend):
    """mmengine's ``LocalVisBackend``, which goes on in silence when a picture could not be written."""

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs) -> None:
        """Write a picture.

        Args:
            name: Its name.
            image: Its pixels in RGB order, shape (H, W, 3), uint8.
            step: The iteration, which becomes part of the file's name.
            **kwargs: Ignored, as by mmengine.

        Raises:
            InputError: If it cannot be written.
        """
        with atomic_write(Path(self._img_save_dir, f'{name}_{step}.png')) as partial:
            Image.fromarray(image).save(partial, format='PNG')
