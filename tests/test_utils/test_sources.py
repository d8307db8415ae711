"""The table of downloads."""

import re

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.sources import read_sources

DIGITS = {'md5': 32, 'sha1': 40, 'sha256': 64}


@pytest.fixture
def table(root_dir):
    return root_dir / 'tools/sources.json'


def test_every_entry_has_a_hash_or_says_that_it_has_none(table):
    sources = read_sources(table)
    assert set(sources) == {'voc2012-trainval', 'sbd', 'seg11valid', 'vgg16', 'vgg16-reduced', 'fcn32s-voc'}
    for source in sources.values():
        if source.hash is None:
            assert 'cannot be verified' in source.note
        else:
            algorithm, digest = source.hash.split(':')
            assert re.fullmatch(r'[0-9a-f]+', digest) and len(digest) == DIGITS[algorithm]
        assert source.url.endswith(f'/{source.file}')


def test_vocs_and_sbds_entries_are_torchvisions(table):
    voc = pytest.importorskip('torchvision.datasets.voc').DATASET_YEAR_DICT['2012']
    sbd = pytest.importorskip('torchvision.datasets.sbd').SBDataset
    sources = read_sources(table)
    assert [(sources[name].file, sources[name].hash) for name in ('voc2012-trainval', 'sbd')] == [
        (voc['filename'], f'md5:{voc["md5"]}'),
        (sbd.filename, f'md5:{sbd.md5}'),
    ]


def test_a_mirror_changes_the_address_alone(table):
    before, after = read_sources(table), read_sources(table, ['sbd=http://localhost/copy?of=benchmark.tgz'])
    assert after['sbd'].url == 'http://localhost/copy?of=benchmark.tgz'
    assert after['sbd'].hash == before['sbd'].hash
    assert {**after, 'sbd': before['sbd']} == before


@pytest.mark.parametrize('mirror', ['sbd', 'sbd=', 'sbd=/a/file', 'sbd=ftp://host/file', 'other=http://host/file', ''])
def test_mirrors_of_another_form(table, mirror):
    with pytest.raises(InputError, match=r'NAME=URL, .* of the names voc2012-trainval, sbd, seg11valid, vgg16'):
        read_sources(table, [mirror])


@pytest.mark.parametrize('url', ['nowhere', 'file:///a', 'http://', 'http://[bad', 'http://localhost:99999/a'])
def test_a_mirror_that_is_no_address(table, url):
    with pytest.raises(InputError, match='is not of the form NAME=URL'):
        read_sources(table, [f'sbd={url}'])
