"""Print the config that makes the GDN variant of a stock config or of one of your own."""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from mmseg.registry import MODELS

from mmseg_gdn.models import variant
from mmseg_gdn.models.decode_heads import find_base_head
from mmseg_gdn.models.variant import Size
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.files import similar_files

_STOCK = 'mmseg::'
_LINE_LENGTH = 120


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='mmseg::FAMILY/NAME.py, or the path of a config file')
    parser.add_argument('--crop', type=int, nargs=2, metavar=('H', 'W'),
                        help='height and width of the training images; default: what the config says')
    return parser.parse_args()


def main() -> None:
    """Print the variant."""
    args = parse_args()
    warnings.simplefilter('ignore')
    MMLogger.get_current_instance().setLevel('ERROR')
    # Loggers and models write to standard output, where only the config belongs.
    with redirect_stdout(sys.stderr):
        text = variant_text(args.config, tuple(args.crop) if args.crop else None)
    print(text, end='')


def variant_text(name: str, crop: Size | None = None) -> str:
    """The config of a GDN variant, as text.

    Args:
        name: Stock config (``mmseg::...``) or path of a config file.
        crop: Height and width of the training images; those of the config when not given.

    Returns:
        A config that inherits from the one given, wherever it is saved.

    Raises:
        InputError: If the config cannot be read, has no decode head with a score map, or does not say its crop.
    """
    base, cfg = _read(name)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    head = _decode_head(name, cfg)
    # What the head's name shows must not be hidden by a package that is missing.
    if head['type'] in MODELS:
        find_base_head(head['type'])
    _import_modules(name, cfg)
    _check_kind(head)
    own_crop = variant.training_crop(cfg)
    out_size = _checked_crop(name, crop or own_crop)
    settings = variant.gdn_head_settings(head, variant.find_score_size(cfg.model.to_dict(), out_size), out_size)
    is_cascade = variant.last_head(cfg.model) is not cfg.model.decode_head
    return '\n'.join([
        '# The config in _base_ with learned global interpolation, written by tools/gdn_variant.py.',
        f'_base_ = {base!r}',
        f'custom_imports = dict(imports={_imports(cfg)!r}, allow_failed_imports=False)',
        *_crop_lines(out_size, own_crop),
        *(_cascade_lines(settings) if is_cascade else _model_lines(variant.gdn_segmentor(cfg.model), settings)),
        *_optimizer_lines(cfg), ''
    ])


def _read(name: str) -> tuple[str, Config]:
    """The value of ``_base_`` for a config, and the config."""
    folder = variant.stock_config_folder().resolve()
    path = folder / name[len(_STOCK):] if name.startswith(_STOCK) else Path(name).resolve()
    if not path.is_file():
        raise InputError(f'There is no config {name}; give the path of a config file, or one of the installed mmseg '
                         f'({folder}) as {_STOCK}FAMILY/NAME.py.{similar_files(name, folder, "*.py")}')
    # A config is a program and may raise any exception.
    try:
        cfg = Config.fromfile(path, import_custom_modules=False)
    except Exception as error:
        reason = ' '.join(str(error).split())[:300]
        raise InputError(f'{name} cannot be read as a config ({type(error).__name__}: {reason}).') from error
    is_stock = path.is_relative_to(folder)
    return f'{_STOCK}{path.relative_to(folder).as_posix()}' if is_stock else str(path), cfg


def _decode_head(name: str, cfg: Config) -> dict:
    """Config of the (last) decode head."""
    if not (cfg.get('model') and cfg.model.get('decode_head')):
        raise InputError(f'{name} has no model.decode_head; give the config of a segmentor.')
    if not isinstance(variant.last_head(cfg.model).type, str):
        raise InputError(f"{name} is written in mmengine's pure Python style, from which the printed config could not "
                         'inherit; use a config whose types are strings.')
    return variant.last_head(cfg.model.to_dict())


