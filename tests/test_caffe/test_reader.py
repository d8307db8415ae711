"""Reading Caffe models: what is in them, and what is refused."""

import os
import re
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from caffe_golden.check import relative_error
from mmseg_gdn.caffe import read_caffemodel
from mmseg_gdn.utils import InputError

from .caffemodels import (
    blob,
    bytes_field,
    floats,
    golden_layers,
    layer,
    legacy_shape,
    net,
    number_field,
    shape,
    v1_layer,
    varint,
    vgg,
    write,
    write_v1,
)

VALUES = np.array([[0.1, -2.5e-30, 3], [4e30, -5, 6]], np.float32)


@pytest.fixture
def read(tmp_path):
    """Read a file made of some bytes."""

    def do(*parts):
        path = tmp_path / 'some.caffemodel'
        path.write_bytes(b''.join(parts))
        return read_caffemodel(path)

    return do


@pytest.fixture
def refusal(read):
    """The one sentence with which a file made of some bytes is refused."""

    def do(*parts):
        with pytest.raises(InputError) as caught:
            read(*parts)
        return sentence(caught)

    return do


def sentence(caught):
    """The message, after the rules for all of them: one line that names the file, and a remedy."""
    message = str(caught.value)
    assert '\n' not in message and message.isprintable() and len(message) < 600
    assert 'some.caffemodel' in message
    assert re.search(r'; (give|name|save|train|snapshot) [^;]+\.$', message), message
    return message


class TestWhatIsRead:
    @pytest.mark.parametrize(
        'values',
        [
            floats(VALUES),
            floats(VALUES, packed=False),
            floats(VALUES[0]) + floats(VALUES[1]),
            floats(VALUES[0], packed=False) + floats(VALUES[1]),
            floats(VALUES[0]) + floats(VALUES[1], packed=False),
            floats([]) + floats(VALUES),
            floats(VALUES, number=8, dtype='<f8'),
            floats(VALUES, number=8, dtype='<f8', packed=False),
        ],
        ids=[
            'packed',
            'unpacked',
            'two parts',
            'unpacked, packed',
            'packed, unpacked',
            'empty part',
            'doubles',
            'unpacked doubles',
        ],
    )
    @pytest.mark.parametrize(
        'sides',
        [shape(2, 3), shape(2, 3, packed=False), legacy_shape(2, 3)],
        ids=['shape', 'unpacked shape', 'legacy shape'],
    )
    @pytest.mark.parametrize('make_layer', [layer, v1_layer])
    def test_every_way_to_store_a_blob(self, read, make_layer, sides, values):
        expected = VALUES.reshape(1, 1, 2, 3) if sides == legacy_shape(2, 3) else VALUES
        for content in (sides + values, values + sides):
            found = read(net(make_layer('a', 'InnerProduct', content)))['a']
            assert found.type == 'InnerProduct'
            assert len(found.blobs) == 1 and found.blobs[0].dtype == np.float32
            np.testing.assert_array_equal(found.blobs[0], expected)

    def test_legacy_fields_win_as_in_caffe(self, read):
        found = read(net(layer('a', 'X', shape(6) + legacy_shape(2, 3) + floats(VALUES))))
        assert found['a'].blobs[0].shape == (1, 1, 2, 3)

    def test_one_legacy_field_wins_as_well(self, refusal):
        message = refusal(net(layer('a', 'X', shape(6) + number_field(1, 6) + floats(VALUES))))
        assert 'has 6 values for the shape (6, 0, 0, 0)' in message

    def test_diffs_are_passed_over(self, read):
        content = shape(2, 3) + floats(VALUES)
        diffs = floats([np.nan] * 9, number=6) + floats([np.nan], number=6, packed=False)
        diffs += floats([np.nan] * 2, number=9, dtype='<f8')
        for stored in (diffs + content, content + diffs):
            np.testing.assert_array_equal(read(net(layer('a', 'X', stored)))['a'].blobs[0], VALUES)

    def test_order_and_layers_without_weights(self, read):
        found = read(
            net(
                layer('z', 'A', blob(VALUES), blob(VALUES[0])),
                layer('split', 'Split'),
                layer('split', 'Split'),
                layer('a', 'B', blob(VALUES[1])),
            )
        )
        assert list(found) == ['z', 'a']
        assert [one.type for one in found.values()] == ['A', 'B']
        assert [b.shape for b in found['z'].blobs] == [(2, 3), (3,)]

    def test_a_blob_without_axes_is_one_value(self, read):
        assert read(net(layer('a', 'X', bytes_field(7, b'') + floats([7]))))['a'].blobs[0] == np.float32(7)

    def test_unknown_v1_type(self, read):
        message = bytes_field(4, 'a') + number_field(5, 77) + bytes_field(6, blob(VALUES))
        assert read(bytes_field(2, message))['a'].type == 'V1 type 77'

    @pytest.mark.parametrize('name', ['', 'Ünïcode', 'a/b\\c', 'line\nbreak', '\x1b[31mred', 'a' * 1000])
    def test_strange_names(self, read, name):
        assert list(read(net(layer(name, 'X', blob(VALUES))))) == [name]

    def test_names_that_are_no_text(self, read):
        assert list(read(net(layer(b'\xff\x00', 'X', blob(VALUES))))) == ['\\xff\x00']

    def test_arrays_outlive_the_file(self, tmp_path):
        path = write(tmp_path / 'a.caffemodel', {'a': ('X', [VALUES])})
        array = read_caffemodel(path)['a'].blobs[0]
        path.unlink()
        array += 1
        np.testing.assert_array_equal(array, VALUES + 1)

    @pytest.mark.parametrize('writer', [write, write_v1])
    def test_a_whole_net(self, tmp_path, writer):
        expected = vgg()
        found = read_caffemodel(writer(tmp_path / 'vgg.caffemodel', expected))
        assert list(found) == list(expected)
        for name, (kind, blobs) in expected.items():
            assert found[name].type == kind
            for actual, stored in zip(found[name].blobs, blobs):
                np.testing.assert_array_equal(actual.reshape(stored.shape), stored)
        assert found['fc6'].blobs[0].ndim == (2 if writer is write else 4)


