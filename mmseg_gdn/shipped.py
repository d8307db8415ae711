"""Configs, tools, checkpoints and the index of models that come with the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).parent
PREFIX = 'mmseg_gdn::'
_FILES = ('Config', 'Weights')  # keys of the index whose values are paths


def is_installed() -> bool:
    """Whether this package lies outside any clone, and has files of its own."""
    return (_PACKAGE / '.mim').is_dir()


def shipped_folder() -> Path:
    """The folder with ``configs``, ``tools``, ``checkpoints`` and ``model-index.yml``."""
    return _PACKAGE / '.mim' if is_installed() else _PACKAGE.parent


def shipped_config(name: str) -> Path:
    """Path of a config that is named as in ``_base_``.

    Args:
        name: Such as ``mmseg_gdn::gdn/demo_gdn.py``.
    """
    return shipped_folder() / 'configs' / name[len(PREFIX) :]


def offer_shipped_files() -> None:
    """Let ``_base_ = 'mmseg_gdn::...'`` find configs, and mmengine's inferencers find models by their names."""
    _offer_configs()
    _offer_models()


def _offer_configs() -> None:
    from mmengine.config import Config

    stock = Config._get_cfg_path

    def path(name: str, filename: str) -> tuple[str, str | None]:
        # mmengine would look up all types of such a config in registries of that name, which this package has not.
        return (str(shipped_config(name)), None) if name.startswith(PREFIX) else stock(name, filename)

    Config._get_cfg_path = staticmethod(path)


def _offer_models() -> None:
    from mmengine.infer import BaseInferencer

    stock = BaseInferencer._get_models_from_metafile

    def models(folder: str) -> Iterator[dict]:
        yield from stock(folder)
        if folder == BaseInferencer._get_repo_or_mim_dir('mmseg'):
            yield from map(_with_whole_paths, stock(str(shipped_folder())))

    BaseInferencer._get_models_from_metafile = staticmethod(models)


def _with_whole_paths(model: dict) -> dict:
    """An entry of the index whose files are found from everywhere; most models have no weights to download."""
    paths = {key: str(shipped_folder() / model[key]) for key in _FILES if key in model}
    return {**model, 'Weights': None, **paths}
