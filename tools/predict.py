"""Predict photographs: class indices as palette PNGs, and overlays with a legend."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg_gdn.prediction.default_model import default_model
from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.images import read_image
from mmseg_gdn.utils.lock import only_user
from mmseg_gdn.utils.options import ConfigOptions
from mmseg_gdn.utils.places import IN_USE, require_folder
from prediction.inputs import plan_outputs

if TYPE_CHECKING:  # importing it takes seconds, and --help does not need it
    from mmseg_gdn.prediction.predictor import Predictor

CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')
HINT = 'name a config and a checkpoint before the images: python tools/predict.py CONFIG CHECKPOINT IMAGES'


def parse_args() -> argparse.Namespace:
    """Options of the command line, with ``config``, ``checkpoint`` and ``images`` told apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, usage='%(prog)s [CONFIG CHECKPOINT] IMAGES... [--out DIR] [options]'
    )
    parser.add_argument(
        'paths',
        nargs='+',
        metavar='[CONFIG CHECKPOINT] IMAGES...',
        help='config, checkpoint, and then files, folders or patterns such as "photos/**/*.jpg"; '
        'without a config the model in checkpoints/default.json predicts',
    )
    parser.add_argument('--out', default='predictions', metavar='DIR', help='folder to write; default: %(default)s')
    parser.add_argument(
        '--probabilities',
        action='store_true',
        help='also write the probabilities of the classes, as .npz files (C, H, W) in float16',
    )
    parser.add_argument('--device', help='where to predict, such as cpu; default: a GPU, if there is one')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='settings that override the config'
    )
    args = parser.parse_intermixed_args()
    args.config = args.checkpoint = None
    args.images = args.paths
    if len(args.paths) > 1 and args.paths[1].endswith(CONFIG_SUFFIXES):
        parser.error(f'name the config {args.paths[1]} before the checkpoint {args.paths[0]}')
    if args.paths[0].endswith(CONFIG_SUFFIXES):
        if len(args.paths) < 3:
            parser.error(f'after the config {args.paths[0]}, name a checkpoint and at least one image')
        args.config, args.checkpoint, *args.images = args.paths
    return args


def main() -> None:
    """Predict."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.device import get_device

    from mmseg_gdn.prediction.predictor import Predictor
    from mmseg_gdn.prediction.quiet import quietly

    config, checkpoint = (args.config, args.checkpoint) if args.config else default_model(HINT)
    targets = plan_outputs(args.images, Path(args.out))
    require_folder(args.out, 'the folder of predictions', '--out')
    with only_user(Path(args.out), IN_USE, '--out', stays=False):
        print(f'model: {config}, {checkpoint}')
        with quietly():
            predictor = Predictor(config, checkpoint, args.device or get_device(), args.cfg_options)
        failed = predict_all(predictor, targets, args.probabilities)
    print(f'{args.out}: predictions of {len(targets) - failed} of {len(targets)} images')
    if failed:
        raise InputError(f'{failed} of {len(targets)} images could not be predicted, for the reasons above.')


def predict_all(predictor: Predictor, targets: dict[Path, Path], with_probabilities: bool) -> int:
    """Predict images and write the results; name those for which this is not possible on standard error.

    Args:
        predictor: The model.
        targets: Path of the results, without a suffix, for each image.
        with_probabilities: Whether to write probabilities.

    Returns:
        How many images could not be predicted.
    """
    from mmengine.utils import ProgressBar

    from prediction.outputs import write_prediction

    failed = 0
    bar = ProgressBar(len(targets), file=sys.stderr)
    for path, target in targets.items():
        try:
            image = read_image(path)
            prediction = predictor(image, path, with_probabilities)
        except InputError as error:
            failed += 1
            reason = str(error) if str(path) in str(error) else f'{path}: {error}'
            print(f'\nskipped: {reason}', file=sys.stderr)
        else:
            write_prediction(target, image, prediction, predictor.legend)
        bar.update()
    print(file=sys.stderr)
    return failed


if __name__ == '__main__':
    run_tool(main)
