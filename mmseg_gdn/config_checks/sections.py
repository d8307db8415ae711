"""What mmengine and this project take where no annotation of a class says so."""

# Without postponed annotations, which Python 3.9 could not evaluate in the forms of later versions.
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.optim import _ParamScheduler
from torch.utils.data import Dataset, Sampler


@dataclass
class Top:
    """Settings at the top of a config."""

    work_dir: Path
    load_from: Path
    param_scheduler: Union[_ParamScheduler, dict, list[Union[_ParamScheduler, dict]]]
    custom_hooks: list[Union[Hook, dict]]
    val_evaluator: Union[Evaluator, dict, list[Union[BaseMetric, dict]]]
    test_evaluator: Union[Evaluator, dict, list[Union[BaseMetric, dict]]]
    tta_model: dict
    tta_pipeline: list[Union[Callable, dict]]
    crf: dict
    model_wrapper_cfg: dict
    compile: Union[bool, dict]
    find_unused_parameters: bool


@dataclass
class Loader:
    """Settings of a data loader."""

    dataset: Union[Dataset, dict]
    sampler: Union[Sampler, dict]
    batch_sampler: Union[Sampler, dict]
    collate_fn: Union[Callable, dict]
    worker_init_fn: dict
