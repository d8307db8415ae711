"""Compare this project with arrays computed by the authors' Caffe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool

if TYPE_CHECKING:
    from caffe_golden.check import Check


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=f'{__doc__[:-1]}: one line per quantity, exit 1 if one is off by more than its tolerance. Nets are '
        'rebuilt from the shapes of the arrays.'
    )
    parser.add_argument('folder', help='folder of golden files (.npz, .json, .caffemodel), any subset of them')
    parser.add_argument('--quiet', action='store_true', help='only a line per file, and the quantities that are off')
    return parser.parse_args()


def main() -> int:
    """Compare."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.logging import MMLogger

    from caffe_golden.golden_file import complete_checks

    # mmengine logs the settings of every parameter whenever an optimizer is built.
    MMLogger.get_current_instance().setLevel('WARNING')
    folder = Path(args.folder)
    files = sorted(path for path in folder.glob('*') if path.suffix in ('.npz', '.json', '.caffemodel'))
    if not files:
        raise InputError(f'{folder} has no golden files (.npz, .json or .caffemodel); name the folder that has them.')
    count = failed = 0
    for path in files:
        checks = []
        for check in complete_checks(path):
            checks.append(check)
            if not (args.quiet and check.ok):
                print(line(path, check))
        wrong = sum(not check.ok for check in checks)
        print(f'{path.name}: {len(checks)} quantities, {wrong} off')
        count, failed = count + len(checks), failed + wrong
    print(f'{folder}: {count} quantities in {len(files)} files, {failed} off')
    return 1 if failed else 0


def line(path: Path, check: Check) -> str:
    """One comparison as text."""
    verdict = 'ok ' if check.ok else 'OFF'
    return f'{verdict} {check.error:9.2e} <= {check.tolerance:.2e} {check.unit}  {path.stem}: {check.name}'


if __name__ == '__main__':
    run_tool(main)
