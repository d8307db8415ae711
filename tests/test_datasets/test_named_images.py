"""Which image a data loader failed on, whether a transform raises or a worker is killed."""

import os
import pickle
import signal

import pytest
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from mmseg_gdn.datasets.named_images import ImageError, last_image, naming_dead_workers
from mmseg_gdn.utils import InputError


@TRANSFORMS.register_module()
class FailOnImage:
    """Raises, or kills its process, at an image whose name ends in a text."""

    def __init__(self, name, kill=False):
        self.name = name
        self.kill = kill

    def __call__(self, results):
        if results['img_path'].endswith(self.name):
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyError('scale')
        return results


def build(root, *steps, mixed=False):
    load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
    voc = dict(
        type='CheckedVOCDataset',
        data_root=str(root),
        ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        pipeline=load if mixed else [*load, *steps],
    )
    if mixed:
        voc = dict(
            type='MultiImageMixDataset', dataset=dict(type='ConcatDataset', datasets=[voc]), pipeline=list(steps)
        )
    return DATASETS.build(dict(type='NamedImages', dataset=voc))


@pytest.mark.parametrize('mixed', [False, True])
@pytest.mark.parametrize('workers', [0, 1])
def test_a_transform_that_raises(voc_root, mixed, workers):
    dataset = build(voc_root, dict(type='FailOnImage', name='b.jpg'), dict(type='PackSegInputs'), mixed=mixed)
    loader = DataLoader(dataset, num_workers=workers, collate_fn=pseudo_collate)
    with pytest.raises(ImageError, match=r"The image .*/JPEGImages/b\.jpg could not be prepared \(KeyError: 'scale'\)"):
        list(loader)


def test_bad_files_are_told_as_before(voc_root):
    (voc_root / 'SegmentationClass/b.png').write_bytes(b'')
    with pytest.raises(InputError, match=r'The mask .*b\.png cannot be read'):
        build(voc_root)[1]


@pytest.mark.parametrize('workers', [1, 2])
def test_a_worker_that_is_killed(voc_root, workers):
    dataset = build(voc_root, dict(type='FailOnImage', name='b.jpg', kill=True), dict(type='PackSegInputs'))
    loader = DataLoader(dataset, num_workers=workers, collate_fn=pseudo_collate)
    message = r'A worker of the data loader \(process \d+\) .*while at the image .*/b\.jpg;'
    with pytest.raises(InputError, match=message), naming_dead_workers():
        list(loader)


def test_other_errors_stay():
    with pytest.raises(RuntimeError, match='^shapes$'), naming_dead_workers():
        raise RuntimeError('shapes')


def test_it_is_otherwise_the_data_set(voc_root):
    dataset = build(voc_root)
    assert len(dataset) == 2
    assert dataset.metainfo == dataset.dataset.metainfo
    assert dataset.get_data_info(1)['img_path'].endswith('b.jpg')
    dataset[1]
    assert last_image(os.getpid()).endswith('b.jpg')
    assert len(pickle.loads(pickle.dumps(dataset))) == 2
    with pytest.raises(AttributeError):
        dataset.no_such_thing  # noqa: B018
