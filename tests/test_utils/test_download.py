"""Downloads from a server that breaks off, lies, or is not there."""

import hashlib
import socket
from dataclasses import replace

import numpy as np
import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils import download as module
from mmseg_gdn.utils.download import download, remaining_bytes
from mmseg_gdn.utils.sources import Source

from .loopback import serving

# More than one block of reading.
CONTENT = np.random.default_rng(0).bytes(3 * 2**20 + 12345)
SHA1 = hashlib.sha1(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _quick_and_direct(monkeypatch):
    monkeypatch.setattr(module, '_PAUSES', (0, 0))
    monkeypatch.setenv('no_proxy', '*')


@pytest.fixture
def server():
    with serving() as server:
        server.files['model.bin'] = CONTENT
        yield server


@pytest.fixture
def source(server):
    return Source(
        'model', 'a model', server.url('model.bin'), 'https://example.org/model', 'model.bin', 3, f'sha1:{SHA1}'
    )


@pytest.fixture
def refusal(source, tmp_path):
    """The sentence with which a download ends."""

    def do(source=source, folder=tmp_path):
        with pytest.raises(InputError) as caught:
            download(source, folder)
        assert '\n' not in str(caught.value)
        return str(caught.value)

    return do


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('algorithm', ['md5', 'sha1', 'sha256'])
def test_a_file_is_downloaded_once(source, server, tmp_path, algorithm):
    source = replace(source, hash=f'{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}')
    folder = tmp_path / 'new' / 'folder'
    assert download(source, folder) == folder / 'model.bin'
    assert (folder / 'model.bin').read_bytes() == CONTENT
    assert names(folder) == ['model.bin']
    download(source, folder)
    assert server.requests == [('/model.bin', None)]


def test_breaks_are_resumed_where_they_were(source, server, tmp_path, capsys):
    server.cuts = [1_000_000, 500_000]
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, 'bytes=1000000-', 'bytes=1500000-']
    assert 'Resuming model.bin from 127.0.0.1' in capsys.readouterr().err


def test_errors_between_parts_do_not_end_a_download(source, server, tmp_path):
    server.cuts = [1_000_000]
    answers = iter([None, 503, None])
    answer = server.answer

    def sometimes(request):
        error = next(answers)
        server.errors = [error] if error else []
        answer(request)

    server.answer = sometimes
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_a_later_call_goes_on(source, server, tmp_path, refusal):
    server.cuts = [1_000_000, 0, 0]
    message = refusal()
    assert 'the connection broke off' in message
    assert 'What has arrived (1 MB) is kept, and running this again goes on from there' in message
    assert names(tmp_path) == ['model.bin.partial']
    assert remaining_bytes(source, tmp_path) == 2_000_000
    server.requests.clear()
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert server.requests == [('/model.bin', 'bytes=1000000-')]
    assert remaining_bytes(source, tmp_path) == 0


def test_killed_after_the_last_byte(source, server, tmp_path):
    (tmp_path / 'model.bin.partial').write_bytes(CONTENT)
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert server.requests == [('/model.bin', f'bytes={len(CONTENT)}-')]


def test_a_server_without_ranges_is_begun_anew(source, server, tmp_path):
    server.ranges = False
    server.cuts = [1_000_000]
    assert download(source, tmp_path).read_bytes() == CONTENT


def test_a_server_that_always_breaks_at_the_same_place(refusal, server):
    server.ranges = False
    server.cuts = [1_000_000] * 9
    assert 'the connection broke off' in refusal()
    assert len(server.requests) == 3


def test_a_server_that_sends_another_part(source, server, tmp_path, refusal):
    (tmp_path / 'model.bin.partial').write_bytes(CONTENT[:100])
    server.shift = 5
    assert 'another part of the file' in refusal()
    assert (tmp_path / 'model.bin.partial').read_bytes() == CONTENT[:100]


def test_no_length_is_announced(source, server, tmp_path):
    server.send_length = False
    assert download(source, tmp_path).read_bytes() == CONTENT


def test_wrong_bytes(server, tmp_path, refusal):
    server.files['model.bin'] = wrong = CONTENT[:-1] + b'?'
    message = refusal()
    assert f'SHA1 {hashlib.sha1(wrong).hexdigest()} instead of {SHA1}' in message
    assert '--mirror model=URL' in message
    assert names(tmp_path) == []


def test_a_damaged_file_that_is_there_is_not_touched(server, tmp_path, refusal):
    (tmp_path / 'model.bin').write_bytes(b'by hand')
    assert f'{tmp_path / "model.bin"} has the SHA1' in refusal()
    assert (tmp_path / 'model.bin').read_bytes() == b'by hand'
    assert not server.requests


def test_a_file_put_there_by_hand_is_used(source, server, tmp_path):
    (tmp_path / 'model.bin').write_bytes(CONTENT)
    assert download(source, tmp_path) == tmp_path / 'model.bin'
    assert not server.requests


def test_not_found(server, source, tmp_path, refusal):
    del server.files['model.bin']
    assert refusal() == (
        f'model.bin could not be downloaded from {source.url} (the answer was 404 Not Found); get it '
        f'by hand from https://example.org/model, put it into {tmp_path} and run this again, or name '
        'another address with --mirror model=URL.'
    )
    assert len(server.requests) == 1


def test_nobody_answers(source, tmp_path, refusal):
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{unused.getsockname()[1]}/model.bin'
        message = refusal(replace(source, url=url))
    assert f'could not be downloaded from {url} ([Errno ' in message
    assert f'get it by hand from https://example.org/model, put it into {tmp_path}' in message


def test_an_unknown_host(source, refusal):
    assert 'get it by hand' in refusal(replace(source, url='http://nowhere.invalid/model.bin'))


def test_without_a_known_hash_nothing_old_is_trusted_and_a_warning_is_given(source, server, tmp_path, capsys):
    (tmp_path / 'model.bin.partial').write_bytes(b'of another file')
    source = replace(source, hash=None)
    assert remaining_bytes(source, tmp_path) == 3_000_000
    server.cuts = [1_000_000]
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, 'bytes=1000000-']
    assert 'warning: no hash of model.bin is known' in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(refusal, tmp_path):
    (tmp_path / 'file').touch()
    assert 'Cannot write' in refusal(folder=tmp_path / 'file' / 'folder')


def test_a_full_disk(source, server, tmp_path, refusal, monkeypatch):
    target = tmp_path / 'model.bin.partial'
    target.symlink_to('/dev/full')
    # /dev/full has no size of its own to go by.
    message = refusal()
    assert f'Cannot write {target} (No space left on device)' in message
