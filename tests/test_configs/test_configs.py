"""Every config: complete, buildable, and trainable for one step when thinned."""

from __future__ import annotations

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS

from gdn_variant import variant_text
from mmseg_gdn.models.variant import KERNEL_KEYS, score_size, stock_config_folder, training_crop

from .config_files import FOLDER, is_gdn, read

CONFIGS = sorted(FOLDER.glob('*.py'))
NETWORKS = [path for path in CONFIGS if not path.stem.startswith('ensemble')]
GDN = [path for path in sorted(FOLDER.rglob('*.py')) if is_gdn(read(path))]
STOCK_VARIANTS = [path for path in GDN if path.stem.startswith(('fcn_r50', 'deeplabv3', 'segformer'))]
CAFFE = [path for path in GDN if path.stem.startswith(('fcn32s', 'deeplab-'))]
MODERN = [path for path in GDN if path not in CAFFE]
RECIPES = [
    FOLDER / f'{name}_voc12aug.py'
    for name in ('fcn32s', 'fcn32s_gdn', 'deeplab-largefov', 'deeplab-largefov_whole', 'deeplab-largefov_gdn')
]
CLASSES = {'cityscapes': 19, 'ade20k': 150, 'camvid': 11}


def ids(paths):
    return [path.relative_to(FOLDER).with_suffix('').as_posix() for path in paths]


def build_without_weights(cfg):
    """A model at full width, without memory where its backbone allows."""
    cfg.pop('pretrained', None)
    cfg.pop('data_preprocessor', None)
    # MixVisionTransformer reads values while it is built.
    with torch.device('cpu' if cfg.backbone.type == 'MixVisionTransformer' else 'meta'):
        return MODELS.build(cfg)


@pytest.mark.parametrize('path', CONFIGS, ids=ids(CONFIGS))
def test_the_plugin_is_imported_by_the_config(path):
    cfg = read(path)
    assert cfg.custom_imports == dict(imports=['mmseg_gdn'], allow_failed_imports=False)
    assert cfg.default_scope == 'mmseg'


@pytest.mark.parametrize('path', NETWORKS, ids=ids(NETWORKS))
def test_builds_at_full_width(path):
    model = build_without_weights(read(path).model)
    assert model.num_classes == next((count for name, count in CLASSES.items() if name in path.stem), 21)
    if 'gdn' in path.stem:
        assert {'decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'} <= set(model.state_dict())


@pytest.mark.parametrize('path', STOCK_VARIANTS, ids=ids(STOCK_VARIANTS))
def test_a_variant_of_a_stock_config_is_what_the_tool_prints(path):
    folder = stock_config_folder().resolve()
    assert path.read_text() == variant_text(f'mmseg::{stock_config(path).relative_to(folder).as_posix()}')


def stock_config(path):
    """The stock config that a config names as its base."""
    base = next(line for line in path.read_text().splitlines() if line.startswith('_base_'))
    return stock_config_folder().resolve() / base.split('mmseg::')[1].rstrip("'")


def largest_image(cfg):
    """Height and width of the largest images that a config makes."""
    return training_crop(cfg) or (clamped_side(cfg.test_dataloader.dataset.pipeline),) * 2


def clamped_side(pipeline):
    return next(step.max_size for step in pipeline if step.type == 'ClampSize')


@pytest.mark.parametrize('path', GDN, ids=ids(GDN))
def test_sizes_are_those_of_the_pipeline_and_of_the_network(path):
    cfg = read(path)
    head, size = cfg.model.decode_head, largest_image(cfg)
    assert tuple(head.out_size) == size
    model = build_without_weights(cfg.model).eval().to('meta')
    assert tuple(head.in_size) == score_size(model, torch.empty(1, 3, *size, device='meta'))


@pytest.mark.parametrize('path', GDN, ids=ids(GDN))
def test_smaller_training_images_are_meant_where_they_occur(path):
    """Only crops or padding by the pipeline make all training images of one size."""
    cfg = read(path)
    always_one_size = bool((cfg.model.data_preprocessor or {}).get('size')) and path in STOCK_VARIANTS
    assert always_one_size or cfg.model.decode_head.size_policy == 'slice'


@pytest.mark.parametrize('path', GDN, ids=ids(GDN))
def test_predictions_are_fast(path):
    expected = 'CaffeEncoderDecoder' if path.stem.endswith('released') else 'GlobalInterpEncoderDecoder'
    assert read(path).model.type == expected


