"""Learned matrices for a model that is already trained."""

from __future__ import annotations

import re
import runpy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from fit_kernels import main
from fitting import NOT_IMPROVED
from mmseg_gdn.utils import InputError

TRAIN, VAL, STRIDE = 12, 4, 8
MATRICES = {'decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'}


@MODELS.register_module()
class ColourMeans(BaseModule):
    """A backbone that gives the mean colour of each cell of 8x8 px, and counts the images that it gets."""

    images = 0

    def forward(self, images):
        type(self).images += len(images)
        return [torch.nn.functional.avg_pool2d(images, STRIDE)]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Images of two sizes in three colours, the classes. Masks are shifted: in ``other``, the other way."""
    folder = tmp_path_factory.mktemp('shifted')
    generator = np.random.default_rng(0)
    for split, count in (('train', TRAIN), ('val', VAL)):
        for name in (split, f'{split}_masks', f'{split}_other'):
            (folder / name).mkdir()
        for index in range(count):
            height, width = 64, 96 if index % 2 else 80
            cells = generator.integers(0, 3, (height // 16 + 1, width // 16 + 1))
            labels = cells.repeat(16, 0).repeat(16, 1).astype(np.uint8)[:height, :width]
            colours = np.eye(3)[labels] * 150 + generator.uniform(0, 50, (height, width, 3))
            Image.fromarray(colours.astype(np.uint8)).save(folder / split / f'{index}.png')
            for masks, shift in (('masks', 3), ('other', -3)):
                moved = np.roll(labels, (shift, shift), (0, 1))
                moved[0] = 255
                Image.fromarray(moved).save(folder / f'{split}_{masks}' / f'{index}.png')
    return folder


CONFIG = """
_base_ = {runtime!r}
def data(split, masks, pipeline):
    dataset = dict(type='BaseSegDataset', data_root={root!r}, metainfo=dict(classes=['r', 'g', 'b']), img_suffix='.png',
                   data_prefix=dict(img_path=split, seg_map_path=f'{{split}}_{{masks}}'), pipeline=pipeline)
    return dict(batch_size=1, num_workers=0, dataset=dataset)
crop = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
        dict(type='RandomCrop', crop_size=(32, 32)), dict(type='PackSegInputs')]
whole = [dict(type='LoadImageFromFile'), dict(type='Resize', scale_factor=2.0, keep_ratio=True),
         dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = data('train', 'masks', crop)
train_dataloader['dataset'] = dict(type='RepeatDataset', times=100, dataset=train_dataloader['dataset'])
train_dataloader['sampler'] = dict(type='InfiniteSampler')
val_dataloader = test_dataloader = data('val', 'masks', whole)
val_dataloader['sampler'] = dict(type='DefaultSampler', shuffle=False)
val_evaluator = test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
head = dict(type='FCNHead', in_channels=3, channels=3, num_convs=0, concat_input=False, num_classes=3,
            dropout_ratio=0.0, norm_cfg=dict(type='BN'), align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0))
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 32), test_cfg=dict(size_divisor=16), bgr_to_rgb=True),
    backbone=dict(type='ColourMeans', init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth')),
    decode_head=head,
    auxiliary_head=dict(head, in_index=0),
    test_cfg=dict(mode='whole'))
custom_hooks = [dict(type='EMAHook')]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=10)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, weight_decay=0.1))
"""


@pytest.fixture(scope='module')
def stock(root, tmp_path_factory):
    """A config and a checkpoint of a model that predicts the colours, but not where the masks have them."""
    folder = tmp_path_factory.mktemp('stock')
    runtime = Config.fromfile('configs/_base_/default_runtime.py')
    runtime.dump(folder / 'runtime.py')
    config, checkpoint = folder / 'colours.py', folder / 'colours.pth'
    config.write_text(CONFIG.format(runtime=str(folder / 'runtime.py'), root=str(root)))
    settings = Config.fromfile(config).model
    del settings['backbone']['init_cfg']
    init_default_scope('mmseg')
    model = MODELS.build(settings)
    with torch.no_grad():
        model.decode_head.conv_seg.weight.copy_(torch.eye(3).view(3, 3, 1, 1) * 0.04)
        model.decode_head.conv_seg.bias.zero_()
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    return config, checkpoint


def run(tool, folder, *args):
    """Run a tool's ``main``; gives its exit status."""
    SegLocalVisualizer._instance_dict.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['tool', *map(str, args), '--work-dir', str(folder / 'run')])
        return tool()


def miou(text):
    """mIoU before and after, as the tool prints them."""
    return tuple(float(value) for value in re.search(r'(\d+\.\d+) before, (\d+\.\d+) after', text).groups())


@pytest.fixture(scope='module')
def fitted(stock, tmp_path_factory):
    """Outcome of a fit: folder, images that the network got, and what was printed."""
    folder = tmp_path_factory.mktemp('fitted')
    ColourMeans.images = 0
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr('builtins.print', lambda *values, **kwargs: lines.append(' '.join(map(str, values))))
        status = run(main, folder, *stock, '--out', folder / 'gdn.pth', '--iterations', 320, '--flip')
    assert status is None
    return folder, ColourMeans.images, '\n'.join(lines)


@pytest.mark.slow
def test_it_learns_the_shift(fitted):
    before, after = miou(fitted[2])
    assert 50 < before < 75
    assert after > before + 3


@pytest.mark.slow
def test_the_network_runs_once_per_image(fitted):
    # Validation runs before and after, and the size of the scores takes one image on the meta device.
    assert fitted[1] <= 2 * VAL + 2 * TRAIN + 1
    assert not list((fitted[0] / 'run').glob('coarse_scores_*'))