def _import_modules(name: str, cfg: Config) -> None:
    """Register what the config imports."""
    try:
        import_modules_from_strings(_imports(cfg))
    except ImportError as error:
        raise InputError(f'{name} imports a module that cannot be found ({error}); install it, or set PYTHONPATH to '
                         'its folder.') from error


def _check_kind(head: dict) -> None:
    """Refuse heads that compute no score map."""
    find_base_head(head['type'])
    # Of some heads only the instance shows that they predict no classes; the sizes do not matter for that.
    MODELS.build({**head, **variant.gdn_head_settings(head, (1, 1), (1, 1))})


def _checked_crop(name: str, crop: Size | None) -> Size:
    if crop is None:
        raise InputError(f'{name} does not say how large its training images are (data_preprocessor.size, RandomCrop '
                         'or crop_size); give the size with --crop H W.')
    if min(crop) < 1:
        raise InputError(f'--crop must be a height and a width in pixels, but got {crop[0]} {crop[1]}.')
    return crop


def _imports(cfg: Config) -> list[str]:
    """Modules that the config imports, and the plugin."""
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    return [*(name for name in imports if name != 'mmseg_gdn'), 'mmseg_gdn']


def _crop_lines(crop: Size, own_crop: Size | None) -> list[str]:
    if crop == own_crop:
        return []
    return [f'# The training pipeline must produce images of {crop[0]}x{crop[1]} px; this config does not change it.']


def _model_lines(segmentor: str, settings: dict) -> list[str]:
    return ['model = dict(', f'    type={segmentor!r},', *_call('    decode_head=dict', settings, ')')]


def _cascade_lines(settings: dict) -> list[str]:
    # Inheritance cannot change a single element of a list.
    return ['decode_head = _base_.model.decode_head', *_call('decode_head[-1].update', settings),
            'model = dict(decode_head=decode_head)']


def _optimizer_lines(cfg: Config) -> list[str]:
    wrapper = cfg.get('optim_wrapper') or {}
    if 'lr' not in (wrapper.get('optimizer') or {}):
        return ['# The config gives its optimizer no lr. Add one, and in optim_wrapper.paramwise_cfg:',
                f'#     custom_keys={_text(variant.KERNEL_KEYS)}']
    settings = variant.gdn_optim_wrapper_settings(wrapper)
    if 'paramwise_cfg' in wrapper and wrapper.paramwise_cfg is None:
        # A dict cannot be merged into None.
        settings['paramwise_cfg']['_delete_'] = True
    line = f'optim_wrapper = {_text(settings)}'
    if len(line) <= _LINE_LENGTH:
        return [line]
    paramwise_cfg = _call('    paramwise_cfg=dict', settings.pop('paramwise_cfg'), ')')
    return ['optim_wrapper = dict(', *(f'    {key}={value!r},' for key, value in settings.items()), *paramwise_cfg]


def _call(function: str, settings: dict, end: str = '') -> list[str]:
    """A call with keyword arguments: in one line, in the next line, or in a line each, whatever is short enough."""
    arguments = [f'{key}={_text(value)}' for key, value in settings.items()]
    line = f"{function}({', '.join(arguments)}){end}"
    if len(line) <= _LINE_LENGTH:
        return [line]
    indent = ' ' * (len(function) - len(function.lstrip()) + 4)
    line = f"{indent}{', '.join(arguments)}){end}"
    if len(line) <= _LINE_LENGTH:
        return [f'{function}(', line]
    return [f'{function}(', *(f'{indent}{argument},' for argument in arguments[:-1]), f'{indent}{arguments[-1]}){end}']


def _text(value: Any) -> str:
    """A value in the style of configs: ``dict(key=value)`` if all keys are names."""
    if not isinstance(value, dict):
        return repr(value)
    items = value.items()
    if all(key.isidentifier() for key in value):
        return f"dict({', '.join(f'{key}={_text(item)}' for key, item in items)})"
    return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in items)}}}"


if __name__ == '__main__':
    run_tool(main)
