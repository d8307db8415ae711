"""CamVid in SegNet's layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_gdn.utils import InputError

from .checked_loading import with_checked_loading

VOID = 11
_SUFFIXES = ('.png', '.jpg')


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid's street scenes with SegNet's 11 classes and 480x360 images, in folders of images and of masks.

    Masks are grey PNGs with class indices, in which 11 means void, so models and metrics need ``ignore_index=11``.
    There is no background class. Images may be PNGs, as published, or JPEGs.

    Args:
        ignore_index: Label of void pixels.
        pipeline: Transforms, with the stock transforms for loading; checked ones take their place.
        **kwargs: All other arguments of ``BaseSegDataset``, such as ``data_root`` and
            ``data_prefix=dict(img_path='train', seg_map_path='trainannot')``.

    Raises:
        InputError: If the folder of the images is missing or has none.
    """

    # Colours of Brostow's classes that SegNet's are made of.
    METAINFO = dict(
        classes=(
            'sky',
            'building',
            'pole',
            'road',
            'sidewalk',
            'tree',
            'sign',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [0, 0, 192],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )

    def __init__(self, ignore_index: int = VOID, pipeline: Sequence[dict] = (), **kwargs) -> None:
        super().__init__(ignore_index=ignore_index, pipeline=with_checked_loading(pipeline), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Paths of all images, and of their masks.

        Returns:
            One dict for each image.

        Raises:
            InputError: If there are no images, or both PNGs and JPEGs.
        """
        folder = Path(self.data_prefix['img_path'])
        # What begins with a dot is no image, but what some systems leave beside it.
        suffixes = [suffix for suffix in _SUFFIXES if any(folder.glob(f'[!.]*{suffix}'))]
        if len(suffixes) > 1:
            raise InputError(
                f'There are both {" and ".join(suffixes)} images in {folder}; leave only those of one kind, which '
                'become the data set.'
            )
        if not suffixes:
            raise InputError(
                f"There are no .png or .jpg images in {folder}; put CamVid in SegNet's layout (folders "
                'train, trainannot, val, valannot, test, testannot) there, or set data_root.'
            )
        (self.img_suffix,) = suffixes
        return super().load_data_list()
