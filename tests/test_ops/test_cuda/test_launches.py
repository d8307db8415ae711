"""What the Triton operators would do on a GPU, without one: on tensors that have no values, and by compiling."""

import importlib
import json
from importlib.util import find_spec

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmseg_gdn.ops import cuda

pytestmark = pytest.mark.skipif(
    find_spec('triton') is None or cuda.INTERPRETED, reason='needs Triton, and not its interpreter'
)
SHAPES = (16, 21, 64, 64, 512, 512), (8, 150, 128, 128, 512, 512), (1, 19, 64, 128, 512, 1024)


@pytest.fixture(autouse=True)
def way():
    """Not for each implementation."""


@pytest.fixture
def module(monkeypatch, root_dir):
    monkeypatch.syspath_prepend(root_dir / 'benchmarks')
    return importlib.import_module


class Held(TorchDispatchMode):
    """The names of operations, and the bytes of the largest result."""

    def __init__(self):
        super().__init__()
        self.names, self.largest = set(), 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.names.add(function.overloadpacket.__name__)
        sizes = [leaf.untyped_storage().nbytes() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.largest = max([self.largest, *sizes])
        return result


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('shape', SHAPES)
def test_the_loss_reads_nothing_back_and_makes_nothing_of_the_size_of_scores(module, shape, dtype):
    launches, case = module('triton_launches'), module('cases').Case(*shape)
    with Held() as held:
        kernels = [launch.kernel.__name__ for launch in launches.plan('loss with gradients', case, dtype).launches]
    assert set(kernels) == {'_softmax_kernel', '_rows_kernel', '_columns_kernel'}
    assert not {'_local_scalar_dense', 'item', 'nonzero', 'equal'} & held.names
    labels, coarse = 8 * case.n * case.fine_h * case.fine_w, 4 * case.n * case.classes * case.h * case.w
    assert held.largest <= max(64 << 20, labels, coarse)


@pytest.mark.parametrize('capability', [80, 90])
@pytest.mark.parametrize('operator', ['loss with gradients', 'argmax', 'full-size scores'])
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32])
def test_kernels_compile_without_spills(module, operator, dtype, capability, tmp_path, monkeypatch):
    monkeypatch.setenv('TRITON_CACHE_DIR', str(tmp_path))
    case = module('cases').Case(1, 21, 32, 32, 96, 96)
    for launch in module('triton_launches').plan(operator, case, dtype).launches:
        needs = module('triton_resources').resources(launch, capability)
        assert needs['spills'] == 0
        assert 0 < needs['shared'] <= 99 << 10  # of any GPU from compute capability 8.0 on


@pytest.mark.parametrize('shape', [(1, 1, 1, 1, 1, 1), (1, 3, 5, 3, 1, 5), (1, 3, 2, 5, 4, 1)])
@pytest.mark.parametrize('operator', ['loss with gradients', 'argmax', 'full-size scores'])
def test_kernels_compile_where_sides_of_1_are_constants(module, operator, shape, tmp_path, monkeypatch):
    monkeypatch.setenv('TRITON_CACHE_DIR', str(tmp_path))
    launches = module('triton_launches').plan(operator, module('cases').Case(*shape), torch.float32).launches
    assert all(module('triton_resources').resources(launch, 90)['registers'] > 0 for launch in launches)
    assert 1 in [value for value in launches[-1].arguments.values() if isinstance(value, int)]


@pytest.fixture
def matmul():
    """PyTorch's settings of products, which are put back."""
    settings = torch.backends.cuda.matmul
    name = 'fp32_precision' if hasattr(settings, 'fp32_precision') else 'allow_tf32'
    before = getattr(settings, name)
    yield settings
    setattr(settings, name, before)


@pytest.mark.parametrize(('name', 'value'), [('allow_tf32', True), ('fp32_precision', 'tf32')])
def test_tf32_is_used_where_either_setting_allows_it(module, matmul, name, value):
    if not hasattr(matmul, name):
        pytest.skip('PyTorch has one setting only')
    precision = module('mmseg_gdn.ops.cuda.tiles').precision
    assert precision(torch.float32) == 'tf32x3'
    setattr(matmul, name, value)
    assert precision(torch.float32) == 'tf32'
    assert precision(torch.float64) == precision(torch.bfloat16) == 'tf32'


def test_no_kernel_of_the_table_spills_in_a_loop(root_dir):
    rows = json.loads((root_dir / 'benchmarks/results/triton_resources.json').read_text())['rows']
    needs = [kernel for row in rows for kernel in row['kernels'].values()]
    assert len(needs) > 84
    assert {kernel['spills_in_loops'] for kernel in needs} == {0}


def test_spills_count_where_code_is_run_again(module):
    code = """
        /*0000*/  STL [R1], R3 ;
.L_x_1:
        /*0010*/  LDL.LU R0, [R1] ;
        /*0020*/  @P0 BRA `(.L_x_2) ;
        /*0030*/  STL [R1], R3 ;
        /*0040*/  @!P1 BRA `(.L_x_1) ;
.L_x_2:
        /*0050*/  LDL R0, [R1] ;
        /*0060*/  EXIT ;
"""
    assert module('sass').spills_in_loops(code) == 2
