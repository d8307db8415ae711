"""A small data set in VOC's layout, drawn instead of downloaded: textured shapes over textured backgrounds."""

from __future__ import annotations

import colorsys
import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.regular import require_no_pipe

NUM_SHAPES, NUM_TEXTURES = 5, 4  # a class for each combination: VOC's 20
VOID, BORDER = 255, 2  # label and width in pixels of the rim around every object
_DRAWN = re.compile(r'(train|val|test)_\d{4,}')  # names of images
_SIDES = (96, 128)  # shortest and longest side of an image, in pixels


def make_synthetic_voc(root: str | Path, train: int = 480, val: int = 80, test: int = 20, seed: int = 0) -> None:
    """Write a data set; the same arguments give the same pixels.

    Args:
        root: The folder ``VOC2012`` to write.
        train: Number of training images.
        val: Number of validation images.
        test: Number of test images, without masks.
        seed: Seed of the random numbers.

    Raises:
        InputError: If the folder holds another data set.
    """
    root = Path(root)
    _require_no_other_data(root)
    for folder in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, (name, count) in enumerate((('train', train), ('val', val), ('test', test))):
        ids = [f'{name}_{index:04d}' for index in range(count)]
        for index, image_id in enumerate(ids):
            image, mask = draw_scene(np.random.default_rng((seed, number, index)))
            with atomic_write(root / 'JPEGImages' / f'{image_id}.jpg') as partial:
                Image.fromarray(image).save(partial, quality=92)
            if name != 'test':
                palette_mask = Image.fromarray(mask)
                palette_mask.putpalette(voc_palette().tobytes())
                with atomic_write(root / 'SegmentationClass' / f'{image_id}.png') as partial:
                    palette_mask.save(partial)
        # The lists are written last, so a data set that has them is complete.
        with atomic_write(root / 'ImageSets/Segmentation' / f'{name}.txt') as partial:
            partial.write_text('\n'.join(ids) + '\n')


def _require_no_other_data(root: Path) -> None:
    for path in sorted((root / 'ImageSets/Segmentation').glob('*.txt')):
        require_no_pipe(path)
        names = path.read_text(encoding='utf-8', errors='replace').split()
        if not all(_DRAWN.fullmatch(name) for name in names):
            raise InputError(f'{path} is a list of another data set, which this would overwrite; name an empty folder.')


def draw_scene(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One image with one to three objects.

    Args:
        generator: Source of random numbers.

    Returns:
        Image (H, W, 3), uint8, RGB; and labels (H, W), uint8: 0 background, 1..20, 255 around objects.
    """
    height, width = generator.integers(_SIDES[0], _SIDES[1] + 1, 2).tolist()
    image = _background(generator, height, width)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(generator.integers(1, 4)):
        label = int(generator.integers(1, NUM_SHAPES * NUM_TEXTURES + 1))
        inside = _silhouette(generator, (label - 1) // NUM_TEXTURES, height, width)
        rim = cv2.dilate(inside, np.ones((3, 3), np.uint8), iterations=BORDER // 2) - cv2.erode(
            inside, np.ones((3, 3), np.uint8), iterations=BORDER // 2
        )
        surface = _surface(generator, label, height, width)
        image = np.where(inside[..., None] > 0, surface, image)
        mask[inside > 0] = label
        mask[rim > 0] = VOID
    noise = generator.normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), mask


def _background(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Clouds of two greyish colours."""
    coarse = generator.random((7, 7)).astype(np.float32)
    clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    one, other = generator.uniform(60, 190, (2, 1)) + generator.uniform(-25, 25, (2, 3))
    return clouds * one + (1 - clouds) * other


def _surface(generator: np.random.Generator, label: int, height: int, width: int) -> np.ndarray:
    """The class's texture in the class's colour, turned at random."""
    shape, texture = divmod(label - 1, NUM_TEXTURES)
    hue = (texture / NUM_TEXTURES + shape / (NUM_SHAPES * NUM_TEXTURES)) % 1
    colour = 255 * np.array(colorsys.hsv_to_rgb(hue, 0.55, generator.uniform(0.65, 0.95)))
    angle = generator.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width]
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    patterns = (np.sin(u), np.sin(u * 0.7) * np.sin(v * 0.7), np.sin(u * 0.5) + np.sin(v * 1.1), np.sin(u * 0.4))
    return colour * (1 + 0.3 * patterns[texture])[..., None]


def _silhouette(generator: np.random.Generator, shape: int, height: int, width: int) -> np.ndarray:
    """A disc, bar, triangle, star or cross of random size, place and angle: 1 inside, 0 outside."""
    radius = generator.uniform(0.18, 0.36) * min(height, width)
    centre = generator.uniform(0.2, 0.8, 2) * (width, height)
    corners = {
        0: _polar(np.linspace(0, 2 * np.pi, 48, endpoint=False), np.ones(48)),
        1: np.array([(-1.3, -0.35), (1.3, -0.35), (1.3, 0.35), (-1.3, 0.35)]),
        2: _polar(np.arange(3) * 2 * np.pi / 3, np.full(3, 1.25)),
        3: _polar(np.arange(10) * np.pi / 5, np.tile((1.3, 0.5), 5)),
        4: np.array(
            [
                (-1.2, -0.3),
                (-0.3, -0.3),
                (-0.3, -1.2),
                (0.3, -1.2),
                (0.3, -0.3),
                (1.2, -0.3),
                (1.2, 0.3),
                (0.3, 0.3),
                (0.3, 1.2),
                (-0.3, 1.2),
                (-0.3, 0.3),
                (-1.2, 0.3),
            ]
        ),
    }[shape]
    angle = generator.uniform(0, 2 * np.pi)
    rotation = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    points = centre + radius * corners @ rotation
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [np.round(points).astype(np.int32)], 1)
    return inside


def _polar(angles: np.ndarray, radii: np.ndarray) -> np.ndarray:
    return np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None]