@pytest.mark.slow
def test_nothing_but_the_matrices_changes(fitted, stock):
    before, after = (torch.load(path, weights_only=True)['state_dict'] for path in (stock[1], fitted[0] / 'gdn.pth'))
    assert after.keys() - before.keys() == MATRICES
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.slow
def test_the_config_inherits_from_the_given_one(fitted, stock):
    text = (fitted[0] / 'gdn.py').read_text()
    assert f'_base_ = {str(stock[0])!r}' in text
    head = Config.fromfile(fitted[0] / 'gdn.py').model.decode_head
    # Images of 128x160 and 128x192 in validation; the lower median is the size of the matrices.
    assert (head.type, head.base_type) == ('GlobalInterpHead', 'FCNHead')
    assert (head.in_size, head.out_size) == ((16, 20), (128, 160))


@pytest.mark.slow
def test_tested_as_written_it_is_as_good(fitted, root_dir):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root_dir / 'tools')
        test = runpy.run_path(str(root_dir / 'tools/test.py'))['main']
    run(test, fitted[0] / 'test', fitted[0] / 'gdn.py', fitted[0] / 'gdn.pth')
    log = max((fitted[0] / 'test').rglob('*.log')).read_text()
    assert f'mIoU: {miou(fitted[2])[1]:.4f}' in log
    meta = torch.load(fitted[0] / 'gdn.pth', weights_only=True)['meta']
    assert list(meta['dataset_meta']['classes']) == ['r', 'g', 'b']


OTHER_MASKS = 'val_dataloader.dataset.data_prefix.seg_map_path=val_other'


@pytest.mark.slow
def test_without_improvement_nothing_is_written(stock, tmp_path, capsys):
    fit = (main, tmp_path, *stock, '--out', tmp_path / 'gdn.pth', '--iterations', 40)
    kept = ('--keep-scores', tmp_path / 'kept', '--cfg-options', OTHER_MASKS)
    assert run(*fit, *kept) == NOT_IMPROVED
    assert not list(tmp_path.glob('gdn*'))
    assert 'did not rise, so nothing was written' in capsys.readouterr().out
    assert len(list((tmp_path / 'kept').rglob('*.npy'))) == TRAIN

    ColourMeans.images = 0
    assert run(*fit, '--force', *kept) is None
    assert (tmp_path / 'gdn.pth').is_file() and (tmp_path / 'gdn.py').is_file()
    before, after = miou(capsys.readouterr().out)
    assert after < before
    assert ColourMeans.images == 2 * VAL + 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['train_dataloader=None'], 'sets no train_dataloader, but fitting needs'),
        (['val_dataloader=None', 'val_evaluator=None'], 'sets no val_dataloader and no val_evaluator'),
        (['model.test_cfg.mode=slide'], r'sliding windows.* model\.test_cfg\.mode=whole'),
        (['model.type=CascadeEncoderDecoder'], 'has a CascadeEncoderDecoder.*gdn_variant'),
        (['model.decode_head.type=PointHead'], "base_type='PointHead' .* needs a decode head"),
        (['val_evaluator.iou_metrics=[mDice]'], 'gives no mIoU'),
        (
            ['train_dataloader.dataset.dataset.data_prefix.img_path=nosuch'],
            'config reads .*nosuch, which does not exist',
        ),
        (['val_dataloader.dataset.img_suffix=.gif'], 'validation images of the config cannot be found'),
        (
            ['model.decode_head.num_classes=4', 'model.auxiliary_head.num_classes=4'],
            r'conv_seg\.weight is \(3, 3, 1, 1\)',
        ),
    ],
)
def test_what_cannot_be_fitted(options, message, stock, tmp_path):
    with pytest.raises(InputError, match=message):
        run(main, tmp_path, *stock, '--out', tmp_path / 'gdn.pth', '--cfg-options', *options)
    assert not list(tmp_path.glob('gdn*'))


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('gdn.onnx', r'does not end in \.pth'),
        ('colours.pth', r'would replace .*colours\.pth'),
        ('file/gdn.pth', 'Cannot create the folder of the weights'),
    ],
)
def test_outputs_that_are_refused(name, message, stock, tmp_path):
    (stock[0].parent / 'file').write_text('')
    with pytest.raises(InputError, match=message):
        run(main, tmp_path, *stock, '--out', stock[0].parent / name)


def test_missing_inputs(stock, tmp_path):
    with pytest.raises(InputError, match=r'There is no checkpoint nosuch\.pth'):
        run(main, tmp_path, stock[0], 'nosuch.pth', '--out', tmp_path / 'gdn.pth')
    with pytest.raises(InputError, match=r'There is no config nosuch\.py'):
        run(main, tmp_path, 'nosuch.py', stock[1], '--out', tmp_path / 'gdn.pth')


@pytest.mark.slow
def test_a_disk_without_room_for_the_weights(stock, tmp_path, limit_files, monkeypatch):
    (tmp_path / 'gdn.pth').write_text('old')
    (tmp_path / 'gdn.py').write_text('old')
    monkeypatch.setattr('fitting.run.read_weights', lambda path: {'a': torch.zeros(10**6)})
    limit_files(10**6)
    with pytest.raises(InputError, match=r'Cannot write .*gdn\.pth \('):
        run(main, tmp_path, *stock, '--out', tmp_path / 'gdn.pth', '--iterations', 8, '--force')
    assert (tmp_path / 'gdn.pth').read_text() == (tmp_path / 'gdn.py').read_text() == 'old'
