"""Golden nets: FCN-32s and DeepLab-LargeFOV, with and without GDN, forward and backward."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from . import branched_head  # noqa: F401  (registers the head)
from .check import Check, relative_error

Arrays = Mapping[str, np.ndarray]

# Five times the agreement reported for PyTorch: 8e-6 for losses and 5e-6 for gradients. Blobs have the tolerance of
# gradients, because both come from the same sums in float32.
LOSS_TOLERANCE, TOLERANCE = 4e-5, 2.5e-5

_GIVEN = ('blob/data', 'blob/label', 'blob/cls')
_SCORES = ('score_fr', 'fc8_voc12')


def is_net(arrays: Arrays) -> bool:
    """Whether the arrays of a golden file are those of a net."""
    return 'param/conv1_1/0' in arrays and 'param/fc6/0' in arrays


def runs(arrays: Arrays) -> list[str]:
    """Names of the runs in a golden file, which are labels only."""
    return sorted({key.split('/')[0] for key in arrays if key.endswith('/blob/loss')})


def check_net(arrays: Arrays) -> Iterator[Check]:
    """Compare every stored blob, gradient and loss of every run with this project's modules.

    Args:
        arrays: A golden file.

    Yields:
        One comparison per stored quantity.
    """
    for run in runs(arrays):
        yield from check_run(arrays, run)


def check_run(
    arrays: Arrays,
    run: str,
    state: dict[str, Tensor] | None = None,
    parts: tuple[str, ...] = ('blob', 'diff', 'grad', 'total_loss'),
) -> Iterator[Check]:
    """Compare the stored quantities of one run.

    Args:
        arrays: A golden file.
        run: Name of the run.
        state: Weights by the segmentor's keys; those of the golden file when not given.
        parts: Kinds of quantities to compare.

    Yields:
        One comparison per stored quantity.
    """
    model = _prepared_net(arrays, run, state)
    model.decode_head.loss_decode = Observed(model.decode_head.loss_decode)
    record = Recording(model)
    actual = _quantities(model, *_backward(model, arrays, run), arrays, run)
    actual |= {f'blob/{name}': value for name, value in record.values.items()}
    actual |= {f'diff/{name}': value for name, value in record.gradients.items()}
    for key, name in _stored(arrays, run, parts):
        yield Check(key, _error(actual, name, arrays[key]), _tolerance(name))
    if hasattr(model.decode_head, 'interp'):
        yield from _check_tiled_loss(arrays, run, state, parts)


def _check_tiled_loss(
    arrays: Arrays, run: str, state: dict[str, Tensor] | None, parts: tuple[str, ...]
) -> Iterator[Check]:
    """Compare what training computes, without full-size scores."""
    model = _prepared_net(arrays, run, state)
    actual = _quantities(model, *_backward(model, arrays, run), arrays, run)
    for key, name in _stored(arrays, run, parts):
        if name in actual:
            yield Check(f'{key} (without full-size scores)', _error(actual, name, arrays[key]), _tolerance(name))


def _prepared_net(arrays: Arrays, run: str, state: dict[str, Tensor] | None) -> nn.Module:
    settings = json.loads(str(arrays['meta']))['runs'].get(run, {}) if 'meta' in arrays else {}
    model = build_net(arrays, run, settings.get('cls_pool', 'AVE'), state)
    image_labels = inputs(arrays, run)[2]
    if image_labels is not None:
        head = model.decode_head.multi_label_head
        head.loss_decode = StoredLabels(head.loss_decode, image_labels)
    return model


def _backward(model: nn.Module, arrays: Arrays, run: str) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Run forward and backward; returns the images, the losses and their total."""
    data, label, _ = inputs(arrays, run)
    image = torch.from_numpy(data).requires_grad_()
    losses = model.loss(image, _samples(label))
    total = sum(value for name, value in losses.items() if 'loss' in name)
    total.backward()
    return image, losses, total


