"""fc6, fc7 and score with Caffe's details."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

FCN32S = dict(type='CaffeFCHead', layout='fcn32s', in_channels=4, in_index=0, fc_channels=8, num_classes=5)
LARGEFOV = dict(FCN32S, layout='largefov')


@pytest.mark.parametrize(('cfg', 'expected'), [(FCN32S, (4, 2)), (LARGEFOV, (10, 8))])
def test_coarse_sizes(cfg, expected):
    assert MODELS.build(cfg)((torch.randn(1, 4, 10, 8),)).shape == (1, 5, *expected)


@pytest.mark.parametrize(('layout', 'channels'), [('fcn32s', 4096), ('largefov', 1024)])
def test_default_widths(layout, channels):
    with torch.device('meta'):
        head = MODELS.build(dict(type='CaffeFCHead', layout=layout))
    assert head.fc7.weight.shape == (channels, channels, 1, 1)


def test_parameters_are_those_that_learn_in_caffe():
    assert {key.split('.')[0] for key in MODELS.build(FCN32S).state_dict()} == {'fc6', 'fc7', 'conv_seg'}


def test_deconvolution_is_bilinear_inside_and_fades_at_the_edge():
    """FACTS of Caffe's net: x32 bilinear cropped at offset 3, but for the outer 13 px at the top and on the left."""
    head = MODELS.build(FCN32S)
    coarse = torch.randn(1, 5, 16, 12)
    full = head.predict_by_feat(coarse, [dict(img_shape=(480, 360))])
    bilinear = F.interpolate(coarse, scale_factor=32, mode='bilinear')[:, :, 3:483, 3:363]
    torch.testing.assert_close(full[:, :, 13:, 13:], bilinear[:, :, 13:, 13:], rtol=1e-4, atol=1e-5)
    assert (full[:, :, 0] - bilinear[:, :, 0]).abs().max() > 0.1


def test_the_loss_is_of_deconvolved_scores():
    head = MODELS.build(FCN32S)
    coarse = torch.randn(1, 5, 4, 3)
    label = torch.randint(0, 5, (1, 1, 100, 70))
    losses = head.loss_by_feat(coarse, [SegDataSample(gt_sem_seg=PixelData(data=label[0]))])
    full = head.predict_by_feat(coarse, [dict(img_shape=(100, 70))])
    torch.testing.assert_close(losses['loss_ce'], F.cross_entropy(full, label[:, 0]))


def test_interpolated_scores_are_not_deconvolved():
    gdn = dict(type='GlobalInterpHead', base_type='CaffeFCHead', in_size=(4, 4), out_size=(50, 50))
    head = MODELS.build(FCN32S | gdn).eval()
    features = (torch.randn(1, 4, 10, 10),)
    torch.testing.assert_close(head.predict(features, [dict(img_shape=(50, 50))], {}), head.interp(head(features)))


def test_fc7_features_are_what_the_score_layer_reads():
    head = MODELS.build(FCN32S).eval()
    features = (torch.randn(1, 4, 10, 10),)
    fc7 = head.fc7_features(features)
    assert fc7.shape == (1, 8, 4, 4)
    assert fc7.min() == 0 < fc7.max()
    torch.testing.assert_close(head.conv_seg(fc7), head(features))


def test_refuses_images_that_the_deconvolution_does_not_cover():
    head = MODELS.build(FCN32S)
    with pytest.raises(ValueError, match='but \\(500, 500\\) is needed'):
        head.predict_by_feat(torch.randn(1, 5, 4, 4), [dict(img_shape=(500, 500))])


def test_dropout_drops_elements_and_doubles_the_rest():
    head = MODELS.build(FCN32S).train()
    dropped = head.drop6(torch.ones(1, 8, 20, 20))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert 0 < (dropped[0, 0] == 0).float().mean() < 1


def test_average_pool_counts_its_padding():
    pooled = MODELS.build(LARGEFOV).pool5a(torch.ones(1, 1, 3, 3))
    torch.testing.assert_close(pooled[0, 0], torch.tensor([[4.0, 6, 4], [6, 9, 6], [4, 6, 4]]) / 9)


def test_unknown_layout():
    with pytest.raises(ValueError, match="'fcn32s' or 'largefov', but got 'fcn8s'"):
        MODELS.build(dict(FCN32S, layout='fcn8s'))
