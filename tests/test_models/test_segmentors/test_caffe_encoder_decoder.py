"""Where the best class is taken."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_gdn.models import CaffeEncoderDecoder


@pytest.fixture
def model(root_dir):
    cfg = Config.fromfile(root_dir / 'configs/gdn/deeplab-largefov_gdn_released.py').model
    cfg.backbone.widths = (2, 2, 2, 2, 2)
    cfg.decode_head.update(in_channels=2, fc_channels=4)
    return MODELS.build(cfg).eval()


def predict(model, shape, original):
    sample = SegDataSample(metainfo=dict(img_shape=shape, ori_shape=original))
    image = torch.randint(0, 255, (3, *shape), dtype=torch.uint8)
    return model.test_step(dict(inputs=[image], data_samples=[sample]))[0]


def test_labels_of_a_shrunk_image_are_enlarged_by_nearest_neighbour(model):
    assert isinstance(model, CaffeEncoderDecoder)
    result = predict(model, (100, 80), (150, 80))
    scores = result.seg_logits.data
    assert scores.shape == (21, 100, 80)
    expected = F.interpolate(scores.argmax(0)[None, None].float(), size=(150, 80), mode='nearest')[0].long()
    assert torch.equal(result.pred_sem_seg.data, expected)
    assert tuple(result.ori_shape) == (150, 80)


def test_an_image_of_the_networks_size_is_left_alone(model):
    result = predict(model, (100, 80), (100, 80))
    assert torch.equal(result.pred_sem_seg.data[0], result.seg_logits.data.argmax(0))


def test_the_matrices_are_sliced_from_the_top_left(model):
    with torch.no_grad():
        for kernel in (model.decode_head.interp.kernel_h, model.decode_head.interp.kernel_w):
            kernel.normal_()
    inputs = torch.randn(1, 3, 100, 80)
    scores = model.encode_decode(inputs, [dict(img_shape=(100, 80), ori_shape=(100, 80))])
    maps = []
    model.decode_head.conv_seg.register_forward_hook(lambda module, args, output: maps.append(output))
    model.encode_decode(inputs, [dict(img_shape=(100, 80), ori_shape=(100, 80))])
    interp = model.decode_head.interp
    expected = interp.kernel_h[:100, :14] @ maps[0] @ interp.kernel_w[:80, :11].t()
    assert maps[0].shape[2:] == (14, 11)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_released_matrices_load_negated_and_their_product_is_positive(model, released_matrices):
    interp = model.decode_head.interp
    interp.load_state_dict(
        dict(
            kernel_h=torch.from_numpy(released_matrices['w0_500']).t(),
            kernel_w=torch.from_numpy(released_matrices['w1_500']).t(),
        )
    )
    assert interp.kernel_h.sum(1).mean().item() == pytest.approx(-1.0, abs=0.01)
    assert interp.kernel_w.sum(1).mean().item() == pytest.approx(-0.89, abs=0.01)
    constant = interp(torch.ones(1, 1, 64, 64))
    assert constant.mean().item() == pytest.approx(0.889, abs=0.005)
    assert (constant > 0).all()
