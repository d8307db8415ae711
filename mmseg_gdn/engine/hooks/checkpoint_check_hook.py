"""Refuse a checkpoint that does not belong to the model when it is loaded."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner, find_latest_checkpoint
from mmseg.registry import HOOKS
from torch.distributed.fsdp import FullyShardedDataParallel, StateDictType

from mmseg_gdn.engine.checkpoint import TRAINING_STATE, bring_to_standard_form, check_weights
from mmseg_gdn.engine.class_order import check_class_order
from mmseg_gdn.engine.resumed_settings import compare_settings
from mmseg_gdn.utils import InputError


@HOOKS.register_module()
class CheckpointCheckHook(Hook):
    """Checks the checkpoints of ``load_from``, ``resume`` and testing, with any runner, strategy or wrapper.

    ``tools/train.py`` and ``tools/test.py`` add it as ``default_hooks.check_checkpoint``.

    Args:
        partial: Whether training may start from a checkpoint that fits the model only in part, such as one for another
            number of classes. Weights that do not fit then cause a warning. Resuming always needs the same model, and
            so does ``tools/test.py``.
    """

    # Before hooks that read the weights themselves, such as EMAHook.
    priority = 'VERY_HIGH'

    def __init__(self, partial: bool = False) -> None:
        self.partial = partial

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint before its weights reach the model.

        Args:
            runner: The runner that has read it.
            checkpoint: Content of the file; the prefix ``module.`` is removed from its keys.

        Raises:
            InputError: If it does not belong to the model (:func:`check_weights`), if it has the classes in another
                order, or if training would resume from weights without a training state or with another optimizer.
        """
        if isinstance(checkpoint.get('meta'), dict):
            # mmengine would run this text as a config when training resumes.
            checkpoint['meta'].pop('config', None)
        resuming = bool(runner._resume)
        source = str(runner._load_from or find_latest_checkpoint(runner.work_dir))
        if resuming:
            compare_settings(runner.cfg, checkpoint, source)
        if _is_sharded(runner.model):
            return
        bring_to_standard_form(checkpoint, source)
        if resuming and any(key not in checkpoint for key in TRAINING_STATE):
            raise InputError(
                f'{source} has weights without a training state, so training cannot resume from it; '
                'start a new training from its weights, with load_from and without resuming.'
            )
        check_weights(runner.model, checkpoint['state_dict'], source, resuming, self.partial)
        check_class_order(runner, checkpoint, source)


def _is_sharded(model: Any) -> bool:
    """Whether each process saves and loads its own shards, with FSDP's keys and shapes."""
    if not isinstance(model, FullyShardedDataParallel):
        return False
    return FullyShardedDataParallel.get_state_dict_type(model).state_dict_type is not StateDictType.FULL_STATE_DICT
