"""The running means that each of several processes validates with; started by ``test_exact_resume_hook.py``.

torchrun --nproc_per_node=2 tests/test_engine/running_means.py HOOK OUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmseg.registry import HOOKS
from torch import distributed as dist
from torch import nn


def main() -> None:
    """Each process has taken its means from images of its own; each writes what the hook makes of them."""
    hook, target = sys.argv[1:]
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    norm = nn.BatchNorm1d(3)
    norm.running_mean.fill_(rank + 1)
    HOOKS.build(dict(type=hook)).before_val(SimpleNamespace(model=norm))
    Path(f'{target}{rank}').write_text(str(norm.running_mean.tolist()))
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
