"""Unpacking parts of archives."""

import io
import tarfile

import pytest

from mmseg_gdn.utils import InputError
from voc_archives import unpack

FILES = {
    'top/cls/a.mat': b'aaa',
    'top/cls/b.mat': b'bbbb',
    'top/list.txt': b'a\nb\n',
    'top/img/a.jpg': b'no',
    'top/cls/../../escaped': b'no',
    'top/clsx/c.mat': b'no',
}
PARTS = {'top/cls': 'masks', 'top/list.txt': 'list.txt'}


@pytest.fixture(params=['w', 'w:gz'])
def archive(tmp_path, request):
    path = tmp_path / 'archive'
    with tarfile.open(path, request.param) as tar:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo('top/cls/link')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        tar.addfile(link)
    return path


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_the_parts_alone(archive, tmp_path):
    assert unpack(archive, tmp_path / 'out', PARTS) == 3
    assert content(tmp_path / 'out') == {'masks/a.mat': b'aaa', 'masks/b.mat': b'bbbb', 'list.txt': b'a\nb\n'}


def test_going_on_after_a_break(archive, tmp_path):
    (tmp_path / 'out/masks').mkdir(parents=True)
    (tmp_path / 'out/masks/a.mat').write_bytes(b'AAA')
    (tmp_path / 'out/masks/b.mat').write_bytes(b'b')
    (tmp_path / 'out/masks/own.mat').write_bytes(b'own')
    assert unpack(archive, tmp_path / 'out', PARTS) == 3
    assert content(tmp_path / 'out') == {
        'masks/a.mat': b'AAA',
        'masks/b.mat': b'bbbb',
        'masks/own.mat': b'own',
        'list.txt': b'a\nb\n',
    }


def test_a_damaged_archive(archive, tmp_path):
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 20])
    with pytest.raises(InputError, match='could not be unpacked .* delete the archive'):
        unpack(archive, tmp_path / 'out', PARTS)


def test_another_archive(archive, tmp_path):
    with pytest.raises(InputError, match='has no top/missing, so it is another archive'):
        unpack(archive, tmp_path / 'out', PARTS | {'top/missing': 'missing'})


def test_a_place_that_is_a_folder(archive, tmp_path):
    (tmp_path / 'out/list.txt').mkdir(parents=True)
    with pytest.raises(InputError, match=r'list.txt: it is a folder'):
        unpack(archive, tmp_path / 'out', PARTS)
