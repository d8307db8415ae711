"""Every decode head of the installed mmseg under GlobalInterpHead: the same losses and scores, or a clear refusal."""

from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from sweep import stock_heads

OUT_SIZE = (64, 96)
META = dict(img_shape=OUT_SIZE, pad_shape=OUT_SIZE)
ONE = dict(in_channels=8)
TWO = dict(in_channels=[8, 8], in_index=[0, 1])
BN = dict(norm_cfg=dict(type='BN'))
CE = dict(type='CrossEntropyLoss')
OHEM = dict(type='OhemCrossEntropy', thres=0.9, min_kept=1000)
FCN = dict(ONE, num_convs=1, channels=8, num_classes=5, dropout_ratio=0, **BN)
KERNEL_UPDATE = dict(
    type='KernelUpdateHead',
    num_classes=5,
    num_ffn_fcs=2,
    num_heads=2,
    num_mask_fcs=1,
    feedforward_channels=8,
    in_channels=8,
    out_channels=8,
    dropout=0.0,
    conv_kernel_size=1,
    feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
    kernel_updator_cfg=dict(type='KernelUpdator', in_channels=8, feat_channels=8, out_channels=8),
)

# What each head wants beside channels, classes and (no) dropout.
HEADS = {
    # Its fusion calls the dropout layer, which mmseg leaves out for a ratio of 0.
    'ANNHead': dict(TWO, project_channels=4, dropout_ratio=1e-12, **BN),
    'APCHead': dict(ONE, pool_scales=(1, 2), **BN),
    'ASPPHead': dict(ONE, dilations=(1, 2), **BN),
    'CCHead': dict(ONE, **BN),
    'DAHead': dict(ONE, pam_channels=4, **BN),
    'DDRHead': dict(ONE, loss_decode=[CE, CE]),
    'DMHead': dict(ONE, filter_sizes=(1, 3), **BN),
    'DNLHead': dict(ONE, **BN),
    'DPTHead': dict(
        in_channels=(8,) * 4,
        in_index=(0, 1, 2, 3),
        input_transform='multiple_select',
        embed_dims=8,
        post_process_channels=[4, 4, 4, 4],
        **BN,
    ),
    'DepthwiseSeparableASPPHead': dict(ONE, c1_in_channels=8, c1_channels=4, dilations=(1, 2), **BN),
    'DepthwiseSeparableFCNHead': dict(ONE, **BN),
    'EMAHead': dict(ONE, ema_channels=8, num_bases=4, num_stages=2, **BN),
    'EncHead': dict(TWO, num_codes=4, **BN),
    'FCNHead': dict(ONE, **BN),
    'FPNHead': dict(TWO, feature_strides=[4, 8], **BN),
    'GCHead': dict(ONE, **BN),
    'ISAHead': dict(ONE, isa_channels=4, down_factor=(2, 2), **BN),
    'IterativeDecodeHead': dict(
        num_stages=2, kernel_update_head=[KERNEL_UPDATE] * 2, kernel_generate_head=dict(FCN, type='FCNHead')
    ),
    'LRASPPHead': dict(
        in_channels=(4, 4, 8), in_index=(0, 1, 2), input_transform='multiple_select', branch_channels=(4, 4), **BN
    ),
    'LightHamHead': dict(TWO, ham_channels=8, norm_cfg=dict(type='GN', num_groups=2)),
    'NLHead': dict(ONE, **BN),
    'OCRHead': dict(ONE, ocr_channels=4, **BN),
    'PIDHead': dict(ONE, loss_decode=[CE, OHEM, dict(type='BoundaryLoss'), OHEM]),
    # The other forms call a compiled operator.
    'PSAHead': dict(ONE, mask_size=(8, 12), psa_type='collect', compact=True, shrink_factor=1, **BN),
    'PSPHead': dict(ONE, pool_scales=(1, 2), **BN),
    'SETRMLAHead': dict(TWO, mla_channels=4, **BN),
    'SETRUPHead': dict(ONE, **BN),
    'STDCHead': dict(ONE, **BN),
    'SegformerHead': dict(TWO, **BN),
    'SegmenterMaskTransformerHead': dict(ONE, num_layers=1, num_heads=2, embed_dims=8),
    'UPerHead': dict(TWO, pool_scales=(1, 2), **BN),
}

REFUSED = {
    'Mask2FormerHead': "does not derive from mmseg's BaseDecodeHead",
    'MaskFormerHead': "does not derive from mmseg's BaseDecodeHead",
    'PointHead': "has a loss_by_feat that needs 'points'",
    'SideAdapterCLIPHead': "has a forward that needs 'deep_supervision_idxs'",
    'VPDDepthHead': 'predicts no classes',
}


def head_config(name: str) -> dict:
    """A small head; K-Net hands channels and classes on to the head within it."""
    if name == 'IterativeDecodeHead':
        return dict(HEADS[name], type=name)
    return dict(dict(type=name, channels=8, num_classes=5, dropout_ratio=0), **HEADS[name])


