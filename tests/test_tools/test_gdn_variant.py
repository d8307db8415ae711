"""The config of a GDN variant: complete wherever it is saved, and true to the stock config."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from gdn_variant import variant_text

UNET = 'mmseg::unet/unet-s5-d16_fcn_4xb4-40k_drive-64x64.py'
SMALL_CROP = """
crop_size = (64, 128)
model = dict(data_preprocessor=dict(size=crop_size))
"""
# Stock configs for everything that a variant has to keep; all but the first at a small crop, as a user might have them.
STOCK = {
    'plain': UNET,
    'cascade': 'mmseg::ocrnet/ocrnet_hr18s_4xb2-40k_cityscapes-512x1024.py',
    'auxiliary heads': 'mmseg::bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py',
    'custom keys': 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
    'constructor and imports': 'mmseg::convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512.py',
}


@pytest.fixture
def own_config(tmp_path):
    """Write a config of one's own; gives its path."""

    def write(text: str) -> str:
        path = tmp_path / 'own' / 'config.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def load(text: str, folder: Path) -> Config:
    path = folder / 'somewhere else' / 'my.py'
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return Config.fromfile(path)


def build(model: dict) -> torch.nn.Module:
    return revert_sync_batchnorm(MODELS.build(model))


def batch(size: tuple[int, int], classes: int) -> dict:
    labels = [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, classes, (1, *size)))) for _ in range(2)]
    return dict(inputs=[torch.randint(0, 255, (3, *size), dtype=torch.uint8) for _ in range(2)], data_samples=labels)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', STOCK)
def test_the_printed_config_trains(kind, own_config, tmp_path):
    own = own_config(f'_base_ = {STOCK[kind]!r}\n{SMALL_CROP if kind != "plain" else ""}')
    stock_cfg, cfg = Config.fromfile(own), load(variant_text(own), tmp_path)
    stock, model = build(stock_cfg.model), build(cfg.model)
    assert cfg.model.get('auxiliary_head') == stock_cfg.model.get('auxiliary_head')
    expected = 'CascadeEncoderDecoder' if kind == 'cascade' else 'GlobalInterpEncoderDecoder'
    assert type(model).__name__ == expected

    torch.save(stock.state_dict(), tmp_path / 'stock.pth')
    loaded = model.load_state_dict(torch.load(tmp_path / 'stock.pth'), strict=False)
    assert [key.split('.')[-1] for key in loaded.missing_keys] == ['kernel_h', 'kernel_w']
    assert loaded.unexpected_keys == []

    cfg.optim_wrapper.pop('loss_scale', None)
    cfg.optim_wrapper.type = 'OptimWrapper'
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    kernels = {name: value for name, value in model.named_parameters() if '.interp.' in name}
    before = {name: value.detach().clone() for name, value in kernels.items()}
    losses = model.train_step(batch(cfg.crop_size, model.num_classes), wrapper)
    assert all(value.isfinite() for value in losses.values())
    assert not any(torch.equal(value, before[name]) for name, value in kernels.items())


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', STOCK)
def test_the_matrices_have_a_rate_of_their_own_and_the_others_keep_theirs(kind, tmp_path):
    cfg = load(variant_text(STOCK[kind]), tmp_path)
    stock_cfg = load(f'_base_ = {STOCK[kind]!r}', tmp_path)

    def rates(config: Config) -> dict[str, tuple[float, float]]:
        config.optim_wrapper.pop('loss_scale', None)
        config.optim_wrapper.type = 'OptimWrapper'
        model = MODELS.build(config.model)
        wrapper = build_optim_wrapper(model, config.optim_wrapper)
        names = {id(value): name for name, value in model.named_parameters()}
        return {
            names[id(value)]: (group['lr'], group['weight_decay'])
            for group in wrapper.optimizer.param_groups
            for value in group['params']
        }

    found, stock = rates(cfg), rates(stock_cfg)
    kernels = {name: found.pop(name) for name in list(found) if '.interp.' in name}
    assert len(kernels) == 2
    for rate, decay in kernels.values():
        assert (rate, decay) == (pytest.approx(100 * cfg.optim_wrapper.optimizer.lr), 0)
    assert found == stock


def test_the_text_for_a_plain_model():
    assert (
        variant_text('mmseg::fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py')
        == """\
# The config in _base_ with learned global interpolation, written by tools/gdn_variant.py.
_base_ = 'mmseg::fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(64, 128), out_size=(512, 1024)),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
"""
    )


def test_a_path_into_mmseg_becomes_portable():
    import mmseg

    path = Path(mmseg.__file__).parent / '.mim/configs' / UNET.removeprefix('mmseg::')
    assert variant_text(str(path)) == variant_text(UNET)


