"""Does a checkpoint belong to a model? If not, mmengine only warns and keeps random weights."""

from __future__ import annotations

import logging
import pickle
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.regular import require_no_pipe

from .finite import non_finite
from .unwrap import plain_name, whole_model

# What lies under a checkpoint's name if it was not fetched, by its first bytes.
_NOT_FETCHED = {
    b'version https://git-lfs': "is a pointer of Git LFS, not the file; fetch it with 'git lfs pull'",
    b'<': 'is a web page, not a checkpoint; download it again',
}
# Without these, mmengine ends a resumed training with a KeyError.
TRAINING_STATE = ('meta', 'message_hub', 'optimizer')
_REFUSED = re.compile(r'GLOBAL (\S+)')  # in torch's message about what it does not read
# Keys of parts that predictions do not use.
_TRAINING_ONLY = re.compile(r'(^|\.)(auxiliary_head|label_branch)\.')
_MATRIX = re.compile(r'\.interp\.kernel_[hw]$')


def check_weights(
    model: nn.Module,
    weights: Mapping[str, torch.Tensor],
    source: str,
    resuming: bool = False,
    partial: bool | None = None,
) -> None:
    """Make sure that weights belong to a model, and log those that the model does not use.

    Unless training resumes, two kinds of weights may be missing: those of parts that only training uses, and matrices
    of global interpolation that start as bilinear, with which a stock checkpoint predicts what it always has. Matrices
    may also have other sizes than the model's, because :class:`GlobalInterp` resamples them. Learned matrices that a
    stock head would leave out are refused, because the scores were trained for them.

    Args:
        model: The model to load them into, possibly wrapped. With FSDP, all processes have to make this call.
        weights: Tensors by key, without the prefix ``module.``.
        source: Where they come from, for messages.
        resuming: Whether the state of an optimizer comes with them, which requires exactly the same parameters.
        partial: Whether weights that do not fit cause a warning instead of an error, unless training resumes; ``None``
            where that cannot be chosen.

    Raises:
        InputError: If a key is missing or has another shape, if matrices would be left out, or if a weight is NaN or
            infinite.
    """
    require_finite_weights(model, weights, source)
    wanted, matrices, bilinear = _shapes(model)
    missing = [key for key in wanted if key not in weights and 'num_batches_tracked' not in key]
    reshaped = [key for key, shape in wanted.items() if key in weights and weights[key].shape != shape]
    if not resuming:
        missing = [key for key in missing if key not in bilinear and not _TRAINING_ONLY.search(key)]
        reshaped = [key for key in reshaped if key not in matrices]
    problems = [f'it lacks {key}' for key in missing]
    problems += [f'{key} is {tuple(weights[key].shape)} instead of {tuple(wanted[key])}' for key in reshaped]
    if problems:
        message = (
            f"{source} does not fit this config's model ({len(problems)} of {len(wanted)} keys: "
            f'{_first(problems, "; ")})'
        )
        if resuming:
            raise InputError(
                f'{message}, so training cannot resume from it; resume with the config it was trained '
                'with, or start a new training from its weights, with load_from and without resuming.'
            )
        if not partial or len(problems) == len(wanted):
            raise InputError(f'{message}; use the config it was trained with.{_choice(partial)}')
        print_log(f'{message}; these keep their initial values.', 'current', logging.WARNING)
    left_over = [key for key in weights if key not in wanted]
    unused = [key for key in left_over if _MATRIX.search(key) and not _TRAINING_ONLY.search(key)]
    if unused and not partial:
        raise InputError(
            f"{source} has learned matrices ({_first(unused, ', ')}) that this config's model does not have, so its "
            f'scores would be upsampled in another way than in training; use the config it was trained with.'
            f'{_choice(partial)}'
        )
    if left_over:
        print_log(
            f'{source} has keys that the model does not use ({len(left_over)}: {_first(left_over, ", ")}).',
            'current',
            logging.WARNING,
        )


def _choice(partial: bool | None) -> str:
    if partial is None:
        return ''
    return (
        ' To start training from the weights that do fit, add --cfg-options '
        'default_hooks.check_checkpoint.partial=True.'
    )


