"""How long a step takes and how much disk it needs, estimated from a short measurement."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_gdn.utils import InputError, atomic_write

from .child import die_with_parent
from .settings import ROOT, Settings
from .step import Step, Work

# One image of 500x375 with 21 classes and 10 iterations, on one CPU core.
CRF_SECONDS = 1.5
# A guess, because nothing is downloaded to measure it.
BYTES_PER_SECOND = 10 * 10**6
# Starting Python and building a model, and what cannot be measured beforehand, such as converting weights.
SECONDS_PER_STEP = 15
_BYTES_PER_NUMBER = 4
# How the lines of measure.py begin that users see; the rest goes to the log.
_PROGRESS = 'measured '
_MEASURED = {'train_seconds', 'test_seconds', 'parameters', 'trained', 'activations'}


def measurements(settings: Settings, configs: dict[str, Config]) -> dict[str, dict[str, Any]]:
    """What each config's network takes per image on this machine, measured once and kept in the work folder.

    Args:
        settings: The user's options.
        configs: Completed configs of trainings, written to their places.

    Returns:
        Measurements by name of the config; see ``measure.py``.

    Raises:
        InputError: If measuring fails.
    """
    store = settings.work_dir / 'measurements.json'
    known = _read(store)
    keys = {name: _key(cfg) for name, cfg in configs.items()}
    missing = {key: name for name, key in keys.items() if key not in known}
    if missing:
        print(f'measuring {len(missing)} networks with a few iterations each ...', flush=True)
        new = _measure([settings.config(name) for name in missing.values()], settings.work_dir)
        known.update((key, new[name]) for key, name in missing.items())
        with atomic_write(store) as partial:
            partial.write_text(json.dumps(known, indent=1) + '\n')
    return {name: known[key] for name, key in keys.items()}


def seconds(work: Work, measured: dict[str, dict[str, Any]], workers: int) -> float:
    """Estimated duration of a step.

    Args:
        work: How much it does.
        measured: Measurements by name of the config; published models have none of their own.
        workers: Processes of the CRF, which work while the network predicts.

    Returns:
        Seconds.
    """
    one = measured.get(work.config) or _same_network(work.config, measured)
    training = work.train_images * one['train_seconds'] / work.processes if one else 0
    testing = work.test_images * one['test_seconds'] if one else 0
    crf = work.crf_images * CRF_SECONDS / workers
    return SECONDS_PER_STEP + training + max(testing, crf) + work.download / BYTES_PER_SECOND


def disk(work: Work, measured: dict[str, dict[str, Any]]) -> float:
    """Estimated bytes that a step leaves on disk."""
    one = measured.get(work.config)
    return work.checkpoints * (checkpoint_bytes(one) if one else 0) + work.other


def checkpoint_bytes(measured: dict[str, Any]) -> int:
    """Size of a checkpoint: the weights, and the momentum of those that are trained."""
    return (measured['parameters'] + measured['trained']) * _BYTES_PER_NUMBER


def total(steps: Iterable[Step], measured: dict[str, dict[str, Any]], workers: int) -> tuple[float, float]:
    """Seconds and bytes of several steps."""
    works = [step.work for step in steps]
    return sum(seconds(work, measured, workers) for work in works), sum(disk(work, measured) for work in works)


def training_memory(measured: dict[str, Any], batch_size: int) -> tuple[float, bool]:
    """Memory of the device in training.

    Args:
        measured: Measurements of the config.
        batch_size: Images per process.

    Returns:
        Bytes, and whether they were measured. Computed ones are those of weights, gradients, momentum and activations,
        without the workspaces of the libraries.
    """
    if measured.get('peak'):
        return measured['peak'], True
    numbers = measured['parameters'] + 2 * measured['trained']
    return numbers * _BYTES_PER_NUMBER + measured['activations'] * batch_size, False


def _same_network(config: str, measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    network = config.partition('_')[0]
    return next((one for name, one in measured.items() if name.startswith(network)), {})


def _key(cfg: Config) -> str:
    """The same for configs that differ in schedule and start only, on the same kind of device."""
    import torch  # here, because importing it takes seconds, and --help does not need it
    from mmengine.device import get_device

    device = get_device()
    parts = [
        torch.cuda.get_device_name() if device == 'cuda' else device,
        cfg.model.to_dict(),
        cfg.train_dataloader.batch_size,
        cfg.train_dataloader.dataset.pipeline,
        cfg.test_dataloader.dataset.pipeline,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()


def _measure(configs: list[Path], work_dir: Path) -> dict[str, dict[str, Any]]:
    out, log = work_dir / 'measured.json', work_dir / 'logs' / 'measure.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / 'tools/reproduction/measure.py'), *map(str, configs), '--out', str(out)]
    with (
        log.open('w') as output,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent
        ) as process,
    ):
        for line in process.stdout:
            output.write(line)
            if line.startswith(_PROGRESS):
                print(f'  {line}', end='', flush=True)
    if process.returncode:
        raise InputError(
            f'The networks could not be measured, see {log}; fix the problem that it names, and run this again.'
        )
    measured = _read(out)
    out.unlink()
    return measured


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    entries = known.items() if isinstance(known, dict) else ()
    return {key: one for key, one in entries if isinstance(one, dict) and one.keys() >= _MEASURED}
