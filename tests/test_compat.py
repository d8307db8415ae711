"""What importing the package checks, and the remedies for stacks that can work."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import load_checkpoint
from packaging.version import Version

from mmseg_gdn import compat
from mmseg_gdn.stack import find_stack

WITHOUT = """
import sys, warnings
sys.modules.update(dict.fromkeys(('mmpretrain', 'pkg_resources', 'torchvision')))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always', UserWarning)
    import mmseg_gdn
messages = [str(warning.message) for warning in caught]
assert any('mmpretrain' in text for text in messages), messages
assert any('setuptools<82' in text for text in messages) == {needs_pkg_resources}, messages

import torch
from mmengine.registry import init_default_scope
from mmengine.utils.dl_utils import collect_env
from mmseg.registry import MODELS
init_default_scope('mmseg')
head = dict(type='GlobalInterpHead', base_type='FCNHead', in_channels=8, channels=4, num_convs=1, num_classes=3,
            in_size=(4, 4), out_size=(32, 32))
assert MODELS.build(head)([torch.rand(1, 8, 4, 4)]).shape[:2] == (1, 3)
collect_env()  # what every Runner begins with
"""


def test_mmpretrain_torchvision_and_pkg_resources_can_be_missing():
    code = WITHOUT.replace('{needs_pkg_resources}', str(not find_stack().is_onedl))
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_import_stops_with_the_message(with_both_stacks):
    result = subprocess.run(
        [sys.executable, '-c', 'import mmseg_gdn'], env=with_both_stacks, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert 'ImportError: Both stacks are installed' in result.stderr.splitlines()[-1]
    assert 'pip uninstall -y ' in result.stderr.splitlines()[-1]


def test_training_state_is_read_with_weights_only():
    history = HistoryBuffer()
    history.update(0.5)
    history.update(np.float64(0.25), 3)
    stream = io.BytesIO()
    torch.save(dict(message_hub=dict(log_scalars={'train/loss': history})), stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=True)['message_hub']['log_scalars']['train/loss']
    assert loaded.mean() == pytest.approx(history.mean())


by_default = pytest.mark.skipif(
    Version(torch.__version__) < Version('2.6') and not find_stack().is_onedl,
    reason='torch before 2.6 runs code of checkpoints by default',
)


@pytest.mark.parametrize(
    'load',
    [
        pytest.param(lambda path: torch.load(path, weights_only=True), id='torch'),
        pytest.param(lambda path: load_checkpoint(torch.nn.Linear(1, 1), str(path)), id='mmengine', marks=by_default),
    ],
)
def test_code_in_a_checkpoint_is_refused_and_not_run(load, tmp_path, capfd):
    class Attack:
        def __reduce__(self):
            return print, ('code of a checkpoint was run',)

    torch.save(dict(state_dict=Attack()), tmp_path / 'hostile.pth')
    with pytest.raises(Exception, match='Weights only load failed'):
        load(tmp_path / 'hostile.pth')
    assert 'was run' not in capfd.readouterr().out


def test_attributes_of_other_things_are_refused():
    class Probe:
        def __reduce__(self):
            return getattr, (HistoryBuffer.mean, '__globals__')

    stream = io.BytesIO()
    torch.save(Probe(), stream)
    stream.seek(0)
    with pytest.raises(Exception, match='Weights only load failed|may not read the attribute'):
        torch.load(stream, weights_only=True)


def test_a_missing_operator_is_named_where_it_is_called():
    operator = compat._missing_op('carafe_forward')
    with pytest.raises(RuntimeError, match="'carafe_forward'.*pip install --no-build-isolation"):
        operator()


def test_stock_configs_are_found():
    from mmengine.config import Config

    assert Config.fromfile('configs/gdn/fcn_r50-d8_gdn_voc12aug.py').model.decode_head.base_type == 'FCNHead'


def test_import_prints_nothing():
    """The results of tools are read by other programs."""
    result = subprocess.run([sys.executable, '-c', 'import mmseg_gdn'], capture_output=True, text=True, check=True)
    assert result.stdout == ''
