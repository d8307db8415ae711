"""The benchmark for GPUs, tried in Triton's interpreter, and the record that switches the kernels on."""

import importlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from mmseg_gdn.ops import library
from mmseg_gdn.utils import InputError


@pytest.fixture
def gpu_record(monkeypatch, root_dir):
    monkeypatch.syspath_prepend(root_dir / 'benchmarks')
    return importlib.import_module('gpu_record')


@pytest.fixture
def results(gpu_record):
    """Of all cases in each type; by step, the ratios to the reference, in turn."""

    def make(**ratios):
        return {
            'capability': '9.0',
            'cases': [
                {
                    'name': case.name,
                    'dtype': dtype,
                    'steps': {step: {'ours': {'of_reference': values[index % 2]}} for step, values in ratios.items()},
                }
                for dtype in ('bfloat16', 'float32')
                for index, case in enumerate(gpu_record.GPU_CASES)
            ],
        }

    return make


def test_on_is_what_was_faster_in_all_cases(gpu_record, results):
    faster = gpu_record.faster(results(forward=(0.9, 1.1), argmax=(0.3, 0.4), loss=(0.5, 1.0)))
    assert faster['global_interp'] == []
    assert faster['global_interp_argmax'] == ['bfloat16', 'float32']
    assert faster['cross_entropy_sums'] == []
    assert all(hasattr(library, operator) for operator in faster)


def test_a_type_of_which_a_case_is_missing_stays_off(gpu_record, results):
    measured = results(forward=(0.9, 0.9), argmax=(0.3, 0.4), loss=(0.5, 0.6))
    del measured['cases'][-1]
    assert gpu_record.faster(measured)['global_interp'] == ['bfloat16']


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        ('{"capability": null, "cases": []}', 'holds nothing that was measured on a GPU'),
        ('[]', 'holds nothing that was measured on a GPU'),
        ('{"cap', 'cannot be read'),
    ],
)
def test_what_is_no_result_of_a_gpu_is_not_recorded(gpu_record, tmp_path, monkeypatch, content, problem):
    result = tmp_path / 'gpu-x.json'
    result.write_text(content)
    monkeypatch.setattr(gpu_record, 'RECORD', record := tmp_path / 'measured.json')
    monkeypatch.setattr(sys, 'argv', ['gpu_record.py', str(result)])
    with pytest.raises(InputError, match=problem):
        gpu_record.main()
    assert not record.exists()


def test_the_record_says_what_the_results_say(gpu_record, root_dir):
    record = json.loads(gpu_record.RECORD.read_text())
    for capability, entry in record.items():
        measured = json.loads((root_dir / 'benchmarks' / 'results' / entry['result']).read_text())
        assert (capability, entry['faster']) == (measured['capability'], gpu_record.faster(measured))


def test_a_result_is_recorded(gpu_record, results, tmp_path, monkeypatch):
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
    assert not (tmp_path / 'gpu-interpreter.partial.json').exists()
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


@pytest.mark.parametrize(
    ('arguments', 'interpreted', 'message'),
    [
        (('--device', 'cpu', '--tiny'), '0', 'set TRITON_INTERPRET=1 and add --tiny'),
        ((), '1', 'unset TRITON_INTERPRET, or add --device cpu'),
    ],
)
def test_the_interpreter_is_for_the_cpu_alone(root_dir, tmp_path, arguments, interpreted, message):
    finished = run(root_dir, *arguments, '--out', tmp_path, TRITON_INTERPRET=interpreted)
    assert finished.returncode == 1
    assert message in finished.stdout
    assert not list(tmp_path.iterdir())


@pytest.fixture
def gpu(monkeypatch, root_dir):
    monkeypatch.syspath_prepend(root_dir / 'benchmarks')
    return importlib.import_module('gpu')


@pytest.fixture
def stopped_in_the_second_case(gpu, monkeypatch, tmp_path):
    """Where kernels run in the interpreter, and each case takes no time."""
    cases = iter([{'name': 'first'}])
    monkeypatch.setattr(gpu, '_require_kernels', lambda *_: None)
    monkeypatch.setattr(gpu, '_check', lambda *_: None)
    monkeypatch.setattr(gpu, '_measure', lambda *_: next(cases))
    monkeypatch.setattr(sys, 'argv', ['gpu.py', '--device', 'cpu', '--tiny', '--out', str(tmp_path)])
    with pytest.raises(RuntimeError, match='StopIteration'):
        gpu.main()


@pytest.mark.usefixtures('stopped_in_the_second_case')
def test_what_was_measured_before_it_was_stopped_is_kept(tmp_path):
    assert [path.name for path in tmp_path.iterdir()] == ['gpu-interpreter.partial.json']
    assert json.loads((tmp_path / 'gpu-interpreter.partial.json').read_text())['cases'] == [{'name': 'first'}]


def test_whole_models_are_left_out_without_mmsegmentation(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu, 'find_spec', lambda name: None)
    assert gpu._measure_models(None, 1, 0) == {}
    assert 'MMSegmentation is not installed' in capsys.readouterr().out


def test_every_shape_of_the_plain_formulas_is_compiled(gpu, monkeypatch):
    compiled, compile_ = [], torch.compile

    def backend(graph, _):
        compiled.append(graph)
        return graph

    monkeypatch.setattr(torch, 'compile', lambda function, **options: compile_(function, backend=backend, **options))
    methods, case = importlib.import_module('gpu_methods'), importlib.import_module('cases').Case
    for side in range(1, 11):  # more than PyTorch compiles of one function by itself
        inputs = methods.Inputs(case(1, 3, 2, 2, side, 4), torch.device('cpu'), torch.float32)
        methods.calls('forward', inputs, with_compiled=True)[methods.COMPILED]()
    assert len(compiled) == 10
