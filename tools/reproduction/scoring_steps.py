"""Steps that test models, with and without the CRF, and that search its parameters."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from .counts import count_images, count_tested, tested_images
from .data_steps import BERKELEY
from .settings import Settings
from .stage_configs import last_checkpoint
from .stages import FINAL
from .step import Row, Step, Work

# Weights and colour deviations around those of DeepLab's script; a smaller grid for trying things out.
_GRID = {'--bi-w': ('3', '4', '5'), '--bi-xy': ('49',), '--bi-rgb': ('3', '5')}
_SMALL_GRID = {'--bi-w': ('4', '5'), '--bi-xy': ('49',), '--bi-rgb': ('5',)}
# Those that the search keeps of an image of 500x375.
_BYTES_OF_SCORES = 7 * 10**6
_RELEASED = 'deeplab-largefov_gdn_released'
_BERKELEYS = 'fcn32s_voc11valid'
PUBLISHED_MODELS = (_RELEASED, _BERKELEYS)


def rescoring_steps(settings: Settings) -> list[Step]:
    """Test the published models, before anything is trained."""
    if settings.is_small:
        return []
    steps = []
    if 'fcn32s' in settings.networks:
        images = count_images(settings, 'seg11valid')
        steps.append(
            Step(
                'list-seg11valid',
                "the list of the images that Berkeley's FCN-32s is validated on",
                ('tools/dataset_converters/voc_lists.py', 'seg11valid', '--data-root', str(settings.data_root)),
                outputs=(settings.ids('seg11valid'),),
                needs=('data',),
            )
        )
        steps.append(
            _test(
                settings,
                f'rescore-{_BERKELEYS}',
                "test Berkeley's FCN-32s on seg11valid",
                Row(_BERKELEYS, f'seg11valid, {images} images'),
                BERKELEY,
                ('list-seg11valid', 'weights-fcn32s-voc'),
                None,
                images,
            )
        )
    if settings.released:
        model, *matrices = settings.released
        out = settings.work_dir / 'weights' / 'gdn_released.pth'
        steps.append(
            Step(
                'weights-released',
                "convert the authors' released model",
                (
                    'tools/model_converters/caffe2mmseg.py',
                    str(model),
                    str(out),
                    '--layout',
                    'largefov',
                    '--kernels',
                    *map(str, matrices),
                ),
                inputs=settings.released,
                outputs=(out,),
            )
        )
        images = count_images(settings, 'val')
        steps.append(
            _test(
                settings,
                f'rescore-{_RELEASED}',
                "test the authors' released model on val",
                Row(_RELEASED, f'val, {images} images'),
                out,
                ('data', 'weights-released'),
                None,
                images,
            )
        )
    return steps


def scoring_steps(settings: Settings, name: str, cfg: Config) -> list[Step]:
    """Test a stage on val, plain and with the CRF of its config; none if it was trained on val."""
    if not cfg.get('val_dataloader'):
        return []
    arguments = (
        last_checkpoint(cfg, name, settings.work_dir),
        ('lists', f'train-{name}'),
        tested_list(settings),
        count_tested(settings),
    )
    images = tested_images(settings)
    return [
        _test(settings, f'test-{name}', 'test on val', Row(name, images), *arguments),
        _test(
            settings, f'crf-{name}', 'test on val, with the CRF of the config', Row(name, images, 'config'), *arguments
        ),
    ]


def search_steps(settings: Settings, configs: dict[str, Config]) -> list[Step]:
    """Search the CRF of each network's last stage on a part of val, and test with the best one."""
    steps = []
    for network in settings.networks:
        name = FINAL.format(network=network)
        checkpoint = last_checkpoint(configs[name], name, settings.work_dir)
        folder, ids = settings.work_dir / f'crf_search_{network}', settings.work_dir / 'lists' / 'crf_search.txt'
        grid = _SMALL_GRID if settings.is_small else _GRID
        points = len(grid['--bi-w']) * len(grid['--bi-xy']) * len(grid['--bi-rgb'])
        images = min(settings.search_images, count_images(settings, 'val'))
        needs = ('lists', f'train-{name}')
        search = Step(
            f'crf-search-{network}',
            f'search the CRF on the first {images} images of val, {points} sets of parameters',
            (
                'tools/analysis_tools/crf_search.py',
                str(settings.config(name)),
                str(checkpoint),
                '--ids',
                str(ids),
                '--out',
                str(folder),
                *(word for option, values in grid.items() for word in (option, *values)),
            ),
            inputs=(settings.config(name), checkpoint, ids),
            outputs=(folder / 'crf_search.json',),
            needs=needs,
            folder=folder,
            extra=('--workers', str(settings.workers)),
            work=Work(name, test_images=images, crf_images=images * points, other=images * _BYTES_OF_SCORES),
        )
        steps += [
            search,
            _test(
                settings,
                f'crf-best-{network}',
                'test on val, with the CRF that was found',
                Row(name, f'{tested_images(settings)}; the CRF was searched on the first {images} of val', 'found'),
                checkpoint,
                (*needs, search.name),
                tested_list(settings),
                count_tested(settings),
                search.outputs[0],
            ),
        ]
    return steps


def tested_list(settings: Settings) -> Path | None:
    """The list of the images that models are tested on; ``None`` for that of the config."""
    return None if settings.val_images is None else settings.work_dir / 'lists' / 'val.txt'


def _test(
    settings: Settings,
    name: str,
    what: str,
    row: Row,
    checkpoint: Path,
    needs: tuple[str, ...],
    ids: Path | None,
    images: int,
    best_of: Path | None = None,
) -> Step:
    path, folder = settings.config(row.model), settings.work_dir / 'scores' / name
    command = (
        'tools/test.py',
        str(path),
        str(checkpoint),
        '--work-dir',
        str(folder),
        *(('--ids', str(ids)) if ids else ()),
        *(('--crf',) if row.crf else ()),
    )
    return Step(
        name,
        what,
        command,
        inputs=tuple(filter(None, (path, checkpoint, ids, best_of))),
        needs=needs,
        scores=folder,
        best_of=best_of,
        row=row,
        extra=('--crf-workers', str(settings.workers)) if row.crf else (),
        work=Work(row.model, test_images=images, crf_images=images if row.crf else 0),
    )
