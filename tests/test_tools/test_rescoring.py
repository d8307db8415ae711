"""Converted weights of others, tested by one command each."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmseg_gdn.caffe import convert, read_caffemodel

from ..test_caffe.caffemodels import golden_layers, write
from .test_caffe2mmseg import GOLDEN, load, scores

MEANS = {
    'fcn32s_voc11valid': (104.00699, 116.66877, 122.67892),
    'deeplab-largefov_gdn_released': (104.00698793, 116.66876762, 122.67891434),
}
LAYOUTS = {'fcn32s_voc11valid': 'fcn32s', 'deeplab-largefov_gdn_released': 'largefov'}
MODELS = {'fcn32s_voc11valid': ('fcn32s_thin', ''), 'deeplab-largefov_gdn_released': ('deeplab_gdn_thin', 'b96x75_n2')}


@pytest.fixture(params=list(MEANS))
def name(request):
    """A config for testing only."""
    return request.param


@pytest.fixture
def checkpoint(name, tmp_path):
    """A thin model, converted; with matrices of the released sizes, if it has any."""
    arrays, run = MODELS[name]
    with np.load(GOLDEN / f'{arrays}.npz') as stored:
        model = write(tmp_path / 'model.caffemodel', golden_layers(stored, run))
    kernels = None
    if run:
        generator = np.random.default_rng(0)
        kernels = tuple(generator.normal(size=(64, 500)).astype(np.float32) for _ in range(2))
    state = convert(read_caffemodel(model), LAYOUTS[name], kernels).state
    torch.save(dict(state_dict={key: torch.from_numpy(value) for key, value in state.items()}), tmp_path / 'model.pth')
    return tmp_path / 'model.pth'


@pytest.fixture
def run_test(name, checkpoint, monkeypatch, root_dir, tmp_path):
    """Test the config on a folder of images; gives the log and the predicted classes by image."""
    monkeypatch.syspath_prepend(root_dir / 'tools')
    main = runpy.run_path(str(root_dir / 'tools/test.py'))['main']

    def run(voc):
        (tmp_path / 'data').mkdir()
        (tmp_path / 'data/VOCdevkit').symlink_to(voc)
        monkeypatch.chdir(tmp_path)
        options = [
            'model.backbone.widths=(4,8,16,32,32)',
            'model.decode_head.in_channels=32',
            'model.decode_head.fc_channels=64',
            'test_dataloader.num_workers=0',
            'test_dataloader.persistent_workers=False',
        ]
        monkeypatch.setattr(
            sys,
            'argv',
            [
                'test.py',
                str(root_dir / f'configs/gdn/{name}.py'),
                str(checkpoint),
                '--work-dir',
                'run',
                '--out',
                'plain',
                '--cfg-options',
                *options,
            ],
        )
        main()
        predictions = {path.stem: np.asarray(Image.open(path)) for path in Path('plain').iterdir()}
        return max(Path('run').rglob('*.log')).read_text(), predictions

    return run


def expected(name, checkpoint, path):
    """Classes of a whole image, unscaled, in BGR minus the mean."""
    image = np.asarray(Image.open(path)).astype(np.float32)[..., ::-1] - np.array(MEANS[name], np.float32)
    full = scores(load(checkpoint)['state_dict'], LAYOUTS[name], np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    return full.argmax(1)[0].numpy()


@pytest.mark.slow
def test_predictions_are_caffes(name, checkpoint, run_test, voc_root):
    (voc_root / 'ImageSets/Segmentation/seg11valid.txt').write_text('e\n')
    log, predictions = run_test(voc_root.parent)
    assert set(predictions) == ({'e'} if name == 'fcn32s_voc11valid' else {'d', 'e'})
    assert re.search(r'mIoU: +[\d.]+', log)
    for image_id, found in predictions.items():
        wanted = expected(name, checkpoint, voc_root / f'JPEGImages/{image_id}.jpg')
        assert found.shape == wanted.shape and len(np.unique(wanted)) > 1
        assert (found == wanted).mean() > 0.999


@pytest.mark.slow
def test_real_images(name, checkpoint, run_test, voc_extract, tmp_path):
    root = tmp_path / 'devkit/VOC2012'
    (root / 'ImageSets/Segmentation').mkdir(parents=True)
    for folder in ('JPEGImages', 'SegmentationClass'):
        (root / folder).symlink_to(voc_extract / folder)
    ids = (voc_extract / 'ImageSets/Segmentation/val.txt').read_text().split()[:2]
    for image_list in ('seg11valid', 'val'):
        (root / f'ImageSets/Segmentation/{image_list}.txt').write_text('\n'.join(ids) + '\n')
    log, predictions = run_test(root.parent)
    assert set(predictions) == set(ids)
    assert re.search(r'mIoU: +[\d.]+', log)


def test_the_list_is_fcns(root_dir):
    cfg = Config.fromfile(root_dir / 'configs/gdn/fcn32s_voc11valid.py')
    assert cfg.test_dataloader.dataset.ann_file == 'ImageSets/Segmentation/seg11valid.txt'
    assert cfg.test_dataloader.dataset.data_prefix.seg_map_path == 'SegmentationClass'
