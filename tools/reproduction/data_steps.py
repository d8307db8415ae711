"""Steps that get the data and the weights."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from mmseg_gdn.utils.sources import Source, read_sources

from .settings import ROOT, Settings
from .stage_configs import first_weights
from .step import Step, Work

SOURCES = ROOT / 'tools' / 'sources.json'
_MEGABYTE = 10**6
_WEIGHTS = {'fcn32s': 'vgg16', 'largefov': 'vgg16-reduced'}
BERKELEY = Path('work_dirs/fcn32s_voc_caffe.pth')


def data_steps(settings: Settings) -> list[Step]:
    """Get or check the images, and write the lists of those that are tested."""
    lists = settings.work_dir / 'lists'
    parts = [] if settings.val_images is None else [(settings.val_images, lists / 'val.txt')]
    parts.append((settings.search_images, lists / 'crf_search.txt'))
    data = _check_data(settings) if settings.is_small else _get_data(settings)
    arguments = [argument for count, out in parts for argument in ('--part', str(count), str(out))]
    return [
        data,
        Step(
            'lists',
            'lists of the images to test and to search the CRF on',
            ('tools/reproduction/first_names.py', str(settings.ids('val')), *arguments),
            inputs=(settings.ids('val'),),
            outputs=tuple(out for _, out in parts),
            needs=('data',),
        ),
    ]


def weight_steps(settings: Settings, configs: dict[str, Config]) -> list[Step]:
    """Get or convert the ImageNet weights that the first stages start from."""
    layouts = dict(filter(None, map(first_weights, configs.values())))
    steps = [
        _convert(settings, layout, out) if settings.weights else _download(_WEIGHTS[layout], layout, out)
        for layout, out in layouts.items()
    ]
    if 'fcn32s' in settings.networks and not settings.is_small:
        steps.append(_download('fcn32s-voc', 'fcn32s-voc', BERKELEY))
    return steps


def _get_data(settings: Settings) -> Step:
    sources = read_sources(SOURCES)
    archives = sources['voc2012-trainval'].megabytes + sources['sbd'].megabytes
    return Step(
        'data',
        'VOC 2012 and SBD: download, merge, check',
        ('tools/dataset_converters/get_voc.py', '--data-root', str(settings.data_root.parent)),
        extra=_workers(settings),
        outputs=tuple(settings.ids(name) for name in ('train', 'aug', 'trainaug', 'val')),
        work=Work(download=archives * _MEGABYTE, other=(archives + sources['voc2012-trainval'].megabytes) * _MEGABYTE),
    )


def _check_data(settings: Settings) -> Step:
    lists = [settings.ids(name) for name in ('train', 'aug', 'val')]
    return Step(
        'data',
        'check the images and masks',
        ('tools/dataset_converters/check_voc.py', '--data-root', str(settings.data_root), '--any-count'),
        extra=_workers(settings),
        inputs=tuple(path for path in lists if path.is_file()),
    )


def _workers(settings: Settings) -> tuple[str, str]:
    return '--workers', str(settings.workers)


def _convert(settings: Settings, layout: str, out: Path) -> Step:
    size = settings.weights.stat().st_size if settings.weights.is_file() else 0
    return Step(
        f'weights-{layout}',
        f'convert {settings.weights.name} for {layout}',
        ('tools/model_converters/caffe2mmseg.py', str(settings.weights), str(out), '--layout', layout),
        inputs=(settings.weights,),
        outputs=(out,),
        work=Work(other=size),
    )


def _download(name: str, layout: str, out: Path) -> Step:
    source: Source = read_sources(SOURCES)[name]
    return Step(
        f'weights-{layout}',
        f'download and convert: {source.what}',
        ('tools/model_converters/get_weights.py', name, '--out', str(out)),
        outputs=(out,),
        work=Work(download=source.megabytes * _MEGABYTE, other=2 * source.megabytes * _MEGABYTE),
    )
