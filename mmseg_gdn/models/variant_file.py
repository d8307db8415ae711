"""The config file of a GDN variant, which inherits from that of the stock model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from mmseg.registry import MODELS

from mmseg_gdn.models import variant
from mmseg_gdn.models.decode_heads import find_base_head
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.files import similar_files
from mmseg_gdn.utils.regular import require_no_pipe

_STOCK = 'mmseg::'
_LINE_LENGTH = 120


def find_stock_config(name: str) -> tuple[str, Path]:
    """Find a stock config.

    Args:
        name: ``mmseg::FAMILY/NAME.py`` of the installed mmseg, or the path of a config file.

    Returns:
        What to write into ``_base_`` of a config that inherits from it, wherever that is saved; and the file.

    Raises:
        InputError: If there is no such file.
    """
    folder = variant.stock_config_folder().resolve()
    path = folder / name[len(_STOCK) :] if name.startswith(_STOCK) else Path(name).resolve()
    require_no_pipe(path)
    if not path.is_file():
        raise InputError(
            f'There is no config {name}; give the path of a config file, or one of the installed mmseg '
            f'({folder}) as {_STOCK}FAMILY/NAME.py.{similar_files(name, folder, "*.py")}'
        )
    is_stock = path.is_relative_to(folder)
    return f'{_STOCK}{path.relative_to(folder).as_posix()}' if is_stock else str(path), path


def checked_head(name: str, cfg: Config) -> dict:
    """Config of the (last) decode head, after everything that the config imports has been registered.

    Args:
        name: Name of the config, for messages.
        cfg: Stock config.

    Raises:
        InputError: If there is no decode head, or if it computes no single score map.
    """
    if not (cfg.get('model') and cfg.model.get('decode_head')):
        raise InputError(f'{name} has no model.decode_head; give the config of a segmentor.')
    if not isinstance(variant.last_head(cfg.model).type, str):
        raise InputError(
            f"{name} is written in mmengine's pure Python style, from which the printed config could not "
            'inherit; give the copy of it that a training leaves in its work folder, whose types are strings, or set '
            'type=GlobalInterpHead, base_type (the class of your head), in_size and out_size in it yourself.'
        )
    head = variant.last_head(cfg.model.to_dict())
    # What the head's name shows must not be hidden by a package that is missing.
    if head['type'] in MODELS:
        find_base_head(head['type'])
    _import_modules(name, cfg)
    find_base_head(head['type'])
    # Of some heads only the instance shows that they predict no classes; the sizes do not matter for that.
    MODELS.build({**head, **variant.gdn_head_settings(head, (1, 1), (1, 1))})
    return head


def variant_file_text(base: str, cfg: Config, settings: dict, writer: str, notes: Sequence[str] = ()) -> str:
    """Text of the variant's config file.

    Args:
        base: Value of ``_base_``.
        cfg: The config in ``_base_``.
        settings: Settings to update its (last) decode head with (:func:`variant.gdn_head_settings`).
        writer: Path of the tool that writes it.
        notes: Lines to write before the model.
    """
    is_cascade = variant.last_head(cfg.model) is not cfg.model.decode_head
    return '\n'.join(
        [
            f'# The config in _base_ with learned global interpolation, written by {writer}.',
            f'_base_ = {base!r}',
            f'custom_imports = dict(imports={_imports(cfg)!r}, allow_failed_imports=False)',
            *notes,
            *(_cascade_lines(settings) if is_cascade else _model_lines(variant.gdn_segmentor(cfg.model), settings)),
            *_optimizer_lines(cfg),
            '',
        ]
    )


def _import_modules(name: str, cfg: Config) -> None:
    """Register what the config imports."""
    try:
        import_modules_from_strings(_imports(cfg))
    except ImportError as error:
        raise InputError(
            f'{name} imports a module that cannot be found ({error}); install it, or set PYTHONPATH to its folder.'
        ) from error


def _imports(cfg: Config) -> list[str]:
    """Modules that the config imports, and the plugin."""
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    return [*(name for name in imports if name != 'mmseg_gdn'), 'mmseg_gdn']


def _model_lines(segmentor: str, settings: dict) -> list[str]:
    return ['model = dict(', f'    type={segmentor!r},', *_call('    decode_head=dict', settings, ','), ')']


def _cascade_lines(settings: dict) -> list[str]:
    # Inheritance cannot change a single element of a list.
    return [
        'decode_head = _base_.model.decode_head',
        *_call('decode_head[-1].update', settings),
        'model = dict(decode_head=decode_head)',
    ]


def _optimizer_lines(cfg: Config) -> list[str]:
    wrapper: Any = cfg.get('optim_wrapper') or {}
    if 'lr' not in (wrapper.get('optimizer') or {}):
        return [
            '# The config gives its optimizer no lr. Add one, and in optim_wrapper.paramwise_cfg:',
            f'#     custom_keys={_text(variant.KERNEL_KEYS)}',
        ]
    settings = variant.gdn_optim_wrapper_settings(wrapper)
    if 'paramwise_cfg' in wrapper and wrapper.paramwise_cfg is None:
        # A dict cannot be merged into None.
        settings['paramwise_cfg']['_delete_'] = True
    line = f'optim_wrapper = {_text(settings)}'
    if len(line) <= _LINE_LENGTH:
        return [line]
    paramwise_cfg = _call('    paramwise_cfg=dict', settings.pop('paramwise_cfg'), ',')
    return ['optim_wrapper = dict(', *(f'    {key}={value!r},' for key, value in settings.items()), *paramwise_cfg, ')']


def _call(function: str, settings: dict, end: str = '') -> list[str]:
    """A call with keyword arguments, as a formatter breaks it: in one line, in the next line, or in a line each."""
    arguments = [f'{key}={_text(value)}' for key, value in settings.items()]
    line = f'{function}({", ".join(arguments)}){end}'
    if len(line) <= _LINE_LENGTH:
        return [line]
    outer = ' ' * (len(function) - len(function.lstrip()))
    line = f'{outer}    {", ".join(arguments)}'
    lines = [line] if len(line) <= _LINE_LENGTH else [f'{outer}    {argument},' for argument in arguments]
    return [f'{function}(', *lines, f'{outer}){end}']


def _text(value: Any) -> str:
    """A value in the style of configs: ``dict(key=value)`` if all keys are names."""
    if not isinstance(value, dict):
        return repr(value)
    items = value.items()
    if all(key.isidentifier() for key in value):
        return f'dict({", ".join(f"{key}={_text(item)}" for key, item in items)})'
    return f'{{{", ".join(f"{key!r}: {_text(item)}" for key, item in items)}}}'
