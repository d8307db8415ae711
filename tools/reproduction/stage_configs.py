"""The configs of the stages, completed by where data, weights and results are."""

from __future__ import annotations

from pathlib import Path
from pprint import pformat
from typing import Any

from mmengine.config import Config

from mmseg_gdn.utils import InputError, atomic_write

from .settings import Settings

# Two, so that there is one to go on from if the last is damaged.
_KEPT = 2
_SAVES_OF_SHORT_TRAININGS = 4


def complete_config(settings: Settings, name: str, earlier: dict[str, Config]) -> Config:
    """Read a stage's config and set what depends on the user's folders.

    Args:
        settings: The user's options.
        name: Name of the config.
        earlier: Completed configs of the stages before, by name.

    Returns:
        The config. A training is seeded, so that it has the same result whether it was interrupted or not.

    Raises:
        InputError: If the stage that it starts from is not among ``earlier``, or if the user's options do not fit.
    """
    cfg = Config.fromfile(settings.source(name))
    for dataloader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        _place_data(cfg.get(dataloader), settings)
    if cfg.get('train_dataloader'):
        # Options may have any type and meet any setting.
        try:
            _set_options(cfg, settings.options)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise InputError(
                f'--cfg-options do not fit {settings.source(name)} ({type(error).__name__}: {error}); correct them.'
            ) from error
        _place_start(cfg, name, settings, earlier)
    return cfg


def _set_options(cfg: Config, options: dict[str, Any]) -> None:
    cfg.merge_from_dict(options)
    numbers = dict(
        max_iters=cfg.train_cfg.max_iters,
        val_interval=cfg.train_cfg.get('val_interval', 1),
        batch_size=cfg.train_dataloader.batch_size,
        accumulative_counts=cfg.optim_wrapper.get('accumulative_counts', 1),
    )
    for key, value in numbers.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f'{key} is {value!r}, but has to be a whole number, 1 or more')
    cfg.randomness = dict(dict(seed=0), **cfg.get('randomness', {}))
    cfg.default_hooks.checkpoint.update(interval=_save_interval(cfg), max_keep_ckpts=_KEPT)


def write_config(cfg: Config, path: Path) -> Path:
    """Write a config, unless the file has it already.

    Args:
        cfg: The config.
        path: The file.

    Returns:
        The file.
    """
    text = ''.join(f'{key} = {pformat(value, width=118, sort_dicts=False)}\n' for key, value in cfg.to_dict().items())
    if not path.is_file() or path.read_bytes() != text.encode():
        with atomic_write(path) as partial:
            partial.write_text(text)
    return path


def last_checkpoint(cfg: Config, name: str, work_dir: Path) -> Path:
    """Where a stage ends."""
    return work_dir / name / f'iter_{cfg.train_cfg.max_iters}.pth'


def first_weights(cfg: Config) -> tuple[str, Path] | None:
    """Layout and converted Caffe weights from which a config starts, unless it starts from another stage."""
    hook = _weights_hook(cfg)
    if cfg.get('load_from') or hook is None or hook.get('from_scratch'):
        return None
    return hook.layout, Path(hook.checkpoint)


def _place_data(part: Any, settings: Settings) -> None:
    """Set the folder of every data set, and leave out those whose list the folder lacks."""
    if isinstance(part, dict):
        if 'data_root' in part:
            part['data_root'] = str(settings.data_root)
        if settings.is_small and 'datasets' in part:
            part['datasets'] = [data for data in part['datasets'] if (settings.data_root / data['ann_file']).is_file()]
        for value in part.values():
            _place_data(value, settings)
    elif isinstance(part, (list, tuple)):
        for value in part:
            _place_data(value, settings)


def _place_start(cfg: Config, name: str, settings: Settings, earlier: dict[str, Config]) -> None:
    hook = _weights_hook(cfg)
    if hook is not None and settings.weights:
        hook.checkpoint = str(settings.work_dir / 'weights' / f'vgg16_caffe_{hook.layout}.pth')
    if not cfg.get('load_from'):
        return
    before = Path(cfg.load_from).parent.name
    if before not in earlier:
        raise InputError(
            f'{settings.source(name)} starts from {cfg.load_from}, but the plan trains no {before} before it.'
        )
    cfg.load_from = str(last_checkpoint(earlier[before], before, settings.work_dir))


def _weights_hook(cfg: Config) -> Any:
    return next((hook for hook in cfg.get('custom_hooks') or [] if hook.type == 'CaffeWeightsHook'), None)


def _save_interval(cfg: Config) -> int:
    """Checkpoints are saved between two updates, where no gradients are being summed up."""
    batches = cfg.optim_wrapper.get('accumulative_counts', 1)
    wanted = min(cfg.default_hooks.checkpoint.interval, cfg.train_cfg.max_iters // _SAVES_OF_SHORT_TRAININGS)
    return max(wanted // batches, 1) * batches
