"""From a server to a checkpoint that the configs load, by the tool that a user runs."""

import hashlib
import json
import shutil
import sys
from collections import namedtuple

import numpy as np
import pytest
import torch
from mmengine.config import Config

import get_weights
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.sources import read_sources

from ..test_caffe.caffemodels import golden_layers, vgg, write, write_v1
from ..test_utils.loopback import serving
from .test_caffe2mmseg import GOLDEN, build, load

REDUCED_POSITIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33)


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def offer(server, tmp_path, monkeypatch):
    """Let the server have a file, and the table name it."""

    def do(name, path, with_hash=True):
        table = json.loads((get_weights.TABLE).read_text())
        content = path.read_bytes()
        server.files[table[name]['file']] = content
        table[name].update(url=server.url(table[name]['file']), megabytes=1)
        if with_hash:
            table[name].update(hash=f'sha1:{hashlib.sha1(content).hexdigest()}')
        (tmp_path / 'table.json').write_text(json.dumps(table))
        monkeypatch.setattr(get_weights, 'TABLE', tmp_path / 'table.json')

    return do


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the tool in this process, in an empty folder."""
    monkeypatch.setenv('no_proxy', '*')
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')

    def do(*args):
        monkeypatch.setattr(sys, 'argv', ['get_weights.py', *args])
        get_weights.main()

    return do


def reduced_vgg(path, widths=(2, 2, 3, 3, 4), fc=5):
    """A thin reduced VGG as SSD's port stores it."""
    layers = vgg(widths, fc)
    generator = np.random.default_rng(1)
    layers['fc6'] = 'Convolution', [generator.normal(size=(fc, widths[-1], 3, 3)).astype(np.float32), np.ones(fc, 'f4')]
    layers['fc7'] = 'Convolution', [generator.normal(size=(fc, fc, 1, 1)).astype(np.float32), np.ones(fc, 'f4')]
    del layers['fc8']
    state = {
        f'{position}.{part}': torch.from_numpy(blob)
        for position, (_, blobs) in zip(REDUCED_POSITIONS, layers.values())
        for part, blob in zip(('weight', 'bias'), blobs)
    }
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return state


def test_vgg16_goes_where_fcn32s_looks_and_is_got_once(offer, server, run, tmp_path, capsys, root_dir):
    offer('vgg16', write_v1(tmp_path / 'vgg.caffemodel', vgg()))
    server.cuts = [2000]
    run('vgg16')
    config = Config.fromfile(root_dir / 'configs/gdn/fcn32s_voc12aug.py')
    checkpoint = load(config.custom_hooks[0].checkpoint)
    assert len(checkpoint['state_dict']) == 30
    assert checkpoint['meta']['source'] == 'VGG_ILSVRC_16_layers.caffemodel'
    out = capsys.readouterr().out.splitlines()
    assert out[-2] == (
        'work_dirs/vgg16_caffe_fcn32s.pth: 30 tensors from VGG_ILSVRC_16_layers.caffemodel, for the layout fcn32s'
    )
    assert out[-1].startswith('Not in these weights: decode_head.conv_seg. ')

    server.requests.clear()
    shutil.rmtree('data')
    run('vgg16')
    assert server.requests == []
    assert capsys.readouterr().out == (
        'work_dirs/vgg16_caffe_fcn32s.pth: already converted from VGG_ILSVRC_16_layers.caffemodel\n'
    )


def test_vgg16_for_largefov_has_no_fc6_and_fc7(offer, run, tmp_path, capsys):
    offer('vgg16', write_v1(tmp_path / 'vgg.caffemodel', vgg()))
    run('vgg16', '--layout', 'largefov')
    assert len(load('work_dirs/vgg16_caffe_largefov.pth')['state_dict']) == 26
    assert 'Not in these weights: decode_head.fc6, decode_head.fc7, decode_head.conv_seg.' in capsys.readouterr().out


def test_reduced_vgg16_goes_where_largefov_looks_with_its_input_turned(offer, run, tmp_path, capsys, root_dir):
    state = reduced_vgg(tmp_path / 'reduced.pth')
    offer('vgg16-reduced', tmp_path / 'reduced.pth', with_hash=False)
    run('vgg16-reduced')
    captured = capsys.readouterr()
    assert 'warning: no hash of vgg16_reducedfc.pth is known' in captured.err
    assert 'Not in these weights: decode_head.conv_seg.' in captured.out
    config = Config.fromfile(root_dir / 'configs/gdn/deeplab-largefov_voc12aug.py')
    converted = load(config.custom_hooks[0].checkpoint)['state_dict']
    first = converted.pop('backbone.features.0.conv.weight')
    assert torch.equal(first, state.pop('0.weight').flip(1))
    assert len(converted) == len(state) == 29
    for ours, theirs in zip(converted.values(), state.values()):
        assert torch.equal(ours, theirs)

    score = {'decode_head.conv_seg.weight': torch.zeros(21, 5, 1, 1), 'decode_head.conv_seg.bias': torch.zeros(21)}
    build(converted | {'backbone.features.0.conv.weight': first} | score, 'largefov')


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'<html>moved</html>', 'cannot be read'),
        (dict(a=1), 'cannot be read'),
        ([1], 'cannot be read'),
        ({'0.weight': torch.zeros(1), '0.bias': torch.zeros(1)}, '1 layers instead of 15'),
    ],
)
def test_other_files_instead_of_a_reduced_vgg(offer, run, tmp_path, content, reason):
    path = tmp_path / 'reduced.pth'
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    offer('vgg16-reduced', path, with_hash=False)
    with pytest.raises(InputError, match=rf'pth is not the reduced VGG-16 of SSD .*{reason}.*delete it'):
        run('vgg16-reduced')
    assert not (tmp_path / 'here/work_dirs/vgg16_caffe_largefov.pth').exists()


