"""The plan: from nothing to an archive for the VOC server."""

from __future__ import annotations

from mmengine.config import Config

from .archive_steps import archive_steps, ensemble_steps
from .data_steps import data_steps, weight_steps
from .scoring_steps import PUBLISHED_MODELS, rescoring_steps, scoring_steps, search_steps
from .settings import Settings
from .stage_configs import complete_config, write_config
from .stages import STAGES
from .step import Step
from .training_steps import training_step


def make_plan(settings: Settings, configs: dict[str, Config]) -> list[Step]:
    """All steps, each after those that it needs.

    Args:
        settings: The user's options.
        configs: Completed configs of the trainings, by name. All configs are written to ``<work_dir>/configs``.

    Returns:
        The steps.
    """
    tested_only = {name: complete_config(settings, name, {}) for name in PUBLISHED_MODELS if not settings.is_small}
    for name, cfg in {**configs, **tested_only}.items():
        write_config(cfg, settings.config(name))
    steps = [*data_steps(settings), *weight_steps(settings, configs), *rescoring_steps(settings)]
    for name, cfg in configs.items():
        steps.append(training_step(settings, name, cfg))
        steps += scoring_steps(settings, name, cfg)
    return [
        *steps,
        *search_steps(settings, configs),
        *ensemble_steps(settings, configs),
        *archive_steps(settings, configs),
    ]


def stage_configs(settings: Settings) -> dict[str, Config]:
    """Completed configs of the trainings by name; small versions exist of some only."""
    configs: dict[str, Config] = {}
    for network in settings.networks:
        for name in STAGES[network]:
            if not settings.is_small or settings.source(name).parent.name == 'small':
                configs[name] = complete_config(settings, name, configs)
    return configs
