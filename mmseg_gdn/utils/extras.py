"""Packages that only some tools need: the extras of this package."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement

from .errors import InputError


def require_extra(name: str) -> None:
    """Stop where a package of an extra is missing or too old.

    Args:
        name: The extra, as ``setup.py`` names it, such as 'caffe' or 'crf'.

    Raises:
        InputError: If a package is not installed in the version that the extra asks for.
    """
    lacking = [requirement for requirement in _requirements(name) if not _is_met(requirement)]
    if not lacking:
        return
    found = ', '.join(
        f'{requirement.name} is {_version(requirement.name) or "not installed"}' for requirement in lacking
    )
    command = ' '.join(
        f"'{requirement.name}{requirement.specifier}'" if requirement.specifier else requirement.name
        for requirement in lacking
    )
    raise InputError(f'This needs packages of the extra {name!r} ({found}); run: pip install {command}')


def _requirements(extra: str) -> list[Requirement]:
    requirements = [Requirement(text) for text in metadata.requires('mmseg-gdn') or ()]
    return [
        requirement
        for requirement in requirements
        if requirement.marker is not None
        and requirement.marker.evaluate({'extra': extra})
        and not requirement.marker.evaluate({'extra': ''})
    ]


def _is_met(requirement: Requirement) -> bool:
    version = _version(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