class TestWhatCaffeWrote:
    def test_the_old_format(self, root_dir):
        folder = root_dir / 'tests/data/golden'
        found = read_caffemodel(folder / 'v1_legacy.caffemodel')
        assert {name: (one.type, [b.shape for b in one.blobs]) for name, one in found.items()} == {
            'conv1_1': ('Convolution', [(4, 3, 3, 3), (1, 1, 1, 4)]),
            'conv1_2': ('Convolution', [(4, 4, 3, 3), (1, 1, 1, 4)]),
            'fc6': ('InnerProduct', [(1, 1, 5, 480), (1, 1, 1, 5)]),
        }
        with np.load(folder / 'v1_legacy.npz') as stored:
            np.testing.assert_array_equal(found['fc6'].blobs[0][0, 0], stored['param/fc6/0'])
            np.testing.assert_array_equal(found['fc6'].blobs[1].ravel(), stored['param/fc6/1'])

    def test_the_old_format_gives_caffes_outputs(self, root_dir):
        folder = root_dir / 'tests/data/golden'
        found = read_caffemodel(folder / 'v1_legacy.caffemodel')
        with np.load(folder / 'v1_legacy.npz') as stored:
            x, pool1, fc6 = (torch.from_numpy(stored[name].astype(np.float32)) for name in ('data', 'pool1', 'fc6'))
        for name in ('conv1_1', 'conv1_2'):
            weight, bias = map(torch.from_numpy, found[name].blobs)
            x = F.relu(F.conv2d(x, weight, bias.flatten(), padding=1))
        x = F.max_pool2d(x, 2, ceil_mode=True)
        assert relative_error(x, pool1) < 1e-6
        weight, bias = map(torch.from_numpy, found['fc6'].blobs)
        assert relative_error(F.linear(x.flatten(1), weight[0, 0], bias.flatten()), fc6) < 1e-6

    def test_small_layers_of_the_new_format(self, root_dir):
        folder = root_dir / 'tests/data/golden'
        found = read_caffemodel(folder / 'small_layers_of_deeplab_gdn.caffemodel')
        with np.load(folder / 'deeplab_gdn_thin.npz') as stored:
            expected = golden_layers(stored, 'b96x75_n2')
        assert list(found) == ['conv1_1', 'conv1_2', 'conv2_1', 'conv2_2', 'conv3_1', 'fc8_voc12']
        self.assert_equal_bit_for_bit(found, {name: expected[name] for name in found})

    @pytest.mark.parametrize(
        ('model', 'arrays', 'run'),
        [
            ('thin_fcn32s', 'fcn32s_thin', 'a131x97'),
            ('thin_deeplab_gdn', 'deeplab_gdn_thin', 'a161x121'),
        ],
    )
    def test_whole_nets_of_the_new_format(self, full_golden_dir, model, arrays, run):
        with np.load(full_golden_dir / f'{arrays}.npz') as stored:
            expected = golden_layers(stored, run)
        self.assert_equal_bit_for_bit(read_caffemodel(full_golden_dir / f'{model}.caffemodel'), expected)

    @staticmethod
    def assert_equal_bit_for_bit(found, expected):
        assert set(found) == set(expected)
        for name, (kind, blobs) in expected.items():
            assert found[name].type == kind
            assert len(found[name].blobs) == len(blobs)
            for actual, wanted in zip(found[name].blobs, blobs):
                assert actual.shape == wanted.shape
                assert actual.tobytes() == wanted.tobytes(), name


