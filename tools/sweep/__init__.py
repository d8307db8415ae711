"""Tries the GDN variant of every stock config of the installed mmseg, and reports which work."""

from .pool import group_configs, try_configs
from .report import heads_document, summary
from .results import Result, read_results, share, write_results
from .stock_configs import SAMPLE, StockConfig, read_stock_config, stock_config_names, stock_heads
from .thin_model import thin_model
from .trial import Outcome, run_trial

__all__ = [
    'SAMPLE',
    'Outcome',
    'Result',
    'StockConfig',
    'group_configs',
    'heads_document',
    'read_results',
    'read_stock_config',
    'run_trial',
    'share',
    'stock_config_names',
    'stock_heads',
    'summary',
    'thin_model',
    'try_configs',
    'write_results',
]
