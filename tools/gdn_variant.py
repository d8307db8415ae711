"""Print the config that makes the GDN variant of a stock config or of one of your own."""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool

if TYPE_CHECKING:  # importing these takes seconds, and --help needs none of them
    from mmengine.config import Config

    from mmseg_gdn.models.variant import Size


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='mmseg::FAMILY/NAME.py, or the path of a config file')
    parser.add_argument(
        '--crop',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        help='height and width of the training images; default: what the config says',
    )
    return parser.parse_args()


def main() -> None:
    """Print the variant."""
    args = parse_args()
    from mmengine.logging import MMLogger

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
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.registry import init_default_scope

    from mmseg_gdn.models import variant
    from mmseg_gdn.models.variant_file import checked_head, find_stock_config, variant_file_text

    base, path = find_stock_config(name)
    cfg = _read(name, path)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    head = checked_head(name, cfg)
    own_crop = variant.training_crop(cfg)
    out_size = _checked_crop(name, crop or own_crop)
    settings = variant.gdn_head_settings(head, variant.find_score_size(cfg.model.to_dict(), out_size), out_size)
    return variant_file_text(base, cfg, settings, 'tools/gdn_variant.py', _crop_lines(out_size, own_crop))


def _read(name: str, path: Path) -> Config:
    from mmengine.config import Config

    # A config is a program and may raise any exception.
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except Exception as error:
        reason = ' '.join(str(error).split())[:300]
        raise InputError(f'{name} cannot be read as a config ({type(error).__name__}: {reason}).') from error


def _checked_crop(name: str, crop: Size | None) -> Size:
    if crop is None:
        raise InputError(
            f'{name} does not say how large its training images are (data_preprocessor.size, RandomCrop '
            'or crop_size); give the size with --crop H W.'
        )
    if min(crop) < 1:
        raise InputError(f'--crop must be a height and a width in pixels, but got {crop[0]} {crop[1]}.')
    return crop


def _crop_lines(crop: Size, own_crop: Size | None) -> list[str]:
    if crop == own_crop:
        return []
    return [f'# The training pipeline must produce images of {crop[0]}x{crop[1]} px; this config does not change it.']


if __name__ == '__main__':
    run_tool(main)
