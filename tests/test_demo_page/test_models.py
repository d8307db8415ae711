"""Which models the page shows, and what it calls them."""

import pytest
import torch

from mmseg_gdn.demo_page.models import load_models
from mmseg_gdn.prediction.default_model import default_model
from mmseg_gdn.utils import InputError


@pytest.fixture
def gdn():
    return default_model('no hint')


@pytest.fixture
def same_model(gdn, tmp_path):
    """A model with the same weights under other names, and the text of its config."""

    def write(config, text=''):
        config = tmp_path / config
        config.write_text(f'_base_ = {gdn[0]!r}\n{text}\n')
        checkpoint = tmp_path / 'mine.pth'
        torch.save(torch.load(gdn[1], weights_only=True), checkpoint)
        return str(config), str(checkpoint)

    return write


def names(*pairs):
    return [model.name for model in load_models(*pairs, 'cpu')]


def test_by_default_the_two_that_come_along(models):
    assert [model.name for model in models] == ['bilinear', 'GDN']


def test_a_model_of_ones_own_alone(gdn):
    assert names(gdn, None) == ['GDN']


def test_two_of_a_kind_are_called_by_their_configs(gdn, same_model):
    assert names(gdn, same_model('mine.py')) == ['mine', 'fcn_mobilenet-v2_gdn-multilabel_voc12aug']


def test_two_of_a_config_are_called_by_their_checkpoints(gdn, same_model):
    config, checkpoint = same_model('mine.py')
    assert names((config, gdn[1]), (config, checkpoint)) == ['mine', 'fcn_mobilenet-v2_gdn_voc-extract']


def test_the_same_model_twice(gdn):
    assert names(gdn, gdn) == [f'fcn_mobilenet-v2_gdn_voc-extract ({side})' for side in ('left', 'right')]


def test_other_classes_are_refused(gdn, same_model):
    classes = tuple(f'class {label}' for label in range(21))
    other = same_model('other.py', f'test_dataloader = dict(dataset=dict(metainfo=dict(classes={classes})))')
    with pytest.raises(InputError, match=r'other.py and .*gdn-multilabel_voc12aug.py predict different classes'):
        load_models(gdn, other, 'cpu')


def test_a_config_that_is_missing(gdn):
    with pytest.raises(InputError, match=r'There is no config nothing.py'):
        load_models(('nothing.py', gdn[1]), None, 'cpu')
