"""What mmseg users switch on works with global interpolation as it does without."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.apis import MMSegInferencer
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

SIZE = (128, 128)


@pytest.fixture
def cfg(root_dir):
    cfg = Config.fromfile(root_dir / 'configs/gdn/demo_gdn.py')
    cfg.model.decode_head.dropout_ratio = 0
    return cfg


@pytest.fixture
def model(cfg):
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


@pytest.fixture
def batch():
    labels = torch.randint(0, 21, (2, 1, *SIZE))
    metainfo = dict(img_shape=SIZE, ori_shape=SIZE, pad_shape=SIZE)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=metainfo) for label in labels]
    return torch.randn(2, 3, *SIZE), samples


def gradients(model, batch):
    model.zero_grad()
    losses = model.loss(*batch)
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    return losses, {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16], ids=str)
def test_autocast(model, batch, dtype):
    expected_losses, expected = gradients(model, batch)
    with torch.autocast('cpu', dtype):
        losses, found = gradients(model, batch)
    assert losses['decode.loss_ce'].dtype == torch.float32
    for name in ('decode.loss_ce', 'aux_0.loss_mlc'):
        torch.testing.assert_close(losses[name].float(), expected_losses[name], rtol=0.03, atol=0)
    for side in 'hw':
        name = f'decode_head.interp.kernel_{side}'
        assert found[name].dtype == torch.float32
        assert torch.cosine_similarity(found[name].flatten(), expected[name].flatten(), dim=0) > 0.98

    model.eval()
    with torch.no_grad():
        scores = model.encode_decode(batch[0], [batch[1][0].metainfo] * 2)
        with torch.autocast('cpu', dtype):
            low = model.encode_decode(batch[0], [batch[1][0].metainfo] * 2)
    assert (low.float() - scores).abs().max() < 0.05 * scores.abs().max()


def test_mixed_precision_step_of_mmengine(model, batch, monkeypatch):
    """AmpOptimWrapper itself, which mmengine refuses to build on a CPU although all it does there works."""
    images = [(60 * image + 120).clamp(0, 255).byte() for image in batch[0]]
    start = copy.deepcopy(model).to(get_device())
    moves = {}
    for type_, options in (('OptimWrapper', {}), ('AmpOptimWrapper', dict(dtype='bfloat16', loss_scale='dynamic'))):
        model = copy.deepcopy(start).train()
        settings = dict(type=type_, optimizer=dict(type='SGD', lr=0.1), **options)
        if type_ == 'AmpOptimWrapper' and not torch.cuda.is_available():
            with pytest.raises(AssertionError, match='is only available training on gpu, npu, mlu or musa'):
                build_optim_wrapper(model, copy.deepcopy(settings))
            monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)
        losses = model.train_step(dict(inputs=images, data_samples=batch[1]), build_optim_wrapper(model, settings))
        assert losses['loss'].isfinite()
        moves[type_] = [
            getattr(model.decode_head.interp, f'kernel_{side}') - getattr(start.decode_head.interp, f'kernel_{side}')
            for side in 'hw'
        ]
    for full, mixed in zip(moves['OptimWrapper'], moves['AmpOptimWrapper']):
        assert mixed.dtype == torch.float32
        assert not torch.equal(mixed, full), 'the step was not taken in lower precision'
        assert torch.cosine_similarity(mixed.flatten(), full.flatten(), dim=0) > 0.98


def test_gradient_checkpointing_of_the_backbone(cfg, model, batch):
    cfg.model.backbone.with_cp = True
    other = MODELS.build(cfg.model)
    other.load_state_dict(model.state_dict())
    _, expected = gradients(model, batch)
    _, found = gradients(other, batch)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


def test_moving_average_of_the_weights(model, batch):
    """The average is a model of its own: it predicts with the averaged matrices and takes part in no training."""
    averaged = ExponentialMovingAverage(model, momentum=0.25)
    start = copy.deepcopy(model.state_dict())
    averaged.update_parameters(model)
    with torch.no_grad():
        for kernel in (model.decode_head.interp.kernel_h, model.decode_head.interp.kernel_w):
            kernel.add_(0.2 * torch.randn_like(kernel))
    averaged.update_parameters(model)
    learned = copy.deepcopy(model.state_dict())

    metas = [batch[1][0].metainfo] * 2
    with torch.no_grad():
        scores = averaged.module.eval().encode_decode(batch[0], metas)
        model.load_state_dict(
            {
                name: value.lerp(learned[name], 0.25) if 'kernel_' in name else learned[name]
                for name, value in start.items()
            }
        )
        torch.testing.assert_close(scores, model.eval().encode_decode(batch[0], metas))
        model.load_state_dict(learned)
        assert not torch.allclose(scores, model.encode_decode(batch[0], metas))


def test_compiled_training_step(model, batch):
    expected_losses, expected = gradients(model, batch)
    compiled = torch.compile(model, backend='aot_eager')
    losses, found = gradients(compiled, batch)
    torch.testing.assert_close(losses['decode.loss_ce'], expected_losses['decode.loss_ce'])
    found = {name.removeprefix('_orig_mod.'): value for name, value in found.items()}
    assert found.keys() == expected.keys()
    for name, wanted in expected.items():
        assert (found[name] - wanted).abs().max() <= 1e-3 * wanted.abs().max(), name


def test_inferencer_from_config_and_checkpoint(cfg, model, tmp_path):
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    torch.nn.init.normal_(model.decode_head.interp.kernel_h)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    cfg.dump(tmp_path / 'config.py')
    inferencer = MMSegInferencer(
        str(tmp_path / 'config.py'),
        str(tmp_path / 'weights.pth'),
        device='cpu',
        classes=['a'] * 21,
        palette=[[0, 0, 0]] * 21,
    )
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    result = inferencer(image, show=False)
    sample = SegDataSample(metainfo=dict(img_shape=(90, 120), ori_shape=(90, 120)))
    inputs = torch.from_numpy(image).permute(2, 0, 1)
    expected = model.eval().test_step(dict(inputs=[inputs], data_samples=[sample]))[0].pred_sem_seg.data[0]
    assert expected.unique().numel() > 1, 'a single class would show nothing'
    assert np.array_equal(result['predictions'], expected)


@pytest.mark.parametrize('policy', ['slice', 'resample'])
def test_several_scales_and_flips(cfg, policy):
    cfg.model.decode_head.size_policy = policy
    tta = MODELS.build(dict(type='SegTTAModel', module=cfg.model)).eval()
    torch.nn.init.normal_(tta.module.decode_head.conv_seg.weight)
    with torch.no_grad():
        for kernel in (tta.module.decode_head.interp.kernel_h, tta.module.decode_head.interp.kernel_w):
            kernel.add_(0.1 * torch.randn_like(kernel))
    image = torch.randint(0, 255, (3, 96, 128), dtype=torch.uint8)
    inputs, samples = [], []
    for scale in (0.5, 0.75, 1.0) if policy == 'slice' else (0.5, 1.0, 1.75):
        for flip in (False, True):
            scaled = F.interpolate(image[None].float(), scale_factor=scale)[0].byte()
            meta = dict(
                img_path='a.jpg',
                ori_shape=(96, 128),
                img_shape=tuple(scaled.shape[1:]),
                flip=flip,
                flip_direction='horizontal' if flip else None,
            )
            inputs.append([scaled.flip(2) if flip else scaled])
            samples.append([SegDataSample(metainfo=meta)])
    alone = [
        tta.module.test_step(copy.deepcopy(dict(inputs=one, data_samples=sample)))[0].seg_logits.data
        for one, sample in zip(inputs, samples)
    ]
    expected = sum(scores.softmax(0) for scores in alone).argmax(0, keepdim=True)
    assert expected.unique().numel() > 1, 'a single class would show nothing'
    (result,) = tta.test_step(dict(inputs=inputs, data_samples=samples))
    assert torch.equal(result.pred_sem_seg.data, expected)


def test_images_of_different_sizes_in_a_batch(model):
    model.eval()
    sizes = (96, 128), (120, 70)
    images = [torch.randn(3, *size) for size in sizes]
    padded = torch.stack([F.pad(image, (0, 128 - image.shape[2], 0, 128 - image.shape[1])) for image in images])
    samples = [
        SegDataSample(
            metainfo=dict(
                ori_shape=size, img_shape=size, pad_shape=SIZE, padding_size=(0, 128 - size[1], 0, 128 - size[0])
            )
        )
        for size in sizes
    ]
    with torch.no_grad():
        together = model.predict(padded, copy.deepcopy(samples))
        for index, size in enumerate(sizes):
            (alone,) = model.predict(padded[index : index + 1], [samples[index]])
            assert together[index].pred_sem_seg.shape == size
            torch.testing.assert_close(together[index].seg_logits.data, alone.seg_logits.data, rtol=1e-4, atol=1e-5)
