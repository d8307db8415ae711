"""What torch says of processes that do not find each other, in a sentence."""

from __future__ import annotations

import os

_KINDS = {'DistNetworkError', 'DistStoreError', 'DistBackendError'}  # by name: importing torch takes seconds


def explain(error: BaseException) -> str | None:
    """Say which address could not be reached; ``None`` if the error is about something else."""
    if not any(kind.__name__ in _KINDS and kind.__module__.startswith('torch') for kind in type(error).__mro__):
        return None
    address = f'{os.environ.get("MASTER_ADDR", "?")}:{os.environ.get("MASTER_PORT", "?")}'
    if any(sign in str(error) for sign in ('EADDRINUSE', 'Address already in use')):
        return (
            f'Another program, or another training, uses {address}, where the processes are to meet; set another '
            'port, with PORT for tools/dist_train.sh and MASTER_PORT elsewhere.'
        )
    reason = ' '.join(str(error).split())[:160]
    return (
        f'The processes have not met at {address} ({reason}); look whether all of them have been started, and '
        'whether MASTER_ADDR and MASTER_PORT name the machine of process 0 and a free port there.'
    )
