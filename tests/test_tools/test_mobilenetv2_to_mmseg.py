"""MobileNetV2 weights of other packages."""

import pytest
import torch
from mmseg.models import MobileNetV2


def to_features(state):
    """Keys of mmseg's MobileNetV2 as the ``features.N`` numbering of the reference implementation has them."""
    renamed, block_of, block = {}, {}, 0
    for layer, (_, _, count) in enumerate(MobileNetV2.arch_settings, start=1):
        for index in range(count):
            block += 1
            block_of[f'layer{layer}.{index}'] = block
    for key, value in state.items():
        parts = key.split('.')
        if parts[0] == 'conv1':
            renamed[f'features.0.{dict(conv=0, bn=1)[parts[1]]}.{parts[2]}'] = value
            continue
        number = 3 * int(parts[3]) + dict(conv=0, bn=1)[parts[4]]
        renamed[f'features.{block_of[".".join(parts[:2])]}.conv.{number}.{parts[5]}'] = value
    return renamed


@pytest.fixture
def backbone():
    return MobileNetV2()


def test_round_trip(run_script, tmp_path, backbone):
    extra = {'features.18.0.weight': torch.zeros(1280, 320, 1, 1)}
    torch.save(to_features(backbone.state_dict()) | extra, tmp_path / 'src.pth')
    result = run_script('tools/model_converters/mobilenetv2_to_mmseg.py', tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 0, result.stderr
    converted = torch.load(tmp_path / 'dst.pth', weights_only=True)
    assert converted['meta'] == dict(source='src.pth')
    other = MobileNetV2(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'dst.pth')))
    other.init_weights()
    assert all(torch.equal(value, backbone.state_dict()[key]) for key, value in other.state_dict().items())


def test_other_weights(run_script, tmp_path, backbone):
    torch.save({'features.0.0.weight': torch.zeros(3)}, tmp_path / 'src.pth')
    result = run_script('tools/model_converters/mobilenetv2_to_mmseg.py', tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 1
    assert 'These are not the weights of a MobileNetV2' in result.stderr
    assert not (tmp_path / 'dst.pth').exists()


def test_neither_or_both_sources(run_script, tmp_path):
    result = run_script('tools/model_converters/mobilenetv2_to_mmseg.py', tmp_path / 'dst.pth')
    assert result.returncode == 1
    assert result.stderr.strip() == 'error: Give either SRC or --from-package.'
