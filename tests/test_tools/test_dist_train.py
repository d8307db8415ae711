"""Two processes with half the batch each learn what one process learns, resume, and test together."""

import json
import os
import subprocess
import sys

import pytest
import torch

PLAIN = """
_base_ = {base!r}
# Batch statistics would depend on how the batch is split; everything else has to be equal.
model = dict(
    backbone=dict(norm_eval=True, init_cfg=None),
    decode_head=dict(dropout_ratio=0, norm_cfg=None, loss_decode=dict(avg_non_ignore=False)),
    auxiliary_head=None)
train_dataloader = dict(sampler=dict(_delete_=True, type='DefaultSampler', shuffle=False))
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=-1))
train_cfg = dict(max_iters=2, val_interval=100)
val_cfg = None
val_dataloader = None
val_evaluator = None
# Without the auxiliary head there are no image-level scores.
test_evaluator = [dict(type='PerClassIoUMetric')]
load_from = {start!r}
randomness = dict(seed=0)
optim_wrapper = dict(optimizer=dict(lr=0.02))
param_scheduler = []
"""


@pytest.fixture
def config(gdn_config, root_dir, voc_root, tmp_path):
    """A config without chance, which starts from stored weights."""
    ids = voc_root / 'ImageSets/Segmentation/train.txt'
    for folder, suffix in (('JPEGImages', '.jpg'), ('SegmentationClass', '.png')):
        for image_id in 'ab':
            copy = voc_root / folder / f'{image_id}_again{suffix}'
            copy.write_bytes((voc_root / folder / f'{image_id}{suffix}').read_bytes())
    ids.write_text('a\nb\na_again\nb_again\n')
    path, start = tmp_path / 'plain.py', tmp_path / 'start.pth'
    path.write_text(PLAIN.format(base=str(gdn_config), start=None))
    script = f"""
import mmseg_gdn, torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
init_default_scope('mmseg')
torch.manual_seed(0)
torch.save(dict(state_dict=MODELS.build(Config.fromfile({str(path)!r}).model).state_dict()), {str(start)!r})
"""
    subprocess.run([sys.executable, '-c', script], cwd=root_dir, check=True, capture_output=True)
    path.write_text(
        PLAIN.format(base=str(gdn_config), start=str(start))
        + """
train_dataloader['dataset'] = dict(
    pipeline=[dict(type='Resize', scale=(64, 48), keep_ratio=False), dict(type='PackSegInputs')])
"""
    )
    return path


# mmengine would put the parts on GPUs; a checkpoint of the whole model needs 'full'.
SHARDED = (
    'runner_type=FlexibleRunner',
    'strategy.type=FSDPStrategy',
    'strategy.state_dict_cfg=full',
    'strategy.model_wrapper.type=MMFullyShardedDataParallel',
    'strategy.model_wrapper.device_id=cpu',
)


@pytest.fixture
def launch(root_dir):
    """Run a script of the repository with two processes."""

    def run(script, *args):
        environment = dict(os.environ, PYTHON=sys.executable, PORT='29517', OMP_NUM_THREADS='1')
        return subprocess.run(
            [f'tools/{script}.sh', *map(str, args)],
            cwd=root_dir,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    return run


@pytest.mark.slow
@pytest.mark.parametrize('strategy', [(), SHARDED], ids=['DDP', 'FSDP'])
def test_two_processes_equal_one(run_script, launch, config, tmp_path, strategy):
    one = run_script(
        'tools/train.py', config, '--work-dir', tmp_path / 'one', '--cfg-options', 'train_dataloader.batch_size=2'
    )
    assert one.returncode == 0, one.stderr
    two = launch(
        'dist_train',
        config,
        2,
        '--work-dir',
        tmp_path / 'two',
        '--cfg-options',
        'train_dataloader.batch_size=1',
        *strategy,
    )
    assert two.returncode == 0, two.stderr

    start = torch.load(tmp_path / 'start.pth', weights_only=True)['state_dict']
    weights = [torch.load(tmp_path / name / 'iter_2.pth', weights_only=True)['state_dict'] for name in ('one', 'two')]
    assert weights[0].keys() == weights[1].keys()
    moved = {key for key in start if not torch.equal(start[key], weights[0][key])}
    assert {'decode_head.interp.kernel_h', 'decode_head.interp.kernel_w', 'backbone.conv1.conv.weight'} <= moved
    for key in moved:
        way = (weights[0][key] - start[key]).abs().max()
        rounding = 2 * torch.finfo(torch.float32).eps * start[key].abs().max().clamp(min=0.1)
        assert (weights[0][key] - weights[1][key]).abs().max() <= 2e-3 * way + rounding, key

    resumed = launch(
        'dist_train',
        config,
        2,
        '--work-dir',
        tmp_path / 'two',
        '--resume',
        '--cfg-options',
        'train_dataloader.batch_size=1',
        'train_cfg.max_iters=3',
        *strategy,
    )
    assert resumed.returncode == 0, resumed.stderr
    logs = sorted((tmp_path / 'two').rglob('scalars.json'))
    steps = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    assert [step['step'] for step in steps] == [1, 2, 3]
    third = torch.load(tmp_path / 'two/iter_3.pth', weights_only=True)['state_dict']
    for key in ('decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'):
        for step, now in zip(steps[1:], (weights[1], third)):
            way = float((now[key] - start[key]).norm() / start[key].norm())
            assert abs(step[f'{key}.moved'] - way) <= 1e-3 * way

    tested = launch('dist_test', config, tmp_path / 'two/iter_2.pth', 2, '--work-dir', tmp_path / 'test')
    assert tested.returncode == 0, tested.stderr
    assert 'mIoU: ' in tested.stdout + tested.stderr
