"""Names at the top of a config: arguments of the runner, and variables of one's own."""

from __future__ import annotations

import ast
import inspect
import logging
import re
from difflib import get_close_matches
from functools import cache

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.runner._flexible_runner import FlexibleRunner

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.built_parts import similar

# What mmengine, mmseg and this project read beside the arguments of mmengine's two runners.
_OTHER_SETTINGS = (
    'crf',
    'tta_model',
    'tta_pipeline',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'custom_imports',
)
_CUTOFF = 0.8
_CUTOFF_MISTYPED = 0.87  # above that of 'train_config' and 'train_cfg'
# How mmseg's configs call their own variables; in a config that mmengine has written, nothing uses them.
_OWN = '_pipeline'


@cache
def known_names() -> frozenset[str]:
    """Names that are read from the top of a config."""
    arguments = {name for runner in (Runner, FlexibleRunner) for name in inspect.signature(runner).parameters}
    return frozenset(arguments - {'cfg'} | {*_OTHER_SETTINGS})


def check_names(cfg: Config, path: str) -> None:
    """Make sure that no name is a misspelt one that mmengine would not look at.

    A variable of one's own is used further down in the config, or its name begins with an underscore.

    Args:
        cfg: The config.
        path: Its file, for messages.

    Raises:
        InputError: If one is a mistyped name that is read, and nothing in the config uses it. One that is only similar,
            and might be read by code of one's own, is a warning; so is one whose use cannot be seen.
    """
    for name in cfg:
        hint = similar_name(name)
        if not hint or _is_used(name, cfg.text):
            continue
        sentence = (
            f'{path} sets {name}, which nothing reads{hint} A variable of your own may have such a '
            'name if it begins with an underscore.'
        )
        is_seen = _is_set(name, cfg.text) and not _is_written_by_mmengine(cfg.text) and not _has_own_code(cfg)
        if is_seen and _is_mistyped(name):
            raise InputError(sentence)
        print_log(sentence, 'current', logging.WARNING)


def similar_name(name: str) -> str:
    """A hint at the name that is meant by one that is not read; empty if there is none, or if it is read."""
    is_own = name.startswith('_') or name.endswith(_OWN)
    return '' if is_own or name in known_names() else similar(name, known_names(), cutoff=_CUTOFF)


def _is_mistyped(name: str) -> bool:
    """Whether a name is one that is read but for a letter or two or their order, and not that with a word after it."""
    close = get_close_matches(name, known_names(), n=1, cutoff=_CUTOFF_MISTYPED)
    exchanged = [known for known in known_names() if sorted(known) == sorted(name)]
    return any(not re.match(rf'{known}(s?\d|_|s$)', name) for known in (*exchanged, *close))


def _has_own_code(cfg: Config) -> bool:
    """Whether a config imports modules, whose hooks may read what it sets."""
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    return any(not name.startswith('mmseg') for name in ([imports] if isinstance(imports, str) else imports))


def _is_set(name: str, text: str) -> bool:
    """Whether a config sets a name itself; the text of a lazy config is without what it is based on."""
    return re.search(rf'\b{re.escape(name)}\b\s*=(?!=)', text) is not None


def _is_written_by_mmengine(text: str) -> bool:
    """Whether a config is a written one: constants under sorted names, of which variables are no longer used."""
    code = text.split('\n', 1)[-1] if text[:1] in '/.' or text.split('\n', 1)[0].endswith('.py') else text
    try:
        statements = ast.parse(code).body
    except SyntaxError:  # as with the names of files between those that a config is based on
        return False
    names = [
        statement.targets[0].id
        for statement in statements
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    ]
    return len(names) == len(statements) > 1 and names == sorted(names)


def _is_used(name: str, text: str) -> bool:
    """Whether a config, with all that it is based on, has a name elsewhere than where it is set."""
    code = re.sub(r'#.*', '', text)
    return re.search(rf'\b{re.escape(name)}\b(?!\s*=(?!=))', code) is not None
