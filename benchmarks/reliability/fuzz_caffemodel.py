"""Give the reader of ``.caffemodel`` files damaged and made-up ones: it reads or refuses them, and nothing else.

    nice -n 15 python benchmarks/reliability/fuzz_caffemodel.py --executions 200000

Each execution writes a file and reads it. It fails if the reader raises anything but an InputError, takes more than two
seconds of CPU time, or holds more memory than four times the file and one MiB. Files that fail are kept. If the process
itself dies, the file that killed it is KEEP/current.caffemodel.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmseg_gdn.caffe import read_caffemodel
from mmseg_gdn.utils import InputError

GOLDEN = Path(__file__).parents[2] / 'tests' / 'data' / 'golden'
MOST_SECONDS, MOST_TIMES, SMALL = 2, 4, 2**20
_SIDES = (0, 1, 2, 3, 7, 64, 2**31, 2**32, 2**62, 2**63, 2**64 - 1)
_NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8, 15, 100, 101, 2**29 - 1)


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--executions', type=int, default=200_000, help='default: %(default)s')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--keep', type=Path, help='folder for the files that fail; default: a temporary one')
    return parser.parse_args()


def main() -> int:
    """Fuzz, and print a table; the exit status is 1 if any file failed."""
    args = parse_args()
    keep = args.keep or Path(tempfile.mkdtemp(prefix='fuzz_caffemodel_'))
    keep.mkdir(parents=True, exist_ok=True)
    fuzzer = Fuzzer(keep)
    choices = random.Random(args.seed)
    begin = time.process_time()
    for number, (kind, content) in zip(range(args.executions), inputs(choices)):
        fuzzer.execute(number, kind, content)
    print(
        '| kind of file | executions | read | refused | other errors | over 2 s | over 4x memory | slowest, s | '
        'most memory, of the file |\n|---|---|---|---|---|---|---|---|---|'
    )
    for row in fuzzer.rows():
        print(f'| {" | ".join(row)} |')
    failed = sum(fuzzer.failed.values())
    print(
        f'{args.executions} executions, {failed} failed, {time.process_time() - begin:.0f} s of CPU time'
        + (f'; see {keep}' if failed else '')
    )
    return 1 if failed else 0


class Fuzzer:
    """Executes the reader and counts what happens.

    Args:
        keep: Folder for the files that fail.
    """

    def __init__(self, keep: Path) -> None:
        self.keep, self.path = keep, keep / 'current.caffemodel'
        self.done, self.read, self.refused, self.failed = Counter(), Counter(), Counter(), Counter()
        self.slowest, self.largest = Counter(), Counter()
        read_caffemodel(next(GOLDEN.glob('*.caffemodel')))  # what the first call imports is no memory of a file's

    def execute(self, number: int, kind: str, content: bytes) -> None:
        """Read one file."""
        self.path.write_bytes(content)
        tracemalloc.start()
        begin, failure = time.process_time(), None
        try:
            read_caffemodel(self.path)
            self.read[kind] += 1
        except InputError:
            self.refused[kind] += 1
        # All that a reader can raise is what is looked for here.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failure = 'error'
            print(f'{kind} {number}: {type(error).__name__}: {error}', file=sys.stderr)
        seconds, memory = time.process_time() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.done[kind] += 1
        self.slowest[kind] = max(self.slowest[kind], seconds)
        self.largest[kind] = max(self.largest[kind], max(0, memory - SMALL) / max(1, len(content)))
        failure = failure or (
            'time' if seconds > MOST_SECONDS else 'memory' if memory > MOST_TIMES * len(content) + SMALL else None
        )
        if failure:
            self.failed[kind, failure] += 1
            (self.keep / f'{failure}_{number}.caffemodel').write_bytes(content)

    def rows(self) -> Iterator[list[str]]:
        """Cells of the table."""
        for kind in self.done:
            yield [
                kind,
                *map(
                    str,
                    (
                        self.done[kind],
                        self.read[kind],
                        self.refused[kind],
                        self.failed[kind, 'error'],
                        self.failed[kind, 'time'],
                        self.failed[kind, 'memory'],
                    ),
                ),
                f'{self.slowest[kind]:.3f}',
                f'{self.largest[kind]:.2f}',
            ]


def inputs(choices: random.Random) -> Iterator[tuple[str, bytes]]:
    """Files without end, with what kind of file each is."""
    seeds = [path.read_bytes() for path in sorted(GOLDEN.glob('*.caffemodel'))]
    seeds += [_net(choices, whole=True) for _ in range(20)]
    while True:
        yield 'changed bytes', changed(choices, choices.choice(seeds))
        yield 'changed lengths', changed_lengths(choices, choices.choice(seeds))
        yield 'moved parts', moved(choices, choices.choice(seeds), choices.choice(seeds))
        yield 'made up', _net(choices, whole=False)
        if choices.random() < 0.002:
            yield 'many small parts', many(choices)


def changed(choices: random.Random, content: bytes) -> bytes:
    """A file with some bytes flipped, set, cut off or repeated."""
    data = bytearray(content)
    for _ in range(choices.choice([1, 1, 2, 4, 16])):
        place = choices.randrange(max(1, len(data)))
        if place < len(data):
            data[place] = choices.choice([data[place] ^ 1 << choices.randrange(8), choices.randrange(256), 0, 255, 128])
    return bytes(data[: choices.randrange(1, len(data) + 1)] if choices.random() < 0.3 else data)


def changed_lengths(choices: random.Random, content: bytes) -> bytes:
    """A file in which numbers of several bytes stand where there were others, such as lengths and sizes."""
    data = bytearray(content)
    for _ in range(choices.choice([1, 1, 2, 3])):
        place = choices.randrange(min(len(data), 400)) if choices.random() < 0.7 else choices.randrange(len(data))
        data[place : place + choices.choice([0, 1, 1, 2, 5])] = _varint(choices.choice(_SIDES) + choices.randrange(3))
    return bytes(data)


def moved(choices: random.Random, content: bytes, other: bytes) -> bytes:
    """A file with a part of itself or of another one put in, or taken out."""
    begin, place = choices.randrange(len(other)), choices.randrange(len(content))
    part = other[begin : begin + choices.choice([1, 4, 30, 300, 3000])]
    return content[:place] + part + content[place + choices.choice([0, 0, len(part)]) :]


def many(choices: random.Random) -> bytes:
    """A file of a hundred thousand small parts."""
    tiny = _bytes(7, _bytes(1, _varint(1))) + _bytes(5, bytes(4))
    part = choices.choice(
        [
            _bytes(100, _bytes(1, 'a') + _bytes(7, tiny) * 64),
            _bytes(100, _bytes(1, 'a')),
            _bytes(100, _bytes(1, 'a') + _bytes(7, _bytes(5, bytes(4)) * 2000)),
            _bytes(100, _bytes(1, 'a') + _bytes(7, b'\x2d' + bytes(4) + b'\x78\x01')),
            b'\x78\x01',
            b'\x7d' + bytes(4),
            _bytes(2, _bytes(4, '\U0001f600' * 100) + _bytes(6, tiny)),
        ]
    )
    count = choices.randrange(1, 1 + 1_000_000 // len(part))
    if choices.random() < 0.5:
        # Names differ, so that the second layer is not refused for its name.
        return b''.join(_bytes(100, _bytes(1, str(number)) + _bytes(7, tiny)) for number in range(count % 20_000))
    return part * count


def _net(choices: random.Random, whole: bool) -> bytes:
    """A file of layers with arrays; of unknown, repeated and contradicting fields unless it is to be whole."""
    layers = []
    for index in range(choices.randrange(1, 5)):
        blobs = [_blob(choices, whole) for _ in range(choices.randrange(1, 4))]
        is_v1 = choices.random() < 0.4
        name, number = _bytes(4 if is_v1 else 1, f'layer{index}'), 6 if is_v1 else 7
        fields = [name, *(_bytes(number, blob) for blob in blobs)]
        layers.append(_bytes(2 if is_v1 else 100, _mixed(choices, fields, whole)))
    return _mixed(choices, layers, whole) or b'\x08\x01'


def _blob(choices: random.Random, whole: bool) -> bytes:
    sides = [choices.randrange(1, 4) for _ in range(choices.randrange(1, 5))]
    if not whole and choices.random() < 0.3:
        sides[choices.randrange(len(sides))] = choices.choice(_SIDES)
    count = int(np.prod(sides)) if whole or max(sides) < 100 else choices.randrange(20)
    values = np.random.default_rng(choices.getrandbits(32)).normal(size=count).astype('<f4')
    if choices.random() < 0.5:
        data = _bytes(5, values.tobytes())
    elif choices.random() < 0.5:
        data = _bytes(8, values.astype('<f8').tobytes())
    else:
        data = b''.join(b'\x2d' + value.tobytes() for value in values)
    if choices.random() < 0.5:
        shape = _bytes(7, _bytes(1, b''.join(map(_varint, sides))))
    else:
        padded = (1,) * (4 - len(sides)) + tuple(sides)
        shape = b''.join(_varint(index << 3) + _varint(side) for index, side in enumerate(padded, 1))
    return _mixed(choices, [shape, data], whole)


def _mixed(choices: random.Random, fields: Sequence[bytes], whole: bool) -> bytes:
    fields = list(fields)
    if not whole and choices.random() < 0.3:
        fields.insert(choices.randrange(len(fields) + 1), _any_field(choices))
    if not whole and choices.random() < 0.2:
        choices.shuffle(fields)
    if not whole and fields and choices.random() < 0.2:
        fields.append(choices.choice(fields))
    return b''.join(fields)


def _any_field(choices: random.Random) -> bytes:
    number, kind = choices.choice(_NUMBERS), choices.randrange(8)
    value = {0: _varint(choices.choice(_SIDES)), 1: bytes(8), 5: bytes(4)}.get(kind)
    if value is None:
        value = choices.randbytes(choices.randrange(20))
        value = _varint(len(value)) + value
    return _varint(number << 3 | kind) + value


def _bytes(number: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    number &= 2**64 - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


if __name__ == '__main__':
    sys.exit(main())
