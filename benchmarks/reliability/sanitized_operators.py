"""Compare the compiled operators with double precision under the sanitizers of addresses, undefined behaviour, threads.

    nice -n 15 python benchmarks/reliability/sanitized_operators.py --cases 10000

The C is built twice. With AddressSanitizer and UndefinedBehaviorSanitizer it runs the problems of operators.py, called
from Python. ThreadSanitizer does not know the barriers of gcc's OpenMP, nor does PyTorch's code report what it does, so
for it the C is built with OpenMP's few entry points written in POSIX threads (threads/openmp.c), and called from a
program of its own (threads/driver.c), which also compares the results of one thread with those of several.
Exit status 1 at the first report.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = Path(__file__).parents[2] / 'mmseg_gdn' / 'ops' / 'cpu'
NAMES = ('interface', 'product', 'product_gradients', 'argmax', 'cross_entropy')
COMPILER = ('gcc', '-std=gnu11', '-O1', '-g', '-mavx2', '-mfma', '-fopenmp', '-fno-omit-frame-pointer')
ADDRESSES = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all')


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=10_000, help='problems for each build; default: %(default)s')
    parser.add_argument('--seed', type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Build and run."""
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run_with_addresses(Path(folder), args.cases, args.seed) or run_with_threads(
            Path(folder), args.cases, args.seed
        )


def run_with_addresses(folder: Path, cases: int, seed: int) -> int:
    """Run the problems of operators.py; gives the exit status."""
    library = folder / '_kernels.so'
    compile_to(library, [*ADDRESSES, '-fPIC', '-shared'], [])
    runtimes = [
        subprocess.check_output(['gcc', f'-print-file-name={name}'], text=True).strip()
        for name in ('libasan.so', 'libubsan.so')
    ]
    # Python and PyTorch keep memory until they end, which is no leak of the operators.
    environment = dict(
        os.environ,
        LD_PRELOAD=' '.join(runtimes),
        ASAN_OPTIONS='detect_leaks=0:abort_on_error=1',
        UBSAN_OPTIONS='print_stacktrace=1',
    )
    command = [
        sys.executable,
        str(HERE / 'operators.py'),
        '--ways',
        'compiled',
        '--kernels',
        str(folder),
        '--cases',
        str(cases),
        '--seed',
        str(seed),
    ]
    status = subprocess.run(command, env=environment, check=False).returncode
    print(
        f'AddressSanitizer and UndefinedBehaviorSanitizer: {cases} problems, '
        f'{"no report" if status == 0 else f"exit status {status}"}',
        flush=True,
    )
    return status


def run_with_threads(folder: Path, cases: int, seed: int) -> int:
    """Run the program of threads/; gives the exit status."""
    program = folder / 'driver'
    compile_to(program, ['-fsanitize=thread'], [HERE / 'threads' / 'openmp.c', HERE / 'threads' / 'driver.c'])
    environment = dict(os.environ, TSAN_OPTIONS='halt_on_error=1')
    status = subprocess.run([str(program), str(cases), str(seed)], env=environment, check=False).returncode
    print(f'ThreadSanitizer: {cases} problems, {"no report" if status == 0 else f"exit status {status}"}', flush=True)
    return status


def compile_to(path: Path, options: list[str], sources: list[Path]) -> None:
    """Compile the operators and other sources; linked without an OpenMP library where the sources bring it."""
    objects = []
    for source in [*(SOURCES / f'{name}.c' for name in NAMES), *sources]:
        objects.append(path.with_name(f'{path.stem}-{source.stem}.o'))
        subprocess.run([*COMPILER, *options, '-I', str(SOURCES), '-c', str(source), '-o', str(objects[-1])], check=True)
    link = [option for option in COMPILER if option != '-fopenmp' or not sources]
    subprocess.run([*link, *options, *map(str, objects), '-o', str(path), '-lm', '-lpthread'], check=True)


if __name__ == '__main__':
    sys.exit(main())