# The demo's network learns five times as fast as others; the other checkpoint was trained so.
FACTORS = {'demo_gdn': 20, 'fcn_mobilenet-v2_gdn-multilabel_voc12aug': 20}


@pytest.mark.parametrize('path', MODERN, ids=ids(MODERN))
def test_the_matrices_have_a_rate_of_their_own(path):
    cfg = read(path)
    model = build_without_weights(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    settings = {id(group['params'][0]): (group['lr'], group['weight_decay']) for group in optimizer.param_groups}
    (options,) = KERNEL_KEYS.values()
    factor = FACTORS.get(path.stem, options['lr_mult'])
    for kernel in (model.decode_head.interp.kernel_h, model.decode_head.interp.kernel_w):
        rate, decay = settings[id(kernel)]
        assert rate == pytest.approx(factor * cfg.optim_wrapper.optimizer.lr)
        assert decay == options['decay_mult'] * cfg.optim_wrapper.optimizer.weight_decay


WITH_BRANCH = [path for path in CAFFE if read(path).model.decode_head.get('label_branch')]


@pytest.mark.parametrize('path', WITH_BRANCH, ids=ids(WITH_BRANCH))
def test_the_branch_of_the_figure(path):
    branch = build_without_weights(read(path).model).decode_head.label_branch
    height, width = read(path).model.decode_head.in_size
    linear = [(layer.in_features, layer.out_features) for layer in branch.layers if hasattr(layer, 'in_features')]
    assert linear == [(21 * height * width, 256), (256, 20)]


def thin(cfg):
    """Shrink a model to a few channels, keeping its sizes in space."""
    model = cfg.model
    model.pop('pretrained', None)
    model.backbone.pop('init_cfg', None)
    if model.backbone.type == 'CaffeVGG':
        model.backbone.widths = (2, 2, 2, 2, 2)
        model.decode_head.update(in_channels=2, fc_channels=4)
    for name in ('train_dataloader', 'val_dataloader'):
        cfg[name].update(batch_size=1, num_workers=0, persistent_workers=False)
    return cfg


def use_data(node, root):
    """Lead every data set in a config to another folder."""
    if isinstance(node, dict):
        if node.get('type') == 'CheckedVOCDataset':
            node['data_root'] = str(root)
        for child in node.values():
            use_data(child, root)
    elif isinstance(node, (list, tuple)):
        for child in node:
            use_data(child, root)


@pytest.mark.parametrize('path', RECIPES, ids=ids(RECIPES))
def test_one_step_of_training_and_a_prediction(path, voc_root):
    cfg = thin(read(path))
    init_default_scope('mmseg')
    use_data(cfg.train_dataloader, voc_root)
    use_data(cfg.val_dataloader, voc_root)
    model = MODELS.build(cfg.model)
    model.init_weights()
    wrapper_cfg = cfg.optim_wrapper
    wrapper_cfg.pop('accumulative_counts', None)
    wrapper = build_optim_wrapper(model, wrapper_cfg)

    sample = DATASETS.build(cfg.train_dataloader.dataset)[0]
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = model.train_step(pseudo_collate([sample]), wrapper)
    assert all(value.isfinite() for value in losses.values())
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'} <= changed

    loader = Runner.build_dataloader(cfg.val_dataloader)
    result = model.eval().test_step(next(iter(loader)))[0]
    assert result.pred_sem_seg.shape == result.gt_sem_seg.shape


@pytest.mark.parametrize('path', RECIPES, ids=ids(RECIPES))
def test_caffes_multipliers_reach_the_optimizer(path):
    cfg = thin(read(path))
    cfg.model.pop('data_preprocessor')
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    base, decay = cfg.optim_wrapper.optimizer.lr, cfg.optim_wrapper.optimizer.weight_decay
    names = {id(value): name for name, value in model.named_parameters()}
    multipliers = {
        names[id(group['params'][0])]: (round(group['lr'] / base), round(group['weight_decay'] / decay))
        for group in wrapper.optimizer.param_groups
    }
    score = (10, 20) if path.stem.startswith('deeplab') else (1, 2)
    assert multipliers['backbone.features.0.conv.weight'] == (1, 1)
    assert multipliers['backbone.features.0.conv.bias'] == (2, 0)
    assert multipliers['decode_head.fc7.bias'] == (2, 0)
    assert multipliers['decode_head.conv_seg.weight'] == (score[0], 1)
    assert multipliers['decode_head.conv_seg.bias'] == (score[1], 0)
    if 'gdn' in path.stem:
        assert multipliers['decode_head.interp.kernel_h'] == multipliers['decode_head.interp.kernel_w'] == (10, 100)