class TestRefusals:
    def test_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match='No such file') as caught:
            read_caffemodel(tmp_path / 'some.caffemodel')
        sentence(caught)

    def test_a_folder(self, tmp_path):
        (tmp_path / 'some.caffemodel').mkdir()
        with pytest.raises(InputError, match='Is a directory') as caught:
            read_caffemodel(tmp_path / 'some.caffemodel')
        sentence(caught)

    def test_no_regular_file(self, tmp_path):
        (tmp_path / 'some.caffemodel').symlink_to('/dev/zero')
        with pytest.raises(InputError, match='is a device, not a file') as caught:
            read_caffemodel(tmp_path / 'some.caffemodel')
        sentence(caught)

    def test_a_file_inside_of_a_file(self, tmp_path):
        (tmp_path / 'file').touch()
        with pytest.raises(InputError, match='Not a directory') as caught:
            read_caffemodel(tmp_path / 'file' / 'some.caffemodel')
        sentence(caught)

    def test_an_empty_file(self, refusal):
        assert 'is empty' in refusal(b'')

    def test_an_hdf5_model(self, refusal):
        message = refusal(b'\x89HDF\r\n\x1a\n' + bytes(100))
        assert 'is an HDF5 model' in message and 'snapshot_format: BINARYPROTO' in message

    @pytest.mark.parametrize(
        'text',
        [
            'name: "v1_legacy"\nlayer { name: "data" type: "Input" }\n',
            'layer {\n  name: "conv1_1"\n}\n',
            '# a comment\nname: "net"\n',
            '<html><body>404</body></html>',
            'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n',
            '\n\n\n',
        ],
    )
    def test_text(self, refusal, text):
        assert 'is not a Caffe model' in refusal(text.encode())

    @pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'BMP', 'GIF'])
    def test_images(self, tmp_path, kind):
        path = tmp_path / 'some.caffemodel'
        pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
        Image.fromarray(pixels).save(path, format=kind)
        with pytest.raises(InputError, match='is not a Caffe model') as caught:
            read_caffemodel(path)
        sentence(caught)

    def test_archives(self, tmp_path):
        path = tmp_path / 'some.caffemodel'
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('a.caffemodel', net(layer('a', 'X', blob(VALUES))))
        with pytest.raises(InputError, match='is not a Caffe model') as caught:
            read_caffemodel(path)
        sentence(caught)

    def test_no_layer(self, refusal):
        assert 'has no layers' in refusal(bytes_field(1, 'net'))

    @pytest.mark.parametrize('make_layer', [layer, v1_layer])
    def test_no_weights(self, refusal, make_layer):
        assert 'describes a network but has no weights' in refusal(net(make_layer('a'), make_layer('b')))

    @pytest.mark.parametrize('make_layer', [layer, v1_layer])
    def test_every_cut_is_refused_or_leaves_whole_layers(self, tmp_path, make_layer):
        """The format stores no length of the whole, so a cut between two layers cannot be seen."""
        first, second = (make_layer(name, 'Convolution', blob(VALUES), blob(VALUES[0])) for name in 'ab')
        whole = net(first, second)
        path = tmp_path / 'some.caffemodel'
        outcomes = {}
        for end in range(1, len(whole)):
            path.write_bytes(whole[:end])
            try:
                outcomes[end] = list(read_caffemodel(path))
            except InputError as error:
                assert 'is not a Caffe model' in str(error) and 'some.caffemodel' in str(error)
        assert outcomes == {len(whole) - len(second): ['a']}

    @pytest.mark.parametrize('length', [2**20, 2**31 - 1, 2**32, 2**40, 2**63, 2**64 - 1])
    @pytest.mark.parametrize('where', ['layer', 'blob', 'data', 'shape', 'name'])
    def test_gigantic_lengths(self, refusal, where, length):
        def gigantic(number):
            return varint(number << 3 | 2) + varint(length) + b'abcd'

        message = {
            'layer': gigantic(100),
            'blob': layer('a', 'X', blob(VALUES)) + bytes_field(100, bytes_field(1, 'b') + gigantic(7)),
            'data': layer('a', 'X', shape(2, 3) + gigantic(5)),
            'shape': layer('a', 'X', gigantic(7) + floats(VALUES)),
            'name': bytes_field(100, gigantic(1)),
        }[where]
        assert 'bytes beyond its end' in refusal(message)

    @pytest.mark.parametrize(
        'sides',
        [
            (-2, -3),
            (-6,),
            (6, -1),
            (0,),
            (0, 2**62, 2**62),
            (2**62, 2**62),
            (2**63 - 1,),
            (2**32, 2**32, 6),
            (2**31, 2**33),
            (7,),
            (5,),
            (2, 2),
            (2, 3, 2),
            (6, 0),
        ],
    )
    def test_sizes_that_do_not_fit(self, refusal, sides):
        message = refusal(net(layer('a', 'X', shape(*sides) + floats(VALUES))))
        assert f'blob 0 of layer a has 6 values for the shape {sides}' in message

    @pytest.mark.parametrize('sides', [(-1, 1, 2, 3), (2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1), (0, 0, 0, 0)])
    def test_legacy_sizes_that_do_not_fit(self, refusal, sides):
        message = refusal(net(v1_layer('a', 'Convolution', blob(VALUES), legacy_shape(*sides) + floats(VALUES))))
        assert f'blob 1 of layer a has 6 values for the shape {sides}' in message

    def test_more_axes_than_caffe_has(self, refusal):
        assert 'has 33 axes' in refusal(net(layer('a', 'X', shape(*[1] * 33) + floats([1]))))

    def test_no_sizes(self, refusal):
        assert 'has 6 values for the shape ()' in refusal(net(layer('a', 'X', floats(VALUES))))

    def test_no_values(self, refusal):
        assert 'has 0 values for the shape (2, 3)' in refusal(net(layer('a', 'X', shape(2, 3))))
        assert 'has 0 values for the shape (0,)' in refusal(net(layer('a', 'X', shape(0) + floats([]))))

    @pytest.mark.parametrize(('number', 'length'), [(5, 7), (5, 1), (8, 12)])
    def test_numbers_that_end_early(self, refusal, number, length):
        message = refusal(net(layer('a', 'X', shape(2) + bytes_field(number, bytes(length)))))
        assert 'blob 0 of layer a ends within a number' in message

    @pytest.mark.parametrize(
        'content',
        [number_field(5, 1), floats([1], packed=False, number=5, dtype='<f8'), floats([1], packed=False, number=8)],
    )
    def test_numbers_of_another_kind(self, refusal, content):
        assert 'numbers of wire type' in refusal(net(layer('a', 'X', shape(1) + content)))

    @pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize('place', [0, -1])
    def test_values_that_are_not_finite(self, refusal, value, place):
        values = np.ones(1000)
        values[place] = value
        for stored in (floats(values), floats(values, number=8, dtype='<f8'), floats(values, packed=False)):
            message = refusal(net(layer('a', 'X', blob(VALUES), shape(1000) + stored)))
            assert 'blob 1 of layer a holds values that are not finite' in message

    @pytest.mark.filterwarnings('error')
    def test_doubles_beyond_float32(self, refusal):
        assert 'not finite' in refusal(net(layer('a', 'X', shape(1) + floats([1e300], number=8, dtype='<f8'))))
        signalling = bytes_field(8, (0x7FF0000000000001).to_bytes(8, 'little'))
        assert 'not finite' in refusal(net(layer('a', 'X', shape(1) + signalling)))

    def test_two_layers_of_one_name(self, refusal):
        for make_layer in (layer, v1_layer):
            twice = net(layer('a', 'Convolution', blob(VALUES)), make_layer('a', 'Convolution', blob(VALUES)))
            assert 'two layers named a' in refusal(twice)

    @pytest.mark.parametrize(
        ('name', 'shown'),
        [
            ('line\nbreak', "'line\\nbreak'"),
            ('\x1b[31mred', "'\\x1b[31mred'"),
            ('ünï', "'\\xfcn\\xef'"),
            ('', "''"),
            ('a' * 1000, 'a' * 57 + '...'),
            ('\u202egnp.exe', "'\\u202egnp.exe'"),
        ],
    )
    def test_strange_names_in_messages(self, refusal, name, shown):
        assert f'of layer {shown} has 6 values' in refusal(net(layer(name, 'X', shape(7) + floats(VALUES))))
        assert f'two layers named {shown};' in refusal(net(layer(name, 'X', blob(VALUES)) * 2))

    def test_more_parts_than_any_net_has(self, refusal):
        assert 'more than 10000 layers' in refusal(layer('a') * 10_001)
        assert 'more than 64 blobs' in refusal(net(layer('a', 'X', *[blob(VALUES[0])] * 65)))
        assert 'bytes of names or sizes' in refusal(net(layer('a' * 2**16, 'X', blob(VALUES))))
        assert 'bytes of names or sizes' in refusal(net(layer('a', 'X', shape(*[1] * 2**16) + floats([1]))))

    def test_more_small_parts_than_fit_a_file_of_its_size(self, refusal, monkeypatch):
        tiny = shape(1) + floats([1])
        many = (layer(str(number), 'X', *[tiny] * 60) for number in range(100))
        assert 'more than' in (message := refusal(net(*many))) and 'arrays in' in message
        monkeypatch.setattr('mmseg_gdn.caffe.reader._MOST_FIELDS', 1000)
        assert 'more than 1000 fields' in refusal(net(layer('a', 'X', blob(VALUES) + number_field(15, 1) * 1001)))
        assert 'more than 1000 fields' in refusal(net(layer('a')) + number_field(15, 1) * 1001)

    def test_a_file_that_becomes_shorter_while_it_is_read(self, refusal, monkeypatch):
        whole = os.fstat

        def before_it_was_cut(handle):
            status = list(whole(handle))
            status[6] += 100
            return os.stat_result(status)

        monkeypatch.setattr('mmseg_gdn.caffe.reader.os.fstat', before_it_was_cut)
        message = refusal(net(layer('a', 'X', blob(VALUES))))
        assert 'became shorter while it was read; give a file that is complete' in message

    def test_many_unpacked_numbers_take_no_time(self, read):
        values = np.arange(2**20, dtype=np.float32)
        unpacked = np.zeros(len(values), np.dtype([('tag', 'u1'), ('value', '<f4')]))
        unpacked['tag'], unpacked['value'] = 5 << 3 | 5, values
        begin = time.process_time()
        layers = read(net(layer('a', 'X', shape(*values.shape) + unpacked.tobytes())))
        assert time.process_time() - begin < 1
        assert np.array_equal(layers['a'].blobs[0], values)