def test_another_crop(own_config):
    text = variant_text(UNET, (96, 128))
    assert 'in_size=(96, 128), out_size=(96, 128)' in text
    assert '# The training pipeline must produce images of 96x128 px' in text
    path = own_config(
        f'_base_ = {UNET!r}\nmodel = dict(data_preprocessor=dict(size=None))\ncrop_size = None\n'
        'train_dataloader = dict(dataset=dict(dataset=dict(pipeline=[\n'
        "    dict(type='RandomFlip'), dict(type='RandomCrop', crop_size=32)])))"
    )
    text = variant_text(path)
    assert 'in_size=(32, 32), out_size=(32, 32)' in text


@pytest.mark.parametrize(
    ('settings', 'lines'),
    [
        (
            "optimizer=dict(_delete_=True, type='Adam', lr=1e-3)",
            "dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, weight_decay=0.0)}))\n",
        ),
        ('paramwise_cfg=None', "custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}, _delete_=True"),
        ("optimizer=dict(_delete_=True, type='Adam')", '# The config gives its optimizer no lr.'),
    ],
)
def test_optimizers_of_ones_own(settings, lines, own_config, tmp_path):
    text = variant_text(own_config(f'_base_ = {UNET!r}\noptim_wrapper = dict({settings})'))
    assert lines in text
    cfg = load(text, tmp_path)
    matrices = torch.nn.ModuleDict(dict(interp=torch.nn.ParameterDict(dict(kernel_h=torch.ones(2, 2)))))
    group = build_optim_wrapper(matrices, cfg.optim_wrapper).optimizer.param_groups[0]
    if 'lr' in cfg.optim_wrapper.optimizer:
        assert (group['lr'], group['weight_decay']) == (pytest.approx(100 * cfg.optim_wrapper.optimizer.lr), 0)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py',
            "base_type='PointHead' .* needs a decode head that",
        ),
        ('san/san-vit-b16_voc12aug-640x640.py', "base_type='SideAdapterCLIPHead' .* needs a decode head that"),
        (
            'maskformer/maskformer_r50-d32_8xb2-160k_ade20k-512x512.py',
            "base_type='MaskFormerHead' does not derive from",
        ),
        ('vpd/vpd_sd_4xb8-25k_nyu-512x512.py', "base_type='VPDDepthHead' predicts no classes"),
        ('fcn/nosuch.py', r'There is no config mmseg::fcn/nosuch\.py; give the path'),
    ],
)
def test_what_cannot_become_a_variant(name, message):
    with pytest.raises(ValueError, match=message):
        variant_text(f'mmseg::{name}')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a = (', 'cannot be read as a config'),
        ('a = 1', r'has no model\.decode_head'),
        (
            f"_base_ = {UNET!r}\ncustom_imports = dict(imports=['nosuch'])",
            'imports a module that cannot be found .*nosuch',
        ),
        (
            f'_base_ = {UNET!r}\nmodel = dict(data_preprocessor=dict(size=None))\ncrop_size = None\n'
            'train_dataloader = dict(dataset=dict(dataset=dict(pipeline=[])))',
            'give the size with --crop H W',
        ),
        (f'_base_ = {UNET!r}\nmodel = dict(decode_head=dict(in_channels=63))', 'cannot be run on 64x64 images'),
        (
            f"_base_ = {UNET!r}\nmodel = dict(decode_head=dict(type='NoSuchHead'))",
            "'NoSuchHead' is not a registered head",
        ),
        (
            'from mmseg.models import EncoderDecoder, FCNHead\nmodel = dict(type=EncoderDecoder, decode_head=dict('
            'type=FCNHead))',
            'pure Python style, .* give the copy of it that a training leaves',
        ),
    ],
)
def test_configs_that_are_no_use(text, message, own_config):
    with pytest.raises(ValueError, match=message):
        variant_text(own_config(text))


def test_the_copy_of_a_pure_python_config(own_config):
    copy = Config.fromfile(own_config(f'_base_ = {UNET!r}'))
    copy.model.decode_head.type = 'mmseg.models.FCNHead'
    assert "base_type='mmseg.models.FCNHead'" in variant_text(own_config(copy.pretty_text))


def test_a_variant_of_a_variant(own_config):
    with pytest.raises(ValueError, match='already'):
        variant_text(own_config(variant_text(UNET)))


def test_a_crop_of_nothing():
    with pytest.raises(ValueError, match='--crop must be a height and a width in pixels, but got 0 5'):
        variant_text(UNET, (0, 5))


def test_nothing_but_the_config_on_standard_output(run_script):
    done = run_script('tools/gdn_variant.py', UNET)
    assert done.returncode == 0, done.stderr
    assert done.stdout == variant_text(UNET)
    failed = run_script('tools/gdn_variant.py', UNET, '--crop', -1, 5)
    assert (failed.returncode, failed.stdout) == (1, '')
    assert failed.stderr.startswith('error: --crop must be a height')
