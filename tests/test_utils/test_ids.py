"""Lists of image names: what is read, and what is refused with list and line."""

import os

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import archive_names, hint_at_column, read_ids

WANTED = 'give a text file in UTF-8 with one image name per line, without suffix'


@pytest.mark.parametrize(
    'content',
    [
        b'2008_000006\n2008_000011\n',
        b'2008_000006\n2008_000011',
        b'\xef\xbb\xbf2008_000006\r\n\r\n2008_000011\r\n\r\n',
        b'2008_000006\n\xef\xbb\xbf2008_000011\n',
        b'\n  2008_000006  \n\t\n2008_000011\t\n',
        b'2008_000006\r2008_000011\r',
    ],
)
def test_names_in_order(tmp_path, content):
    (tmp_path / 'test.txt').write_bytes(content)
    assert read_ids(tmp_path / 'test.txt') == ['2008_000006', '2008_000011']


@pytest.mark.parametrize(
    'names',
    [
        ['frankfurt/frankfurt_000000_000294_leftImg8bit'],
        ['a photo', 'another photo'],
        ['img 0', 'img 1'],
        ['street 12', 'road 7'],
        ['größe', '道路'],
        ['v1.2', 'a#b'],
    ],
)
def test_names_of_other_data_sets(tmp_path, names):
    (tmp_path / 'val.txt').write_text('\n'.join(names), encoding='utf-8')
    assert read_ids(tmp_path / 'val.txt') == names


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'a\n\nb  1\n', r"ids\.txt has 'b  1' in line 3, which is not an image name \(it has several columns\)"),
        (b'a\tb\n', 'it has several columns'),
        (b'a -1\nb  1\n', 'it has several columns'),
        (b'a 1\nb 0\n', "has 'a 1' in line 1 and a second column in every line; " + WANTED),
        (b'a.jpg a.png\n', 'it has a suffix'),
        (b'a.jpg\n', r"has 'a\.jpg' in line 1"),
        (b'# train\na\n', 'it begins like a comment'),
        (b'/data/JPEGImages/a\n', "has '/data/JPEGImages/a' in line 1, .* absolute path"),
        (b'C:/data/a\n', 'absolute path'),
        (b'../a\n', r"leaves the folder by '\.\.'"),
        (b'a/../../b\n', r"leaves the folder by '\.\.'"),
        (b'a//b\n', 'empty folder'),
        (b'./a\n', 'empty folder'),
        (b'..\\a\n', 'characters that names cannot have'),
        (b'a\0b\n', 'characters that names cannot have'),
        (b'a' * 300, r"has 'a{57}\.\.\.' in line 1, .*too long"),
        (b'a\nb\n\na\n', 'ids.txt names a twice, in lines 1 and 4'),
        (b'', 'names no images'),
        (b' \n\r\n', 'names no images'),
        ('a\n'.encode('utf-16'), 'is not UTF-8 text'),
        ('a\n'.encode('utf-16-le'), 'characters that names cannot have'),
        ('größe'.encode('latin-1'), 'is not UTF-8 text'),
    ],
)
def test_what_is_no_list(tmp_path, content, message):
    (tmp_path / 'ids.txt').write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_ids(tmp_path / 'ids.txt')


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r'There is no list .*tset\.txt \(relative to '):
        read_ids(tmp_path / 'tset.txt')
    with pytest.raises(InputError, match='because it is a folder'):
        read_ids(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'ids.txt')
    with pytest.raises(InputError, match=r'ids\.txt is a pipe'):
        read_ids(tmp_path / 'ids.txt')


def test_a_list_without_end_is_not_read_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg_gdn.utils.ids._LARGEST_LIST', 2**12)
    (tmp_path / 'ids.txt').write_text(2**12 * '\n' + 'a')
    with pytest.raises(InputError, match='has more than 4096 characters'):
        read_ids(tmp_path / 'ids.txt')
    with pytest.raises(InputError, match='/dev/zero is a device'):
        read_ids('/dev/zero')


def test_names_in_archives():
    assert archive_names(['x/a', 'b'], 'The list') == {'a': 'x/a', 'b': 'b'}
    with pytest.raises(InputError, match=r'The list names x/a and y/a, whose predictions would both be called a\.png'):
        archive_names(['x/a', 'y/a'], 'The list')
    for name in ('../a', '/a', '..', 'x/..', 'a\nb'):
        with pytest.raises(InputError, match='cannot be the name of a prediction'):
            archive_names([name], 'The list')


def test_a_hint_at_a_second_column():
    assert hint_at_column('val_0000 1') == ' (if the image is val_0000, remove the second column)'
    assert hint_at_column('val_0000') == hint_at_column('street 12') == ''
