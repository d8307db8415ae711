"""What the system says of files that cannot be written, in a sentence."""

from __future__ import annotations

import errno

_REMEDIES: dict[int | None, str] = {
    errno.ENOSPC: 'make room on the disk',
    errno.EDQUOT: 'make room in your quota',
    errno.EROFS: 'the disk is read-only; name a place on another one',
    errno.EFBIG: 'raise the limit of the size of files',
}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM}
# In the messages of torch's RuntimeErrors, and in those of a data loader's workers.
_SIGNS_OF_TORCH = ('PytorchStreamWriter', 'file write failed', 'unexpected pos', 'No space left on device')


def is_about_writing(error: BaseException) -> bool:
    """Whether an error says that something could not be written for lack of room, or because the disk is read-only."""
    if isinstance(error, OSError):
        return error.errno in _REMEDIES
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS_OF_TORCH)


def remedy(error: BaseException) -> str:
    """What to do about an error of writing."""
    number = error.errno if isinstance(error, OSError) else errno.ENOSPC
    return _REMEDIES.get(number, 'make it writable')


def reason(error: BaseException) -> str:
    """The system's own words about an error."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return ' '.join(str(error).split())[:120]


def explain(error: BaseException) -> str | None:
    """Say which file is at fault and what to do; ``None`` if the error is about something else."""
    if is_about_writing(error):
        what = getattr(error, 'filename', None) or 'A file of the results'
        return f'{what} cannot be written ({reason(error)}); {remedy(error)}, and run this again.'
    if isinstance(error, OSError) and error.errno in _NOT_ALLOWED and error.filename:
        return (
            f'{error.filename} may not be read or written ({reason(error)}); change its permissions, or name another.'
        )
    return None
