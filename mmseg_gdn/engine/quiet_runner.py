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

# What mmengine's runner says of itself each time, and what its parts say of mmseg's calls.
_FOR_THE_FILE = re.compile(
    r'\n------|Config:\n|Hooks will be executed|paramwise_options|Distributed training is not used|'
    r'The prefix is not set|per class results:|"FileClient" will be|"HardDiskBackend" is|Warning of ')
# They warn of each other's calls, about which their users can do nothing.
_PACKAGES = re.compile(r'[/\\](mmseg|mmengine|mmcv|mmpretrain|torch|torchvision|timm|pkg_resources)[/\\]')


class QuietRunner(Runner):
    """mmengine's ``Runner`` without its environment, config and hooks on the console, unless the level is DEBUG."""

    def build_logger(self, log_level: int | str = 'INFO', *args: Any, **kwargs: Any) -> MMLogger:
        """The logger.

        Args:
            log_level: Level of console and file.
            *args: As mmengine's.
            **kwargs: As mmengine's.
        """
        logger = super().build_logger(log_level, *args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler) and handler.level > logging.DEBUG:
                handler.addFilter(is_for_people)
        logger.info(f'Log, with the config and all warnings: {logger._log_file}')
        return logger


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

        def log_or_show(message: Warning | str, category: type[Warning], filename: str, lineno: int,
                        file: TextIO | None = None, line: str | None = None) -> None:
            if _PACKAGES.search(filename):
                MMLogger.get_current_instance().warning(f'Warning of {filename}:{lineno}: {message}')
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = log_or_show
        yield