SMALL = net(
    layer('conv', 'Convolution', blob(VALUES), shape(3) + floats(VALUES[0]) + floats(VALUES, number=6)),
    v1_layer('fc', 'InnerProduct', legacy_shape(2, 3) + floats(VALUES, packed=False)),
)


class TestFuzz:
    """Damaged files are read or refused, and nothing else; memory stays in proportion to the file."""

    @staticmethod
    def check(tmp_path, content):
        path = tmp_path / 'some.caffemodel'
        path.write_bytes(content)
        tracemalloc.start()
        try:
            layers = read_caffemodel(path)
        except InputError as error:
            assert 'some.caffemodel' in str(error) and '\n' not in str(error)
        else:
            for one in layers.values():
                assert one.blobs and all(np.isfinite(b).all() and b.size for b in one.blobs)
            assert sum(b.nbytes for one in layers.values() for b in one.blobs) <= len(content)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 2**20

    @settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        edits=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=4),
        end=st.integers(1, len(SMALL)),
    )
    def test_changed_bytes_and_cuts(self, tmp_path, edits, end):
        content = bytearray(SMALL)
        for place, value in edits:
            content[place] = value
        self.check(tmp_path, bytes(content))
        self.check(tmp_path, bytes(content[:end]))

    @settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(place=st.integers(0, len(SMALL)), inserted=st.binary(min_size=1, max_size=30), removed=st.integers(0, 30))
    def test_bytes_put_in_and_taken_out(self, tmp_path, place, inserted, removed):
        self.check(tmp_path, SMALL[:place] + inserted + SMALL[place + removed :])

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(content=st.binary(min_size=1, max_size=200))
    def test_any_bytes(self, tmp_path, content):
        self.check(tmp_path, content)
        self.check(tmp_path, net(layer('a', 'X', content)))
        self.check(tmp_path, net(bytes_field(100, content), bytes_field(2, content)))


