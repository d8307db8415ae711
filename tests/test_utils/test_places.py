"""Places to write to."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.places import filling, require_file_place, require_folder, require_other_file, writing


def test_a_place_that_can_be_written_is_made_and_left_empty(tmp_path):
    require_folder(tmp_path / 'a/b', 'the folder of pictures', '--out')
    require_file_place(tmp_path / 'c/d.txt', 'the list', '--out')
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['a', 'b', 'c']


def test_an_existing_file_is_left_as_it_is(tmp_path):
    (tmp_path / 'd.txt').write_text('old')
    require_file_place(tmp_path / 'd.txt', 'the list', '--out')
    assert (tmp_path / 'd.txt').read_text() == 'old'


@pytest.mark.parametrize('check', [require_folder, require_file_place])
def test_places_that_cannot_be_made(tmp_path, check):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match=r'Cannot create .*file.*Not a directory.*--out'):
        check(tmp_path / 'file/inside/other', 'the pictures', '--out')


def test_a_folder_where_a_file_is_wanted(tmp_path):
    with pytest.raises(InputError, match='it is a folder; name a file with --out'):
        require_file_place(tmp_path, 'the list', '--out')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match='Cannot write in the pictures .*Permission denied.*make it writable'):
        require_folder(tmp_path, 'the pictures', '--out')


def test_no_room(tmp_path, limit_files):
    limit_files(0)
    with pytest.raises(InputError, match='Cannot write in the pictures .*, or name another one with --out'):
        require_folder(tmp_path, 'the pictures', '--out')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'write',
    [
        lambda path: path.write_bytes(bytes(9000)),
        lambda path: torch.save(dict(a=torch.zeros(9000)), path),
        lambda path: torch.save(dict(a=torch.zeros(9000)), str(path)),
        lambda path: np.savez(path, a=np.zeros(9000)),
    ],
)
def test_a_file_that_does_not_fit(tmp_path, limit_files, write):
    limit_files(4096)
    with pytest.raises(InputError, match='Cannot write the weights .*run this again'), writing('the weights'):
        write(tmp_path / 'new')


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match='mat1'), writing('the weights'):
        raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')


def test_a_folder_is_filled_at_the_end(tmp_path):
    (tmp_path / 'a.txt').write_text('old')
    (tmp_path / 'kept.txt').write_text('kept')
    with filling(tmp_path) as partial:
        (partial / 'a.txt').write_text('new')
        (partial / 'sub').mkdir()
        (partial / 'sub/b.txt').write_text('b')
        assert (tmp_path / 'a.txt').read_text() == 'old'
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob('*.txt')} == {
        'a.txt': 'new',
        'kept.txt': 'kept',
        'sub/b.txt': 'b',
    }
    assert not (tmp_path / '.unfinished').exists()


@pytest.mark.parametrize('kind', ['PNG', 'JPEG'])
def test_a_picture_of_which_the_disk_takes_a_part(tmp_path, limit_files, kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8))
    path = tmp_path / 'a.png'
    path.write_text('old')
    limit_files(4096)
    with pytest.raises(InputError, match=r'Cannot write .*a\.png'), atomic_write(path) as partial:
        noise.save(partial, format=kind)
    with pytest.raises(InputError, match=r'Cannot write .*'), filling(tmp_path) as folder:
        noise.save(folder / 'a.png', format=kind)
    assert [file.read_text() for file in tmp_path.iterdir()] == ['old']


def test_a_failure_leaves_a_folder_as_it_was(tmp_path, limit_files):
    (tmp_path / 'a.txt').write_text('old')
    limit_files(4096)
    with pytest.raises(InputError, match='What was there before is untouched'), filling(tmp_path) as partial:
        (partial / 'a.txt').write_text('new')
        (partial / 'b.txt').write_bytes(bytes(9000))
    assert [path.name for path in tmp_path.iterdir()] == ['a.txt']
    assert (tmp_path / 'a.txt').read_text() == 'old'


def test_a_result_does_not_replace_what_it_is_made_from(tmp_path):
    (tmp_path / 'link.pth').symlink_to(tmp_path / 'a.pth')
    require_other_file(tmp_path / 'b.png', tmp_path / 'a.pth', None)
    for given in ('a.pth', 'link.pth', '../' + tmp_path.name + '/a.pth'):
        with pytest.raises(InputError, match=r'a\.pth would replace '):
            require_other_file(tmp_path / 'a.pth', tmp_path / 'b.npy', tmp_path / given)


def test_two_runs_do_not_fill_one_folder(tmp_path):
    with filling(tmp_path) as partial:
        (partial / 'a.txt').write_text('first')
        with pytest.raises(InputError, match=f'Another run uses {tmp_path}; .* by --out'), filling(tmp_path):
            pass
        with filling(tmp_path, is_first=False) as shared:
            assert (shared / 'a.txt').exists(), 'other processes of the same run fill it, too'
            (shared / 'a.txt').rename(tmp_path / 'kept')
    assert (tmp_path / 'kept').read_text() == 'first'
