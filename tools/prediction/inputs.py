"""Which images to predict, and where each prediction goes."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.images import IMAGE_SUFFIXES

CLASSES, OVERLAY, PROBABILITIES = '.png', '_overlay.jpg', '_probabilities.npz'


def plan_outputs(sources: Sequence[str], out: Path) -> dict[Path, Path]:
    """Find the images, and choose distinct names for their predictions.

    Args:
        sources: Files, folders and patterns. Folders are searched with their sub-folders for files that have the suffix
            of an image; hidden ones and those in ``out`` are left out.
        out: Folder of the predictions.

    Returns:
        For each image the path of its predictions without a suffix. The sub-folders of a folder, or of the fixed part
        of a pattern, are kept.

    Raises:
        InputError: If nothing is found, if two predictions would get the same name, or if one would replace an image.
    """
    targets: dict[Path, Path] = {}
    seen = set()
    for source in sources:
        for image, root in _find(source, out):
            if os.path.abspath(image) not in seen:
                seen.add(os.path.abspath(image))
                targets[image] = out / _name(image.relative_to(root))
    _require_distinct(targets)
    _protect_images(targets)
    return targets


def _find(source: str, out: Path) -> Iterator[tuple[Path, Path]]:
    """Each image, and the folder relative to which it is named."""
    path = Path(source)
    if path.is_dir():
        return ((file, path) for file in _images_below(path, out))
    # A file that does not exist is reported later, with those that cannot be read.
    if path.exists() or not glob.has_magic(source):
        return iter([(path, path.parent)])
    files = [Path(found) for found in sorted(glob.glob(source, recursive=True)) if os.path.isfile(found)]
    if not files:
        raise InputError(f'No file matches {source}.')
    return ((file, _fixed_part(source)) for file in files)


def _images_below(folder: Path, out: Path) -> list[Path]:
    folder_of_results = out.resolve()
    if folder_of_results == folder.resolve():
        raise InputError(
            f'The images of {folder} are to be predicted, so the results cannot be put among them; choose '
            'another folder with --out.'
        )
    nested = folder.resolve() in folder_of_results.parents
    images = sorted(
        file
        for file in folder.rglob('*')
        if file.suffix.lower() in IMAGE_SUFFIXES
        and file.is_file()
        and not any(part.startswith('.') for part in file.relative_to(folder).parts)
        and not (nested and folder_of_results in file.resolve().parents)
    )
    if not images:
        raise InputError(f'The folder {folder} has no images; their names end in {", ".join(IMAGE_SUFFIXES)}.')
    return images


def _fixed_part(pattern: str) -> Path:
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _name(image: Path) -> Path:
    return image.with_suffix('') if image.suffix.lower() in IMAGE_SUFFIXES else image


def _require_distinct(targets: Mapping[Path, Path]) -> None:
    owners: dict[Path, Path] = {}
    for image, target in targets.items():
        if target in owners:
            raise InputError(
                f'The predictions of {owners[target]} and {image} would both be called {target}{CLASSES}; '
                'predict them in two calls, or rename one. The sub-folders of a folder are kept.'
            )
        owners[target] = image


def _protect_images(targets: Mapping[Path, Path]) -> None:
    images = {image.resolve() for image in targets}
    for target in targets.values():
        for suffix in (CLASSES, OVERLAY, PROBABILITIES):
            result = Path(f'{target}{suffix}')
            if result.resolve() in images:
                raise InputError(
                    f'The image {result} would be replaced by a prediction; choose another folder with --out.'
                )
