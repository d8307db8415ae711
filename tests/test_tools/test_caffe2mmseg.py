"""From a Caffe model to a checkpoint, by the tool that a user runs."""

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS

from caffe_golden.check import relative_error
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError

from ..test_caffe.caffemodels import golden_layers, vgg, write, write_v1

SCRIPT = 'tools/model_converters/caffe2mmseg.py'
GOLDEN = Path(__file__).parents[1] / 'data' / 'golden'
TOLERANCE = 2.5e-5
NETS = {'fcn32s': ('fcn32s_thin', 'b75x110_n2', 'score'), 'largefov': ('deeplab_gdn_thin', 'b96x75_n2', 'upscore')}


@pytest.fixture(scope='module')
def main():
    """The tool's ``main``."""
    path = Path(__file__).parents[2] / SCRIPT
    spec = importlib.util.spec_from_file_location('caffe2mmseg', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def caffe2mmseg(main, monkeypatch):
    """Run the tool in this process."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [SCRIPT, *map(str, args)])
        main()

    return run


@pytest.fixture
def source(tmp_path):
    """A whole model, FCN-32s."""
    with np.load(GOLDEN / 'fcn32s_thin.npz') as arrays:
        return write(tmp_path / 'fcn.caffemodel', golden_layers(arrays, ''))


@pytest.fixture
def kernels(tmp_path):
    """Matrices of the shape of those released."""
    generator = np.random.default_rng(0)
    paths = [tmp_path / 'W0.npy', tmp_path / 'W1.npy']
    for path in paths:
        np.save(path, generator.normal(size=(64, 500)).astype(np.float32))
    return paths


def load(path):
    return torch.load(path, weights_only=True)


def build(state, layout):
    """The segmentor whose sizes are those of converted weights, with these weights."""
    fc6 = state['decode_head.fc6.weight']
    head = dict(type='CaffeFCHead', layout=layout, in_channels=fc6.shape[1], in_index=0, fc_channels=len(fc6))
    if 'decode_head.interp.kernel_h' in state:
        (fine_h, coarse_h), (fine_w, coarse_w) = (state[f'decode_head.interp.kernel_{side}'].shape for side in 'hw')
        head.update(
            type='GlobalInterpHead',
            base_type='CaffeFCHead',
            in_size=(coarse_h, coarse_w),
            out_size=(fine_h, fine_w),
            size_policy='slice',
        )
    widths = tuple(len(state[f'backbone.features.{index}.conv.weight']) for index in (0, 3, 6, 10, 14))
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(type='CaffeVGG', layout=layout, widths=widths),
            decode_head=head,
            train_cfg={},
            test_cfg=dict(mode='whole'),
        )
    )
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
def scores(state, layout, image):
    """Full-size scores of a network with converted weights."""
    image = torch.from_numpy(image.astype(np.float32))
    meta = dict(img_shape=tuple(image.shape[2:]), pad_shape=tuple(image.shape[2:]))
    return build(state, layout).encode_decode(image, [meta] * len(image))


class TestCommandLine:
    @pytest.mark.slow
    def test_report_and_checkpoint(self, run_script, tmp_path, kernels):
        """DeepLab with separate matrices, an extra layer, and a folder that does not exist yet."""
        with np.load(GOLDEN / 'deeplab_gdn_thin.npz') as arrays:
            layers = golden_layers(arrays, 'b96x75_n2') | {'fc8_extra': ('Convolution', [np.zeros((5, 64, 1, 1))])}
        source, target = tmp_path / 'deeplab.caffemodel', tmp_path / 'new' / 'gdn.pth'
        write(source, layers)
        result = run_script(SCRIPT, source, target, '--layout', 'largefov', '--kernels', *kernels)
        assert result.returncode == 0, result.stderr

        lines = result.stdout.splitlines()
        used = {line.split()[1]: line for line in lines if line.startswith('used ')}
        left_over = {line.split()[2]: line for line in lines if line.startswith('left over ')}
        assert set(used) == set(layers) - {'gdn', 'fc8_extra'} | {'matrix'}
        assert set(left_over) == {'gdn', 'fc8_extra'}
        assert used['fc6'].split(None, 2)[2] == '-> decode_head.fc6 (64, 32, 3, 3)'
        assert sum('kernel_h (500, 64)' in line or 'kernel_w (500, 64)' in line for line in lines) == 2
        assert '5 classes instead of 21' in left_over['fc8_extra']
        assert lines[-1] == f'{target}: 34 tensors from 16 layers, 2 layers left over'

        checkpoint = load(target)
        meta = checkpoint['meta']
        assert meta['source'] == 'deeplab.caffemodel'
        assert meta['sha256'] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert meta['layout'] == 'largefov'
        assert meta['dataset_meta']['classes'][:2] == ('background', 'aeroplane')
        assert np.array_equal(meta['dataset_meta']['palette'], voc_palette()[:21])
        for side, path in zip('hw', kernels):
            np.testing.assert_array_equal(
                checkpoint['state_dict'][f'decode_head.interp.kernel_{side}'], np.load(path).T
            )
        build(checkpoint['state_dict'], 'largefov')

    @pytest.mark.slow
    def test_a_refusal(self, run_script, tmp_path, source):
        whole = source.read_bytes()
        source.write_bytes(whole[: len(whole) // 2])
        target = tmp_path / 'new' / 'fcn.pth'
        result = run_script(SCRIPT, source, target, '--layout', 'fcn32s')
        assert result.returncode == 1
        error = result.stderr.strip().splitlines()[-1]
        assert error.startswith(f'error: {source} is not a Caffe model or was cut off')
        assert error.endswith('; give a complete binary .caffemodel file.')
        assert 'Traceback' not in result.stderr
        assert not list(tmp_path.rglob('*.pth')) and result.stdout == ''


class TestRoundTrip:
    @pytest.mark.parametrize('writer', [write, write_v1])
    def test_fcn32s_gives_caffes_scores(self, caffe2mmseg, tmp_path, writer):
        self.check(caffe2mmseg, tmp_path, 'fcn32s', writer)

    def test_largefov_with_gdn_gives_caffes_scores(self, caffe2mmseg, tmp_path):
        self.check(caffe2mmseg, tmp_path, 'largefov', write)

    @staticmethod
    def check(caffe2mmseg, tmp_path, layout, writer):
        name, run, top = NETS[layout]
        with np.load(GOLDEN / f'{name}.npz') as arrays:
            source = writer(tmp_path / 'net.caffemodel', golden_layers(arrays, run))
            image, expected = arrays[f'{run}/blob/data'], arrays[f'{run}/blob/{top}_grid3']
        caffe2mmseg(source, tmp_path / 'net.pth', '--layout', layout)
        state = load(tmp_path / 'net.pth')['state_dict']
        assert relative_error(scores(state, layout, image)[:, :, ::3, ::3], expected) <= TOLERANCE

        first = state['backbone.features.0.conv.weight'].view(-1)
        first[first.abs().argmax()] *= 1.01
        assert relative_error(scores(state, layout, image)[:, :, ::3, ::3], expected) > TOLERANCE

    @pytest.mark.parametrize(('layout', 'run'), [('fcn32s', 'a131x97'), ('largefov', 'a161x121')])
    def test_the_models_that_caffe_wrote(self, caffe2mmseg, full_golden_dir, tmp_path, layout, run):
        name, _, top = NETS[layout]
        source = {'fcn32s': 'thin_fcn32s', 'largefov': 'thin_deeplab_gdn'}[layout]
        caffe2mmseg(full_golden_dir / f'{source}.caffemodel', tmp_path / 'net.pth', '--layout', layout)
        with np.load(full_golden_dir / f'{name}.npz') as arrays:
            image, expected = arrays[f'{run}/blob/data'], arrays[f'{run}/blob/{top}']
        actual = scores(load(tmp_path / 'net.pth')['state_dict'], layout, image)
        assert relative_error(actual, expected) <= TOLERANCE

    def test_matrices_given_apart_are_those_of_the_network(self, caffe2mmseg, tmp_path):
        """The same scores, whether Caffe's matrices stand in the model or beside it."""
        name, run, top = NETS['largefov']
        with np.load(GOLDEN / f'{name}.npz') as arrays:
            layers = golden_layers(arrays, run)
            image, expected = arrays[f'{run}/blob/data'], arrays[f'{run}/blob/{top}_grid3']
        paths = tmp_path / 'h.npy', tmp_path / 'w.npy'
        for path, kernel in zip(paths, layers.pop('gdn')[1]):
            np.save(path, kernel.astype(np.float64))
        source = write(tmp_path / 'net.caffemodel', layers)
        caffe2mmseg(source, tmp_path / 'net.pth', '--layout', 'largefov', '--kernels', *paths)
        actual = scores(load(tmp_path / 'net.pth')['state_dict'], 'largefov', image)
        assert relative_error(actual[:, :, ::3, ::3], expected) <= TOLERANCE

    def test_the_backbone_of_an_imagenet_model(self, caffe2mmseg, tmp_path):
        source = write_v1(tmp_path / 'vgg.caffemodel', vgg())
        caffe2mmseg(source, tmp_path / 'vgg.pth', '--layout', 'largefov')
        backbone = dict(
            type='CaffeVGG',
            layout='largefov',
            widths=(2, 2, 3, 3, 4),
            init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg.pth'), prefix='backbone.'),
        )
        model = MODELS.build(backbone)
        model.init_weights()
        state = load(tmp_path / 'vgg.pth')['state_dict']
        for key, value in model.state_dict().items():
            assert torch.equal(value, state[f'backbone.{key}']), key


class TestRefusals:
    @pytest.fixture
    def refusal(self, caffe2mmseg, tmp_path, source):
        """The sentence with which the tool refuses; no file may come or go by it."""

        def do(*args, target=tmp_path / 'out.pth', src=source, layout='fcn32s'):
            before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob('*')}
            with pytest.raises(InputError) as caught:
                caffe2mmseg(src, target, '--layout', layout, *args)
            assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob('*')} == before
            assert '\n' not in str(caught.value)
            return str(caught.value)

        return do

    def test_an_older_checkpoint_stays(self, refusal, tmp_path):
        (tmp_path / 'out.pth').write_bytes(b'older')
        assert 'convert this model with --layout fcn32s' in refusal(layout='largefov')
        assert (tmp_path / 'out.pth').read_bytes() == b'older'

    def test_a_missing_model(self, refusal, tmp_path):
        assert 'nowhere.caffemodel cannot be read' in refusal(src=tmp_path / 'nowhere.caffemodel')

    def test_a_model_that_is_no_vgg(self, refusal):
        assert 'has no layer conv2_1' in refusal(src=GOLDEN / 'v1_legacy.caffemodel')

    def test_nan_weights(self, refusal, tmp_path):
        layers = vgg()
        layers['fc7'][1][0][2, 3] = np.nan
        source = write(tmp_path / 'nan.caffemodel', layers)
        assert 'blob 0 of layer fc7 holds values that are not finite' in refusal(src=source)

    def test_the_target_is_a_folder(self, refusal, tmp_path):
        assert 'it is a folder' in refusal(target=tmp_path)

    def test_the_target_cannot_be_written(self, refusal, source):
        assert 'Cannot write' in refusal(target=source / 'out.pth')
        assert 'Cannot write' in refusal(target='/proc/out.pth')

    def test_the_target_is_the_model(self, refusal, source, kernels):
        assert 'is to be read, so it cannot be written' in refusal(target=source)
        assert 'is to be read, so it cannot be written' in refusal('--kernels', *kernels, target=kernels[1])

    def test_one_matrix_alone(self, caffe2mmseg, source, kernels, tmp_path, capsys):
        with pytest.raises(SystemExit) as caught:
            caffe2mmseg(source, tmp_path / 'out.pth', '--layout', 'fcn32s', '--kernels', kernels[0])
        assert caught.value.code == 2
        assert 'expected 2 arguments' in capsys.readouterr().err

    @pytest.mark.parametrize('place', [0, 1])
    @pytest.mark.parametrize('value', [np.nan, np.inf, 1e300])
    @pytest.mark.filterwarnings('error')
    def test_matrices_that_are_not_finite(self, refusal, kernels, place, value):
        matrix = np.ones((64, 500))
        matrix[63, 499] = value
        np.save(kernels[place], matrix)
        message = refusal('--kernels', *kernels)
        assert f'{kernels[place]} holds values that are not finite; give the two files' in message

    @pytest.mark.parametrize('array', [np.ones((500, 64)), np.ones(64), np.ones((1, 64, 500)), np.ones((0, 500))])
    def test_matrices_of_other_shapes(self, refusal, kernels, array):
        np.save(kernels[1], array)
        assert f'The matrix of the columns has the shape {array.shape}' in refusal('--kernels', *kernels)

    @pytest.mark.parametrize(
        'array',
        [
            np.ones((64, 500), complex),
            np.full((64, 500), 'a'),
            np.ones((64, 500), bool),
            np.array([['a', None]], object),
            np.zeros((64, 500), 'f4,f4'),
        ],
    )
    def test_matrices_of_other_things(self, refusal, kernels, array):
        np.save(kernels[0], array, allow_pickle=True)
        message = refusal('--kernels', *kernels)
        assert str(kernels[0]) in message and "give the two files of the authors' release" in message

    @pytest.mark.parametrize(
        'content',
        [
            b'',
            b'no matrix',
            b'PK\x03\x04 no archive',
            b'\x93NUMPY',
            b'\x93NUMPY\x01\0',
            b'\x80\x04K\x01.',
            b'\x93NUMPY\x01\0\x04\0abc\n',
            b'\x93NUMPY\x09\0\x04\0abc\n',
        ],
    )
    def test_files_that_are_no_matrices(self, refusal, kernels, content):
        kernels[0].write_bytes(content)
        message = refusal('--kernels', *kernels)
        assert f'{kernels[0]} cannot be read as a .npy matrix' in message

    def test_archives_of_matrices(self, refusal, kernels):
        np.savez(kernels[0].with_suffix('.npz'), np.ones((64, 500)))
        shutil.move(kernels[0].with_suffix('.npz'), kernels[0])
        assert f'{kernels[0]} cannot be read as a .npy matrix' in refusal('--kernels', *kernels)

    @pytest.mark.filterwarnings('error')
    @pytest.mark.parametrize('shape', [(64, 500), (2**40, 2**20), (2**62, 2**62), (-1, 500)])
    def test_matrices_that_are_cut_off_or_claim_to_be_gigantic(self, refusal, kernels, shape):
        whole = kernels[0].read_bytes()
        kernels[0].write_bytes(whole.replace(b'(64, 500)', str(shape).encode())[:-500])
        assert f'{kernels[0]} cannot be read as a .npy matrix' in refusal('--kernels', *kernels)

    def test_missing_matrices(self, refusal, kernels, tmp_path):
        assert 'cannot be read as a .npy matrix' in refusal('--kernels', kernels[0], tmp_path / 'nowhere.npy')
        assert f'{tmp_path} is not a regular file' in refusal('--kernels', kernels[0], tmp_path)
