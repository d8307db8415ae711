"""Damage that decoders pass over."""

import io
import os
import threading

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.utils.damage import complaint_about, complaints, is_cut_off


@pytest.fixture
def picture():
    """A picture with a preview, whose compressed data are most of its file."""
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(picture, kind='JPEG', **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def with_preview(content):
    """The JPEG with a smaller one, which has an end of its own, in its header."""
    preview = b'JFXX\0\x10' + encoded(Image.new('RGB', (16, 16)))
    return content[:2] + b'\xff\xe0' + (len(preview) + 2).to_bytes(2, 'big') + preview + content[2:]


def flipped(content, start, count=64):
    return content[:start] + bytes(255 - byte for byte in content[start : start + count]) + content[start + count :]


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'BMP'])
def test_sound_pictures(picture, kind):
    content = encoded(picture, kind)
    assert not is_cut_off(content)
    assert complaint_about(content) is None


@pytest.mark.parametrize('options', [{}, dict(progressive=True), dict(restart_marker_rows=1)])
def test_jpegs_that_are_cut_off(picture, options):
    content = with_preview(encoded(picture, **options))
    assert not is_cut_off(content)
    assert not is_cut_off(content + b'what some cameras append')
    for size in (len(content) - 1, len(content) // 2):
        assert is_cut_off(content[:size])


def test_pngs_that_are_cut_off(picture):
    content = encoded(picture, 'PNG')
    assert is_cut_off(content[: len(content) // 2])
    assert is_cut_off(content[:-9])


@pytest.mark.parametrize('content', [b'', b'\xff\xd8', b'\xff\xd8\xff', b'\xff\xd8\xff\xff', b'\xff\xd8\xff\xe0\0\0'])
def test_what_has_no_data_is_left_to_the_decoder(content):
    assert not is_cut_off(content)
    assert complaint_about(content) is None


def test_data_that_make_no_sense(picture):
    content = encoded(picture)
    middle = len(content) // 2
    for garbled in (flipped(content, middle), content[:middle] + content[middle + 500 :]):
        assert complaint_about(garbled).startswith('Corrupt JPEG data: ')


@pytest.mark.parametrize('options', [{}, dict(progressive=True), dict(restart_marker_rows=1)])
@pytest.mark.parametrize('count', [1, 100, 5000])
def test_zeros_before_the_end_are_no_damage(picture, options, count):
    content = encoded(picture, **options)
    assert complaint_about(content[:-2] + bytes(count) + content[-2:]) is None
    assert complaint_about(content[:-2] + b'some text' + content[-2:]).startswith('Corrupt JPEG data: ')


@pytest.mark.parametrize(
    'options', [dict(quality=100, subsampling=0), dict(progressive=True), dict(comment=b'\xff\xd9')]
)
@pytest.mark.parametrize('mode', ['RGB', 'L', 'CMYK'])
@pytest.mark.parametrize('tail', [b'', b'\xff\xd8\xff', b'\xff\xd9', bytes(5000)])
def test_sound_jpegs_of_all_kinds(picture, options, mode, tail):
    content = encoded(picture.convert(mode), **options) + tail
    assert not is_cut_off(content)
    assert complaint_about(content) is None


def test_several_pictures_in_one_file(picture):
    for kind in ('MPO', 'PNG'):
        content = encoded(picture, kind, save_all=True, append_images=[picture])
        assert not is_cut_off(content)
        assert complaint_about(content) is None


def test_all_else_is_printed_as_always(capfd):
    with complaints() as found:
        os.write(2, b'first\nCorrupt JPEG data: bad Huffman code\nlast\n')
    assert found == ['Corrupt JPEG data: bad Huffman code']
    assert capfd.readouterr().err.split() == ['first', 'last']


def test_an_error_leaves_standard_error_as_it_was(capfd):
    with pytest.raises(ZeroDivisionError), complaints():
        os.write(2, b'inside\n')
        _ = 1 // 0
    os.write(2, b'after\n')
    assert capfd.readouterr().err.split() == ['inside', 'after']


def test_more_than_a_pipe_holds_does_not_wait(capfd):
    with complaints() as found:
        os.write(2, b'Corrupt JPEG data\n')
        with pytest.raises(BlockingIOError):
            for _ in range(100):
                os.write(2, bytes(4096))
    assert found == ['Corrupt JPEG data']
    capfd.readouterr()


def test_threads_do_not_mix_their_complaints(picture, capfd):
    sound, garbled = encoded(picture), flipped(encoded(picture), 4000)
    results = {}

    def look(index):
        results[index] = [complaint_about(garbled if index % 2 else sound) for _ in range(20)]

    threads = [threading.Thread(target=look, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == 20 * [results[index % 2][0]] for index, result in results.items())
    assert results[0][0] is None
    assert results[1][0] is not None
    os.write(2, b'still there\n')
    assert capfd.readouterr().err == 'still there\n'
