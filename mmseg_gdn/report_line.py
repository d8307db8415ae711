"""A line of the report of ``python -m mmseg_gdn``."""

from typing import NamedTuple


class Line(NamedTuple):
    """One line of the report.

    Attributes:
        part: What it is about.
        text: What was found, and what to do if something is wrong.
        failed: Whether training cannot start as it is.
    """

    part: str
    text: str
    failed: bool = False
