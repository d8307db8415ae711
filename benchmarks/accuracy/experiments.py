"""The table of experiments: which runs answer which question. The order is that in which they are run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from experiment import Experiment

_SEEDS = (0, 1, 2)
_BILINEAR = Experiment(
    study='upsampling',
    data='voc',
    trunk='most',
    stride=32,
    optimizer='sgd',
    upsampling='bilinear',
    lr_mult=None,
    decay_mult=None,
    iterations=300,
    batch=8,
    seed=0,
)
_GDN = dict(upsampling='gdn', lr_mult=20, decay_mult=0)
_FAST = dict(_GDN, lr_mult=100)
_DECONV = dict(upsampling='deconv', lr_mult=1, decay_mult=0)
_FITTED = dict(_GDN, start=300, iterations=0, learns='fit_kernels')


def _runs(base: Experiment, variants: Iterable[dict[str, Any]], seeds: Iterable[int] = _SEEDS) -> list[Experiment]:
    return [replace(base, seed=seed, **variant) for variant in variants for seed in seeds]


def upsampling() -> list[Experiment]:
    """Does global interpolation beat bilinear interpolation and a learned deconvolution? Does the label loss help?"""
    camvid, voc = replace(_BILINEAR, data='camvid'), _BILINEAR
    frozen = dict(network='mobilenetv2-cut', trunk='frozen', stride=16)
    slow = [dict(_GDN, lr_mult=1), *(dict(_GDN, lr_mult=factor, decay_mult=1) for factor in (1, 20, 100))]
    return [
        *_runs(camvid, [{}, _GDN, _FAST, _DECONV, _FITTED, *slow, *_with_labels({}, _GDN, _DECONV)]),
        *_runs(replace(camvid, stride=16), [{}, _GDN, _FAST, _DECONV, *_with_labels({}, _FAST, _DECONV)]),
        *_runs(replace(camvid, **frozen), [{}, _GDN]),
        *_runs(replace(camvid, optimizer='adamw'), [{}, _GDN, _FAST]),
        *_runs(replace(camvid, head_lr_mult=10), [{}, _FAST]),
        *_runs(replace(camvid, trunk='trained'), [{}, _FAST]),
        *_runs(replace(camvid, iterations=600), [{}, _FAST]),
        *_runs(camvid, [dict(_FAST, start=300)]),
        *_runs(replace(camvid, iterations=900), [{}, _GDN, _FAST]),
        *_runs(voc, [{}, _GDN, _FAST, _DECONV, _FITTED, *_with_labels({}, _GDN, _DECONV)]),
        *_runs(replace(voc, stride=16), [{}, _GDN, _FAST, _DECONV, *_with_labels({}, _FAST, _DECONV)]),
        *_runs(replace(voc, **frozen), [{}, _GDN]),
        *_runs(replace(voc, head_lr_mult=10), [{}, _FAST]),
        *_runs(replace(voc, iterations=600), [{}, _GDN, _FAST]),
        *_runs(voc, [dict(_GDN, start=300)]),
    ]


def _with_labels(*variants: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(variant, labels=place) for variant in variants for place in ('scores', 'features')]


def checkpoints() -> list[Experiment]:
    """VOC for three times as long as the others; the networks under ``checkpoints/`` are of the first seed."""
    base = replace(_BILINEAR, study='checkpoints', iterations=900)
    return [*_runs(base, [{}, _FAST]), *_runs(base, [dict(_GDN, labels='features')], seeds=[0])]


def paper() -> list[Experiment]:
    """DeepLab-LargeFOV on VGG-16's trunk, then the matrices alone, as the authors' release was trained."""
    base = replace(_BILINEAR, study='paper', network='largefov', trunk='frozen', stride=8, optimizer='adam-fc')
    alone = dict(upsampling='gdn', start=300, learns='matrices', iterations=300)
    return _runs(
        base,
        [
            {},
            dict(alone, optimizer='adam', lr_mult=1, decay_mult=0),
            dict(alone, optimizer='adam', lr_mult=1, decay_mult=0, init='caffe'),
            dict(alone, optimizer='caffe', lr_mult=10, decay_mult=100, init='caffe'),
            dict(alone, optimizer='caffe', lr_mult=10, decay_mult=0),
        ],
    )


def spoilers() -> list[Experiment]:
    """What do crops in training, and other sizes in testing, do to the advantage of the matrices?"""
    camvid = replace(_BILINEAR, study='spoilers', data='camvid')
    tested = dict(learns='nothing')
    sizes = [dict(test_scale=0.5), dict(test_scale=0.75), dict(test_scale=1.25)]
    resampled = [_GDN, _FAST]
    # Scores of larger images than those trained on leave the matrices, so there is nothing to cut.
    sliced = [dict(variant, size_policy='slice') for variant in resampled]
    return [
        *_runs(replace(camvid, views='crops'), [{}, _GDN, _FAST]),
        *_runs(
            camvid,
            [
                dict(variant, **tested, **size)
                for size in sizes
                for variant in ({}, *resampled, *(sliced if size['test_scale'] < 1 else []))
            ],
        ),
    ]


def gpu() -> list[Experiment]:
    """End to end and ten times as long as on a CPU; ``benchmarks/gpu_accuracy.sh`` runs these."""
    base = replace(_BILINEAR, study='gpu', trunk='trained', iterations=3000)
    return [
        run
        for seed in _SEEDS
        for data in ('camvid', 'voc')
        for stride in (16, 32)
        for run in _runs(replace(base, data=data, stride=stride), [{}, _FAST], seeds=[seed])
    ]


def matrix_rates() -> list[Experiment]:
    """How fast should the matrices learn, compared with the rest of the network? Most wanted runs first.

    The baseline is factor 0: the matrices stay bilinear interpolation. It equals the stock head and, on CPUs, takes a
    third of its time.
    """
    frozen = Experiment(
        study='matrix-rates',
        data='camvid',
        trunk='frozen',
        stride=32,
        optimizer='sgd',
        upsampling='gdn',
        lr_mult=0,
        decay_mult=0,
        iterations=300,
        batch=8,
        seed=0,
    )
    factors = (0, 1, 5, 20, 50, 100)
    top = dict(trunk='top', iterations=200)

    def rates(optimizer: str, lr_mults: tuple[float, ...], **changes: Any) -> list[Experiment]:
        return [replace(frozen, optimizer=optimizer, lr_mult=lr_mult, **changes) for lr_mult in lr_mults]

    return [
        *rates('sgd', factors),
        *rates('adamw', factors),
        *rates('sgd', (0, 20, 100), data='voc'),
        *rates('sgd', factors, **top),
        *rates('adamw', factors, **top),
        *rates('sgd', (0,), seed=1),
        *rates('sgd', factors, **top, seed=1),
        *rates('adamw', factors, **top, seed=1),
    ]


EXPERIMENTS = [*upsampling(), *checkpoints(), *paper(), *spoilers(), *matrix_rates(), *gpu()]
# The variant that a study compares the others with.
BASELINES = {
    'upsampling': 'bilinear',
    'checkpoints': 'bilinear',
    'paper': 'bilinear',
    'spoilers': 'bilinear',
    'matrix-rates': 'x0',
    'gpu': 'bilinear',
}
