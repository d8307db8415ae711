"""What the page shows after something was dropped or moved."""

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.demo_page.answers import NO_TABLE, answer_photograph, answer_settings
from mmseg_gdn.evaluation import dense_crf
from mmseg_gdn.utils import InputError


def drop(models, path, longest_side=1024, with_crf=False):
    return answer_photograph(models, str(path), longest_side, 55, with_crf)


def test_a_photograph(models, cat):
    answer = drop(models, cat)
    assert [picture.size for picture in answer.pictures] == [(451, 300), (451, 300)]
    assert 'cat.png, 451x300 pixels: predicted in ' in answer.message
    assert '>cat</th>' in answer.table


def test_a_large_photograph_is_said_to_be_reduced(models, cat):
    assert 'cat.png, 200x133 pixels, reduced from 451x300: predicted in ' in drop(models, cat, 200).message


@pytest.mark.parametrize('size', [(1, 1), (900, 2)])
def test_extreme_sizes(models, size, tmp_path):
    Image.new('RGB', size, 'green').save(tmp_path / 'photo.png')
    assert drop(models, tmp_path / 'photo.png').pictures[1].size == size


def test_a_broken_file_leaves_nothing_of_the_one_before(models, tmp_path):
    (tmp_path / '<i>.jpg').write_bytes(b'\xff\xd8\xff')
    answer = drop(models, tmp_path / '<i>.jpg')
    assert answer[:3] == (None, None, NO_TABLE)
    assert answer.message.startswith('<p class="error" role="status">&lt;i&gt;.jpg ')
    assert str(tmp_path) not in answer.message


def test_more_pixels_than_memory(models, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / 'bomb.png')
    answer = drop(models, tmp_path / 'bomb.png')
    assert 'class="error"' in answer.message
    assert 'bomb.png cannot be read as an image (Image size (400 pixels) exceeds limit' in answer.message


def test_without_the_crf_if_it_fails(models, cat, monkeypatch):
    segmentation = drop(models, cat).segmentation

    def fail(*args):
        raise InputError('No CRF today.')

    monkeypatch.setattr(dense_crf.DenseCRF, 'refine', fail)
    answer = answer_settings(segmentation, 55, with_crf=True)
    assert 'Shown without the CRF: No CRF today.' in answer.message
    without = answer_settings(segmentation, 55, with_crf=False)
    assert all(np.array_equal(*pair) for pair in zip(answer.pictures, without.pictures))
    assert answer.table == without.table
