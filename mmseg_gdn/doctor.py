"""The report of ``python -m mmseg_gdn``: a line for each part, whether or not the stack works."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import __version__
from .compat import apply_remedies
from .doctor_files import check_config, check_data, check_disk, check_weights
from .report_line import Line
from .stack import find_problem, find_shortcomings, find_stack, import_failure, installed_versions
from .utils import InputError
from .utils.commands import as_here

_PARTS = ('datasets', 'engine', 'evaluation', 'models')


def report(config: str | None = None) -> int:
    """Print the results of all checks.

    Args:
        config: A config whose data and weights are checked, too.

    Returns:
        The exit status: 1 if training cannot start (with a config: its training), else 0.
    """
    failed = False
    checks = [check_versions, check_stack, check_operators, check_devices, check_data, check_weights, check_disk]
    for check in checks:
        failed |= _print(check())
    if config is not None and not failed:
        failed = _print(check_config(config))
    return int(failed)


def _print(lines: Iterable[Line]) -> bool:
    failed = False
    for line in lines:
        print(f'{line.part:<10} {as_here(line.text)}')
        failed |= line.failed
    return failed


def check_versions() -> Iterator[Line]:
    """This package, Python and PyTorch."""
    yield Line('mmseg_gdn', f'{__version__}, {Path(__file__).parent}')
    yield Line('python', f'{platform.python_version()}, {platform.system()} {platform.machine()}')
    installed = installed_versions()
    torchvision = f', torchvision {installed["torchvision"]}' if 'torchvision' in installed else ''
    yield Line('torch', installed.get('torch', 'not installed') + torchvision)


def check_stack() -> Iterator[Line]:
    """MMSegmentation and what belongs to it, and whether the parts of this package can be registered there."""
    stack = find_stack(thorough=True)
    yield Line('stack', stack.describe())
    problem = find_problem(stack)
    if problem is not None:
        yield Line('error', problem, failed=True)
        return
    for shortcoming in find_shortcomings(stack):
        yield Line('warning', shortcoming)
    apply_remedies(stack)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        reasons = {part: import_failure(f'mmseg_gdn.{part}') for part in _PARTS}
    for part, reason in reasons.items():
        if reason is not None:
            yield Line(
                'error',
                f'mmseg_gdn.{part} cannot be imported ({reason}); see the whole error with: '
                "python -c 'import mmseg_gdn'",
                failed=True,
            )
            return


def check_operators() -> Iterator[Line]:
    """Whether the compiled operators are used, and why not."""
    reason = import_failure('torch')
    if reason is not None:
        yield Line('operators', f'need PyTorch, which cannot be imported ({reason})', failed=True)
        return
    import torch

    from .ops.cpu import compiled
    from .ops.cuda import switch

    for status in (compiled.status, *([switch.status] if torch.cuda.is_available() else [])):
        try:
            yield Line('operators', status())
        except InputError as error:
            yield Line('operators', str(error), failed=True)


def check_devices() -> Iterator[Line]:
    """What PyTorch can compute on."""
    if import_failure('torch') is not None:
        return
    import torch

    threads = torch.get_num_threads()
    devices = [f'CPU with {threads} thread{"s" * (threads > 1)}']
    if torch.version.cuda and not torch.cuda.is_available():
        devices.append(f'no GPU found by torch, which was built for CUDA {torch.version.cuda}')
    devices += [f'cuda:{index} {torch.cuda.get_device_name(index)}' for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append('mps')
    yield Line('devices', ', '.join(devices))
