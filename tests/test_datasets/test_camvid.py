"""CamVid in SegNet's layout: no background class, and void is 11."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, METRICS, MODELS
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from mmseg_gdn.datasets import CamVidDataset
from mmseg_gdn.engine.background import check_background
from mmseg_gdn.utils import InputError


@pytest.fixture
def camvid(request, tmp_path):
    """Two drawn images in each of the folders; the upper half is sky, the lower one road, with void between."""
    suffix = getattr(request, 'param', '.png')
    generator = np.random.default_rng(0)
    mask = np.full((360, 480), 3, np.uint8)
    mask[:180], mask[170:190] = 0, 11
    for split in ('train', 'val', 'test'):
        for folder in (split, f'{split}annot'):
            (tmp_path / folder).mkdir()
        for name in 'ab':
            photo = generator.integers(0, 255, (360, 480, 3), dtype=np.uint8)
            Image.fromarray(photo).save(tmp_path / split / f'{name}{suffix}')
            Image.fromarray(mask).save(tmp_path / f'{split}annot' / f'{name}.png')
    return tmp_path


@pytest.fixture
def cfg(camvid, root_dir):
    """The GDN config with a label head, on the drawn images, from random weights."""
    cfg = Config.fromfile(root_dir / 'configs/gdn/fcn_mobilenet-v2_gdn_camvid.py')
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[name].update(num_workers=0, persistent_workers=False, batch_size=1)
        cfg[name].dataset.data_root = str(camvid)
    cfg.model.backbone.init_cfg = None
    cfg.model.auxiliary_head = [
        dict(type='MultiLabelHead', in_channels=320, in_index=3, num_classes=11, ignore_index=11, with_background=True)
    ]
    return cfg


@pytest.mark.parametrize('camvid', ['.png', '.jpg'], indirect=True)
def test_images_and_masks_are_found(cfg):
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == 2
        assert dataset[0]['inputs'].shape == (3, 240, 320)
    assert set(dataset[0]['data_samples'].gt_sem_seg.data.unique().tolist()) == {0, 3, 11}


def test_one_step_and_a_validation(cfg):
    model = MODELS.build(cfg.model)
    check_background(model, CamVidDataset.METAINFO)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batch = pseudo_collate([DATASETS.build(cfg.train_dataloader.dataset)[index] for index in range(2)])
    losses = model.train_step(batch, wrapper)
    assert {'decode.loss_ce', 'aux_0.loss_mlc'} <= losses.keys()
    assert all(value.isfinite() for value in losses.values())

    loader = Runner.build_dataloader(cfg.val_dataloader)
    metrics = [METRICS.build(metric) for metric in (cfg.val_evaluator, dict(type='ImageLevelMAP', ignore_index=11))]
    model.eval()
    for batch in loader:
        with torch.no_grad():
            samples = [sample.to_dict() for sample in model.val_step(batch)]
        for metric in metrics:
            metric.dataset_meta = loader.dataset.metainfo
            metric.process(batch, samples)
    results = {key: value for metric in metrics for key, value in metric.evaluate(len(loader.dataset)).items()}
    assert 0 <= results['mIoU'] <= 100
    assert 'AP/sky' in results


def test_void_pixels_count_nowhere(cfg):
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = dataset.metainfo
    truth = dataset[0]['data_samples'].gt_sem_seg.data
    guess = torch.where(truth == 11, 5, truth)
    metric.process({}, [dict(pred_sem_seg=dict(data=guess), gt_sem_seg=dict(data=truth))])
    results = metric.evaluate(1)
    assert results['IoU/sky'] == results['IoU/road'] == 100
    assert 'IoU/tree' not in results


def test_a_colour_for_each_class():
    classes, palette = CamVidDataset.METAINFO['classes'], CamVidDataset.METAINFO['palette']
    assert len(classes) == len(palette) == len({tuple(colour) for colour in palette}) == 11
    SegLocalVisualizer(classes=list(classes), palette=palette)


def test_missing_images(tmp_path):
    with pytest.raises(InputError, match=r'There are no \.png or \.jpg images in .*train; .* set data_root'):
        CamVidDataset(data_root=str(tmp_path), data_prefix=dict(img_path='train', seg_map_path='trainannot'))


def test_hidden_files_are_no_images(camvid):
    (camvid / 'train/._a.jpg').write_bytes(b'of a file manager')
    dataset = CamVidDataset(data_root=str(camvid), data_prefix=dict(img_path='train', seg_map_path='trainannot'))
    assert len(dataset) == 2
    (camvid / 'train/a.png').rename(camvid / 'train/a.jpg')
    with pytest.raises(InputError, match=r'both \.png and \.jpg images in .*train; leave only those of one kind'):
        CamVidDataset(data_root=str(camvid), data_prefix=dict(img_path='train', seg_map_path='trainannot'))
