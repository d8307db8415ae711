"""How long importing this package takes, beside what it stands on: processor time of new processes, medians."""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
from statistics import median

# Importing the parts of mmseg that a training uses needs a remedy first where mmcv has no compiled operators.
_ALL_OF_MMSEG = (
    'from mmcv.utils import ext_loader; from unittest.mock import MagicMock; '
    'ext_loader.load_ext = MagicMock(); '
    'import mmengine.runner, mmseg.apis, mmseg.datasets, mmseg.engine, mmseg.evaluation, mmseg.models'
)
CASES = {
    'python': 'pass',
    'import torch': 'import torch',
    'import mmseg': 'import mmseg',
    "mmseg with its models, data sets and mmengine's runner": _ALL_OF_MMSEG,
    'import mmseg_gdn': 'import mmseg_gdn',
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=7, help='processes for each case; default: %(default)s')
    rounds = parser.parse_args().rounds
    # In turn, so that a machine that is busy for a while slows all cases alike.
    seconds = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            seconds[name].append(processor_seconds(code))
    print('| | processor time in s |\n|---|---|')
    for name, values in seconds.items():
        print(f'| {name} | {median(values):.2f} |')
    own = median(own_seconds() for _ in range(rounds))
    print(f"| this package's own modules, within the last line (elapsed time) | {own:.2f} |")


def processor_seconds(code: str) -> float:
    """Time that a new process needs, of all its threads and of the system for it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def own_seconds() -> float:
    """Time spent in the modules of this package while it is imported, without the modules that they import."""
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-X', 'importtime', '-c', 'import mmseg_gdn'],
        check=True,
        capture_output=True,
        text=True,
    )
    own = re.findall(r'^import time: +(\d+) \| +\d+ \| +mmseg_gdn(?:\.|$)', result.stderr, flags=re.MULTILINE)
    return sum(map(int, own)) / 1e6


if __name__ == '__main__':
    os.environ['OMP_NUM_THREADS'] = '1'
    main()