def _stored(arrays: Arrays, run: str, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Keys of the quantities to compare, and their names within the run."""
    for key in arrays:
        name = key[len(run) + 1 :]
        if key.startswith(f'{run}/') and name.split('/')[0] in parts and name not in _GIVEN:
            yield key, name


def _tolerance(name: str) -> float:
    return LOSS_TOLERANCE if name.endswith('loss') else TOLERANCE


def inputs(arrays: Arrays, run: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Images (N, 3, H, W), labels (N, 1, H, W) and, if the net uses them, image-level labels (N, K) of a run.

    A run that stores none shares those of the run whose images have the shape of its image gradient.
    """
    if f'{run}/blob/data' not in arrays:
        shape = arrays[f'{run}/diff/data'].shape
        run = next(
            other
            for other in runs(arrays)
            if f'{other}/blob/data' in arrays and arrays[f'{other}/blob/data'].shape == shape
        )
    data, label, image_labels = (arrays.get(f'{run}/blob/{name}') for name in ('data', 'label', 'cls'))
    return data.astype(np.float32), label.astype(np.int64), image_labels


def build_net(arrays: Arrays, run: str, cls_pool: str = 'AVE', state: dict[str, Tensor] | None = None) -> nn.Module:
    """Rebuild the net of a run from the shapes of its arrays, and load its weights.

    Args:
        arrays: A golden file.
        run: Name of the run.
        cls_pool: Caffe's name of the pooling before the multi-label layer.
        state: Weights to load instead of the golden file's.

    Returns:
        The segmentor, in training mode if the run has dropout masks.
    """
    model = MODELS.build(_model_config(arrays, run, cls_pool))
    model.load_state_dict(_state_dict(arrays, run) if state is None else state)
    model.eval()
    for name in ('drop6', 'drop7'):
        if f'{run}/mask/{name}' in arrays:
            setattr(model.decode_head, name, FixedDropout(arrays[f'{run}/mask/{name}']))
    return model


def _model_config(arrays: Arrays, run: str, cls_pool: str) -> dict:
    fc6, score = arrays['param/fc6/0'], arrays[f'param/{_score_name(arrays)}/0']
    layout = 'fcn32s' if fc6.shape[2] == 7 else 'largefov'
    seg_weight, *cls_weight = arrays.get(f'{run}/loss_weight', np.ones(1)).tolist()
    head = dict(
        type='CaffeFCHead',
        layout=layout,
        in_channels=fc6.shape[1],
        in_index=0,
        fc_channels=fc6.shape[0],
        num_classes=score.shape[0],
        loss_decode=dict(type='CaffeSoftmaxLoss', normalize=layout == 'largefov', loss_weight=seg_weight),
    )
    if cls_weight:
        head.update(
            type='BranchedFCHead',
            multi_label_head=dict(
                pool={'AVE': 'avg', 'MAX': 'max'}[cls_pool],
                loss_decode=dict(type='MultiLabelAuxLoss', normalization='caffe', loss_weight=cls_weight[0]),
            ),
        )
    if f'{run}/param/gdn/0' in arrays:
        (coarse_h, fine_h), (coarse_w, fine_w) = (arrays[f'{run}/param/gdn/{i}'].shape for i in (0, 1))
        head.update(
            type='GlobalInterpHead',
            base_type=head['type'],
            in_size=(coarse_h, coarse_w),
            out_size=(fine_h, fine_w),
            size_policy='error',
        )
    widths = tuple(arrays[f'param/conv{stage}_1/0'].shape[0] for stage in range(1, 6))
    return dict(
        type='EncoderDecoder',
        backbone=dict(type='CaffeVGG', layout=layout, widths=widths),
        decode_head=head,
        train_cfg={},
        test_cfg=dict(mode='whole'),
    )


def _state_dict(arrays: Arrays, run: str) -> dict[str, Tensor]:
    state = {}
    for caffe_name, key in parameter_keys(_score_name(arrays)).items():
        for index, leaf in enumerate(('weight', 'bias')):
            name = f'param/{caffe_name}/{index}'
            if name in arrays:
                state[f'{key}.{leaf}'] = torch.from_numpy(arrays[name])
    for index, side in enumerate('hw'):
        if f'{run}/param/gdn/{index}' in arrays:
            state[f'decode_head.interp.kernel_{side}'] = torch.from_numpy(arrays[f'{run}/param/gdn/{index}']).t()
    return state


def parameter_keys(score_name: str) -> dict[str, str]:
    """Module with the parameters of each Caffe layer, by the layer's name."""
    keys = {name: f'backbone.features.{index}.conv' for name, index in conv_names_and_indices()}
    heads = {'fc6': 'fc6', 'fc7': 'fc7', score_name: 'conv_seg', 'cls_fc': 'multi_label_head.fc'}
    return keys | {name: f'decode_head.{key}' for name, key in heads.items()}


def conv_names_and_indices() -> list[tuple[str, int]]:
    """Caffe's names of the convolutions and their indices in ``CaffeVGG.features``."""
    return [
        (f'conv{stage}_{number}', first + number - 1)
        for stage, first, count in _stages()
        for number in range(1, count + 1)
    ]


def pool_names_and_indices() -> list[tuple[str, int]]:
    """Caffe's names of the pooling layers and their indices in ``CaffeVGG.features``, at the end of each stage."""
    return [(f'pool{stage}', first + count) for stage, first, count in _stages()]


def _stages() -> Iterator[tuple[int, int, int]]:
    first = 0
    for stage, count in enumerate((2, 2, 3, 3, 3), start=1):
        yield stage, first, count
        first += count + 1


def _score_name(arrays: Arrays) -> str:
    return next(name for name in _SCORES if f'param/{name}/0' in arrays)


def _samples(label: np.ndarray) -> list[SegDataSample]:
    return [SegDataSample(gt_sem_seg=PixelData(data=torch.from_numpy(mask))) for mask in label]


class FixedDropout(nn.Module):
    """Dropout with a stored mask of kept elements and Caffe's scale of 2."""

    def __init__(self, kept: np.ndarray) -> None:
        super().__init__()
        self.register_buffer('scale', torch.from_numpy(kept).float() * 2)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the mask."""
        return x * self.scale


class Observed(nn.Module):
    """A wrapper around a loss, for which heads compute full-size scores because they do not know it."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.loss_name = loss.loss_name

    def forward(self, *args, **kwargs) -> Tensor:
        """The loss."""
        return self.loss(*args, **kwargs)


class StoredLabels(nn.Module):
    """A multi-label loss against stored labels, because those of the golden files are not taken from the masks."""

    def __init__(self, loss: nn.Module, labels: np.ndarray) -> None:
        super().__init__()
        self.loss = loss
        self.loss_name = loss.loss_name
        self.labels = torch.from_numpy(labels)

    def forward(self, logits: Tensor, masks: Tensor, ignore_index: int) -> Tensor:
        """The loss; ``masks`` are ignored."""
        return self.loss(logits, self.labels, ignore_index=ignore_index)


class Recording:
    """Records what Caffe calls blobs while a net runs: values, and gradients after the backward pass.

    Caffe's ReLUs work in place, so a blob's value is the one after the ReLU and its gradient the one before it.
    """

    def __init__(self, model: nn.Module) -> None:
        self.values: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        backbone, head = model.backbone, model.decode_head
        for name, index in conv_names_and_indices() + pool_names_and_indices():
            self._record_output(name, backbone.features[index])
        self._record_output('pool5a', head.pool5a)
        for number in ('6', '7'):
            self._record_gradient(f'fc{number}', getattr(head, f'fc{number}'))
            self._record_input(f'fc{number}', getattr(head, f'drop{number}'))
        for name in _SCORES:
            self._record_output(name, head.conv_seg)
        for name in ('score', 'upscore'):
            self._record_input(name, head.loss_decode, with_gradient=True)
        if hasattr(head, 'multi_label_head'):
            self._record_output('cls_pool', head.multi_label_head.pool)
            self._record_output('cls_fc', head.multi_label_head.fc)

    def _record_output(self, name: str, module: nn.Module) -> None:
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            self.values[name] = output.detach()
            self._keep_gradient(name, output)

        module.register_forward_hook(hook)

    def _record_gradient(self, name: str, module: nn.Module) -> None:
        module.register_forward_hook(lambda module, args, output: self._keep_gradient(name, output))

    def _record_input(self, name: str, module: nn.Module, with_gradient: bool = False) -> None:
        def hook(module: nn.Module, args: tuple) -> None:
            self.values[name] = args[0].detach()
            if with_gradient:
                self._keep_gradient(name, args[0])

        module.register_forward_pre_hook(hook)

    def _keep_gradient(self, name: str, tensor: Tensor) -> None:
        if tensor.requires_grad:
            tensor.register_hook(lambda gradient: self.gradients.__setitem__(name, gradient.detach()))


def _quantities(
    model: nn.Module, image: Tensor, losses: dict[str, Tensor], total: Tensor, arrays: Arrays, run: str
) -> dict[str, Tensor]:
    """Losses and gradients, by the names of the golden file."""
    weights = arrays.get(f'{run}/loss_weight', np.ones(1))
    actual = {'diff/data': image.grad, 'total_loss': total.detach()}
    actual['blob/loss'] = losses['decode.loss_ce'].detach() / weights[0]
    if 'decode.loss_mlc' in losses:
        actual['blob/cls_loss'] = losses['decode.loss_mlc'].detach() / weights[1]
    for caffe_name, key in parameter_keys(_score_name(arrays)).items():
        if f'param/{caffe_name}/0' in arrays:
            module = model.get_submodule(key)
            actual |= {f'grad/{caffe_name}/0': module.weight.grad, f'grad/{caffe_name}/1': module.bias.grad}
    if hasattr(model.decode_head, 'interp'):
        interp = model.decode_head.interp
        actual |= {'grad/gdn/0': interp.kernel_h.grad.t(), 'grad/gdn/1': interp.kernel_w.grad.t()}
    return actual


def _error(actual: dict[str, Tensor], name: str, expected: np.ndarray) -> float:
    """Error of one quantity; infinite if this project does not compute it."""
    grid = name.endswith('_grid3')
    value = actual.get(name[: -len('_grid3')] if grid else name)
    if value is None:
        return float('inf')
    value = value[:, :, ::3, ::3] if grid else value
    return relative_error(value.numpy().reshape(expected.shape), expected)
