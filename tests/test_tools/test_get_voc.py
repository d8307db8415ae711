"""From a server to a checked folder, by the tool that a user runs."""

import hashlib
import json
import shutil
import sys
from collections import namedtuple

import numpy as np
import pytest
from PIL import Image

import get_voc
from mmseg_gdn.utils import InputError

from ..test_utils.loopback import serving
from .test_dataset_converters.sbd import SBD_MASK, pack_sbd, pack_voc, write_sbd


@pytest.fixture
def server(tmp_path, voc_root, monkeypatch):
    """A server with an extract of VOC and SBD, which a table of its own names."""
    monkeypatch.setenv('no_proxy', '*')
    voc = pack_voc(voc_root, tmp_path / 'VOCtrainval_11-May-2012.tar')
    sbd = pack_sbd(write_sbd(tmp_path / 'dataset', {'train': 'acd', 'val': 'e'}), tmp_path / 'benchmark.tgz')
    shutil.rmtree(voc_root.parent)
    fcn = tmp_path / 'seg11valid.txt'
    fcn.write_text('d\nz\n')
    with serving() as server:
        table = json.loads(get_voc.TABLE.read_text())
        for name, path in (('voc2012-trainval', voc), ('sbd', sbd), ('seg11valid', fcn)):
            content = path.read_bytes()
            server.files[path.name] = content
            table[name].update(url=server.url(path.name), megabytes=1, hash=f'md5:{hashlib.md5(content).hexdigest()}')
        monkeypatch.setattr(get_voc, 'TABLE', tmp_path / 'table.json')
        get_voc.TABLE.write_text(json.dumps(table))
        yield server


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the tool in this process; gives its exit status."""

    def do(*args, any_count=True):
        monkeypatch.setattr(
            sys,
            'argv',
            [
                'get_voc.py',
                '--data-root',
                str(tmp_path / 'data/VOCdevkit'),
                '--workers',
                '2',
                *(['--any-count'] if any_count else []),
                *args,
            ],
        )
        with pytest.raises(SystemExit) as caught:
            get_voc.main()
        return caught.value.code

    return do


def test_everything_and_then_nothing(server, run, tmp_path, capsys):
    server.cuts = [1000]
    assert run() == 0
    root = tmp_path / 'data/VOCdevkit/VOC2012'
    lists = {path.stem: path.read_text().split() for path in (root / 'ImageSets/Segmentation').iterdir()}
    assert lists == {
        'train': ['a', 'b'],
        'val': ['d', 'e'],
        'aug': ['c'],
        'trainaug': ['a', 'b', 'c'],
        'trainvalaug': ['a', 'b', 'c', 'd', 'e'],
        'seg11valid': ['d'],
    }
    with Image.open(root / 'SegmentationClassAug/c.png') as mask:
        np.testing.assert_array_equal(np.asarray(mask), SBD_MASK)
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f'{root}: 0 defects'
    downloads = tmp_path / 'data/downloads'
    assert sorted(path.name for path in downloads.iterdir()) == [
        'VOCtrainval_11-May-2012.tar',
        'benchmark.tgz',
        'seg11valid.txt',
    ]

    shutil.rmtree(downloads)
    server.requests.clear()
    assert run() == 0
    assert server.requests == []
    assert capsys.readouterr().out.splitlines()[0] == f'{root}: VOC 2012 is there'


def test_what_is_missing_is_added(server, run, tmp_path, capsys):
    assert run() == 0
    root = tmp_path / 'data/VOCdevkit/VOC2012'
    (root / 'JPEGImages/d.jpg').unlink()
    (root / 'SegmentationClassAug/c.png').unlink()
    server.requests.clear()
    assert run() == 0
    assert server.requests == []
    assert (root / 'JPEGImages/d.jpg').is_file()
    assert (root / 'SegmentationClassAug/c.png').is_file()
    capsys.readouterr()
    (root / 'JPEGImages/c.jpg').write_bytes(b'damaged')
    assert run() == 1
    assert 'c.jpg: cannot be read' in capsys.readouterr().out


def test_numbers_of_images_are_vocs(server, run, tmp_path):
    with pytest.raises(InputError, match='trainaug would have 3 images instead of 10582'):
        run(any_count=False)
    assert not (tmp_path / 'data/VOCdevkit/VOC2012/ImageSets/Segmentation/aug.txt').exists()


def test_a_mirror_is_verified_too(server, run, tmp_path):
    server.files['copy'] = server.files.pop('benchmark.tgz')
    with pytest.raises(InputError, match=r'404 Not Found\); get it by hand from http://home.bharathh.info'):
        run()
    server.files['wrong'] = b'another file'
    with pytest.raises(InputError, match='MD5'):
        run('--mirror', f'sbd={server.url("wrong")}')
    assert run('--mirror', f'sbd={server.url("copy")}') == 0


def test_without_fcns_list_only_its_config_is_missing(server, run, tmp_path, capsys):
    del server.files['seg11valid.txt']
    assert run() == 0
    assert 'gets no seg11valid.txt, which is needed to test configs/gdn/fcn32s_voc11valid.py' in capsys.readouterr().err
    server.files['seg11valid.txt'] = b'd\nz\n'
    assert run() == 0
    assert (tmp_path / 'data/VOCdevkit/VOC2012/ImageSets/Segmentation/seg11valid.txt').read_text() == 'd\n'


def test_too_little_space(server, run, tmp_path, monkeypatch):
    usage = namedtuple('Usage', 'total used free')(10**9, 10**9, 10**6)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(InputError, match='are needed, but .* are free'):
        run()
    assert server.requests == []
    assert not (tmp_path / 'data').exists()


@pytest.mark.slow
def test_as_a_script(run_script):
    result = run_script('tools/dataset_converters/get_voc.py', '--mirror', 'sbd=nowhere')
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith('error: --mirror sbd=nowhere is not of the form NAME=URL')
