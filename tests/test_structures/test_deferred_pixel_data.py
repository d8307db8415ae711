"""Pixel data computed at the first read."""

import copy
import pickle
from functools import partial

import pytest
import torch
from mmengine.evaluator.metric import _to_cpu
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_gdn.structures import DeferredPixelData

DATA = torch.arange(24.0).view(2, 3, 4)


class Compute:
    """Gives the data and counts how often."""

    calls = 0

    def __call__(self):
        self.calls += 1
        return DATA


@pytest.fixture
def compute():
    return Compute()


@pytest.fixture
def pixels(compute):
    return DeferredPixelData(compute, partial(torch.tensor, 1000.0), metainfo=dict(scale=2))


def test_is_pixel_data(pixels):
    assert isinstance(pixels, PixelData)
    assert pixels.shape == (3, 4)
    assert 'data' in pixels
    assert pixels.scale == 2


def test_is_computed_once_at_the_first_read(pixels, compute):
    sample = SegDataSample(seg_logits=pixels, pred_sem_seg=PixelData(data=torch.ones(1, 3, 4)))
    assert sample.seg_logits is pixels
    fields = sample.to_dict()
    assert fields['pred_sem_seg']['data'].sum() == 12
    assert compute.calls == 0
    assert torch.equal(fields['seg_logits']['data'], DATA)
    assert torch.equal(sample.seg_logits.data, DATA)
    assert compute.calls == 1


def test_its_dictionary_is_one(pixels):
    fields = pixels.to_dict()
    assert isinstance(fields, dict)
    assert set(fields) == {'data', 'scale'}
    assert set(dict(fields)) == {'data', 'scale'}
    assert set({**fields}) == {'data', 'scale'}
    assert len(fields) == 2
    assert fields.get('nothing') is None
    assert torch.equal(_to_cpu(fields)['data'], DATA), 'as DumpResults copies it'


def test_its_dictionary_may_be_changed(pixels):
    fields = pixels.to_dict()
    fields['data'] = fields['data'] + 1
    assert torch.equal(fields['data'], DATA + 1)
    fields.update(extra=1)
    assert fields['extra'] == 1
    assert torch.equal(fields.pop('data'), DATA + 1)
    del fields['scale']
    assert list(fields) == ['extra']
    fields |= dict(other=2)
    assert fields == dict(extra=1, other=2)


@pytest.mark.parametrize(
    'duplicate',
    [
        copy.copy,
        copy.deepcopy,
        lambda fields: fields.copy(),
        lambda fields: fields | {},
        lambda fields: {} | fields,
        lambda fields: {key: fields[key] for key in reversed(fields)},
    ],
    ids=['copy', 'deepcopy', 'method', 'or', 'ror', 'reversed'],
)
def test_copies_of_its_dictionary_have_its_entries(pixels, duplicate):
    assert set(duplicate(pixels.to_dict())) == {'data', 'scale'}
    assert repr(duplicate(pixels.to_dict())) != '{}'


@pytest.mark.parametrize(
    'duplicate',
    [
        copy.deepcopy,
        lambda pixels: pickle.loads(pickle.dumps(pixels)),
        DeferredPixelData.clone,
        DeferredPixelData.cpu,
        lambda pixels: pixels.to(torch.float64),
        lambda pixels: pixels[:3, :4],
    ],
)
def test_copies(pixels, duplicate):
    torch.testing.assert_close(duplicate(pixels).data, DATA, check_dtype=False)
    assert duplicate(pixels).scale == 2


def test_pickled_dictionary_is_plain(pixels):
    fields = pickle.loads(pickle.dumps(pixels.to_dict()))
    assert type(fields) is dict
    assert torch.equal(fields['data'], DATA)


def test_data_may_be_replaced(pixels):
    pixels.data = DATA + 1
    assert torch.equal(pixels.data, DATA + 1)
    assert pixels.bound() == 24


@pytest.mark.parametrize('is_read', [False, True])
def test_data_may_be_removed(pixels, is_read):
    if is_read:
        pixels.data  # noqa: B018
    del pixels.data
    assert 'data' not in pixels
    assert not hasattr(pixels, 'data')


@pytest.mark.parametrize('is_read', [False, True])
def test_data_may_be_popped(pixels, is_read):
    if is_read:
        pixels.data  # noqa: B018
    assert torch.equal(pixels.pop('data'), DATA)
    assert pixels.pop('data', None) is None
    assert pixels.pop('scale') == 2


def test_without_a_computation_it_is_ordinary(pixels):
    assert DeferredPixelData(data=DATA).data is DATA
    with pytest.raises(AttributeError, match="'DeferredPixelData' object has no attribute 'data'"):
        DeferredPixelData().data  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'dta'"):
        pixels.dta  # noqa: B018
