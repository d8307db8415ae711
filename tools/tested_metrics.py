"""Which metrics ``tools/test.py`` computes, what it writes, and the CRF before them."""

from __future__ import annotations

from mmengine.config import Config

from mmseg_gdn.datasets.tested_images import loading_step
from mmseg_gdn.evaluation.dense_crf import make_crf
from mmseg_gdn.evaluation.voc_submission import require_voc_classes
from mmseg_gdn.utils import InputError, require_extra
from mmseg_gdn.utils.type_names import type_name

_WRITERS_OF_CLASSES = ('IoUMetric', 'PerClassIoUMetric', 'CityscapesMetric')


def submit_instead_of_evaluating(cfg: Config, archive: str, competition: str) -> None:
    """Let the test write an archive for the VOC server.

    Args:
        cfg: Config of the test; changed in place. An evaluator that refines predictions still does so.
        archive: The archive to write.
        competition: ``'comp5'`` or ``'comp6'``.

    Raises:
        InputError: If the model predicts another number of classes.
    """
    _set_metrics(cfg, [dict(type='VOCSubmission', out=archive, competition=competition)])
    cfg.test_cfg = cfg.get('test_cfg') or dict(type='TestLoop')
    heads = cfg.model.get('decode_head')
    head = heads[-1] if isinstance(heads, (list, tuple)) else heads
    if head and 'num_classes' in head:
        require_voc_classes(head['num_classes'], 'model')


def write_classes(cfg: Config, folder: str) -> None:
    """Let the first metric that can write predictions do so, or add one.

    Args:
        cfg: Config of the test; changed in place.
        folder: Where to write.
    """
    metrics = _metrics(cfg.test_evaluator)
    writers = [metric for metric in metrics if type_name(metric) in _WRITERS_OF_CLASSES]
    if writers:
        writers[0].update(output_dir=folder, keep_results=True)
    else:
        metrics.append(dict(type='IoUMetric', format_only=True, output_dir=folder))
    _set_metrics(cfg, metrics)


def refine_with_crf(cfg: Config, workers: int | None) -> None:
    """Refine predictions before the metrics see them, with the parameters in the config's ``crf``.

    Args:
        cfg: Config of the test; changed in place. A ``CRFEvaluator`` keeps its own parameters.
        workers: Number of processes; default: see ``CRFEvaluator``.

    Raises:
        InputError: If pydensecrf is missing, if a parameter has no meaning, or if the config has an evaluator of
            another kind.
    """
    require_extra('crf')
    crf = cfg.get('crf')
    make_crf(crf)
    evaluator = cfg.test_evaluator
    kind = evaluator.get('type', 'Evaluator') if _is_composed(evaluator) else 'Evaluator'
    if kind not in ('Evaluator', 'CRFEvaluator'):
        raise InputError(
            f'--crf puts CRFEvaluator in the place of Evaluator, but test_evaluator.type is {kind!r}; '
            'test without --crf, or with another test_evaluator.'
        )
    own = dict(crf=crf, loading=loading_step(cfg.test_dataloader.dataset))
    if kind == 'CRFEvaluator':
        own = dict(evaluator)
    cfg.test_evaluator = dict(
        own,
        type='CRFEvaluator',
        metrics=_metrics(evaluator),
        workers=own.get('workers') if workers is None else workers,
    )


def _metrics(evaluator: dict | list) -> list[dict]:
    metrics = evaluator['metrics'] if _is_composed(evaluator) else evaluator
    return list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]


def _set_metrics(cfg: Config, metrics: list[dict]) -> None:
    evaluator = cfg.get('test_evaluator')
    cfg.test_evaluator = dict(evaluator, metrics=metrics) if _is_composed(evaluator) else metrics


def _is_composed(evaluator: dict | list | None) -> bool:
    return isinstance(evaluator, dict) and 'metrics' in evaluator
