"""What is installed, what of it cannot work, what is missing, and the commands that repair it.

Two stacks are supported, with the same import names: OpenMMLab's packages and the maintained OneDL forks. Commands
name packages of PyPI, so that they work beside a clone and beside an installed package alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec

from packaging.requirements import Requirement
from packaging.version import Version

# What to install for each module.
OPENMMLAB = {
    'mmengine': 'mmengine==0.10.7',
    'mmcv': 'mmcv-lite>=2.0,<2.2',
    'mmseg': 'mmsegmentation==1.2.2',
    'mmpretrain': 'mmpretrain==1.2.0',
}
ONEDL = {
    'mmengine': 'onedl-mmengine>=0.10.12,<0.11',
    'mmcv': 'onedl-mmcv>=2.3.6,<2.4',
    'mmseg': 'onedl-mmsegmentation>=1.4.2,<1.5',
    'mmpretrain': 'onedl-mmpretrain>=1.3.6,<1.4',
}
# mmcv's setup builds the operators only where it can see torch, and needs pkg_resources.
_BUILD = "pip install 'setuptools<82' wheel && pip install --no-build-isolation"
_FULL_MMCV = 'mmcv>=2.0,<2.2'
# mmseg imports the last two without declaring them.
_NEEDED = ('mmengine', 'mmcv', 'mmseg', 'ftfy', 'regex')
_MODULES = ('torch', 'torchvision', 'mmpretrain', 'pkg_resources', *_NEEDED)


def _name(requirement: str) -> str:
    return Requirement(requirement).name


# Distributions by module; the first stack has more than one for some.
_UPSTREAM = {
    'mmengine': ('mmengine', 'mmengine-lite'),
    'mmcv': ('mmcv', 'mmcv-lite'),
    'mmseg': ('mmsegmentation',),
    'mmpretrain': ('mmpretrain',),
}
_FORKS = {module: (_name(requirement),) for module, requirement in ONEDL.items()}


@dataclass(frozen=True)
class Stack:
    """What the checks look at.

    Attributes:
        versions: Version of each installed distribution.
        modules: Modules that can be found, whichever distribution provides them.
        failures: Error of each module that could not be imported; not every import is tried.
    """

    versions: Mapping[str, str]
    modules: AbstractSet[str]
    failures: Mapping[str, str] = field(default_factory=dict)

    def installed(self, distributions: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Which of these distributions are installed."""
        return [name for names in distributions.values() for name in names if name in self.versions]

    @property
    def is_onedl(self) -> bool:
        """Whether the OneDL forks are installed."""
        return bool(self.installed(_FORKS))

    @property
    def requirements(self) -> dict[str, str]:
        """What to install for each module in this stack."""
        return ONEDL if self.is_onedl else OPENMMLAB

    def describe(self) -> str:
        """The stack's name and the versions of its packages."""
        names = self.installed(_FORKS if self.is_onedl else _UPSTREAM)
        packages = ', '.join(f'{name} {self.versions[name]}' for name in names)
        return f'{"OneDL" if self.is_onedl else "OpenMMLab"}: {packages or "no packages"}'


def find_stack(thorough: bool = False) -> Stack:
    """Find out what is installed, and import what may be broken.

    Args:
        thorough: Whether to import torchvision in any case. It takes a second, so ``import mmseg_gdn`` does so only if
            torchvision declares that it needs another version of torch.
    """
    modules = {name for name in _MODULES if _is_found(name)}
    failures = {}
    if modules.issuperset(('torch', *_NEEDED)):
        suspects = ['torch', 'mmseg']
        if find_spec('mmcv._ext') is not None:
            modules.add('mmcv._ext')
            suspects.append('mmcv.ops')
        if 'torchvision' in modules and (thorough or not _torchvision_fits()):
            suspects.append('torchvision')
        failures = {name: reason for name in suspects if (reason := import_failure(name))}
        if not failures and not _defines_operators():
            failures['torch'] = 'torch.library.register_autograd is missing'
    return Stack(installed_versions(), modules, failures)


