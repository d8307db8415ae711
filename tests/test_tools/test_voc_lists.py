"""Lists that follow from those of VOC and SBD."""

import hashlib
import json
import sys

import pytest

import voc_lists
from derived_lists import published_seg11valid, require_count, trainaug, trainvalaug
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import read_ids
from mmseg_gdn.utils.sources import read_sources
from sbd_masks import write_list

from ..test_utils.loopback import serving


@pytest.fixture
def run(voc_root, tmp_path, monkeypatch):
    """Run the tool in this process; gives the list that it has written."""
    monkeypatch.setenv('no_proxy', '*')

    def do(name, *args):
        monkeypatch.setattr(
            sys,
            'argv',
            [
                'voc_lists.py',
                name,
                '--data-root',
                str(voc_root),
                '--downloads',
                str(tmp_path / 'downloads'),
                *map(str, args),
            ],
        )
        voc_lists.main()
        return read_ids(voc_root / 'ImageSets/Segmentation' / f'{name}.txt')

    return do


@pytest.fixture
def sbd(tmp_path):
    """SBD's lists."""
    write_list(tmp_path / 'dataset/train.txt', ['c', 'd', 'x'])
    write_list(tmp_path / 'dataset/val.txt', ['e', 'a', 'y'])
    return tmp_path / 'dataset'


def test_lists_to_train_on(run, sbd):
    """VOC trains on a and b and validates on d and e; aug.txt has c."""
    assert run('trainaug', '--any-count') == ['a', 'b', 'c']
    assert run('trainaug', '--any-count', '--sbd', sbd) == ['a', 'b', 'c', 'x', 'y']
    assert run('trainvalaug', '--any-count') == ['a', 'b', 'c', 'd', 'e']


def test_fcns_validation_images(run, sbd, tmp_path):
    write_list(tmp_path / 'val2011.txt', ['e', 'd'])
    options = ['--any-count', '--voc2011-val', tmp_path / 'val2011.txt']
    assert run('seg11valid', *options, '--sbd', sbd) == ['e']
    with pytest.raises(InputError, match="leaves out the images of SBD's train.* by --sbd"):
        run('seg11valid', *options)


def test_fcns_own_list_is_downloaded_and_verified(run, tmp_path, monkeypatch):
    with serving() as server:
        server.files['seg11valid.txt'] = content = b'd\n'
        table = json.loads(voc_lists.TABLE.read_text())
        table['seg11valid'].update(url=server.url('seg11valid.txt'), hash=f'md5:{hashlib.md5(content).hexdigest()}')
        (tmp_path / 'table.json').write_text(json.dumps(table))
        monkeypatch.setattr(voc_lists, 'TABLE', tmp_path / 'table.json')
        assert run('seg11valid', '--any-count') == ['d']


def test_other_counts_are_refused(run, voc_root):
    with pytest.raises(InputError, match=r'trainvalaug would have 5 images instead of 12031; .* --any-count'):
        run('trainvalaug')
    assert not (voc_root / 'ImageSets/Segmentation/trainvalaug.txt').exists()


def test_missing_lists(run, voc_root):
    (voc_root / 'ImageSets/Segmentation/aug.txt').unlink()
    with pytest.raises(InputError, match=r'no .*aug.txt, .*get_voc.py, or give .* by --sbd'):
        run('trainvalaug')


def test_a_val_that_lacks_some_of_fcns_images(voc_root, tmp_path):
    lists = voc_root / 'ImageSets/Segmentation'
    write_list(tmp_path / 'seg11valid.txt', ['e', 'z'])
    with pytest.raises(InputError, match='lacks 1 of the 2 images .* first of them z'):
        published_seg11valid(tmp_path / 'seg11valid.txt', lists)
    assert published_seg11valid(tmp_path / 'seg11valid.txt', lists, any_count=True) == ['e']


def test_the_official_lists_have_the_counts_and_the_hash(voc_extract, tmp_path):
    official = voc_extract / 'ImageSets/Segmentation_official'
    if not official.is_dir():
        pytest.skip("needs VOC's complete lists")
    train, everything = read_ids(official / 'train.txt'), read_ids(official / 'trainaug.txt')
    write_list(tmp_path / 'train.txt', train)
    write_list(tmp_path / 'aug.txt', sorted(set(everything) - set(train)))
    write_list(tmp_path / 'val.txt', read_ids(official / 'val.txt'))
    published = official / 'val_seg11valid_736.txt'
    require_count('trainaug', trainaug(tmp_path))
    require_count('trainvalaug', trainvalaug(tmp_path))
    require_count('seg11valid', published_seg11valid(published, tmp_path))
    digest = hashlib.sha1(published.read_bytes()).hexdigest()
    assert read_sources(voc_lists.TABLE)['seg11valid'].hash == f'sha1:{digest}'
