"""Watch the matrices of global interpolation during training."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_gdn.engine.background import check_background
from mmseg_gdn.engine.gradient_watch import GradientWatch, all_matrices
from mmseg_gdn.engine.unwrap import whole_model
from mmseg_gdn.utils import InputError

_START = 'global_interp_start'
_ENOUGH = 0.05


@HOOKS.register_module()
class GlobalInterpHook(Hook):
    """Logs how far each matrix has moved, and stops a training in which the matrices cannot learn.

    ``|K - start| / |start|`` (Frobenius norms) is logged as ``<matrix>.moved`` whenever mmengine's ``LoggerHook`` logs,
    and again at the end of training, with a warning if it is less than 5 %. ``start`` is the matrix that training began
    with, after loading; it is kept in checkpoints, so a resumed training is measured from the same start. Frozen
    matrices are left out. ``tools/train.py`` adds this hook as ``default_hooks.global_interp``.
    """

    def __init__(self) -> None:
        self._start: dict[str, Tensor] = {}
        self._watch: GradientWatch | None = None

    def before_train(self, runner: Runner) -> None:
        """Compare the background settings of multi-label heads with the data.

        Args:
            runner: The runner of the training.

        Raises:
            InputError: See :func:`check_background`.
        """
        with whole_model(runner.model) as model:
            check_background(model, getattr(runner.train_dataloader.dataset, 'metainfo', {}))

    def before_train_epoch(self, runner: Runner) -> None:
        """Note where the matrices start, after all hooks have loaded weights, and watch the first step.

        Args:
            runner: The runner of the training.
        """
        if self._watch is None:
            # Frozen matrices as well, because a hook may unfreeze them later.
            self._start = {name: self._start.get(name, value) for name, value, _ in _copies(runner.model)}
            self._watch = GradientWatch(runner.model)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Check that the first step has reached the matrices, and log how far they have moved.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Results of the step.

        Raises:
            InputError: If a matrix got no gradient.
        """
        unreached = self._watch.stop() if self._watch else []
        if unreached:
            raise InputError(
                f'No gradient reaches {", ".join(unreached)}: the losses do not depend on it, so it would '
                'never change. Use a head that computes its scores in forward, or freeze the matrices.'
            )
        interval = next((hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), 0)
        if self.every_n_inner_iters(batch_idx, interval) or self.end_of_epoch(runner.train_dataloader, batch_idx):
            for name, share in self._moved(runner.model).items():
                runner.message_hub.update_scalar(f'train/{name}.moved', share)

    def after_train(self, runner: Runner) -> None:
        """Log how far the matrices have moved.

        Args:
            runner: The runner of the training.
        """
        moved = self._moved(runner.model)
        if not moved:
            return
        told = ', '.join(f'{name} {share:.1%}' for name, share in moved.items())
        print_log(f'Moved since the start of training, relative to its size: {told}.', runner.logger)
        # Matrices that have not moved at all are kept on purpose, by a learning rate of 0.
        if any(0 < share < _ENOUGH for share in moved.values()):
            print_log(
                f'A matrix that has moved by less than {_ENOUGH:.0%} has hardly learned anything; train longer, '
                "or raise the learning rate of the matrices. Start with 100 times the network's, without decay: "
                "optim_wrapper.paramwise_cfg.custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}",
                runner.logger,
                logging.WARNING,
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store where the matrices started.

        Args:
            runner: The runner of the training.
            checkpoint: What will be saved.
        """
        checkpoint[_START] = dict(self._start)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Read back where the matrices started, if training resumes.

        Args:
            runner: The runner of the training.
            checkpoint: What has been loaded.
        """
        if runner._resume:
            self._start = {name: value.cpu() for name, value in checkpoint.get(_START, {}).items()}

    def _moved(self, model: nn.Module) -> dict[str, float]:
        return {
            name: float(torch.dist(value, self._start[name]) / self._start[name].norm())
            for name, value, is_trained in _copies(model)
            if is_trained and name in self._start
        }


def _copies(model: nn.Module) -> list[tuple[str, Tensor, bool]]:
    """Name and value of each matrix, and whether it is trained."""
    with whole_model(model) as whole:
        return [
            (name, matrix.detach().float().cpu().clone(), matrix.requires_grad) for name, matrix in all_matrices(whole)
        ]