def _is_found(module: str) -> bool:
    """Whether a module exists, and is not just a folder left behind by an uninstalled package."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


def installed_versions() -> dict[str, str]:
    """Versions of the relevant packages that are installed, by name."""
    names = {'torch', 'torchvision', *sum([*_UPSTREAM.values(), *_FORKS.values()], ())}
    versions = {}
    for name in sorted(names):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def import_failure(module: str) -> str | None:
    """First line of the error that importing a module raises, or ``None`` if it can be imported."""
    try:
        import_module(module)
    # A version that is refused is an AssertionError, a missing symbol an OSError, a missing operator a RuntimeError.
    except Exception as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    return None


def _defines_operators() -> bool:
    """Whether torch is new enough for the operators of this package."""
    import torch

    return hasattr(torch.library, 'register_autograd')


def _torchvision_fits() -> bool:
    """Whether torchvision declares that it works with this torch."""
    try:
        requirements = [Requirement(text) for text in metadata.requires('torchvision') or ()]
        version = metadata.version('torch')
    except metadata.PackageNotFoundError:
        return True
    return all(
        requirement.specifier.contains(version, prereleases=True)
        for requirement in requirements
        if requirement.name == 'torch'
    )


def find_problem(stack: Stack) -> str | None:
    """Say why a stack cannot work.

    Args:
        stack: What is installed.

    Returns:
        One message that names the problem and the command that fixes it, or ``None`` if the stack can work.
    """
    if 'torch' not in stack.modules:
        return 'mmseg_gdn needs PyTorch, which is not installed; run: pip install torch'
    upstream, forks = stack.installed(_UPSTREAM), stack.installed(_FORKS)
    if upstream and forks:
        return (
            f'Both stacks are installed ({", ".join(upstream)} and {", ".join(forks)}) and overwrite each '
            f"other's files. Remove both and install one: pip uninstall -y {' '.join(upstream + forks)} && "
            f'{_install(OPENMMLAB)}'
        )
    missing = [name for name in _NEEDED if name not in stack.modules]
    if 'mmcv' in missing and 'mmcv' in stack.versions:
        return (
            "mmcv's files are missing, which happens when mmcv-lite is uninstalled beside it; "
            f'run: {_reinstall_mmcv(stack)}'
        )
    if 'mmseg' in missing:
        return f'mmseg_gdn needs MMSegmentation, which is not installed; run: {_install(stack.requirements, missing)}'
    if missing:
        return f'MMSegmentation needs {", ".join(missing)}, not installed; run: {_install(stack.requirements, missing)}'
    return _find_failure(stack)


def _find_failure(stack: Stack) -> str | None:
    failures = {module: reason.rstrip('.') for module, reason in stack.failures.items()}
    if 'torch' in failures:
        return (
            f'torch {_version(stack, "torch")} cannot be used ({failures["torch"]}); mmseg_gdn needs 2.4 or newer. '
            'Install one for this machine as described on pytorch.org, and a torchvision and mmcv that match it'
        )
    if 'mmseg' in failures:
        return f'mmseg cannot be imported ({failures["mmseg"]}); {_remedy_for_mmseg(stack)}'
    if 'mmcv.ops' in failures:
        return (
            f"mmcv's compiled operators cannot be loaded ({failures['mmcv.ops']}); build them for the installed "
            f'torch: {_reinstall_mmcv(stack)}'
        )
    if 'torchvision' in failures:
        return (
            f'torchvision {_version(stack, "torchvision")} does not work with torch {_version(stack, "torch")} '
            f'({failures["torchvision"]}), which stops training and testing; run: '
            f'pip install --upgrade {_torchvision(stack)}'
        )
    return None


def _version(stack: Stack, package: str) -> str:
    return stack.versions.get(package, 'of unknown version')


def _remedy_for_mmseg(stack: Stack) -> str:
    """What to do if mmseg itself cannot be imported; it refuses versions of two packages, and names them."""
    reason = stack.failures['mmseg'].lower()
    if 'mmcv==' in reason:
        full = 'mmcv' in stack.versions
        return f'run: {_BUILD} {_FULL_MMCV!r}' if full else f'run: {_install(stack.requirements, ["mmcv"])}'
    if 'mmengine==' in reason:
        return f'run: {_install(stack.requirements, ["mmengine"])}'
    return "see the whole error with: python -c 'import mmseg'"


def find_shortcomings(stack: Stack) -> list[str]:
    """Say what is missing from a stack that works otherwise.

    Args:
        stack: What is installed.

    Returns:
        One message per shortcoming that says what does not work and names the command that fixes it.
    """
    found = []
    if 'pkg_resources' not in stack.modules and not stack.is_onedl:
        found.append(
            "For _base_ = 'mmseg::...' in configs mmengine needs pkg_resources, which the installed "
            "setuptools lacks; run: pip install 'setuptools<82'"
        )
    if 'mmpretrain' not in stack.modules:
        torchvision = '' if 'torchvision' in stack.modules else f' {_torchvision(stack)}'
        found.append(
            'Backbones named mmpretrain.* need mmpretrain, which is not installed; for such configs run: '
            f'{_install(stack.requirements, ["mmpretrain"])}{torchvision}'
        )
    elif 'torchvision' not in stack.modules:
        found.append(
            'mmpretrain needs torchvision, which is not installed; for backbones named mmpretrain.* run: '
            f'pip install {_torchvision(stack)}'
        )
    if 'mmcv' in stack.versions and 'mmcv-lite' in stack.versions:
        if 'mmcv._ext' in stack.modules:
            remedy = f'Keep the full one: pip uninstall -y mmcv-lite && {_reinstall_mmcv(stack)}'
        else:
            remedy = (
                'Neither has compiled operators; keep mmcv-lite: pip uninstall -y mmcv mmcv-lite && '
                f'{_install(stack.requirements, ["mmcv"])}'
            )
        found.append(f"mmcv and mmcv-lite are both installed and overwrite each other's files. {remedy}")
    return found


def _install(requirements: Mapping[str, str], modules: Iterable[str] = _NEEDED) -> str:
    """Command that installs some modules of a stack."""
    wanted = [requirements.get(module, module) for module in modules]
    return 'pip install ' + ' '.join(f"'{text}'" if set('<>') & set(text) else text for text in wanted)


def _reinstall_mmcv(stack: Stack) -> str:
    """Command that puts back the files of the full mmcv."""
    name = 'onedl-mmcv' if stack.is_onedl else 'mmcv'
    version = f'=={stack.versions[name]}' if name in stack.versions else ''
    return f'{_BUILD} --no-deps --force-reinstall {name}{version}'


def _torchvision(stack: Stack) -> str:
    """Arguments for pip: the torchvision that fits the installed torch, which is to stay as it is."""
    torch = f' torch=={Version(stack.versions["torch"]).public}' if 'torch' in stack.versions else ''
    return f'torchvision{torch}'
