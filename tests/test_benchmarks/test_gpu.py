"""The benchmark for GPUs, tried in Triton's interpreter, and the record that switches the kernels on."""

import importlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from mmseg_gdn.ops import library


@pytest.fixture
def gpu_record(monkeypatch, root_dir):
    monkeypatch.syspath_prepend(root_dir / 'benchmarks')
    return importlib.import_module('gpu_record')


def results(**ratios):
    """Of two cases in each type; by step, the ratios to the reference."""
    return {
        'capability': '9.0',
        'cases': [
            {
                'dtype': dtype,
                'steps': {step: {'ours': {'of_reference': values[index]}} for step, values in ratios.items()},
            }
            for dtype in ('bfloat16', 'float32')
            for index in range(2)
        ],
    }


def test_on_is_what_was_faster_in_all_cases(gpu_record):
    faster = gpu_record.faster(results(forward=(0.9, 1.1), argmax=(0.3, 0.4), loss=(0.5, 1.0)))
    assert faster['global_interp'] == []
    assert faster['global_interp_argmax'] == ['bfloat16', 'float32']
    assert faster['cross_entropy_sums'] == []
    assert all(hasattr(library, operator) for operator in faster)


def test_the_record_says_what_the_results_say(gpu_record, root_dir):
    record = json.loads(gpu_record.RECORD.read_text())
    for capability, entry in record.items():
        measured = json.loads((root_dir / 'benchmarks' / 'results' / entry['result']).read_text())
        assert (capability, entry['faster']) == (measured['capability'], gpu_record.faster(measured))


def test_a_result_is_recorded(gpu_record, tmp_path, monkeypatch):
    result, record = tmp_path / 'gpu-x.json', tmp_path / 'measured.json'
    result.write_text(json.dumps(results(forward=(2, 2), argmax=(0.3, 0.4), loss=(0.5, 0.6))))
    record.write_text(json.dumps({'8.0': {'result': 'gpu-y.json', 'faster': {}}}))
    monkeypatch.setattr(gpu_record, 'RECORD', record)
    monkeypatch.setattr(sys, 'argv', ['gpu_record.py', str(result)])
    gpu_record.main()
    written = json.loads(record.read_text())
    assert set(written) == {'8.0', '9.0'}
    assert written['9.0']['result'] == 'gpu-x.json'
    assert written['9.0']['faster']['cross_entropy_losses'] == ['bfloat16', 'float32']


def run(root_dir, *arguments, **variables):
    return subprocess.run(
        ['bash', 'benchmarks/gpu.sh', *map(str, arguments)],
        cwd=root_dir,
        text=True,
        check=False,
        env={**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1', **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.slow
@pytest.mark.skipif(find_spec('triton') is None, reason='Triton is not installed')
def test_all_steps_run_in_the_interpreter(root_dir, tmp_path):
    finished = run(root_dir, '--device', 'cpu', '--tiny', '--seconds', 0, '--out', tmp_path, TRITON_INTERPRET='1')
    assert finished.returncode == 0, finished.stdout
    written = json.loads((tmp_path / 'gpu-interpreter.json').read_text())
    assert (tmp_path / 'gpu-interpreter.png').stat().st_size > 10000
    assert len(written['errors']) == 45
    for case in written['cases']:
        assert set(case['steps']) == {'forward', 'loss', 'argmax'}
        assert all(set(times) == {'bilinear', 'reference', 'ours'} for times in case['steps'].values())


def test_without_a_gpu_it_says_what_to_do(root_dir, tmp_path):
    finished = run(root_dir, '--out', tmp_path, CUDA_VISIBLE_DEVICES='')
    assert finished.returncode == 1
    assert 'PyTorch finds no CUDA device; run this on a machine with a GPU' in finished.stdout
    assert 'Traceback' not in finished.stdout
    assert not list(tmp_path.iterdir())