# Not ru_maxrss of getrusage, which a process inherits from the one that has started it.
MEASURE = """
import sys
from mmseg_gdn.caffe import read_caffemodel
def memory(name):
    with open('/proc/self/status') as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith(name))
before = memory('VmRSS')
layers = read_caffemodel(sys.argv[1])
print(memory('VmHWM') - before, sum(blob.nbytes for layer in layers.values() for blob in layer.blobs))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_memory_and_progress_of_a_large_file(tmp_path):
    """One layer holds most of it, as fc6 does in VGG-16, where a copy too many shows most; one is in doubles."""
    size = 40 * 2**20
    generator = np.random.default_rng(0)
    path = tmp_path / 'large.caffemodel'
    with path.open('wb') as file:
        file.write(net(layer('conv', 'Convolution', blob(generator.random(2**20, np.float32)))))
        file.write(layer('fc6', 'InnerProduct', blob(generator.random(size, np.float32))))
        file.write(layer('fc7', 'InnerProduct', shape(2**22) + floats(generator.random(2**22), number=8, dtype='<f8')))
    result = subprocess.run(
        [sys.executable, '-c', MEASURE, path], capture_output=True, text=True, check=True, timeout=300
    )
    growth, read = map(int, result.stdout.split())
    assert read == 4 * (2**20 + size + 2**22)
    # The mapped pages of the file count as well.
    assert read < growth <= 2.5 * path.stat().st_size
    assert re.search(r'\b(\d+)/\1\b', result.stderr), result.stderr
