"""Predictions painted on images as they are stored, by the runner's own visualizer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmengine.visualization import Visualizer
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from mmseg_gdn.visualization import stored_image_hook, whole_image_backend  # noqa: F401  (registers the backend)

SIZE = (40, 24)  # width and height


@pytest.fixture
def runner(tmp_path):
    visualizer = SegLocalVisualizer('its_own', vis_backends=[dict(type='WholeImageVisBackend')], save_dir=str(tmp_path))
    visualizer.dataset_meta = dict(classes=('ground', 'thing'), palette=[[0, 0, 0], [255, 0, 0]])
    return SimpleNamespace(visualizer=visualizer, iter=0)


@pytest.fixture
def sample(tmp_path):
    """A prediction for an image that asks viewers to turn it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / 'a.jpg'
    Image.new('RGB', SIZE, 'white').save(path, exif=exif)
    mask = torch.from_numpy(np.indices(SIZE[::-1])[:1] % 2)
    return SegDataSample(metainfo=dict(img_path=str(path)), pred_sem_seg=PixelData(data=mask))


@pytest.fixture
def hook():
    Visualizer.get_instance('made_by_another_runner')
    return stored_image_hook.StoredImageVisualizationHook(draw=True, interval=1)


def test_a_picture_has_the_size_of_the_stored_image(hook, runner, sample, tmp_path):
    hook._after_iter(runner, 0, {}, [sample], mode='test')
    (picture,) = tmp_path.rglob('test_a.jpg_0.png')
    assert Image.open(picture).size == SIZE


@pytest.mark.parametrize(('mode', 'draw'), [('train', True), ('test', False)])
def test_no_picture(hook, runner, sample, tmp_path, mode, draw):
    hook.draw = draw
    hook._after_iter(runner, 0, {}, [sample], mode=mode)
    assert not list(tmp_path.rglob('*.png'))
