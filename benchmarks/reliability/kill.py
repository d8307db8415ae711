"""Kill short trainings at random moments, resume them, and compare them with trainings that nobody killed.

    nice -n 10 python benchmarks/reliability/kill.py --kills 50 --distributed 10 --json kill.json

Each training is killed once by SIGKILL, a part of them while a checkpoint is being written, and goes on by
``tools/train.py --resume auto``. At its end all of its last and its best checkpoint and every logged value have to
equal, bit for bit, those of the training that was not interrupted. Half of the trainings load images in two workers;
those of two processes (gloo) lose one of the processes and, as torchrun would do it, the other one after it. Exit
status 1 if anything differs, if a process is left over, or if fewer were killed in writing than asked for.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kill_comparison import differences
from kill_training import Killed, Training, write_config
from tools_path import drawn_scenes

from mmseg_gdn.utils import run_tool

_TWO_PROCESSES = 'two processes'
# Workers that load images, and processes that train.
_KINDS = {'no workers': (0, 1), 'two workers': (2, 1), _TWO_PROCESSES: (0, 2)}
_TRIES = 20  # for a moment that hits
_SECONDS_FOR_ORPHANS = 30


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=50, help='trainings of one process; default: %(default)s')
    parser.add_argument('--distributed', type=int, default=10, help='of two processes; default: %(default)s')
    parser.add_argument(
        '--in-writing',
        type=int,
        default=10,
        help='of those with one process, killed while a checkpoint is written; default: %(default)s',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the moments; default: %(default)s')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write each kill as well')
    return parser.parse_args()


def main() -> int:
    """Kill, compare, and print a table."""
    args = parse_args()
    chance, begin, kinds = random.Random(args.seed), time.monotonic(), {}
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        drawn_scenes.make_synthetic_voc(place / 'data', train=9, val=2, test=0)
        for name, in_writing in plan(args):
            if name not in kinds:
                kinds[name] = Kind(place, name)
            outcomes.append(kinds[name].kill_one(in_writing, chance))
            print(outcomes[-1], file=sys.stderr, flush=True)
    print(table(outcomes))
    print(f'\n{time.monotonic() - begin:.0f} s, moments by seed {args.seed}')
    if args.json:
        args.json.write_text(json.dumps(outcomes, indent=1) + '\n')
    written = sum(outcome['in writing'] for outcome in outcomes if outcome['training'] != _TWO_PROCESSES)
    return int(
        any(outcome['different'] or outcome['left over'] for outcome in outcomes)
        or written < min(args.in_writing, args.kills)
    )


def plan(args: argparse.Namespace) -> Iterator[tuple[str, bool]]:
    """Kind of each training, and whether to kill it while a checkpoint is written."""
    for number in range(args.kills):
        yield ('no workers', 'two workers')[number % 2], number * args.in_writing % args.kills < args.in_writing
    for number in range(args.distributed):
        yield _TWO_PROCESSES, number % 5 == 0


class Kind:
    """Trainings of a kind, beginning with the one that is not interrupted.

    Args:
        place: Folder of the data and of all work folders.
        name: One of the kinds.
    """

    def __init__(self, place: Path, name: str) -> None:
        workers, self._processes = _KINDS[name]
        self._place, self._name = place, name
        self._config = place / f'{name.replace(" ", "_")}.py'
        write_config(self._config, place / 'data', workers)
        begin, self._whole = time.monotonic(), place / f'{self._config.stem}_whole'
        self._start(self._whole).finish()
        self._seconds = time.monotonic() - begin

    def kill_one(self, in_writing: bool, chance: random.Random) -> dict:
        """Kill a training, let it go on to its end, and compare it.

        Args:
            in_writing: Whether to kill it while a checkpoint is written.
            chance: Source of the moment.

        Returns:
            What was hit, and what came out.
        """
        begin = time.monotonic()
        folder, killed, missed = self._hit(in_writing, chance)
        self._start(folder).finish()
        return {
            'training': self._name,
            'checkpoint': killed.iteration,
            'in writing': killed.in_writing,
            'missed before': missed,
            'left over': killed.orphans_after(_SECONDS_FOR_ORPHANS),
            'different': differences(self._whole, folder),
            'seconds': round(time.monotonic() - begin, 1),
        }

    def _hit(self, in_writing: bool, chance: random.Random) -> tuple[Path, Killed, int]:
        for missed in range(_TRIES):
            folder = self._place / f'{self._config.stem}_{time.monotonic_ns()}'
            training = self._start(folder)
            moment = chance.uniform(0, self._seconds)
            killed = training.kill_in_writing(chance) if in_writing else training.kill_after(moment)
            if killed is not None:
                return folder, killed, missed
        raise RuntimeError(f'{_TRIES} trainings ended before they could be killed')

    def _start(self, folder: Path) -> Training:
        return Training(self._config, folder, self._processes)


def table(outcomes: list[dict]) -> str:
    """The outcomes by kind, in Markdown."""
    lines = [
        '| training | kills | of them in writing | before the first checkpoint | equal endings | processes left |',
        '|---|---|---|---|---|---|',
    ]
    for kind in dict.fromkeys(outcome['training'] for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome['training'] == kind]
        numbers = (
            len(own),
            sum(outcome['in writing'] for outcome in own),
            sum(outcome['checkpoint'] is None for outcome in own),
            sum(not outcome['different'] for outcome in own),
            sum(outcome['left over'] for outcome in own),
        )
        lines.append(f'| {kind} | ' + ' | '.join(map(str, numbers)) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    run_tool(main)
