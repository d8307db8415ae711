"""What the pipelines in a config load, in whichever way their types are given."""

import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.pipelines import find_test_set, loads_images, loads_masks


@pytest.mark.parametrize(
    ('kinds', 'image', 'mask'),
    [
        (['LoadImageFromFile', 'mmseg.LoadImageFromFile', LoadImageFromFile, 'LoadCheckedImage'], True, False),
        (['LoadAnnotations', 'mmseg.datasets.LoadAnnotations', LoadAnnotations, 'OwnAnnotations'], False, True),
        (['PackSegInputs', PackSegInputs], False, False),
    ],
)
def test_steps(kinds, image, mask):
    for kind in kinds:
        assert loads_images(dict(type=kind)) == image
        assert loads_masks(dict(type=kind)) == mask


@pytest.mark.parametrize('wrap', [dict, lambda **part: dict(dataset=part), lambda **part: dict(datasets=[part, {}])])
def test_the_test_set_inside_wrappers(wrap):
    cfg = Config(dict(test_dataloader=dict(dataset=wrap(type='A', pipeline=[]))))
    assert find_test_set(cfg, 'a.py', 'which loads images')['type'] == 'A'


@pytest.mark.parametrize('loader', [None, {}, dict(dataset=dict(type='A'))])
def test_no_pipeline(loader):
    with pytest.raises(InputError, match='a.py has no test_dataloader with a pipeline, which loads images; add one'):
        find_test_set(Config(dict(test_dataloader=loader)), 'a.py', 'which loads images')
