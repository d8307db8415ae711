"""What ``fit_kernels.py`` can work on."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from mmseg_gdn.datasets.require_data import require_data
from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.places import require_file_place

_NEEDED = ('train_dataloader', 'val_dataloader', 'val_evaluator', 'val_cfg')


def require_inputs(config: Path, checkpoint: str, out: str) -> None:
    """Check the files of the command line before anything is computed.

    Args:
        config: File of the stock config.
        checkpoint: Weights of the stock model.
        out: Weights to write.

    Raises:
        InputError: If there is no such checkpoint, or if ``out`` cannot be written or would replace an input.
    """
    require_checkpoint(checkpoint)
    path = Path(out)
    if path.suffix != '.pth':
        raise InputError(f'--out {out} does not end in .pth; name a file such as gdn.pth.')
    for written, given in ((path, checkpoint), (path.with_suffix('.py'), config)):
        if written.resolve() == Path(given).resolve():
            raise InputError(f'--out {out} would replace {given}; choose another name.')
    require_file_place(path, 'the weights', '--out')


def require_kind(name: str, cfg: Config) -> None:
    """Make sure that a config validates whole images with a plain segmentor.

    Args:
        name: Name of the config, for messages.
        cfg: Stock config, whose decode head has been checked.

    Raises:
        InputError: If something is missing, or of another kind.
    """
    missing = [key for key in _NEEDED if not cfg.get(key)]
    if missing:
        raise InputError(
            f'{name} sets no {" and no ".join(missing)}, but fitting needs training images, and '
            'validation decides whether it helped; use a config that has them.'
        )
    if cfg.model.type.rsplit('.', 1)[-1] != 'EncoderDecoder':
        raise InputError(
            f'{name} has a {cfg.model.type}, but matrices can be fitted to an EncoderDecoder only; for a '
            'cascade, train the variant that tools/gdn_variant.py prints.'
        )
    if (cfg.model.get('test_cfg') or {}).get('mode', 'whole') != 'whole':
        raise InputError(
            f'{name} tests with sliding windows, but the matrices are fitted to whole images; to test '
            'whole images, add --cfg-options model.test_cfg.mode=whole.'
        )
    require_data(cfg.train_dataloader.dataset)
    require_data(cfg.val_dataloader.dataset)