def load_weights(model: nn.Module, path: str) -> Any:
    """Load a checkpoint, if it belongs to the model.

    Args:
        model: The model.
        path: A file, or an address that mmengine can load from.

    Returns:
        What the checkpoint says of itself (``meta``); ``None`` if it says nothing.

    Raises:
        InputError: If it cannot be read, or does not fit (:func:`check_weights`).
    """
    checkpoint = _read(path, 'cpu')
    bring_to_standard_form(checkpoint, path)
    check_weights(model, checkpoint['state_dict'], path)
    model.load_state_dict(checkpoint['state_dict'], strict=False)
    return checkpoint.get('meta')


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """The state dict in a checkpoint file.

    Args:
        path: A file, or an address that mmengine can load from.

    Returns:
        Tensors by key, without the prefix ``module.`` of wrapped models.

    Raises:
        InputError: If there is no such file, or if it is not a checkpoint.
    """
    checkpoint = _read(path, 'cpu')
    bring_to_standard_form(checkpoint, path)
    return checkpoint['state_dict']


def require_checkpoint(path: str) -> None:
    """Make sure that there is a readable checkpoint, before a model is built for it.

    Args:
        path: A file, an address that mmengine can load from, or a folder with one file for each process of FSDP.

    Raises:
        InputError: If there is no such file, if it is not a checkpoint, or if it is damaged.
    """
    for part in _parts(path):
        # Tensors on the meta device are not read.
        _read(part, 'cpu' if _is_address(part) else 'meta')


def read_training_state(path: str) -> dict[str, Any]:
    """What a checkpoint holds besides values of tensors, if training can go on from it.

    Args:
        path: A file, or a folder with one file for each process of FSDP.

    Returns:
        Its content, with tensors on the meta device.

    Raises:
        InputError: If it cannot be read, or has weights only.
    """
    state = _unpickle(_parts(path)[0], 'meta')
    if any(key not in state for key in TRAINING_STATE) or 'iter' not in state['meta']:
        raise InputError(
            f'{path} has weights without a training state, so training cannot resume from it; '
            'start a new training from its weights, with load_from and without resuming.'
        )
    return state


def require_intact(path: str) -> None:
    """Make sure that a checkpoint is as it was written, by the checksums that PyTorch puts beside all tensors.

    Args:
        path: A file, or a folder with one file for each process of FSDP. If PyTorch has written it in its old format,
            without checksums, this is a warning.

    Raises:
        InputError: If it is damaged.
    """
    for part in _parts(path):
        if not zipfile.is_zipfile(part):
            print_log(
                f'{part} has no checksums, because its format is that of PyTorch before 1.6, so damage would not '
                'be found.',
                'current',
                logging.WARNING,
            )
            continue
        try:
            with zipfile.ZipFile(part) as archive:
                damaged = archive.testzip()
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            damaged = str(error)
        if damaged:
            raise InputError(
                f'{part} is damaged: its checksums do not fit ({damaged}); copy or download it anew, or '
                'take another checkpoint.'
            )


def require_plain(path: Path, target: Path) -> None:
    """Make sure that a checkpoint can be read again: nothing but data is read from checkpoints.

    Args:
        path: The file; folders with one file for each process are not checked.
        target: What it will be called, for messages.

    Raises:
        InputError: If it holds objects of other kinds, such as functions.
    """
    if not path.is_file():
        return
    try:
        _load_checkpoint(str(path), map_location='meta')
    except pickle.UnpicklingError as error:
        found = _REFUSED.search(str(error))
        what = found[1] if found else 'an object'
        raise InputError(
            f'{target} would hold {what}, which is code and is not read from checkpoints, so training has '
            'stopped; let the scheduler, hook or data set that stores it store numbers, texts, lists and '
            'tensors only.'
        ) from error


def require_finite_weights(model: nn.Module, weights: Mapping[str, torch.Tensor], source: str) -> None:
    """Make sure that no weight is NaN or infinite, except where the model itself has such values from the start.

    Args:
        model: The model to load them into, possibly wrapped.
        weights: Tensors by key.
        source: Where they come from, for messages.

    Raises:
        InputError: If there are such weights.
    """
    found = non_finite(weights)
    if found:
        with whole_model(model) as whole:
            found = [key for key in found if key not in non_finite(whole.state_dict())]
    if found:
        raise InputError(
            f'{source} has weights that are NaN or infinite ({len(found)} of {len(weights)} keys: '
            f'{_first(found, ", ")}); the training that wrote it has diverged. Take a checkpoint of an '
            'earlier iteration, or train with a lower rate.'
        )


