"""What tools/train.py adds to a config, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS, MODELS

from mmseg_gdn.engine.newest_checkpoint import newest_checkpoint
from mmseg_gdn.utils import InputError, run_tool
from train import main


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Run the tool in this process; gives what it has logged."""

    def run(config, *args):
        folder = tmp_path / 'run'
        monkeypatch.setattr(sys, 'argv', ['train.py', str(config), '--work-dir', str(folder), *map(str, args)])
        main()
        return max(folder.rglob('*.log')).read_text()

    return run


@pytest.fixture
def stock_weights(gdn_config):
    """A stock model's state dict: no matrices, and no parts of this project that only training uses."""
    weights = MODELS.build(Config.fromfile(gdn_config).model).state_dict()
    return {key: value for key, value in weights.items() if 'interp' not in key and 'auxiliary' not in key}


@pytest.mark.slow
def test_movement_of_the_matrices_is_logged_without_any_setting(train, child, tmp_path):
    log = train(child(''))
    lines = next((tmp_path / 'run').rglob('scalars.json')).read_text().splitlines()
    moved = [json.loads(line)['decode_head.interp.kernel_h.moved'] for line in lines if 'kernel_h.moved' in line]
    assert len(moved) == 2
    assert 0 < moved[0] < moved[1]
    assert f'decode_head.interp.kernel_h {moved[1]:.1%}, decode_head.interp.kernel_w ' in log


@pytest.mark.slow
def test_the_console_shows_what_a_person_reads(train, child, tmp_path, capfd):
    log = train(child(''))
    out, err = capfd.readouterr()
    told = out + err
    assert 'Hooks will be executed' in log
    assert 'Hooks will be executed' not in told
    assert 'Warning' not in told
    for wanted in (f'Checkpoints will be saved to {tmp_path / "run"}', 'Iter(train) [2/2]', 'eta:', 'loss:', '| mIoU '):
        assert wanted in told
    assert len(told.splitlines()) < 60


def test_a_hook_that_is_listed_twice(train, child):
    with pytest.raises(InputError, match='custom_hooks of the config lists ExactResumeHook once more'):
        train(child("custom_hooks = [dict(type='ExactResumeHook')]"))


@pytest.mark.slow
def test_without_validation(train, child, tmp_path):
    assert 'Iter(val)' in train(child('default_hooks = dict(checkpoint=dict(save_best="mIoU"))'))
    assert list((tmp_path / 'run').glob('best_*.pth'))
    log = train(
        child('default_hooks = dict(checkpoint=dict(save_best="mIoU"))'),
        '--no-validate',
        '--work-dir',
        tmp_path / 'run' / 'fast',
    )
    assert 'Iter(val)' not in log
    assert [path.name for path in (tmp_path / 'run/fast').glob('*.pth')] == ['iter_2.pth']


@pytest.mark.skipif(torch.cuda.is_available(), reason='mixed precision works here')
@pytest.mark.parametrize(('text', 'args'), [('', ['--amp']), ("optim_wrapper = dict(type='AmpOptimWrapper')", [])])
def test_mixed_precision_without_a_gpu(train, child, text, args):
    with pytest.raises(InputError, match=r'^Mixed precision .* needs a GPU, and PyTorch finds none; train without it'):
        train(child(text), *args)


@pytest.mark.slow
def test_training_starts_from_a_stock_checkpoint(train, child, stock_weights, tmp_path):
    torch.save(dict(state_dict=stock_weights), tmp_path / 'stock.pth')
    train(
        child('optim_wrapper = dict(optimizer=dict(lr=0.0, weight_decay=0.0))'),
        '--cfg-options',
        f'load_from={tmp_path / "stock.pth"}',
    )
    trained = torch.load(tmp_path / 'run/iter_2.pth', weights_only=True)['state_dict']
    assert torch.equal(trained['backbone.conv1.conv.weight'], stock_weights['backbone.conv1.conv.weight'])


