"""A short training in processes of its own, which are forked from this one so that imports are paid once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  (visualizers import it)
import mmengine.runner.runner
import torch
from mmengine.config import Config
from mmengine.utils.dl_utils import collect_env
from tools_path import ROOT, train

from mmseg_gdn.engine.durable_saving import PARTIAL
from mmseg_gdn.utils import run_tool

_FORK = multiprocessing.get_context('fork')
_LOOK = 0.0003  # seconds between two looks
_CONFIG = """
_base_ = {base!r}
# Everything that a training can forget: dropout, augmentation, averaged weights, schedules, the best record, and
# checkpoints that fall between two updates.
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
train_dataloader = dict(
    batch_size=2, num_workers={workers}, persistent_workers={persistent},
    dataset=dict(data_root={data!r}, pipeline=[
        *load, dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root={data!r}))
test_dataloader = val_dataloader
optim_wrapper = dict(accumulative_counts=3)
custom_hooks = [dict(type='EMAHook', momentum=0.1)]
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(interval=2, max_keep_ckpts=1, save_best='mIoU', rule='greater'))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=0.9, end=12, by_epoch=False)]
train_cfg = dict(max_iters=12, val_interval=4)
"""


def write_config(path: Path, data: Path, workers: int) -> None:
    """Write the config of the training.

    Args:
        path: The config to write.
        data: A data set in VOC's layout.
        workers: Processes that load images.
    """
    path.write_text(
        _CONFIG.format(
            base=str(ROOT / 'configs/gdn/demo_gdn.py'), workers=workers, persistent=workers > 0, data=str(data)
        )
    )


@dataclass
class Killed:
    """What a kill has hit.

    Attributes:
        iteration: Iterations of the newest checkpoint; ``None`` if there was none.
        in_writing: Whether a checkpoint was being written.
        processes: All processes of the training, with their starting times.
    """

    iteration: int | None
    in_writing: bool
    processes: list[tuple[int, str]]

    def orphans_after(self, seconds: float) -> int:
        """How many of its processes still live after some time, or less if all have ended before."""
        deadline = time.monotonic() + seconds
        while (alive := sum(_birth(pid) == birth for pid, birth in self.processes)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return alive


class Training:
    """A training that runs until it ends or is killed; it goes on where the work folder was left.

    Args:
        config: Its config.
        folder: Its work folder.
        processes: How many train together.
    """

    def __init__(self, config: Path, folder: Path, processes: int) -> None:
        self._folder = folder
        port = str(_free_port())
        self._processes = [
            _FORK.Process(target=_train, args=(config, folder, rank, processes, port)) for rank in range(processes)
        ]
        for process in self._processes:
            process.start()

    def finish(self) -> None:
        """Wait for the end.

        Raises:
            RuntimeError: If it fails.
        """
        for process in self._processes:
            process.join()
        if any(process.exitcode for process in self._processes):
            raise RuntimeError(f'A training has failed:\n{_log(self._folder).read_text()[-3000:]}')

    def kill_after(self, seconds: float) -> Killed | None:
        """Kill it after some time.

        Args:
            seconds: The time.

        Returns:
            What has been hit; ``None`` if the training has ended before.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._is_running():
            time.sleep(_LOOK)
        return self._kill(random.Random(int(seconds * 1e6)))

    def kill_in_writing(self, chance: random.Random) -> Killed | None:
        """Kill it while it writes a checkpoint.

        Args:
            chance: Says which checkpoint, and at what moment of writing it.

        Returns:
            What has been hit; ``None`` if no checkpoint was being written after all.
        """
        wait_for, seen, was_there = chance.randrange(1, 5), 0, False
        partial = self._folder / PARTIAL
        while self._is_running():
            is_there = _holds_files(partial)
            seen += is_there and not was_there
            was_there = is_there
            if is_there and seen == wait_for:
                time.sleep(chance.uniform(0, 0.004))
                break
            time.sleep(_LOOK)
        killed = self._kill(chance)
        return killed if killed and killed.in_writing else None

    def _is_running(self) -> bool:
        return all(process.is_alive() for process in self._processes)

    def _kill(self, chance: random.Random) -> Killed | None:
        if not self._is_running():
            self.finish()
            return None
        family = [
            (pid, birth)
            for process in self._processes
            for pid in (process.pid, *_children(process.pid))
            if (birth := _birth(pid))
        ]
        order = chance.sample(self._processes, len(self._processes))
        order[0].kill()
        for process in order[1:]:
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
        for process in order:
            process.join()
        partial = self._folder / PARTIAL
        steps = [int(path.stem.rpartition('_')[2]) for path in self._folder.glob('iter_*.pth')]
        return Killed(max(steps, default=None), _holds_files(partial), family)


def _train(config: Path, folder: Path, rank: int, processes: int, port: str) -> None:
    """Run the tool in a forked process."""
    folder.mkdir(exist_ok=True)
    with _log(folder).open('a') as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    sys.argv = ['train.py', str(config), '--work-dir', str(folder), '--resume', 'auto']
    if processes > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(processes), MASTER_PORT=port, MASTER_ADDR='127.0.0.1'
        )
        sys.argv += ['--launcher', 'pytorch']
    # Both describe what does not change, and take longer than the training.
    mmengine.runner.runner.collect_env = lambda: _ENVIRONMENT
    Config.pretty_text = property(lambda cfg: repr(cfg.to_dict()))
    run_tool(train.main)


_ENVIRONMENT = collect_env()


def _log(folder: Path) -> Path:
    return folder / 'output.txt'


def _holds_files(folder: Path) -> bool:
    """Whether there is anything in a folder, which may go at any moment."""
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _children(pid: int) -> Iterator[int]:
    try:
        for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split():
            yield int(child)
            yield from _children(int(child))
    except OSError:
        return


def _birth(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty if it has ended."""
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return ''
    return '' if fields[0] == 'Z' else fields[19]
