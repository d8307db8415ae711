"""Lists of image names: what is read, and what is refused with list and line."""

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import read_ids


@pytest.mark.parametrize('content', [
    b'2008_000006\n2008_000011\n',
    b'2008_000006\n2008_000011',
    b'\xef\xbb\xbf2008_000006\r\n\r\n2008_000011\r\n\r\n',
    b'\n  2008_000006  \n\t\n2008_000011\t\n',
])
def test_names_in_order(tmp_path, content):
    (tmp_path / 'test.txt').write_bytes(content)
    assert read_ids(tmp_path / 'test.txt') == ['2008_000006', '2008_000011']


def test_names_in_folders(tmp_path):
    (tmp_path / 'val.txt').write_text('frankfurt/frankfurt_000000_000294_leftImg8bit\n')
    assert read_ids(tmp_path / 'val.txt') == ['frankfurt/frankfurt_000000_000294_leftImg8bit']


@pytest.mark.parametrize(('content', 'message'), [
    (b'a\n\nb  1\n', r"ids\.txt has 'b  1' in line 3, which is not an image name"),
    (b'a.jpg\n', r"has 'a\.jpg' in line 1"),
    (b'/data/JPEGImages/a\n', "has '/data/JPEGImages/a' in line 1"),
    (b'a\n' + 50 * b'b ', r"has '(b ){28}b\.\.\.' in line 2"),
    (b'a\nb\n\na\n', 'ids.txt names a twice, in lines 1 and 4'),
    (b'', 'names no images'),
    (b' \n\r\n', 'names no images'),
    ('a\n'.encode('utf-16'), 'is not UTF-8 text'),
])
def test_what_is_no_list(tmp_path, content, message):
    (tmp_path / 'ids.txt').write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_ids(tmp_path / 'ids.txt')


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r'There is no list .*tset\.txt \(relative to '):
        read_ids(tmp_path / 'tset.txt')
    with pytest.raises(InputError, match='cannot be read'):
        read_ids(tmp_path)
