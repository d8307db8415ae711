"""Feed damaged and hostile archives, masks and lists to what reads them.

    nice -n 15 python benchmarks/reliability/fuzz_archives.py --executions 20000

Each execution must end with a result or an InputError, within two seconds of computing, and leave no file behind. The
table tells how many of each kind were taken and refused, the slowest, and by how much the process has grown. Exit
status 1 if anything else happens; what was fed is then written to the folder --keep.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import resource
import signal
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg_gdn.datasets import LoadVOCAnnotations
from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.voc_archive import encode_mask, submission_folder, write_archive
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import read_ids

SLOWEST = 2.0  # seconds of computing
_HANGS = 30  # seconds of any kind
_FOLDER = submission_folder('comp6')
_PARTS = ('a', '2008_000006', '..', '.', '', '/', '\\', 'results', 'C:', 'a.png', 'é', '\n', '\0', 'x' * 120, ' ')
_LINES = (
    'a',
    '2008_000006',
    'a b',
    'a  b',
    'a\tb',
    'a 1',
    'b 0',
    'a -1',
    '../a',
    '/a',
    'x/a',
    'a.jpg',
    '# a',
    '',
    ' ',
    '\ufeff',
    '\ufeffa',
    'é',
    '\x85',
    '\x00',
    'a' * 300,
    '..',
    'x/../y',
)


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--executions', type=int, default=20_000, help='in all; default: %(default)s')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--keep', type=Path, default=Path('work_dirs/fuzz'), help='default: %(default)s')
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz, and print a table."""
    args = parse_args(arguments)
    signal.signal(signal.SIGALRM, _hang)
    print('| fed | executions | taken | refused | slowest, s | growth, MB | off |\n|---|---|---|---|---|---|---|')
    off = 0
    for name, (cases, share, run) in TARGETS.items():
        tally = fuzz(cases, run, max(1, round(share * args.executions)), args.seed)
        print(
            f'| {name} | {tally.taken + tally.refused + len(tally.off)} | {tally.taken} | {tally.refused} | '
            f'{tally.slowest:.2f} | {tally.growth:.0f} | {len(tally.off)} |',
            flush=True,
        )
        for problem, case in tally.off[:10]:
            args.keep.mkdir(parents=True, exist_ok=True)
            place = args.keep / f'{name.replace(" ", "-")}-{off}'
            place.write_bytes(case if isinstance(case, bytes) else repr(case).encode())
            print(f'{place}: {problem}', file=sys.stderr)
            off += 1
        off += max(0, len(tally.off) - 10)
    return 1 if off else 0


@dataclass
class Tally:
    """What came of the executions.

    Attributes:
        taken: How many gave a result.
        refused: How many ended in an InputError.
        slowest: Seconds of computing of the slowest.
        growth: Megabytes by which the process has grown.
        off: What went wrong, and what was fed.
    """

    taken: int = 0
    refused: int = 0
    slowest: float = 0
    growth: float = 0
    off: list[tuple[str, Any]] = field(default_factory=list)


