"""The tutorial runs from its first cell to its last, and what it shows is small and of no particular machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip('nbformat')

NOTEBOOK = Path(__file__).parents[2] / 'docs/tutorial.ipynb'
FEWER = {
    '--train 240 --val 40': '--train 8 --val 4',
    '150': '4',
    'end=20': 'end=1',
    'begin=20': 'begin=1',
    'val_interval=4)': 'val_interval=4)\ntrain_dataloader = dict(batch_size=2)',
}


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.mark.slow
def test_it_runs(notebook, tmp_path, monkeypatch):
    nbclient = pytest.importorskip('nbclient')
    monkeypatch.setenv(
        'PYTHONPATH', os.pathsep.join(filter(None, [str(NOTEBOOK.parents[1]), os.environ.get('PYTHONPATH')]))
    )
    for cell in notebook.cells:
        for whole, part in FEWER.items():
            cell.source = cell.source.replace(whole, part)
    nbclient.NotebookClient(
        notebook, timeout=900, kernel_name='python3', resources=dict(metadata=dict(path=str(tmp_path)))
    ).execute()
    printed = ''.join(texts(notebook))
    assert "missing_keys=['decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'], unexpected_keys=[]" in printed
    assert float(re.search(r'largest difference: (\S+)', printed)[1]) < 1e-5
    assert printed.count('| mIoU') == 2
    assert 'Moved since the start of training' in printed
    assert printed.count('predictions of 1 of 1 images') == 2
    assert 0 < float(re.search(r'([\d.]+) % of the pixels differ', printed)[1]) < 20
    assert pictures(notebook) == 3


def test_its_outputs_are_those_of_one_run(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert pictures(notebook) == 3
    assert NOTEBOOK.stat().st_size < 600_000


def test_its_outputs_are_of_no_particular_machine(notebook):
    for text in texts(notebook):
        assert not re.search(r'(?<![\w.])/\w+/|Warning|Error|\x1b', text)
    assert not [
        output
        for cell in notebook.cells
        for output in cell.get('outputs', ())
        if output.output_type == 'error' or output.get('name') == 'stderr'
    ]


def texts(notebook):
    for cell in notebook.cells:
        for output in cell.get('outputs', ()):
            yield output.get('text', '') + ''.join(output.get('data', {}).get('text/plain', ''))


def pictures(notebook):
    return sum('image/png' in output.get('data', {}) for cell in notebook.cells for output in cell.get('outputs', ()))
