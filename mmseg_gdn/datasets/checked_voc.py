"""mmseg's VOC data set with lists read by one reader, and errors that name the broken file."""

from __future__ import annotations

from pathlib import Path

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

from mmseg_gdn.utils.ids import read_ids

from .checked_loading import with_checked_loading

_CHECKED = {'LoadImageFromFile': 'LoadVOCImage', 'LoadAnnotations': 'LoadVOCAnnotations'}


@DATASETS.register_module()
class CheckedVOCDataset(PascalVOCDataset):
    """``PascalVOCDataset`` with checks of its lists, images and masks.

    They are read by :func:`read_ids`, :class:`LoadVOCImage` and :class:`LoadVOCAnnotations`. Configs name the stock
    transforms, because mmseg's inferencers look for these names in the pipeline to replace them.

    Args:
        pipeline: Transforms, with the stock transforms for loading.
        **kwargs: All other arguments of ``PascalVOCDataset``.

    Raises:
        InputError: If the list of images cannot be used.
    """

    def __init__(self, pipeline: list[dict], **kwargs) -> None:
        super().__init__(pipeline=with_checked_loading(pipeline, _CHECKED), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Paths of the images in the list, and of their masks.

        Returns:
            One dict for each image.
        """
        images, masks = self.data_prefix['img_path'], self.data_prefix.get('seg_map_path')
        return [
            dict(
                img_path=str(Path(images, f'{name}{self.img_suffix}')),
                **({} if masks is None else {'seg_map_path': str(Path(masks, f'{name}{self.seg_map_suffix}'))}),
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for name in read_ids(self.ann_file)
        ]