@pytest.mark.slow
@pytest.mark.parametrize('partial', [False, True])
def test_a_checkpoint_for_other_classes_is_a_start_only_where_that_is_asked_for(
    train, child, stock_weights, tmp_path, partial
):
    stock_weights['decode_head.conv_seg.bias'] = torch.zeros(19)
    torch.save(dict(state_dict=stock_weights), tmp_path / 'cityscapes.pth')
    options = [f'load_from={tmp_path / "cityscapes.pth"}', f'default_hooks.check_checkpoint.partial={partial}']
    if partial:
        assert 'decode_head.conv_seg.bias is (19,) instead of (21,)' in train(child(''), '--cfg-options', *options)
    else:
        with pytest.raises(InputError, match=r'\(19,\) instead of \(21,\).*check_checkpoint\.partial=True'):
            train(child(''), '--cfg-options', *options)


def test_a_missing_start_is_told_before_a_model_is_built(train, child):
    with pytest.raises(InputError, match=r'There is no checkpoint nothing\.pth'):
        train(child("model = dict(backbone=dict(type='NoSuchBackbone'))"), '--cfg-options', 'load_from=nothing.pth')


@METRICS.register_module()
class MeanValScore(BaseMetric):
    """Somebody's metric, which reads scores."""

    def process(self, data_batch, data_samples):
        self.results += [float(sample['seg_logits']['data'].mean()) for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mean_score=sum(results) / len(results))


@pytest.mark.slow
def test_a_metric_that_reads_scores_works_in_validation(train, child):
    config = child("model = dict(type='GlobalInterpEncoderDecoder')\nval_evaluator = [dict(type='MeanValScore')]")
    assert 'mean_score: ' in train(config)


@pytest.mark.parametrize(
    ('options', 'missing'),
    [
        (['train_dataloader=None'], 'no train_dataloader;'),
        (['train_cfg=None', 'optim_wrapper=None'], 'no train_cfg and no optim_wrapper;'),
    ],
)
def test_a_config_for_testing_only_is_refused(train, child, options, missing):
    with pytest.raises(InputError, match=rf'is for testing only, because it sets {missing} use tools/test\.py'):
        train(child(''), '--cfg-options', *options)


@pytest.mark.parametrize('setting', ['max_iters=0', 'max_iters=-3', 'val_interval=0'])
def test_no_steps(train, child, setting):
    with pytest.raises(InputError, match=rf'train_cfg\.{setting} is no number of steps; set 1 or more'):
        train(child(''), '--cfg-options', f'train_cfg.{setting}')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            'train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=1)',
            r'train_dataloader\.sampler .* InfiniteSampler, .* an epoch would never end; set DefaultSampler',
        ),
        ("train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)", r'an epoch would never end'),
        (
            "val_dataloader = dict(sampler=dict(type='InfiniteSampler'))",
            r'val_dataloader\.s.* would never end',
        ),
        (
            'train_cfg = dict(by_epoch=True)',
            r"sets both type='IterBasedTrainLoop' and by_epoch=True,",
        ),
    ],
)
def test_loops_that_never_end_or_are_not_clear(train, child, text, message):
    with pytest.raises(InputError, match=message):
        train(child(text))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ('train_dataloader.num_workers=-1', 'train_dataloader of the config cannot be built: ValueError: num_workers'),
        (
            'train_dataloader.batch_size=0',
            'train_dataloader of the config cannot be built: ValueError: batch_size should',
        ),
        (
            'optim_wrapper.optimizer.lr=-1',
            r'optim_wrapper\.optimizer of the config \(SGD\) cannot be built: ValueError',
        ),
    ],
)
def test_a_part_that_refuses_its_settings_is_told_by_its_place(train, child, setting, message):
    with pytest.raises(SystemExit, match=message):
        run_tool(lambda: train(child(''), '--cfg-options', setting))