def fuzz(cases: st.SearchStrategy, run: Callable[[Any, Path], None], executions: int, first: int) -> Tally:
    """Run a target on random cases.

    Args:
        cases: What to feed.
        run: The target; gets a case and an empty folder, in which it may leave nothing.
        executions: How many.
        first: Seed of the cases.

    Returns:
        What came of them.
    """
    tally = Tally()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @seed(first)
    @settings(
        max_examples=executions,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def execute(case: Any) -> None:
        begin = time.process_time()
        try:
            with _watched_folder() as folder:
                run(case, folder)
            tally.taken += 1
        except InputError:
            tally.refused += 1
        # Whatever else is raised is what is looked for.
        except Exception as error:
            tally.off.append((f'{type(error).__name__}: {error}', case))
        seconds = time.process_time() - begin
        tally.slowest = max(tally.slowest, seconds)
        if seconds > SLOWEST:
            tally.off.append((f'took {seconds:.1f} s', case))

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        execute()
    tally.growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return tally


@contextmanager
def _watched_folder() -> Iterator[Path]:
    """An empty folder as the current one, in a folder of its own; what is left there or beside it is an error."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory(dir=_memory()) as outer:
        inner = Path(outer, 'inner')
        inner.mkdir()
        os.chdir(inner)
        signal.alarm(_HANGS)
        try:
            yield inner
        finally:
            signal.alarm(0)
            os.chdir(home)
            left = sorted(str(path.relative_to(outer)) for path in Path(outer).rglob('*') if path != inner)
            if left:
                raise AssertionError(f'left {left}')


def _memory() -> str | None:
    return '/dev/shm' if os.access('/dev/shm', os.W_OK) else None


def _hang(signum: int, frame: Any) -> None:
    raise TimeoutError(f'no end after {_HANGS} s')


def damaged(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Contents with some bytes changed, removed, doubled or cut off."""
    edits = st.lists(
        st.tuples(st.sampled_from('=-+x'), st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), max_size=6
    )
    return st.builds(_edited, contents, edits)


def _edited(content: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, patch in edits:
        place = int(share * len(content))
        rest = content[place:]
        content = (
            content[:place]
            + {'=': patch + rest[len(patch) :], '-': rest[len(patch) :], '+': patch + rest, 'x': b''}[kind]
        )
    return content


def _png(labels: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, format=options.pop('format', 'PNG'), **options)
    return stream.getvalue()


_LABELS = np.arange(48, dtype=np.uint8).reshape(6, 8) % 21
_GOOD = encode_mask(_LABELS)
_MASKS = (
    _GOOD,
    encode_mask(_LABELS * 12),
    encode_mask(np.zeros((2048, 2048))),
    _png(_LABELS),
    _png(_LABELS > 3),
    _png(_LABELS.astype(np.uint16) * 256),
    _png(np.stack([_LABELS] * 3, -1)),
    _png(_LABELS, format='TIFF'),
    _png(_LABELS, format='BMP'),
    _png(_LABELS, format='GIF'),
    _png(_LABELS, format='PPM'),
    b'',
)
masks = damaged(st.sampled_from(_MASKS))
names = st.one_of(
    st.sampled_from([f'{_FOLDER}/a.png', f'{_FOLDER}/b.png', _FOLDER, 'results']),
    st.lists(st.sampled_from(_PARTS), max_size=6).map('/'.join),
)
_KINDS = (
    *5 * (tarfile.REGTYPE,),
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
    tarfile.GNUTYPE_SPARSE,
    tarfile.XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    b'Z',
)


def _member(name: str, kind: bytes, content: bytes, size: int | None) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, '/etc/passwd'
    member.size = len(content) if size is None else size
    try:
        header = member.tobuf(tarfile.GNU_FORMAT, errors='replace')
    except ValueError:  # what the format cannot hold
        return content
    return header + content + bytes(-len(content) % tarfile.BLOCKSIZE)


members = st.builds(
    _member, names, st.sampled_from(_KINDS), masks, st.one_of(st.none(), st.none(), st.none(), st.integers(0, 2**63))
)
tars = st.lists(members, max_size=5).map(lambda parts: b''.join(parts) + bytes(2 * tarfile.BLOCKSIZE))
archives = damaged(st.one_of(tars, damaged(tars)).map(lambda tar: gzip.compress(tar, 1, mtime=0)))
whole_archives = st.one_of(tars, damaged(tars)).map(lambda tar: gzip.compress(tar, 1, mtime=0))
lists = damaged(
    st.lists(st.sampled_from(_LINES), max_size=6).flatmap(
        lambda lines: st.sampled_from(['\n', '\r\n', '\r', '']).map(lambda end: end.join(lines).encode())
    )
)
predictions = st.dictionaries(
    st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4).map('/'.join), st.just(_GOOD), max_size=4
)


def _check(content: bytes, folder: Path) -> None:
    with _file(folder / 'a.tgz', content) as archive:
        check_submission(archive, ['a', 'b'])


def _load_mask(content: bytes, folder: Path) -> None:
    with _file(folder / 'a.png', content) as path:
        mask = LoadVOCAnnotations()(dict(seg_map_path=str(path), reduce_zero_label=False, seg_fields=[]))['gt_seg_map']
    if mask.ndim != 2 or mask.dtype != np.uint8 or not np.isin(mask, [*range(21), 255]).all():
        raise AssertionError(f'gave {mask.dtype} of shape {mask.shape}')


def _read_list(content: bytes, folder: Path) -> None:
    with _file(folder / 'ids.txt', content) as path:
        ids = read_ids(path)
    inside = [Path(os.path.normpath(folder / name)).is_relative_to(folder) for name in ids]
    if not ids or len(set(ids)) < len(ids) or not all(inside):
        raise AssertionError(f'gave {ids}')


def _write(content: dict[str, bytes], folder: Path) -> None:
    archive = folder / 'a.tgz'
    try:
        write_archive(archive, content, 'comp6')
        count, defects = check_submission(archive, list(content))
    finally:
        archive.unlink(missing_ok=True)
    if count != len(content) or (content and defects):
        raise AssertionError(f'packed {count} of {len(content)} with the defects {defects}')


@contextmanager
def _file(path: Path, content: bytes) -> Iterator[Path]:
    path.write_bytes(content)
    try:
        yield path
    finally:
        path.unlink()


TARGETS = {
    'damaged archives': (archives, 0.25, _check),
    'hostile archives': (whole_archives, 0.25, _check),
    'masks': (masks, 0.25, _load_mask),
    'lists': (lists, 0.15, _read_list),
    'names to write': (predictions, 0.1, _write),
}

if __name__ == '__main__':
    sys.exit(main())
