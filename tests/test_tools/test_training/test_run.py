"""What a training is refused for once its config has been read."""

import pytest
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from training.run import _add_hooks, _enable_amp


def test_mixed_precision_with_several_optimizers():
    with pytest.raises(InputError, match=r"has several; leave out the flag, and set type='AmpOptimWrapper' in each"):
        _enable_amp(dict(constructor='Mine', backbone=dict(optimizer=dict(type='SGD'))))


@pytest.mark.parametrize('hooks', [{}, dict(checkpoint=dict(type='CheckpointHook', interval=1))])
def test_checkpoints_are_durable_in_any_config(hooks):
    cfg = Config(dict(default_hooks=hooks))
    _add_hooks(cfg)
    assert cfg.default_hooks.checkpoint == dict(type='DurableCheckpointHook', interval=1)


def test_a_config_may_save_nothing():
    cfg = Config(dict(default_hooks=dict(checkpoint=None)))
    _add_hooks(cfg)
    assert cfg.default_hooks.checkpoint is None
