"""mmengine's EMAHook in a training run, and a test with what it has averaged."""

import numpy as np
import pytest
import torch
from PIL import Image

MOMENTUM = 0.25


@pytest.fixture
def config(gdn_config, tmp_path):
    path = tmp_path / 'averaged.py'
    # Steps so large that the average is far from the last weights.
    path.write_text(f"""
_base_ = {str(gdn_config)!r}
custom_hooks = [dict(type='EMAHook', momentum={MOMENTUM})]
optim_wrapper = dict(optimizer=dict(lr=0.5), clip_grad=None)
param_scheduler = []
train_cfg = dict(max_iters=3, val_interval=3)
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=-1))
""")
    return path


@pytest.mark.slow
def test_checkpoints_hold_the_average_and_are_tested_with_it(run_script, config, gdn_config, tmp_path):
    trained = run_script('tools/train.py', config, '--work-dir', tmp_path / 'run')
    assert trained.returncode == 0, trained.stderr
    checkpoints = [torch.load(tmp_path / f'run/iter_{count}.pth', weights_only=True) for count in (1, 2, 3)]
    averages = [checkpoint['state_dict'] for checkpoint in checkpoints]
    weights = [
        {key.removeprefix('module.'): value for key, value in checkpoint['ema_state_dict'].items()}
        for checkpoint in checkpoints
    ]
    for key in ('decode_head.interp.kernel_h', 'decode_head.interp.kernel_w', 'auxiliary_head.0.fc.weight'):
        assert torch.equal(averages[0][key], weights[0][key])
        for step in (1, 2):
            assert not torch.equal(weights[step][key], weights[step - 1][key])
            wanted = (1 - MOMENTUM) * averages[step - 1][key] + MOMENTUM * weights[step][key]
            torch.testing.assert_close(averages[step][key], wanted)

    def predict(config, name, state=None):
        checkpoint = tmp_path / 'run/iter_3.pth'
        if state is not None:
            checkpoint = tmp_path / f'{name}.pth'
            torch.save(dict(state_dict={key: state[key] for key in averages[-1]}), checkpoint)
        tested = run_script(
            'tools/test.py', config, checkpoint, '--work-dir', tmp_path / 'test', '--out', tmp_path / name
        )
        assert tested.returncode == 0, tested.stderr
        return np.stack([np.asarray(Image.open(tmp_path / name / f'{image}.png').resize((64, 48))) for image in 'de'])

    predicted = predict(config, 'hook')
    assert np.array_equal(predicted, predict(gdn_config, 'average', averages[-1]))
    assert not np.array_equal(predicted, predict(gdn_config, 'last', weights[-1]))
