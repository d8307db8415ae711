"""A config is checked against the signatures and sources of the parts that it names, before any of them is built."""

from __future__ import annotations

import logging

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_gdn.utils import InputError

from .choices import check_choices
from .keys import check_keys
from .names import check_names
from .parts import parts_of
from .values import check_values


def check_config(cfg: Config, path: str) -> None:
    """Make sure that what a config sets is read, as far as that can be known.

    Args:
        cfg: The config.
        path: Its file, for messages.

    Raises:
        InputError: If a key is misspelt, or if a value cannot be what it is set for. A key that nothing reads, and that
            resembles none that is read, is a warning.
    """
    check_names(cfg, path)
    check_choices(cfg, path)
    for part in parts_of(cfg):
        for problem in (*check_keys(part), *check_values(part)):
            sentence = f'{path}: {problem.sentence}'
            if problem.is_certain:
                raise InputError(sentence)
            print_log(sentence, 'current', logging.WARNING)
