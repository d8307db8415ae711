"""A runner whose console shows what a person reads, while its log file has everything."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.broken_pipes import raise_broken_pipes

# What mmengine's runner says of itself each time, and what its parts say of mmseg's calls.
_FOR_THE_FILE = re.compile(
    r'\n------|Config:\n|Hooks will be executed|paramwise_options|Distributed training is not used|'
    r'The prefix is not set|per class results:|"FileClient" will be|"HardDiskBackend" is|Warning of '
)
# They warn of each other's calls, about which their users can do nothing.
_PACKAGES = re.compile(r'[/\\](mmseg|mmengine|mmcv|mmpretrain|torch|torchvision|timm|pkg_resources)[/\\]')


class QuietRunner(Runner):
    """mmengine's ``Runner`` without its environment, config and hooks on the console, unless the level is DEBUG.

    A training state that does not fit the config, or is no training state, is told in a sentence.
    """

    def build_logger(self, log_level: int | str = 'INFO', *args: Any, **kwargs: Any) -> MMLogger:
        """The logger.

        Args:
            log_level: Level of console and file.
            *args: As mmengine's.
            **kwargs: As mmengine's.
        """
        logger = super().build_logger(log_level, *args, **kwargs)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                continue
            raise_broken_pipes(handler)
            if handler.level > logging.DEBUG:
                handler.addFilter(is_for_people)
        logger.info(f'Log, with the config and all warnings: {logger._log_file}')
        return logger

    def load_checkpoint(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        """Load weights.

        Args:
            filename: The checkpoint.
            *args: As mmengine's.
            **kwargs: As mmengine's.

        Returns:
            Its content.

        Raises:
            InputError: If it cannot be read, as when it was changed after it had been looked at first.
        """
        try:
            return super().load_checkpoint(filename, *args, **kwargs)
        except InputError:
            raise
        except Exception:
            require_checkpoint(filename)
            raise

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Go on with a training.

        Args:
            filename: Its checkpoint.
            *args: As mmengine's.
            **kwargs: As mmengine's.

        Raises:
            InputError: If its training state cannot be taken up.
        """
        try:
            super().resume(filename, *args, **kwargs)
            self._require_rest(filename)
        except InputError:
            raise
        # Optimizers, schedulers and hooks report states that are not theirs by many kinds of exceptions.
        except Exception as error:
            reason = ' '.join(str(error).split())[:200]
            raise InputError(
                f'The training cannot go on from {filename}, because its state does not fit this config '
                f'({type(error).__name__}: {reason}); resume with the config that it was begun with, or '
                'start a new training from its weights, with load_from and without resuming.'
            ) from error

    def _require_rest(self, filename: str) -> None:
        if not 0 <= self.iter <= self.max_iters:
            raise InputError(
                f'The training cannot go on from {filename}, which has done {self.iter} iterations of '
                f'{self.max_iters}; set more in train_cfg, or test the checkpoint.'
            )


def is_for_people(record: logging.LogRecord) -> bool:
    """Whether a message belongs on the console, and not in the log file only.

    Args:
        record: The message.
    """
    return record.levelno >= logging.ERROR or not _FOR_THE_FILE.match(record.getMessage())


@contextmanager
def warnings_in_log() -> Iterator[None]:
    """Log Python's warnings inside of the packages below this one; those of other code are shown as always."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def log_or_show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if _PACKAGES.search(filename):
                MMLogger.get_current_instance().warning(f'Warning of {filename}:{lineno}: {message}')
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = log_or_show
        yield
