"""The last steps: the ensemble of both networks, and the archive for the VOC server."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from .counts import count_images, count_tested, has_test_images, tested_images
from .scoring_steps import tested_list
from .settings import Settings
from .stage_configs import complete_config, last_checkpoint, write_config
from .stages import FINAL, FOR_SERVER
from .step import Row, Step, Work

ENSEMBLE = 'ensemble_voc12'
_BYTES_PER_PREDICTION = 10_000


def ensemble_steps(settings: Settings, configs: dict[str, Config]) -> list[Step]:
    """Test the ensemble on val, plain and with the CRF; none for a single network."""
    if len(settings.networks) < 2:
        return []
    names = [FINAL.format(network=network) for network in settings.networks]
    path, inputs, needs = _write_ensemble(settings, configs, ENSEMBLE, names)
    ids, images = tested_list(settings), count_tested(settings)
    steps = []
    for name, crf in (('ensemble', ()), ('crf-ensemble', ('--crf',))):
        folder = settings.work_dir / 'scores' / name
        command = ('tools/test.py', str(path), '--work-dir', str(folder), *_ids(ids), *crf)
        steps.append(
            Step(
                name,
                'test the average of both networks on val' + (', with the CRF' if crf else ''),
                command,
                inputs=(path, *inputs, *filter(None, [ids])),
                needs=('lists', *needs),
                scores=folder,
                row=Row('ensemble', tested_images(settings), 'config' if crf else ''),
                extra=_crf_workers(settings) if crf else (),
                work=Work(names[0], test_images=len(names) * images, crf_images=images if crf else 0),
            )
        )
    return steps


def archive_steps(settings: Settings, configs: dict[str, Config]) -> list[Step]:
    """Write the archive and check it. Without test images it is one of val, by models that have not seen val."""
    is_test = has_test_images(settings)
    names = [
        _for_server(network, configs) if is_test else FINAL.format(network=network) for network in settings.networks
    ]
    ids = settings.ids('test') if is_test else tested_list(settings) or settings.ids('val')
    images = count_images(settings, 'test') if is_test else count_tested(settings)
    if len(names) > 1:
        path, inputs, needs = _write_ensemble(settings, configs, f'{ENSEMBLE}_archive', names)
        model = (str(path),)
    else:
        path, checkpoint = settings.config(names[0]), last_checkpoint(configs[names[0]], names[0], settings.work_dir)
        inputs, needs, model = (checkpoint,), (f'train-{names[0]}',), (str(path), str(checkpoint))
    archive = settings.work_dir / 'results.tar.gz'
    what = f'test, {images} images' if is_test else tested_images(settings)
    return [
        Step(
            'archive',
            f'write an archive for the VOC server, with the CRF: {what}',
            (
                'tools/test.py',
                *model,
                '--work-dir',
                str(settings.work_dir / 'scores' / 'archive'),
                '--submission',
                str(archive),
                *_ids(ids),
                '--crf',
            ),
            inputs=(path, *inputs, ids),
            outputs=(archive,),
            needs=('lists', *needs),
            extra=_crf_workers(settings),
            row=Row('archive', what, 'config'),
            work=Work(
                names[0], test_images=len(names) * images, crf_images=images, other=images * _BYTES_PER_PREDICTION
            ),
        ),
        Step(
            'check-archive',
            'check it as the server would',
            (
                'tools/check_submission.py',
                str(archive),
                '--ids',
                str(ids),
                '--images',
                str(settings.data_root / 'JPEGImages'),
            ),
            inputs=(archive, ids),
            needs=('archive',),
        ),
    ]


def _write_ensemble(
    settings: Settings, configs: dict[str, Config], name: str, members: list[str]
) -> tuple[Path, tuple[Path, ...], tuple[str, ...]]:
    """The config of an ensemble; gives its path, the checkpoints and configs it reads, and the steps that make them."""
    cfg = complete_config(settings, ENSEMBLE, configs)
    checkpoints = [last_checkpoint(configs[member], member, settings.work_dir) for member in members]
    cfg.model.members = [
        dict(config=str(settings.config(member)), checkpoint=str(checkpoint))
        for member, checkpoint in zip(members, checkpoints)
    ]
    path = write_config(cfg, settings.config(name))
    return path, (*map(settings.config, members), *checkpoints), tuple(f'train-{member}' for member in members)


def _for_server(network: str, configs: dict[str, Config]) -> str:
    """The model that was trained on val as well, if there is one."""
    name = FOR_SERVER.format(network=network)
    return name if name in configs else FINAL.format(network=network)


def _ids(path: Path | None) -> tuple[str, ...]:
    return ('--ids', str(path)) if path else ()


def _crf_workers(settings: Settings) -> tuple[str, str]:
    return '--crf-workers', str(settings.workers)
