"""Coarse scores from disk are those that the network computes, and wrong ones cannot come from there."""

import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_gdn.models.score_cache import ScoreCache
from mmseg_gdn.utils import InputError

_HEADER = b"{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }".ljust(117)
WORDS = b'\x93NUMPY\x01\x00\x76\x00' + _HEADER + b'\na\0\0\0'


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Conv2d(3, 5, 4, stride=4, padding=2).requires_grad_(False)


@pytest.fixture
def compute(network):
    """The network, which counts the images it gets in ``compute.images``."""

    def counting(images):
        counting.images += len(images)
        return network(images)

    counting.images = 0
    return counting


IMAGES = torch.randn(3, 3, 8, 12, generator=torch.Generator().manual_seed(0))


def samples(*names):
    return [SegDataSample(metainfo=dict(img_path=name)) for name in names]


def test_each_image_is_computed_once(tmp_path, network, compute):
    cache = ScoreCache(tmp_path, {'network': network})
    first = cache.scores(IMAGES, samples('a', 'b', 'c'), compute)
    again = cache.scores(IMAGES[[2, 0]], samples('c', 'a'), compute)
    assert compute.images == 3
    assert torch.equal(first, network(IMAGES))
    assert torch.equal(again, first[[2, 0]])
    assert first.shape == (3, 5, 3, 4)
    assert not first.requires_grad


def test_the_next_process_reads_them(tmp_path, network, compute):
    expected = ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute)
    assert torch.equal(ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute), expected)
    assert compute.images == 1


def test_other_weights_have_other_scores(tmp_path, network, compute):
    ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute)
    network.weight.mul_(2)
    scores = ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute)
    assert torch.equal(scores, network(IMAGES[:1]))


def test_other_layers_have_other_scores(tmp_path, network, compute):
    ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute)
    network.dilation = (2, 2)
    scores = ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), compute)
    assert torch.equal(scores, network(IMAGES[:1]))


def test_settings_that_no_layer_shows_count_as_well(tmp_path, network, compute):
    heads = nn.Identity(), nn.Identity()
    for head, align_corners in zip(heads, (False, True)):
        head.align_corners = align_corners
        ScoreCache(tmp_path, {'network': network}, head).scores(IMAGES[:1], samples('a'), compute)
    network.in_index = 2
    ScoreCache(tmp_path, {'network': network}, heads[0]).scores(IMAGES[:1], samples('a'), compute)
    assert compute.images == 3
    network.eval()
    ScoreCache(tmp_path, {'network': network}, heads[0]).scores(IMAGES[:1], samples('a'), compute)
    assert compute.images == 3


def test_a_mirrored_image_is_another_version(tmp_path, network, compute):
    cache = ScoreCache(tmp_path, {'network': network})
    for _ in range(2):
        for images in (IMAGES[:1], IMAGES[:1].flip(3)):
            assert torch.equal(cache.scores(images, samples('a'), compute), network(images))
    assert compute.images == 2


def test_changing_images_are_refused(tmp_path, network, compute):
    cache = ScoreCache(tmp_path, {'network': network})
    cache.scores(IMAGES[:2], samples('street.jpg', 'street.jpg'), compute)
    with pytest.raises(InputError, match=r'street\.jpg comes in more than 2 versions.*random crops'):
        cache.scores(IMAGES[2:], samples('street.jpg'), compute)


def test_what_another_process_is_writing_is_no_version(tmp_path, network, compute):
    cache = ScoreCache(tmp_path, {'network': network})
    cache.scores(IMAGES[:1], samples('a'), compute)
    (file,) = tmp_path.rglob('*.npy')
    file.with_name(f'.{file.name}.0123.npy').write_bytes(b'half a file')
    assert torch.equal(cache.scores(IMAGES[1:2], samples('a'), compute), network(IMAGES[1:2]))


@pytest.mark.parametrize('content', [b'', b'\x93NUMPY half a file', b'not an array', b'PK\x03\x04 no archive', WORDS])
def test_damaged_files_are_computed_again(tmp_path, network, compute, content):
    cache = ScoreCache(tmp_path, {'network': network})
    expected = cache.scores(IMAGES[:1], samples('a'), compute)
    (file,) = tmp_path.rglob('*.npy')
    file.write_bytes(content)
    assert torch.equal(cache.scores(IMAGES[:1], samples('a'), compute), expected)
    assert torch.equal(torch.from_numpy(np.load(file)), expected[0])


def test_no_code_of_a_file_is_run(tmp_path, network, compute):
    cache = ScoreCache(tmp_path, {'network': network})
    expected = cache.scores(IMAGES[:1], samples('a'), compute)
    (file,) = tmp_path.rglob('*.npy')
    np.save(file, np.array([dict(planted=True)], dtype=object), allow_pickle=True)
    assert torch.equal(cache.scores(IMAGES[:1], samples('a'), compute), expected)


def test_a_trained_network_is_refused(tmp_path, network):
    with pytest.raises(InputError, match=r'network\.weight is trained and would change'):
        ScoreCache(tmp_path, {'network': network.requires_grad_(True)})


def test_heads_with_several_outputs_are_refused(tmp_path, network):
    with pytest.raises(InputError, match='several outputs'):
        ScoreCache(tmp_path, {'network': network}).scores(IMAGES[:1], samples('a'), lambda images: (images, images))


def test_a_folder_that_cannot_be_made(tmp_path, network, compute):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='Cannot write'):
        ScoreCache(tmp_path / 'file', {'network': network}).scores(IMAGES[:1], samples('a'), compute)
