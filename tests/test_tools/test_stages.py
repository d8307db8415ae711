"""The stages of a training, each from the end of the one before, from released weights or from ImageNet."""

import sys
from pathlib import Path

import pytest
import torch

from mmseg_gdn.utils import InputError
from train import main

NETWORK = 'deeplab-largefov'
IMAGENET = 'custom_hooks.0.checkpoint'


@pytest.fixture
def train(monkeypatch, root_dir, voc_root, tmp_path):
    """Train a stage of the small DeepLab-LargeFOV, thinned further, for one iteration; gives its log and weights."""
    # Relative paths, because mmengine takes seconds to print configs with long ones.
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/VOCdevkit').symlink_to(voc_root.parent)
    monkeypatch.chdir(tmp_path)
    thin = ['model.backbone.widths=(2,2,2,2,2)', 'model.decode_head.in_channels=2', 'model.decode_head.fc_channels=4']
    short = [
        'train_cfg.max_iters=1',
        'train_dataloader.batch_size=2',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'default_hooks.logger.interval=1',
        'default_hooks.checkpoint.interval=100',
        'default_hooks.checkpoint.max_keep_ckpts=1',
    ]

    def run(stage, *options):
        config = root_dir / f'configs/gdn/small/{NETWORK}_{stage}.py'
        monkeypatch.setattr(
            sys, 'argv', ['train.py', str(config), '--work-dir', stage, '--cfg-options', *thin, *short, *options]
        )
        main()
        weights = torch.load(f'{stage}/iter_1.pth', weights_only=True)['state_dict']
        return max(Path(stage).rglob('*.log')).read_text(), weights

    return run


def same(one, other, part):
    """Whether all weights of a part are the same."""
    keys = [key for key in one if key.startswith(part)]
    assert keys
    return all(torch.equal(one[key], other[key]) for key in keys)


@pytest.mark.slow
def test_each_stage_starts_from_the_one_before_and_trains_its_parts(train):
    def end(stage):
        return f'load_from={stage}/iter_1.pth'

    _, baseline = train('whole_voc12aug', 'custom_hooks.0.from_scratch=True')
    _, matrices = train('gdn-matrices_voc12aug', end('whole_voc12aug'))
    assert matrices.keys() - baseline.keys() == {'decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'}
    assert same(baseline, matrices, 'backbone') and same(baseline, matrices, 'decode_head.conv_seg')

    log, labels = train('gdn-labels_voc12aug', end('gdn-matrices_voc12aug'))
    assert same(matrices, labels, 'decode_head.interp') and not same(matrices, labels, 'decode_head.conv_seg')
    assert 'decode.loss_mlc' in log

    _, staged = train('gdn-staged_voc12aug', end('gdn-labels_voc12aug'))
    for part in ('decode_head.interp', 'decode_head.conv_seg', 'decode_head.label_branch', 'backbone'):
        assert not same(labels, staged, part)

    log, _ = train('gdn-staged_voc12trainval', end('gdn-staged_voc12aug'))
    assert 'Iter(val)' not in log


@pytest.mark.slow
def test_a_stage_starts_from_released_weights(train):
    """A whole model with matrices, as a model converter writes it: without a branch and without a training state."""
    _, trained = train('gdn-staged_voc12aug', 'load_from=None', 'custom_hooks.0.from_scratch=True')
    released = {key: value for key, value in trained.items() if 'label_branch' not in key}
    torch.save(dict(state_dict=released), 'released.pth')
    _, weights = train('gdn-labels_voc12aug', 'load_from=released.pth')
    assert same(released, weights, 'decode_head.interp')


@pytest.mark.slow
def test_a_stage_starts_from_imagenet_weights(train):
    _, trained = train('whole_voc12aug', 'custom_hooks.0.from_scratch=True')
    convolutions = {key: value for key, value in trained.items() if key.startswith('backbone')}
    torch.save(dict(state_dict=convolutions), 'vgg16.pth')
    log, weights = train('gdn-matrices_voc12aug', 'load_from=None', f'{IMAGENET}=vgg16.pth')
    assert same(convolutions, weights, 'backbone')
    assert 'has no weights for decode_head.conv_seg, decode_head.fc6, decode_head.fc7, decode_head.interp.' in log


def test_the_stage_to_train_first_is_named(train):
    with pytest.raises(InputError) as caught:
        train('gdn-labels_voc12aug')
    assert f'There is no work_dirs/small/{NETWORK}_gdn-matrices_voc12aug/iter_60.pth, with which' in str(caught.value)
    assert f'configs/gdn/small/{NETWORK}_gdn-matrices_voc12aug.py. To start from other weights' in str(caught.value)
