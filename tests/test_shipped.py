"""Configs and models that are found by their names from everywhere."""

import pytest
import torch
from mmengine.config import Config
from mmseg.apis import MMSegInferencer

from mmseg_gdn.shipped import shipped_config, shipped_folder


@pytest.fixture
def config(tmp_path):
    def write(name):
        path = tmp_path / 'mine.py'
        path.write_text(f'_base_ = {name!r}')
        return path

    return write


def test_a_base_by_its_name(config, root_dir):
    assert shipped_folder() == root_dir
    assert shipped_config('mmseg_gdn::gdn/demo_gdn.py') == root_dir / 'configs/gdn/demo_gdn.py'
    named = Config.fromfile(config('mmseg_gdn::gdn/demo_gdn.py'))
    assert named.model == Config.fromfile(root_dir / 'configs/gdn/demo_gdn.py').model
    assert Config.fromfile(config('mmseg::fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py')).model.decode_head.type


def test_a_base_that_does_not_exist(config):
    with pytest.raises(FileNotFoundError, match='nothing.py'):
        Config.fromfile(config('mmseg_gdn::gdn/nothing.py'))


def test_models_by_their_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = MMSegInferencer.list_models('mmseg', r'.*_gdn_voc')
    assert 'fcn_r50-d8_gdn_voc12aug' in names
    model = MMSegInferencer('fcn_mobilenet-v2_gdn_voc-extract', device='cpu').model
    stored = torch.load(shipped_folder() / 'checkpoints/fcn_mobilenet-v2_gdn_voc-extract.pth', weights_only=True)
    learned = stored['state_dict']['decode_head.interp.kernel_h']
    assert torch.equal(model.decode_head.interp.kernel_h, learned.float())
