"""How tables and plots call settings and variants."""

from __future__ import annotations

from experiment import Experiment

_UPSAMPLINGS = {'bilinear': 'bilinear', 'deconv': 'learned deconvolution', 'gdn': 'GDN'}
_LABELS = {'none': '', 'scores': ' + label loss on scores', 'features': ' + `MultiLabelHead` on features'}
_NETWORKS = {
    'mobilenetv2': 'MobileNetV2 FCN',
    'mobilenetv2-cut': 'MobileNetV2 FCN cut before stride 32',
    'largefov': 'DeepLab-LargeFOV on VGG-16',
}
_TRUNKS = {
    'frozen': 'frozen trunk',
    'top': 'last two stages trained',
    'most': 'all but three stages trained',
    'trained': 'trained end to end',
}
_DATA = {'camvid': 'CamVid', 'voc': 'VOC extract'}
_OPTIMIZERS = {'sgd': 'SGD', 'adamw': 'AdamW', 'adam': 'Adam', 'adam-fc': 'Adam', 'caffe': 'SGD as in Caffe'}


def variant_text(run: Experiment) -> str:
    """A variant in words, such as 'GDN, factor 20'."""
    if run.learns == 'fit_kernels':
        return 'bilinear, then `fit_kernels.py`'
    text = _UPSAMPLINGS[run.upsampling]
    if run.upsampling == 'gdn':
        text += f', factor {run.lr_mult:g}'
        if run.learns == 'matrices':
            text = f'bilinear, then matrices alone by {_OPTIMIZERS[run.optimizer]}, factor {run.lr_mult:g}'
        if run.init == 'caffe':
            text += ", authors' start values"
        if run.decay_mult:
            text += ', with weight decay' + (f' x{run.decay_mult:g}' if run.decay_mult != 1 else '')
    text += _LABELS[run.labels]
    if run.learns == 'nothing' and run.upsampling == 'gdn':
        text += f", '{run.size_policy}'"
    elif run.start and run.learns == 'all':
        text += ', from the trained baseline'
    return text


def setting_text(run: Experiment) -> str:
    """A setting in words, with all that its runs share."""
    base = run if run.learns == 'all' else run.parent
    text = (
        f'{_DATA[run.data]}, {_NETWORKS[run.network]}, stride {run.stride}, {_TRUNKS[run.trunk]}, '
        f'{_OPTIMIZERS[base.optimizer]}, {base.start + base.iterations} iterations of {run.batch} images'
    )
    if run.views == 'crops':
        text += ', random crops'
    if run.head_lr_mult != 1:
        text += f', head at {run.head_lr_mult:g} times the rate'
    return text + (f', tested at {run.test_scale:g} of the size' if run.test_scale != 1 else '')


def short_setting_text(run: Experiment) -> str:
    """What tells a setting from the others, for a plot."""
    base = run if run.learns == 'all' else run.parent
    parts = [_DATA[run.data], f'stride {run.stride}']
    if run.network != 'mobilenetv2':
        parts.append('cut' if run.network == 'mobilenetv2-cut' else 'LargeFOV')
    if run.data == 'camvid' and run.stride == 32:
        parts.append(_OPTIMIZERS[base.optimizer])
    if run.trunk != 'most':
        parts.append(_TRUNKS[run.trunk])
    if base.start + base.iterations != 300:
        parts.append(f'{base.start + base.iterations} iterations')
    if run.views == 'crops':
        parts.append('crops')
    if run.head_lr_mult != 1:
        parts.append(f'head x{run.head_lr_mult:g}')
    if run.test_scale != 1:
        parts.append(f'tested at {run.test_scale:g}')
    return ', '.join(parts)
