"""What has to be known about versions of the stack: which ones cannot work, and remedies for those that can.

Two stacks are supported, with the same import names: OpenMMLab's packages and the maintained OneDL forks.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import warnings
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Callable

from packaging.version import Version

OPENMMLAB = ('mmengine', 'mmcv-lite', 'mmsegmentation', 'mmpretrain')
ONEDL = ('onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation', 'onedl-mmpretrain')
_ALTERNATIVES = {'mmcv-lite': ('mmcv', ), 'mmengine': ('mmengine-lite', )}
_INSTALL = "pip install 'mmseg-gdn[openmmlab]'"
_PURGE = f'pip uninstall -y {" ".join((*OPENMMLAB, "mmcv", *ONEDL))}'


def prepare_stack() -> None:
    """Check what is installed and apply the remedies it needs; called once, by ``import mmseg_gdn``.

    Raises:
        ImportError: If the installed versions cannot work; the message names the command that mends it.
    """
    # mmengine needs pkg_resources, the versions of setuptools that have it warn at every start.
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
    installed = installed_versions()
    problem = diagnose(installed, torchvision_failure())
    if problem is not None:
        raise ImportError(problem)
    tolerate_missing_ops()
    allow_training_state()
    never_run_code_of_checkpoints()
    if 'onedl-mmsegmentation' in installed:
        resolve_config_prefix()
        import_data_sets_quietly()


def installed_versions() -> dict[str, str]:
    """Versions of every package the checks look at, by name; what is not installed is missing."""
    names = {'torch', 'torchvision', 'setuptools', *OPENMMLAB, *ONEDL}
    names.update(name for others in _ALTERNATIVES.values() for name in others)
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def torchvision_failure() -> str | None:
    """What goes wrong when torchvision is imported, which is how a torch of another release shows."""
    try:
        import torchvision  # noqa: F401
    # A missing operator is a RuntimeError, a missing symbol an OSError, ...
    except Exception as error:
        return str(error).splitlines()[0]
    return None


def diagnose(installed: Mapping[str, str], torchvision_error: str | None = None) -> str | None:
    """Say what is wrong with a set of installed packages.

    Args:
        installed: Version by package name.
        torchvision_error: What importing torchvision raised, if it did.

    Returns:
        One message that names the problem and the command that mends it, or ``None`` if all is well.
    """
    for name in ('torch', 'torchvision'):
        if name not in installed:
            return f'mmseg_gdn needs {name}, which is not installed; run: pip install torch torchvision'
    if torchvision_error:
        return (f"torchvision {installed['torchvision']} does not work with torch {installed['torch']} "
                f'({torchvision_error}); install two releases made for each other, such as: '
                'pip install torch==2.14.1 torchvision==0.29.1')
    upstream = [name for name in _with_alternatives(OPENMMLAB) if name in installed]
    forks = [name for name in ONEDL if name in installed]
    if upstream and forks:
        return (f'Both stacks are installed ({", ".join(upstream)} and {", ".join(forks)}); they overwrite each '
                f"other's files. Remove both and install one: {_PURGE} && {_INSTALL}")
    if not upstream and not forks:
        return (f'mmseg_gdn needs MMSegmentation, and none is installed; run: {_INSTALL} '
                "(or 'mmseg-gdn[onedl]' for the maintained forks)")
    return _diagnose_onedl(installed) if forks else _diagnose_openmmlab(installed)


def _diagnose_onedl(installed: Mapping[str, str]) -> str | None:
    missing = [name for name in ONEDL if name not in installed]
    if missing:
        return f"The OneDL stack lacks {', '.join(missing)}; run: pip install 'mmseg-gdn[onedl]'"
    return None


def _diagnose_openmmlab(installed: Mapping[str, str]) -> str | None:
    missing = [name for name in OPENMMLAB
               if not any(option in installed for option in (name, *_ALTERNATIVES.get(name, ())))]
    if missing:
        return f"The OpenMMLab stack lacks {', '.join(missing)}; run: {_INSTALL}"
    if 'mmcv' in installed and 'mmcv-lite' in installed:
        return ("mmcv and mmcv-lite are both installed and overwrite each other's files; "
                "run: pip uninstall -y mmcv mmcv-lite && pip install 'mmcv-lite>=2.0,<2.2'")
    mmcv = next(name for name in ('mmcv', 'mmcv-lite') if name in installed)
    if not Version('2.0.0rc4') <= Version(installed[mmcv]) < Version('2.2'):
        return (f"{mmcv} {installed[mmcv]} does not work with mmsegmentation {installed['mmsegmentation']}, which "
                f"takes >=2.0,<2.2; run: pip install '{mmcv}>=2.0,<2.2'")
    if 'setuptools' not in installed or Version(installed['setuptools']) >= Version('82'):
        found = f"setuptools {installed['setuptools']}" if 'setuptools' in installed else 'no setuptools'
        return (f'mmengine needs pkg_resources, which setuptools has up to version 81, but {found} is installed; '
                "run: pip install 'setuptools<82'")
    return None


def _with_alternatives(names: tuple[str, ...]) -> list[str]:
    return [option for name in names for option in (name, *_ALTERNATIVES.get(name, ()))]


def tolerate_missing_ops() -> None:
    """Let mmseg be imported without mmcv's compiled operators.

    mmseg imports some of them unguarded (point sampling, focal loss, SAN), although few models call one. What
    is missing then raises a clear error where it is called.
    """
    if find_spec('mmcv._ext') is not None:
        return
    from mmcv.utils import ext_loader

    def load_ext(name: str, funcs: list[str]) -> SimpleNamespace:
        return SimpleNamespace(**{function: _missing_op(function) for function in funcs})

    ext_loader.load_ext = load_ext


def _missing_op(name: str) -> Callable:
    def call(*args, **kwargs) -> None:
        raise RuntimeError(f"This model calls mmcv's compiled operator {name!r}, which mmcv-lite does not have; "
                           "install a full build instead: pip uninstall -y mmcv-lite && "
                           "pip install --no-build-isolation 'mmcv>=2.0,<2.2'")

    return call


def allow_training_state() -> None:
    """Let ``torch.load(weights_only=True)``, the default since torch 2.6, read what mmengine's checkpoints hold.

    Beside weights these are the histories of logged values: NumPy arrays in a ``HistoryBuffer``, whose methods are
    pickled as ``getattr(HistoryBuffer, name)``; no other use of ``getattr`` is let through.
    """
    import numpy
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return

    def history_method(owner: type, name: str) -> Callable:
        if owner is not HistoryBuffer:
            raise pickle.UnpicklingError(f'A checkpoint may not read the attribute {name!r} of {owner!r}.')
        return getattr(owner, name)

    multiarray = numpy._core.multiarray if hasattr(numpy, '_core') else numpy.core.multiarray
    scalar_types = ('Float64', 'Float32', 'Int64')
    torch.serialization.add_safe_globals([
        HistoryBuffer, (history_method, 'builtins.getattr'), numpy.ndarray, numpy.dtype, multiarray._reconstruct,
        multiarray.scalar,
        *(getattr(numpy.dtypes, f'{name}DType') for name in scalar_types if hasattr(numpy, 'dtypes'))
    ])


def never_run_code_of_checkpoints() -> None:
    """Keep the OneDL fork from loading what ``weights_only=True`` has refused once more without it."""
    import torch
    from mmengine.runner import checkpoint

    def load(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
        return torch.load(file, map_location=map_location, weights_only=weights_only is not False)

    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = load


def resolve_config_prefix() -> None:
    """Let ``_base_ = 'mmseg::...'`` find the configs of the OneDL fork, which goes by another package name."""
    from mmengine.config.utils import MODULE2PACKAGE
    MODULE2PACKAGE['mmseg'] = 'mmseg'


def import_data_sets_quietly() -> None:
    """Keep the OneDL fork from printing that its optional client is missing, amid the results of every tool."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        import mmseg.datasets  # noqa: F401
    for line in printed.getvalue().splitlines():
        if line != 'Could not import OneDL':
            print(line)
