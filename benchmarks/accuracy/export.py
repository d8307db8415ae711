"""Writes the network of a run as a checkpoint: weights only, in half precision, for the config of the same network."""

from __future__ import annotations

import argparse
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import torch
from experiment import Experiment
from experiments import EXPERIMENTS
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from network import Network
from recipe import dataset, model
from torch import Tensor
from trainer import load_trained

from mmseg_gdn.utils import InputError, atomic_write, run_tool


def main() -> None:
    """Write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('name', help='name of a run in experiments.py that has been made')
    parser.add_argument('out', type=Path, metavar='CHECKPOINT.pth', help='file to write')
    parser.add_argument('--voc', type=Path, required=True, help='folder of VOC; classes and colours are taken from it')
    parser.add_argument(
        '--weights',
        type=Path,
        default='work_dirs/mobilenet_v2_imagenet.pth',
        help='ImageNet weights of MobileNetV2 (default: %(default)s)',
    )
    parser.add_argument(
        '--scratch',
        type=Path,
        default='work_dirs/accuracy',
        help='folder of the trained weights (default: %(default)s)',
    )
    args = parser.parse_args()
    found = [experiment for experiment in EXPERIMENTS if experiment.name == args.name]
    if not found:
        raise InputError(f'experiments.py has no run named {args.name}.')
    init_default_scope('mmseg')
    export(found[0], args.weights, args.scratch, args.voc, args.out)
    print(f'{args.out}: {args.out.stat().st_size / 2**20:.2f} MiB')


def export(experiment: Experiment, weights: Path, scratch: Path, folder: Path, out: Path) -> None:
    """Write a checkpoint.

    Args:
        experiment: A run whose weights are in ``scratch``.
        weights: ImageNet weights of the trunk, for the stages that were not trained.
        scratch: Folder of the trained weights.
        folder: Where the data set lies.
        out: File to write.

    Raises:
        InputError: If the run has not been made, or if a weight does not fit into half precision.
    """
    segmentor = MODELS.build(model(experiment, weights))
    segmentor.init_weights()
    network = Network(segmentor, experiment)
    load_trained(network, experiment, scratch)
    state = segmentor.state_dict()  # the network's modules are the segmentor's
    if network.label_head is not None:
        state.update(network.label_head.state_dict(prefix='auxiliary_head.0.'))
    metainfo = DATASETS.build(dataset(experiment.data, folder, 'val')).metainfo
    meta = dict(dataset_meta={key: metainfo[key] for key in ('classes', 'palette')}, experiment=experiment.name)
    with atomic_write(out) as partial:
        torch.save(dict(meta=meta, state_dict={name: _halved(name, value) for name, value in state.items()}), partial)


def _halved(name: str, value: Tensor) -> Tensor:
    value = value.contiguous()
    if not value.is_floating_point():
        return value
    half = value.half()
    if not half.isfinite().all():
        raise InputError(f'{name} has values that half precision cannot hold.')
    return half


if __name__ == '__main__':
    run_tool(main)
