"""Grid search over the parameters of the CRF: scores of the network, confusion counts of each point, report."""

from .points import evaluate_points, make_points
from .report import as_markdown, config_line, make_report, write_report
from .scores import cache_scores

__all__ = [
    'as_markdown',
    'cache_scores',
    'config_line',
    'evaluate_points',
    'make_points',
    'make_report',
    'write_report',
]