def features(name: str, training: bool) -> list:
    """What the backbone of such a head gives."""
    two = [torch.randn(2, 8, 8, 12), torch.randn(2, 8, 4, 6)]
    if name == 'DDRHead':
        return [torch.randn(2, 4, 8, 12), two[0]] if training else two[0]
    if name == 'PIDHead':
        return [torch.randn(2, 4, 8, 12), two[0], torch.randn(2, 4, 8, 12)] if training else two[0]
    if name == 'DPTHead':
        return [(torch.randn(2, 8, 4, 6), torch.randn(2, 8)) for _ in range(4)]
    if name == 'LRASPPHead':
        return [torch.randn(2, 4, 196, 196), torch.randn(2, 4, 98, 98), torch.randn(2, 8, 49, 49)]
    if name == 'SETRMLAHead':
        return [two[0], two[0]]
    if name in (
        'SegformerHead',
        'ANNHead',
        'EncHead',
        'FPNHead',
        'LightHamHead',
        'UPerHead',
        'DepthwiseSeparableASPPHead',
    ):
        return two
    return [two[0]]


def arguments(name: str, training: bool) -> list:
    """Features and, for a cascade, the scores of the head before."""
    scores = [torch.randn(2, 5, 8, 12)] if name == 'OCRHead' else []
    return [features(name, training), *scores]


def samples() -> list[SegDataSample]:
    """Labels and boundaries at full size."""
    return [
        SegDataSample(
            gt_sem_seg=PixelData(data=torch.randint(0, 5, (1, *OUT_SIZE))),
            gt_edge_map=PixelData(data=torch.randint(0, 2, (1, *OUT_SIZE))),
        )
        for _ in range(2)
    ]


def coarse_size(head: torch.nn.Module, given: list) -> tuple[int, int]:
    """Size of the scores that a stock head makes."""
    with torch.no_grad():
        outputs = head.eval()(*given)
    return tuple((outputs[0] if isinstance(outputs, (list, tuple)) else outputs).shape[2:])


def build_pair(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The stock head and, with its weights, its GDN variant."""
    stock = MODELS.build(head_config(name))
    in_size = coarse_size(stock, arguments(name, training=False))
    gdn = MODELS.build(
        dict(head_config(name), type='GlobalInterpHead', base_type=name, in_size=in_size, out_size=OUT_SIZE)
    )
    result = gdn.load_state_dict(stock.state_dict(), strict=False)
    assert result.missing_keys == ['interp.kernel_h', 'interp.kernel_w']
    assert result.unexpected_keys == []
    return stock, gdn


def seeded(function, *args):
    """Call with fixed random numbers, which Ham's factorisation draws in forward."""
    torch.manual_seed(1)
    return function(*args)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', HEADS)
def test_works_as_a_base(name):
    stock, gdn = build_pair(name)
    given = arguments(name, training=False)
    with torch.no_grad():
        wanted = seeded(stock.eval().predict, *given, [META] * 2, {})
        scores = seeded(gdn.eval().predict, *given, [META] * 2, {})
    assert scores.shape == (2, 5, *OUT_SIZE)
    torch.testing.assert_close(scores, wanted, rtol=1e-4, atol=1e-5)

    given, batch = arguments(name, training=True), samples()
    wanted = seeded(stock.train().loss, *given, batch, {})
    losses = seeded(gdn.train().loss, *given, batch, {})
    assert set(losses) == set(wanted)
    for key, value in wanted.items():
        if 'loss' in key:
            torch.testing.assert_close(losses[key], value, rtol=1e-4, atol=1e-5)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert gdn.interp.kernel_h.grad.abs().sum() > 0
    assert gdn.interp.kernel_w.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ('name', 'loss'),
    [
        ('EncHead', 'loss_se'),
        ('DAHead', 'pam.loss_ce'),
        ('PIDHead', 'loss_bd'),
        ('DDRHead', 'loss_spatial'),
        ('IterativeDecodeHead', 'loss_ce.s2'),
    ],
)
def test_keeps_losses_of_its_own(name, loss):
    _, gdn = build_pair(name)
    assert gdn.train().loss(*arguments(name, training=True), samples(), {})[loss].isfinite()


@pytest.mark.parametrize('name', REFUSED)
def test_is_refused(name):
    extra = dict(in_channels=[16] * 4, embed_dim=8, num_deconv_filters=(4, 4, 4)) if name == 'VPDDepthHead' else {}
    with pytest.raises(ValueError, match=f"^base_type='{name}' {REFUSED[name]}.* needs a decode head that predicts"):
        MODELS.build(dict(type='GlobalInterpHead', base_type=name, in_size=(4, 4), out_size=(8, 8), **extra))


def test_no_head_is_left_out():
    assert set(stock_heads()) == set(HEADS) | set(REFUSED)


def test_the_page_names_every_head(root_dir):
    page = (root_dir / 'docs/heads.md').read_text()
    for test, names in (('test_works_as_a_base', HEADS), ('test_is_refused', REFUSED)):
        assert [name for name in names if f'`{test}[{name}]`' not in page] == []
