"""What a user should know before starting: files, expected numbers, time, memory, devices, disk."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_gdn.utils.sources import read_sources

from .data_steps import SOURCES
from .estimates import checkpoint_bytes, training_memory
from .results import published
from .scoring_steps import PUBLISHED_MODELS
from .step import Row

COSTS = Path(__file__).with_name('costs.json')
_GIGABYTE = 10**9
_WIDTH = 118
# Not downloaded by a tool of this project.
_BY_HAND = (
    (
        'VOC test',
        "the images of VOC 2012's test list, for the archive; after registration at the challenge's server, "
        'unpack them into the folder of trainval',
        'http://host.robots.ox.ac.uk:8080/',
    ),
    (
        "authors' release",
        'gdn.caffemodel, linked in the README, and the matrices w0_500.npy and w1_500.npy in model; '
        'give all three by --released',
        'https://github.com/DrSleep/GDN',
    ),
)
_TEXT = """\
files:
{files}

expected numbers (mean IoU in percent; published, not measured here):
{tested}
{server}

trainings, with what they need and what is published:
{trained}
  The first numbers are iterations x images per iteration (number of iterations whose gradients make one update).
  Memory is computed, not measured: weights, gradients, momentum, and the activations kept for the backward pass of
  this batch. The libraries' workspaces and, in stages of matrices alone, the forward pass come on top. A checkpoint
  holds the weights and the momentum. Seconds per image: {device};
  --dry-run measures on your machine.

more than one GPU (--gpus N):
  The batch of a Caffe recipe grows with the number of processes, so each training uses the largest number of at most N
  that divides its batch, and gives each process its share: the published total is kept. FCN-32s trains on one image per
  update and therefore on one GPU. Losses are then averaged over the means of the processes instead of over all pixels.
  A training may go on with another number of GPUs.

disk:
  Two checkpoints are kept for each training, so that there is one to go on from if the last is damaged: 2.2 GB for each
  of FCN-32s, and 1.1 GB more while the next is written. Those before the last, and the folders named *.old-*, may be
  deleted.

results:
  WORK_DIR/results.md and results.json. Logs are in WORK_DIR/logs, what is known of each step in WORK_DIR/steps.
"""


def costs() -> dict[str, Any]:
    """What the full-size trainings need, by name of the config under ``configs``; and the ``device`` of the seconds."""
    return json.loads(COSTS.read_text())


def costs_of(configs: dict[str, Config], measured: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What stands under ``configs`` in costs.json, from what ``--dry-run`` measures.

    Args:
        configs: Completed configs of the trainings, by name.
        measured: Their measurements, by name.

    Returns:
        ``iterations``, images per iteration (``batch``), iterations per update (``batches``), bytes of GPU ``memory``
        and of a ``checkpoint``, and seconds per image in training and testing.
    """
    return {
        name: dict(
            iterations=cfg.train_cfg.max_iters,
            batch=cfg.train_dataloader.batch_size,
            batches=cfg.optim_wrapper.get('accumulative_counts', 1),
            memory=training_memory(measured[name], cfg.train_dataloader.batch_size)[0],
            checkpoint=checkpoint_bytes(measured[name]),
            train_seconds=round(measured[name]['train_seconds'], 2),
            test_seconds=round(measured[name]['test_seconds'], 2),
        )
        for name, cfg in configs.items()
    }


def epilog() -> str:
    """The text after the options in ``--help``."""
    files = [
        *(
            (source.name, f'{source.what} ({source.megabytes} MB)', source.url)
            for source in read_sources(SOURCES).values()
        ),
        *_BY_HAND,
    ]
    table = costs()
    return _TEXT.format(
        files='\n'.join(_paragraph(f'{name}: {what}', url) for name, what, url in files),
        tested='\n'.join(_paragraph(name, _expected(name)) for name in PUBLISHED_MODELS),
        trained='\n'.join(_paragraph(name, _cost(one), _expected(name)) for name, one in table['configs'].items()),
        server=_paragraph('archive', _expected('archive')),
        device=table['device'],
    )


def _paragraph(title: str, *texts: str) -> str:
    lines = [textwrap.fill(title, _WIDTH, initial_indent='  ', subsequent_indent='    ')]
    # Addresses must not be broken.
    lines += [
        textwrap.fill(
            text,
            _WIDTH,
            initial_indent='    ',
            subsequent_indent='    ',
            break_on_hyphens=False,
            break_long_words=False,
        )
        for text in texts
    ]
    return '\n'.join(lines)


def _cost(one: dict[str, Any]) -> str:
    batches = f' ({one["batches"]})' if one['batches'] > 1 else ''
    return (
        f'{one["iterations"]} x {one["batch"]}{batches}, GPU {one["memory"] / _GIGABYTE:.1f} GB, checkpoint '
        f'{one["checkpoint"] / _GIGABYTE:.2f} GB, {one["train_seconds"]:.1f} s per training image'
    )


def _expected(name: str) -> str:
    plain, refined = published(Row(name, '')), published(Row(name, '', 'config'))
    numbers = [
        f'{quoted["miou"]} on {quoted["measured_on"]}, {quoted["source"]}'
        for quoted in (plain, refined)
        if quoted.get('miou')
    ]
    return '; '.join(dict.fromkeys(numbers)) or f'no number: {plain["source"]}'
