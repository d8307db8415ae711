"""From experiments to models and optimizers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS


def test_names_and_settings_of_the_experiments() -> None:
    from experiments import BASELINES, EXPERIMENTS

    names = [experiment.name for experiment in EXPERIMENTS]
    assert len(set(names)) == len(names)
    assert all(type(one).from_dict(json.loads(json.dumps(one.as_dict()))) == one for one in EXPERIMENTS)
    with_baseline = {(one.study, one.setting, one.seed) for one in EXPERIMENTS if one.variant == BASELINES[one.study]}
    assert {(one.study, one.setting, one.seed) for one in EXPERIMENTS} == with_baseline


@pytest.mark.parametrize(('decay_mult', 'decay'), [(0, 0.0), (1, 5e-4)])
def test_the_matrices_have_their_own_rate(tiny, weights, decay_mult, decay) -> None:
    from recipe import model, optim_wrapper

    experiment = replace(tiny, decay_mult=decay_mult)
    head = MODELS.build(model(experiment, weights)).decode_head
    groups = build_optim_wrapper(head, optim_wrapper(experiment)).optimizer.param_groups
    matrices = {id(head.interp.kernel_h), id(head.interp.kernel_w)}
    for group in groups:
        factor, wanted = (20, decay) if id(group['params'][0]) in matrices else (1, 5e-4)
        assert group['lr'] == pytest.approx(0.02 * factor)
        assert group['weight_decay'] == pytest.approx(wanted)


def test_the_head_has_its_own_rate_and_the_matrices_keep_theirs(tiny, weights) -> None:
    from recipe import model, optim_wrapper

    experiment = replace(tiny, head_lr_mult=10)
    segmentor = MODELS.build(model(experiment, weights))
    groups = build_optim_wrapper(segmentor, optim_wrapper(experiment)).optimizer.param_groups
    factors = {id(group['params'][0]): group['lr'] / 0.02 for group in groups}
    for name, parameter in segmentor.named_parameters():
        wanted = 20 if 'interp.kernel' in name else 10 if 'decode_head' in name else 1
        assert factors[id(parameter)] == pytest.approx(wanted), name
    assert experiment.setting == f'{tiny.setting}_head-x10'


@pytest.mark.parametrize('labels', ['none', 'scores', 'features'])
@pytest.mark.parametrize('upsampling', ['deconv', 'gdn'])
def test_all_heads_of_a_seed_start_from_the_same_values(tiny, weights, upsampling, labels) -> None:
    from recipe import model

    def start(experiment) -> dict[str, torch.Tensor]:
        torch.manual_seed(experiment.seed)
        segmentor = MODELS.build(model(experiment, weights))
        segmentor.init_weights()
        return segmentor.decode_head.state_dict()

    bilinear = start(replace(tiny, upsampling='bilinear', lr_mult=None, decay_mult=None))
    other = start(replace(tiny, upsampling=upsampling, labels=labels))
    assert set(bilinear) < set(other)
    for name, values in bilinear.items():
        torch.testing.assert_close(other[name], values, rtol=0, atol=0)


def test_the_deconvolution_starts_as_bilinear_interpolation(tiny, weights) -> None:
    from recipe import model

    head = MODELS.build(model(replace(tiny, upsampling='deconv'), weights)).decode_head
    scores = torch.randn(1, 11, 8, 10)
    full = head.predict_by_feat(scores, [dict(img_shape=(256, 320))])
    wanted = torch.nn.functional.interpolate(scores, (256, 320), mode='bilinear')
    inner = slice(16, -16)  # outside there is nothing to interpolate with
    torch.testing.assert_close(full[..., inner, inner], wanted[..., inner, inner], atol=1e-5, rtol=1e-5)
    assert full.shape == wanted.shape


def test_largefov_has_the_size_that_the_recipe_says(tiny) -> None:
    from recipe import coarse_size, model

    experiment = replace(tiny, data='voc', network='largefov', stride=8, optimizer='caffe')
    config = model(experiment, Path('none.pth'))
    config['backbone'].update(widths=(1,) * 5, init_cfg=None)
    features = MODELS.build(config['backbone'])(torch.zeros(1, 3, 320, 320))[0]
    assert features.shape[2:] == coarse_size(experiment) == (41, 41)
