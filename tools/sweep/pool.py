"""Many trials: which configs share one, and how they are spread over processes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from .stock_configs import StockConfig
from .thin_model import thin_model
from .trial import Outcome, run_trial


def group_configs(configs: list[StockConfig]) -> dict[str, list[StockConfig]]:
    """Group configs whose models are the same in a trial.

    Configs that differ only in data, schedule, pretraining or test settings form a group.

    Args:
        configs: Stock configs.

    Returns:
        Configs by a text that identifies their model.
    """
    groups = {}
    for config in configs:
        model = {key: value for key, value in thin_model(config.model, config.crop).items() if key != 'test_cfg'}
        groups.setdefault(json.dumps([model, config.crop], sort_keys=True, default=repr), []).append(config)
    return groups


def try_configs(configs: dict[str, StockConfig], jobs: int) -> Iterator[tuple[str, Outcome]]:
    """Try configs, each with one thread.

    Args:
        configs: Configs by any key.
        jobs: Number of processes.

    Yields:
        Key and outcome, in the order in which trials end.
    """
    if jobs == 1:
        _prepare_process()
        for key, config in configs.items():
            yield key, run_trial(config)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context('spawn'), initializer=_prepare_process) as pool:
        futures = {pool.submit(run_trial, config): key for key, config in configs.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _prepare_process() -> None:
    init_default_scope('mmseg')
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Hundreds of models would repeat the same warnings of mmseg and PyTorch.
    warnings.simplefilter('ignore')
    MMLogger.get_current_instance().setLevel('ERROR')
