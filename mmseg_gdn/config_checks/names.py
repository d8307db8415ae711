"""Names at the top of a config: arguments of the runner, and variables of one's own."""

from __future__ import annotations

import inspect
import re
from functools import cache

from mmengine.config import Config
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
        InputError: If one is similar to a name that is read, and nothing in the config uses it.
    """
    for name in cfg:
        hint = similar_name(name)
        if hint and not _is_used(name, cfg.text):
            raise InputError(
                f'{path} sets {name}, which nothing reads{hint} A variable of your own may have such a '
                'name if it begins with an underscore.'
            )


def similar_name(name: str) -> str:
    """A hint at the name that is meant by one that is not read; empty if there is none, or if it is read."""
    is_own = name.startswith('_') or name.endswith(_OWN)
    return '' if is_own or name in known_names() else similar(name, known_names(), cutoff=_CUTOFF)


def _is_used(name: str, text: str) -> bool:
    """Whether a config, with all that it is based on, has a name elsewhere than where it is set."""
    code = re.sub(r'#.*', '', text)
    return re.search(rf'\b{re.escape(name)}\b(?!\s*=(?!=))', code) is not None