def bring_to_standard_form(checkpoint: dict[str, Any], source: str) -> None:
    """Put the weights of a checkpoint under ``state_dict`` and drop the prefix ``module.`` of wrapped models.

    mmengine does so only for some of its strategies and hooks.

    Args:
        checkpoint: Content of a checkpoint file; changed in place.
        source: Where it comes from, for messages.

    Raises:
        InputError: If it has no tensors, or such as no parameter can be set to.
    """
    if 'state_dict' not in checkpoint:
        weights = dict(checkpoint)
        checkpoint.clear()
        checkpoint['state_dict'] = weights
    weights = checkpoint['state_dict']
    if not _is_state_dict(weights):
        raise InputError(f'{source} has no state dict; give a .pth file written by training or by a model converter.')
    odd = [f'{key} is {_in_words(tensor)}' for key, tensor in weights.items() if not _is_ordinary(tensor)]
    if odd:
        raise InputError(
            f'{source} has tensors that no model of mmseg can take ({len(odd)} of {len(weights)} keys: '
            f'{_first(odd, "; ")}); save them as dense tensors of float32.'
        )
    if any(key.startswith('module.') for key in weights):
        checkpoint['state_dict'] = {key.removeprefix('module.'): value for key, value in weights.items()}


def _is_state_dict(weights: Any) -> bool:
    return (
        bool(weights)
        and isinstance(weights, Mapping)
        and all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in weights.items())
    )


def _is_ordinary(tensor: torch.Tensor) -> bool:
    """Whether values can be copied from it, which types of a few bits, sparse and quantized ones do not allow."""
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized or tensor.is_meta:
        return False
    try:
        torch.empty(1, dtype=tensor.dtype).to(torch.complex64 if tensor.is_complex() else torch.float32)
    except (NotImplementedError, RuntimeError, TypeError):
        return False
    return True


def _in_words(tensor: torch.Tensor) -> str:
    kind = 'nested' if tensor.is_nested else 'without values' if tensor.is_meta else str(tensor.layout)
    return f'{str(tensor.dtype).removeprefix("torch.")}, {kind.removeprefix("torch.")}'


def _shapes(model: nn.Module) -> tuple[dict[str, torch.Size], set[str], set[str]]:
    """Shapes by key, the keys of all matrices of global interpolation, and the keys of those that start as bilinear."""
    with whole_model(model) as whole:
        modules = [(plain_name(name), module) for name, module in whole.named_modules()]
        shapes = {
            f'{name}.{key}' if name else key: tensor.shape
            for name, module in modules
            for key, tensor in _own_state(module).items()
        }
        pairs = [(name, module) for name, module in modules if isinstance(module, GlobalInterp)]
        matrices, bilinear = (
            {f'{name}.kernel_{side}' for name, module in some for side in 'hw'}
            for some in (pairs, [(name, module) for name, module in pairs if module.init == 'bilinear'])
        )
    return shapes, matrices, bilinear


def _own_state(module: nn.Module) -> dict[str, torch.Tensor]:
    """State dict of a module itself, without its children."""
    state: dict[str, torch.Tensor] = {}
    module._save_to_state_dict(state, '', keep_vars=True)
    return state


def _read(path: str, device: str) -> dict[str, Any]:
    checkpoint = _unpickle(path, device)
    if not _is_address(path):
        require_intact(path)
    return checkpoint


def _unpickle(path: str, device: str) -> dict[str, Any]:
    if not _is_address(path):
        _require_fetched(path)
    try:
        checkpoint = _load_checkpoint(str(path), map_location=device)
    # torch reports files that are not checkpoints by many kinds of exceptions.
    except Exception as error:
        raise InputError(
            f'{path} cannot be read as a checkpoint ({type(error).__name__}); '
            'give a .pth file written by training or by a model converter.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise InputError(f'{path} has no state dict; give a .pth file written by training or by a model converter.')
    return checkpoint


def _require_fetched(path: str) -> None:
    require_no_pipe(path)
    if not Path(path).is_file():
        raise InputError(f'There is no checkpoint {path}; training writes its checkpoints to its work folder.')
    try:
        with open(path, 'rb') as file:
            start = file.read(24)
    except OSError as error:
        raise InputError(f'{path} cannot be read ({error.strerror}).') from error
    if not start:
        raise InputError(f'{path} is empty; copy or download it anew, or take another checkpoint.')
    for mark, what in _NOT_FETCHED.items():
        if start.startswith(mark):
            raise InputError(f'{path} {what}.')


def _parts(path: str) -> list[str]:
    """The file of a checkpoint, or those of all processes."""
    if not Path(path).is_dir():
        return [str(path)]
    return [str(part) for part in sorted(Path(path).glob('rank*.pth'))] or [str(Path(path, 'rank0.pth'))]


def _is_address(path: str) -> bool:
    return '://' in str(path)


def _first(names: list[str], separator: str) -> str:
    return separator.join(names[:3]) + (f'{separator}...' if len(names) > 3 else '')
