"""Give the reader of ``.caffemodel`` files what libFuzzer makes of small ones, guided by the code that they reach.

    pip install atheris
    nice -n 15 python benchmarks/reliability/fuzz_caffemodel_atheris.py -runs=200000 -max_len=4096

Options are libFuzzer's. Each execution is judged as in fuzz_caffemodel.py; the first one that fails ends the process,
and libFuzzer writes its file to the current folder.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=['mmseg_gdn.caffe']):
    import mmseg_gdn.caffe.reader  # noqa: F401

from fuzz_caffemodel import GOLDEN, Fuzzer, inputs


def main() -> None:
    """Fuzz, from the golden files and some made-up ones."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, 'corpus')
        corpus.mkdir()
        for path in GOLDEN.glob('*.caffemodel'):
            (corpus / path.name).write_bytes(path.read_bytes())
        for number, (_, content) in zip(range(200), inputs(random.Random(0))):
            (corpus / str(number)).write_bytes(content)
        fuzzer = Fuzzer(Path(folder))

        def execute(content: bytes) -> None:
            fuzzer.execute(0, 'guided', content)
            if fuzzer.failed:
                raise RuntimeError(f'failed: {dict(fuzzer.failed)}')

        atheris.Setup([*sys.argv, str(corpus)], execute)
        atheris.Fuzz()


if __name__ == '__main__':
    main()
