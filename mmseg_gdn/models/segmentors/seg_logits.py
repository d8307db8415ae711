"""Who reads the full-size scores of a prediction, its ``seg_logits``?"""

from __future__ import annotations

from typing import Any, Literal

from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import EVALUATOR, HOOKS, LOOPS, METRICS, VISUALIZERS

# Read for mmseg 1.2 and mmengine 0.10: of a prediction they take pred_sem_seg and meta data, or nothing.
_CLASSES_ONLY = {
    'mmengine.Evaluator', 'mmseg.IoUMetric', 'mmseg.CityscapesMetric', 'mmseg_gdn.VOCSubmission',
    'mmengine.ValLoop', 'mmengine.TestLoop',
    'mmengine.IterTimerHook', 'mmengine.LoggerHook', 'mmengine.EmptyCacheHook', 'mmseg.SegVisualizationHook',
    'mmengine.Visualizer', 'mmseg.SegLocalVisualizer',
}
# How mmengine's loops hand predictions to a hook.
_HANDED_PREDICTIONS = ('_after_iter', 'after_val_iter', 'after_test_iter')


def reads_only_classes(cfg: Config, split: Literal['val', 'test']) -> bool:
    """Whether nothing that a config names reads the ``seg_logits`` of validation or test predictions.

    Args:
        cfg: Config of a run.
        split: ``'val'`` or ``'test'``.

    Returns:
        False if :func:`seg_logits_readers` finds any.
    """
    return not seg_logits_readers(cfg, split)


def seg_logits_readers(cfg: Config, split: Literal['val', 'test']) -> list[str]:
    """What a config names that is handed predictions and may read their ``seg_logits``.

    mmseg's metrics and its visualization read classes only, and most hooks never see a prediction. Everything else,
    such as mmengine's ``DumpResults`` or somebody's own metric, counts as a reader.

    Args:
        cfg: Config of a run.
        split: ``'val'`` or ``'test'``.

    Returns:
        Names of the types of evaluators, metrics, loops, hooks and visualizers.
    """
    evaluators = _as_list(cfg.get(f'{split}_evaluator'))
    metrics = [metric for evaluator in evaluators for metric in _as_list(_metrics_of(evaluator))]
    hooks = [*(cfg.get('default_hooks') or {}).values(), *_as_list(cfg.get('custom_hooks'))]
    readers = [
        *_unknown([part for part in evaluators if _metrics_of(part) is not part], EVALUATOR, 'Evaluator'),
        *_unknown(metrics, METRICS),
        *_unknown(_as_list(cfg.get(f'{split}_cfg')), LOOPS, f'{split.title()}Loop'),
        *_unknown(hooks, HOOKS),
        *_unknown(_as_list(cfg.get('visualizer')), VISUALIZERS, 'Visualizer'),
    ]
    return list(dict.fromkeys(readers))


def _as_list(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _metrics_of(evaluator: Any) -> Any:
    return evaluator['metrics'] if isinstance(evaluator, dict) and 'metrics' in evaluator else evaluator


def _unknown(parts: list, registry: Any, default: str | None = None) -> list[str]:
    """Names of the types that are not known to leave ``seg_logits`` alone."""
    names = []
    for part in filter(None, parts):
        type_ = part.get('type', default) if isinstance(part, dict) else type(part)
        found = registry.get(type_) if isinstance(type_, str) else type_
        if not isinstance(found, type) or not _leaves_scores_alone(found):
            names.append(type_ if isinstance(type_, str) else type_.__name__)
    return names


def _leaves_scores_alone(type_: type) -> bool:
    if f'{type_.__module__.split(".")[0]}.{type_.__name__}' in _CLASSES_ONLY:
        return True
    return issubclass(type_, Hook) and all(
        getattr(type_, method) is getattr(Hook, method) for method in _HANDED_PREDICTIONS)