def test_trained_fcn32s_has_everything(offer, run, tmp_path, capsys):
    with np.load(GOLDEN / 'fcn32s_thin.npz') as arrays:
        offer('fcn32s-voc', write(tmp_path / 'fcn.caffemodel', golden_layers(arrays, '')))
    run('fcn32s-voc')
    build(load('work_dirs/fcn32s_voc_caffe.pth')['state_dict'], 'fcn32s')
    assert 'All layers of the network have trained weights' in capsys.readouterr().out


def test_the_golden_fcn32s(offer, run, full_golden_dir):
    offer('fcn32s-voc', full_golden_dir / 'thin_fcn32s.caffemodel')
    run('fcn32s-voc')
    build(load('work_dirs/fcn32s_voc_caffe.pth')['state_dict'], 'fcn32s')


@pytest.mark.slow
@pytest.mark.parametrize('layout', ['fcn32s', 'largefov'])
def test_real_vgg16_convolutions(offer, server, run, shared_dir, layout):
    path = shared_dir / 'weights/vgg16_conv.caffemodel'
    if not path.is_file():
        pytest.skip('needs the ImageNet VGG-16 convolutions, which the repository does not carry')
    offer('vgg16', path)
    server.cuts = [20_000_000]
    run('vgg16', '--layout', layout)
    assert [wanted for _, wanted in server.requests] == [None, 'bytes=20000000-']
    checkpoint = load(f'work_dirs/vgg16_caffe_{layout}.pth')
    assert checkpoint['meta']['sha256'] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(checkpoint['state_dict']) == 26
    assert checkpoint['state_dict']['backbone.features.0.conv.weight'].shape == (64, 3, 3, 3)


def test_another_checkpoint_in_its_place_is_not_touched(offer, server, run, tmp_path):
    offer('vgg16', write_v1(tmp_path / 'vgg.caffemodel', vgg()))
    run('vgg16', '--layout', 'largefov')
    before = (tmp_path / 'here/work_dirs/vgg16_caffe_largefov.pth').read_bytes()
    with pytest.raises(
        InputError,
        match=r'converted from VGG_ILSVRC_16_layers.caffemodel for largefov instead of from '
        r'vgg16_reducedfc.pth for largefov; move it away .* --out',
    ):
        run('vgg16-reduced')
    assert (tmp_path / 'here/work_dirs/vgg16_caffe_largefov.pth').read_bytes() == before
    (tmp_path / 'here/own.pth').write_bytes(b'no checkpoint')
    with pytest.raises(InputError, match='own.pth exists but is not a converted checkpoint'):
        run('vgg16', '--out', 'own.pth')
    torch.save(dict(state_dict={}), 'trained.pth')
    with pytest.raises(InputError, match='trained.pth exists but is not a converted checkpoint'):
        run('vgg16', '--out', 'trained.pth')


def test_an_unreachable_host(run, tmp_path):
    with pytest.raises(InputError) as caught:
        run('fcn32s-voc', '--mirror', 'fcn32s-voc=http://nowhere.invalid/fcn.caffemodel')
    assert (
        'get it by hand from https://github.com/shelhamer/fcn.berkeleyvision.org, put it into data/downloads and '
        'run this again'
    ) in str(caught.value)
    assert not list((tmp_path / 'here/work_dirs').iterdir())


def test_space_is_checked_first(offer, server, run, tmp_path, monkeypatch):
    offer('vgg16', write_v1(tmp_path / 'vgg.caffemodel', vgg()))
    usage = namedtuple('Usage', 'total used free')(10**9, 10**9, 10**6)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(InputError, match='data/downloads and work_dirs: .* are needed'):
        run('vgg16')
    assert server.requests == []


def test_a_layout_for_other_weights_is_refused(run, capsys):
    with pytest.raises(SystemExit):
        run('vgg16-reduced', '--layout', 'fcn32s')
    assert '--layout is for vgg16; vgg16-reduced is for largefov' in capsys.readouterr().err


def test_the_table_names_every_choice():
    assert set(get_weights._LAYOUTS) < set(read_sources(get_weights.TABLE))


@pytest.mark.slow
def test_as_a_script(run_script):
    result = run_script('tools/model_converters/get_weights.py', 'vgg16', '--mirror', 'sbd=nowhere')
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith('error: --mirror sbd=nowhere is not of the form NAME=URL')
