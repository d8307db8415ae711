"""Trainings that are resumed with other settings."""

import logging

import pytest
from mmengine.config import Config

from mmseg_gdn.engine import resumed_settings
from mmseg_gdn.engine.resumed_settings import compare_settings, settings_of
from mmseg_gdn.utils import InputError

SETTINGS = dict(
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9), accumulative_counts=1),
    param_scheduler=[dict(type='LinearLR', end=2, by_epoch=False), dict(type='PolyLR', power=0.9, begin=2)],
    train_cfg=dict(type='IterBasedTrainLoop', max_iters=4),
    train_dataloader=dict(batch_size=2, num_workers=0),
)


@pytest.fixture
def resume(monkeypatch):
    """Resume with some settings changed; gives the warnings."""
    told = []
    monkeypatch.setattr(resumed_settings, 'print_log', lambda message, logger, level: told.append((level, message)))

    def do(**changes):
        now = Config(SETTINGS)
        now.merge_from_dict(changes)
        compare_settings(now, dict(meta=dict(cfg=Config(SETTINGS).pretty_text)), 'iter_2.pth')
        assert all(level == logging.WARNING for level, _ in told)
        return [message for _, message in told]

    return do


def test_the_same_settings(resume):
    assert resume(**{'train_dataloader.num_workers': 4, 'work_dir': 'elsewhere'}) == []


def test_what_the_config_decides(resume):
    assert resume(**{'train_cfg.max_iters': 8, 'train_dataloader.batch_size': 1}) == [
        'iter_2.pth is resumed with other settings than it was trained with: train_cfg.max_iters is 8 and was 4; '
        'train_dataloader.batch_size is 1 and was 2.'
    ]


def test_what_the_checkpoint_decides(resume):
    assert resume(**{'optim_wrapper.optimizer.lr': 0.1, 'param_scheduler.1.power': 2}) == [
        'iter_2.pth is resumed with its own settings, which the config has changed without effect: '
        'optim_wrapper.optimizer.lr stays 0.01 and not 0.1; param_scheduler.1.power stays 0.9 and not 2.'
    ]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'optim_wrapper.optimizer.type': 'AdamW'},
            r"iter_2\.pth with optim_wrapper\.optimizer\.type='AdamW', because it was begun with 'SGD', whose",
        ),
        (
            {'param_scheduler.1.type': 'StepLR'},
            r"param_scheduler\.1\.type='StepLR', because it was begun with 'PolyLR'",
        ),
        (
            {'param_scheduler': [dict(type='LinearLR', end=2, by_epoch=False)]},
            r"param_scheduler\.1\.type=None, because it was begun with 'PolyLR'",
        ),
    ],
)
def test_states_that_mean_something_else(resume, changes, message):
    with pytest.raises(InputError, match=message):
        resume(**changes)


@pytest.mark.parametrize('text', [None, 5, '', 'a = ', 'a = ' + '(' * 5000, '\0', 'a = ' + '-' * 100_000 + '1'])
def test_a_text_that_is_no_config(text):
    assert settings_of(text) == {}


def test_nothing_of_the_text_is_executed(tmp_path):
    text = f'a = open({str(tmp_path / "planted")!r}, "w")\nb = dict(c=[dict(d=1)], e={{"f": print(1)}})\nimport os\n'
    assert settings_of(text)['b.c.0.d'] == '1'
    assert not (tmp_path / 'planted').exists()
