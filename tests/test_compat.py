"""What is said about stacks that cannot work, and the remedies for those that can."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import load_checkpoint

from mmseg_gdn import compat

TORCH = {'torch': '2.14.1', 'torchvision': '0.29.1', 'setuptools': '80.9.0'}
OPENMMLAB = {**TORCH, 'mmengine': '0.10.7', 'mmcv-lite': '2.1.0', 'mmsegmentation': '1.2.2', 'mmpretrain': '1.2.0'}
ONEDL = {**TORCH, 'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6', 'onedl-mmsegmentation': '1.4.2',
         'onedl-mmpretrain': '1.3.6'}


def without(installed, *names):
    return {name: version for name, version in installed.items() if name not in names}


@pytest.mark.parametrize('installed', [
    OPENMMLAB,
    ONEDL,
    {**ONEDL, 'setuptools': '82.0.1'},
    {**without(OPENMMLAB, 'mmcv-lite'), 'mmcv': '2.1.0'},
    {**without(OPENMMLAB, 'mmengine'), 'mmengine-lite': '0.10.7'},
    {**OPENMMLAB, 'torch': '2.14.1+cpu'},
])
def test_stacks_that_work(installed):
    assert compat.diagnose(installed) is None


@pytest.mark.parametrize(('installed', 'problem', 'command'), [
    (without(OPENMMLAB, 'torch'), 'needs torch, which is not installed', 'pip install torch torchvision'),
    (without(OPENMMLAB, 'torchvision'), 'needs torchvision', 'pip install torch torchvision'),
    (TORCH, 'needs MMSegmentation, and none is installed', "pip install 'mmseg-gdn[openmmlab]'"),
    ({**OPENMMLAB, **ONEDL}, 'Both stacks are installed', 'pip uninstall -y mmengine'),
    (without(OPENMMLAB, 'mmpretrain'), 'lacks mmpretrain', "pip install 'mmseg-gdn[openmmlab]'"),
    (without(ONEDL, 'onedl-mmcv'), 'lacks onedl-mmcv', "pip install 'mmseg-gdn[onedl]'"),
    ({**OPENMMLAB, 'mmcv': '2.1.0'}, "overwrite each other's files", 'pip uninstall -y mmcv mmcv-lite'),
    ({**OPENMMLAB, 'mmcv-lite': '2.2.0'}, 'mmcv-lite 2.2.0 does not work with mmsegmentation 1.2.2',
     "pip install 'mmcv-lite>=2.0,<2.2'"),
    ({**OPENMMLAB, 'setuptools': '82.0.1'}, 'but setuptools 82.0.1 is installed', "pip install 'setuptools<82'"),
    (without(OPENMMLAB, 'setuptools'), 'but no setuptools is installed', "pip install 'setuptools<82'"),
])
def test_one_message_names_problem_and_remedy(installed, problem, command):
    message = compat.diagnose(installed)
    assert problem in message
    assert command in message
    assert '\n' not in message


def test_torchvision_of_another_release():
    message = compat.diagnose(OPENMMLAB, 'operator torchvision::nms does not exist')
    assert 'torchvision 0.29.1 does not work with torch 2.14.1 (operator torchvision::nms' in message
    assert 'pip install torch==' in message


def test_the_installed_stack_works():
    assert compat.diagnose(compat.installed_versions(), compat.torchvision_failure()) is None


def test_import_stops_with_the_message(tmp_path):
    """A stand-in for the metadata of an mmcv that is too new, found before the real one."""
    for name in ('mmcv_lite', 'mmcv'):
        folder = tmp_path / f'{name}-2.2.0.dist-info'
        folder.mkdir()
        (folder / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name.replace("_", "-")}\nVersion: 2.2.0\n')
    code = f'import sys; sys.path.insert(0, {str(tmp_path)!r}); import mmseg_gdn'
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert 'ImportError: ' in result.stderr.splitlines()[-1]
    assert 'pip ' in result.stderr.splitlines()[-1]


def test_training_state_is_read_with_weights_only():
    history = HistoryBuffer()
    history.update(0.5)
    history.update(np.float64(0.25), 3)
    stream = io.BytesIO()
    torch.save(dict(message_hub=dict(log_scalars={'train/loss': history})), stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=True)['message_hub']['log_scalars']['train/loss']
    assert loaded.mean() == pytest.approx(history.mean())


@pytest.mark.parametrize('load', [lambda path: torch.load(path, weights_only=True),
                                  lambda path: load_checkpoint(torch.nn.Linear(1, 1), str(path))],
                         ids=['torch', 'mmengine'])
def test_code_in_a_checkpoint_is_refused_and_not_run(load, tmp_path, capfd):
    class Attack:
        def __reduce__(self):
            return print, ('code of a checkpoint was run', )

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