@pytest.mark.slow
def test_a_scheduler_that_only_counts_epochs(train, child):
    config = child("param_scheduler = [dict(type='ReduceOnPlateauLR', monitor='mIoU', by_epoch=False)]")
    with pytest.raises(SystemExit, match=r'param_scheduler\.0 of the config \(ReduceOnPlateauLR\) cannot be built'):
        run_tool(lambda: train(config))


def test_the_released_model_is_for_testing_only(train, root_dir):
    with pytest.raises(InputError, match='deeplab-largefov_gdn_released.py is for testing only'):
        train(root_dir / 'configs/gdn/deeplab-largefov_gdn_released.py')


@pytest.fixture(params=['deeplab-largefov_gdn_voc12aug', 'deeplab-largefov_voc12aug', 'fcn32s_gdn_voc12aug'])
def caffe_config(request, root_dir, voc_root, tmp_path):
    """A Caffe recipe with few channels, on the small VOC folder."""
    path = tmp_path / f'{tmp_path.name}.py'
    path.write_text(f"""
_base_ = {str(root_dir / f'configs/gdn/{request.param}.py')!r}
images = dict(type='CheckedVOCDataset', data_root={str(voc_root)!r}, ann_file='ImageSets/Segmentation/train.txt',
              data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
              pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')])
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint={str(tmp_path / 'no.pth')!r}, layout='fcn32s')]
model = dict(backbone=dict(widths=(2, 2, 2, 2, 2)), decode_head=dict(in_channels=2, fc_channels=4))
train_dataloader = dict(batch_size=1, num_workers=0, persistent_workers=False,
                        dataset=dict(dataset=dict(datasets=[images])))
val_dataloader = None
val_evaluator = None
val_cfg = None
""")
    return path


@pytest.mark.slow
def test_two_iterations_of_a_caffe_recipe_from_random_weights(train, caffe_config, tmp_path):
    log = train(caffe_config, '--cfg-options', 'train_cfg.max_iters=2', 'custom_hooks.0.from_scratch=True')
    assert (tmp_path / 'run/iter_2.pth').is_file()
    assert 'starts from random weights' in log
    assert ('Moved since the start' in log) == ('GlobalInterpHead' in log)


@pytest.mark.slow
@pytest.mark.parametrize('caffe_config', ['deeplab-largefov_voc12aug'], indirect=True)
def test_a_caffe_recipe_without_caffes_weights_stops(train, caffe_config, tmp_path):
    with pytest.raises(InputError, match='custom_hooks.0.from_scratch=True'):
        train(caffe_config)
    assert not list((tmp_path / 'run').glob('*.pth'))


@pytest.mark.slow
def test_a_rate_that_is_far_too_high_ends_training(train, child, tmp_path):
    config = child('optim_wrapper = dict(optimizer=dict(lr=1e30))\ntrain_cfg = dict(max_iters=5)')
    with pytest.raises(InputError, match=r'Training has stopped at iteration \d.*(loss|weights).* Usually the learn'):
        train(config)
    assert not list((tmp_path / 'run').glob('*.pth'))


@pytest.mark.slow
def test_sigterm_to_all_processes_leaves_a_checkpoint_and_no_workers(root_dir, child, tmp_path):
    config = child("""
train_dataloader = dict(num_workers=2, persistent_workers=True)
train_cfg = dict(max_iters=100000, val_interval=100000)
param_scheduler = []
""")
    folder = tmp_path / 'run'
    process = subprocess.Popen(
        [sys.executable, 'tools/train.py', str(config), '--work-dir', str(folder)],
        cwd=root_dir,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and not list(folder.glob('iter_*.pth')):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 143
    newest = newest_checkpoint(folder)
    iteration = torch.load(newest, weights_only=True)['meta']['iter']
    assert told.splitlines()[-1] == (
        f'Stopped by SIGTERM after iteration {iteration}. To go on from {newest}, add --resume.'
    )
    assert 'Traceback' not in told
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
