"""Export to ONNX, run by onnxruntime."""

import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

import export_onnx
from mmseg_gdn.utils import InputError

onnxruntime = pytest.importorskip('onnxruntime')


@pytest.fixture
def checkpoint(gdn_config, tmp_path):
    model = MODELS.build(Config.fromfile(gdn_config).model)
    # Away from bilinear, so that a graph without the matrices would show.
    torch.nn.init.normal_(model.decode_head.interp.kernel_h)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    return tmp_path / 'weights.pth'


@pytest.mark.slow
@pytest.mark.parametrize(('options', 'batches'), [((), (1,)), (('--dynamic-batch',), (1, 3))])
def test_scores_of_the_graph(run_script, gdn_config, checkpoint, tmp_path, options, batches):
    out = tmp_path / 'model.onnx'
    result = run_script(
        'tools/export_onnx.py',
        gdn_config,
        checkpoint,
        out,
        '--shape',
        64,
        96,
        *options,
        '--cfg-options',
        'model.decode_head.size_policy=resample',
    )
    assert result.returncode == 0, result.stderr
    assert f'images {"N" if options else 1}x3x64x96, scores equal' in result.stdout

    model = MODELS.build(Config.fromfile(gdn_config).model).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    model.decode_head.interp.size_policy = 'resample'
    session = onnxruntime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
    for count in batches:
        images = torch.randn(count, 3, 64, 96)
        with torch.no_grad():
            expected = model.encode_decode(images, [dict(img_shape=(64, 96))]).numpy()
        (scores,) = session.run(None, {'images': images.numpy()})
        assert np.abs(scores - expected).max() <= 1e-4 * np.abs(expected).max()
    assert [path.name for path in tmp_path.glob('*.onnx*')] == ['model.onnx'], 'one file, and no temporary one'


@pytest.mark.slow
def test_sizes_that_the_matrices_do_not_serve(run_script, gdn_config, checkpoint, tmp_path):
    result = run_script('tools/export_onnx.py', gdn_config, checkpoint, tmp_path / 'model.onnx', '--shape', 64, 96)
    assert result.returncode == 1
    assert 'error: The matrices upsample 2x2 maps to 64x64' in result.stderr
    assert 'Traceback' not in result.stderr
    assert not (tmp_path / 'model.onnx').exists()


@pytest.mark.slow
def test_sliding_windows_are_no_graph(run_script, gdn_config, checkpoint, tmp_path):
    result = run_script(
        'tools/export_onnx.py',
        gdn_config,
        checkpoint,
        tmp_path / 'model.onnx',
        '--shape',
        64,
        64,
        '--cfg-options',
        'model.test_cfg.mode=slide',
    )
    assert result.returncode == 1
    assert '--cfg-options model.test_cfg.mode=whole' in result.stderr
    assert not (tmp_path / 'model.onnx').exists()


@pytest.mark.parametrize('shape', [(0, 64), (-3, 64), (10**9, 10**9), (10**30, 1)])
def test_what_is_no_size_of_an_image(gdn_config, tmp_path, monkeypatch, shape):
    monkeypatch.setattr(
        sys,
        'argv',
        ['export_onnx.py', str(gdn_config), 'none.pth', str(tmp_path / 'model.onnx'), '--shape', *map(str, shape)],
    )
    with pytest.raises(InputError, match=f'--shape {shape[0]} {shape[1]} is not the size of an image; give height'):
        export_onnx.main()
