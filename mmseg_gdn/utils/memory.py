"""How a lack of memory shows."""

from __future__ import annotations

# On a CPU, PyTorch reports a lack of memory, and sizes beyond all memory, as RuntimeErrors. An illegal memory access of
# CUDA is one as well, but something else.
_REPORTS = ('allocate', 'out of memory', 'calculation overflow')


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error says that the memory does not suffice.

    Args:
        error: What Python, NumPy or PyTorch has raised.
    """
    is_report = isinstance(error, RuntimeError) and any(report in str(error) for report in _REPORTS)
    return is_report or isinstance(error, MemoryError)
