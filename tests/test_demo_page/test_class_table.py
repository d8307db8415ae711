"""The legend as a table."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmseg_gdn.demo_page.class_table import class_table
from mmseg_gdn.demo_page.models import load_models
from mmseg_gdn.demo_page.photograph import read_photograph
from mmseg_gdn.demo_page.segmentation import segment
from mmseg_gdn.prediction.default_model import default_model
from mmseg_gdn.prediction.predictor import Prediction

CAT, PERSON, DOG = 8, 15, 12


@pytest.fixture
def with_masks(segmentation):
    """The table of masks with the given label probabilities of the second model."""

    def make(labels, left=CAT, right=PERSON):
        masks = [np.zeros((10, 10), np.uint8) for _ in range(2)]
        masks[0][:3], masks[1][:1] = left, right
        predictions = [Prediction(masks[0], None, None), Prediction(masks[1], None, labels)]
        return class_table(replace(segmentation, predictions=predictions), with_crf=False)

    return make


def rows(table):
    found = re.findall(r'<tr><th scope="row"><i style="(.*?)"></i>(.*?)</th>(.*?)</tr>', table)
    return {name: (colour, re.findall(r'<td.*?>(.*?)</td>', cells)) for colour, name, cells in found}


def text(table):
    return re.sub('<.*?>', '', table.split('<p class="beliefs">')[1])


def test_shares_colours_and_beliefs(with_masks):
    table = with_masks({CAT: 0.9, PERSON: 0.25, DOG: 0.6})
    assert rows(table) == {
        'background': ('background:rgb(0,0,0)', ['70.0 %', '90.0 %', '&ndash;']),
        'cat': ('background:rgb(64,0,0)', ['30.0 %', '&ndash;', '90.0 %']),
        'person': ('background:rgb(192,128,128)', ['&ndash;', '10.0 %', '25.0 %']),
        'dog': ('background:rgb(64,0,128)', ['&ndash;', '&ndash;', '60.0 %']),
    }
    assert list(rows(table)) == ['background', 'cat', 'person', 'dog'], 'the largest first'
    assert text(table) == 'bilinear has no label branch. The label branch of GDN believes in cat, dog.'


def test_no_belief(with_masks):
    assert text(with_masks({CAT: 0.2, DOG: 0.4})).endswith('GDN believes in no class (likeliest: dog, 40.0 %).')


def test_no_branch(with_masks):
    table = with_masks(None)
    assert text(table) == 'bilinear has no label branch. GDN has no label branch.'
    assert 'scope="col">label branch' not in table


def test_the_branch_of_the_network_that_comes_along(segmentation):
    assert rows(class_table(segmentation, with_crf=False))['cat'][1][2].endswith(' %')
    labels = segmentation.predictions[1].labels
    assert list(labels) == list(range(1, 21)), 'all classes but the background'
    assert max(labels, key=labels.get) == CAT


def test_a_branch_without_weights(cat, tmp_path):
    config, checkpoint = default_model('no hint')
    weights = torch.load(checkpoint, weights_only=True)
    kept = {key: value for key, value in weights['state_dict'].items() if 'auxiliary_head' not in key}
    torch.save(dict(weights, state_dict=kept), tmp_path / 'lacking.pth')
    lacking = load_models((config, str(tmp_path / 'lacking.pth')), None, 'cpu')
    table = class_table(segment(lacking, read_photograph(str(cat), 1024)), with_crf=False)
    assert text(table) == 'The label branch of GDN has no weights, or is too small for this photograph.'


def test_names_are_text(segmentation):
    models = [replace(model, name=f'<b>{model.name}') for model in segmentation.models]
    assert '<b>' not in class_table(replace(segmentation, models=models), with_crf=False).replace('<b>cat</b>', '')
