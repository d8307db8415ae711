"""Pictures of matrices."""

import numpy as np
import pytest
import torch

from kernel_figure import draw_pairs
from kernel_pairs import KernelPair, deviation_from_bilinear, footprint, read_pairs
from mmseg_gdn.models import GlobalInterp
from mmseg_gdn.utils import InputError


@pytest.fixture
def layer():
    layer = GlobalInterp((4, 6), (32, 48))
    with torch.no_grad():
        layer.kernel_h += 0.1
    return layer


@pytest.fixture
def checkpoint(layer, tmp_path):
    path = tmp_path / 'gdn.pth'
    state = {f'decode_head.interp.{name}': value for name, value in layer.state_dict().items()}
    torch.save(dict(state_dict=state | {'decode_head.conv_seg.bias': torch.zeros(3)}), path)
    return path


@pytest.fixture
def blobs(layer, tmp_path):
    """The matrices as the release stores them: transposed, and negated."""
    paths = [tmp_path / 'W0.npy', tmp_path / 'W1.npy']
    for path, kernel in zip(paths, layer.state_dict().values()):
        np.save(path, -kernel.numpy().T)
    return list(map(str, paths))


class TestContent:
    def test_checkpoint(self, checkpoint, layer):
        (pair,) = read_pairs([str(checkpoint)])
        assert np.array_equal(pair.kernel_h, layer.kernel_h.detach())
        assert np.array_equal(pair.kernel_w, layer.kernel_w.detach())

    def test_blobs_of_the_release(self, blobs, layer):
        (pair,) = read_pairs(blobs)
        assert np.array_equal(pair.kernel_h, layer.kernel_h.detach())
        assert np.array_equal(pair.kernel_w, layer.kernel_w.detach())
        assert pair.title == 'W0.npy, W1.npy (both with the opposite sign)'

    def test_released_matrices(self, released_matrices, tmp_path):
        for name, key in (('a.npy', 'w0_500'), ('b.npy', 'w1_500')):
            np.save(tmp_path / name, released_matrices[key])
        (pair,) = read_pairs([str(tmp_path / name) for name in ('a.npy', 'b.npy')])
        assert pair.kernel_h.shape == pair.kernel_w.shape == (500, 64)
        assert pair.kernel_h.sum() > 0 and pair.kernel_w.sum() > 0
        deviation = deviation_from_bilinear(pair.kernel_h, align_corners=False)
        stock = pair.kernel_h - deviation
        assert np.linalg.norm(deviation) / np.linalg.norm(stock) == pytest.approx(0.7, abs=0.02)

    @pytest.mark.parametrize('align_corners', [False, True])
    def test_deviation(self, align_corners):
        kernel = GlobalInterp((4, 6), (32, 48), align_corners=align_corners).kernel_h.detach().numpy()
        assert np.abs(deviation_from_bilinear(kernel + 0.25, align_corners) - 0.25).max() < 1e-6
        assert np.abs(deviation_from_bilinear(kernel, not align_corners)).max() > 0.1

    def test_footprint_is_what_the_layer_makes_of_one_cell(self, layer):
        cell = torch.zeros(1, 1, 4, 6)
        cell[0, 0, 2, 5] = 1
        pair = KernelPair('', layer.kernel_h.detach().numpy(), layer.kernel_w.detach().numpy())
        np.testing.assert_allclose(footprint(pair, 2, 5), layer(cell)[0, 0].detach(), atol=1e-6)


class TestPicture:
    def test_a_checkpoint_and_blobs_of_zeros(self, draw, checkpoint, tmp_path):
        blobs = [tmp_path / 'W0.npy', tmp_path / 'W1.npy']
        for path in blobs:
            np.save(path, np.zeros((2, 9), np.float32))
        picture = draw('plot_kernels', checkpoint, *blobs)
        for half in np.split(picture, 2):
            assert len(np.unique(half.reshape(-1, 3), axis=0)) > 100, 'colour maps, not a blank sheet'
            assert (half == (0x00, 0x72, 0xB2)).all(-1).any(), 'the curves of K_h'

    @pytest.mark.parametrize(
        ('out_size', 'labels'),
        [
            ((32, 48), ['bilinear for $K_h$', 'bilinear for $K_w$', '$K_h$', '$K_w$']),
            ((32, 32), ['bilinear, both', '$K_h$', '$K_w$']),
        ],
    )
    def test_singular_values_beside_those_of_bilinear(self, out_size, labels):
        stock = GlobalInterp((4, out_size[1] // 8), out_size)
        kernels = [kernel.detach().numpy() for kernel in (stock.kernel_h, stock.kernel_w)]
        figure = draw_pairs([KernelPair('', *(2 * kernel for kernel in kernels))], align_corners=False)
        (axes,) = (each for each in figure.axes if each.get_title() == 'singular values')
        curves = {line.get_label(): line for line in axes.get_lines()}
        assert list(curves) == [text.get_text() for text in axes.get_legend().get_texts()] == labels
        drawn = {(line.get_color(), line.get_linestyle()) for line in curves.values()}
        assert len(drawn) == len(labels), 'curves that cannot be told apart'
        for side, kernel in zip('hw', kernels):
            values = np.linalg.svd(kernel, compute_uv=False)
            beside = curves.get(f'bilinear for $K_{side}$') or curves['bilinear, both']
            np.testing.assert_allclose(beside.get_ydata(), values, rtol=1e-5)
            np.testing.assert_allclose(curves[f'$K_{side}$'].get_ydata(), 2 * values, rtol=1e-5)


class TestRefusals:
    def test_checkpoint_without_matrices(self, tmp_path):
        torch.save(dict(state_dict={'conv.weight': torch.zeros(3)}), tmp_path / 'fcn.pth')
        with pytest.raises(InputError, match=r'fcn.pth has no matrices of global interpolation'):
            read_pairs([str(tmp_path / 'fcn.pth')])

    def test_one_array_alone(self, blobs):
        with pytest.raises(InputError, match='in two .npy files'):
            read_pairs(blobs[:1])

    def test_pickled_objects(self, tmp_path):
        path = tmp_path / 'W0.npy'
        np.save(path, np.array([{}]), allow_pickle=True)
        with pytest.raises(InputError, match=r'W0.npy cannot be read|W0.npy holds no array'):
            read_pairs([str(path)] * 2)

    def test_no_matrix(self, tmp_path):
        path = tmp_path / 'W0.npy'
        np.save(path, np.zeros(5, np.float32))
        with pytest.raises(InputError, match='has 1 axes instead of the two of a matrix'):
            read_pairs([str(path)] * 2)
