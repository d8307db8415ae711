"""Archives for the VOC server: written, read by other means, and checked."""

import gzip
import io
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmseg.datasets import PascalVOCDataset
from PIL import Image

from mmseg_gdn.datasets import LoadVOCImage
from mmseg_gdn.evaluation import VOCSubmission
from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.voc_archive import write_archive
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError

FOLDER = 'results/VOC2012/Segmentation/comp6_test_cls'
CLASSES = PascalVOCDataset.METAINFO['classes']
MASKS = {'2008_000006': np.arange(20, dtype=np.int64).reshape(4, 5), '2008_000011': np.full((3, 7), 20)}


def sample(name, mask, size=None):
    return dict(
        img_path=f'/data/JPEGImages/{name}.jpg',
        ori_shape=size or mask.shape,
        pred_sem_seg=dict(data=torch.from_numpy(mask)[None]),
    )


def submit(out, masks=None, **settings):
    metric = VOCSubmission(str(out), **settings)
    for name, mask in (masks or MASKS).items():
        metric.process({}, [sample(name, mask)])
    return metric.evaluate(len(masks or MASKS))


def png(mask, palette=None, mode='P'):
    image = Image.fromarray(mask.astype(np.uint8))
    if mode == 'P':
        image.putpalette((voc_palette() if palette is None else palette).tobytes())
    stream = io.BytesIO()
    image.convert(mode).save(stream, format='PNG')
    return stream.getvalue()


def pack(path, members):
    with tarfile.open(path, 'w:gz') as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def _submit_from_rank(rank, folder):
    torch.distributed.init_process_group('gloo', f'file://{folder}/rendezvous', rank=rank, world_size=2)
    metric = VOCSubmission(f'{folder}/a.tgz')
    if rank == 1:
        for name, mask in MASKS.items():
            metric.process({}, [sample(name, mask)])
    metric.evaluate(2 * len(MASKS))
    torch.distributed.destroy_process_group()


class TestWriting:
    @pytest.mark.parametrize('suffix', ['.tar.gz', '.tgz'])
    def test_archive_holds_the_predictions(self, tmp_path, suffix):
        out = tmp_path / f'new/submission{suffix}'
        assert submit(out) == {'voc/images': 2}
        with tarfile.open(out) as tar:
            assert sorted(tar.getnames()) == [f'{FOLDER}/{name}.png' for name in sorted(MASKS)]
            for name, mask in MASKS.items():
                image = Image.open(tar.extractfile(f'{FOLDER}/{name}.png'))
                assert image.mode == 'P'
                assert np.array_equal(np.asarray(image), mask)
                assert np.array_equal(np.asarray(image.convert('RGB')), voc_palette()[mask])
        assert check_submission(out, ids=list(MASKS)) == (2, [])
        assert list(out.parent.iterdir()) == [out], 'no temporary file is left'

    def test_comp5(self, tmp_path):
        submit(tmp_path / 'a.tgz', competition='comp5')
        with tarfile.open(tmp_path / 'a.tgz') as tar:
            assert all('/comp5_test_cls/' in name for name in tar.getnames())

    def test_images_seen_twice_by_padded_samplers_are_packed_once(self, tmp_path):
        metric = VOCSubmission(str(tmp_path / 'a.tgz'))
        for _ in range(2):
            metric.process({}, [sample(*next(iter(MASKS.items())))])
        assert metric.evaluate(2) == {'voc/images': 1}

    def test_equal_predictions_give_equal_bytes(self, tmp_path, monkeypatch):
        submit(tmp_path / 'a.tgz')
        monkeypatch.setattr('time.time', lambda: 1e9)
        submit(tmp_path / 'other_name.tgz', masks=dict(reversed(MASKS.items())))
        assert (tmp_path / 'a.tgz').read_bytes() == (tmp_path / 'other_name.tgz').read_bytes()

    def test_a_second_evaluation_replaces_the_first(self, tmp_path):
        metric = VOCSubmission(str(tmp_path / 'a.tgz'))
        for masks in (MASKS, {'2008_000011': MASKS['2008_000011']}):
            for name, mask in masks.items():
                metric.process({}, [sample(name, mask)])
            metric.evaluate(len(masks))
        assert check_submission(tmp_path / 'a.tgz', ids=['2008_000011']) == (1, [])

    @pytest.mark.slow
    def test_two_processes_of_which_one_has_no_image(self, tmp_path):
        torch.multiprocessing.start_processes(_submit_from_rank, (str(tmp_path),), nprocs=2, start_method='fork')
        assert check_submission(tmp_path / 'a.tgz', ids=list(MASKS)) == (2, [])

    @pytest.mark.parametrize(
        ('settings', 'message'),
        [
            (dict(out='a.zip'), 'a.zip must end with one of them'),
            (dict(out='a.tgz', competition='comp4'), "'comp5' or 'comp6'"),
        ],
    )
    def test_settings_that_mean_nothing(self, tmp_path, settings, message):
        with pytest.raises(InputError, match=message):
            VOCSubmission(**{**settings, 'out': str(tmp_path / settings['out'])})

    @pytest.mark.parametrize('count', [2, 20, 22, 150])
    def test_data_sets_of_another_number_of_classes(self, tmp_path, count):
        evaluator = Evaluator(VOCSubmission(str(tmp_path / 'a.tgz')))
        with pytest.raises(InputError, match=f'The data set has {count} classes, but a VOC submission needs the 21'):
            evaluator.dataset_meta = dict(classes=['a'] * count)
        evaluator.dataset_meta = PascalVOCDataset.METAINFO

    def test_classes_in_another_order_get_vocs_numbers(self, tmp_path):
        order = np.random.default_rng(0).permutation(21)
        metric = VOCSubmission(str(tmp_path / 'a.tgz'))
        metric.dataset_meta = dict(classes=tuple(np.array(CLASSES)[order].tolist()))
        mask = np.arange(21).reshape(3, 7)
        metric.process({}, [sample('a', mask)])
        metric.evaluate(1)
        with tarfile.open(tmp_path / 'a.tgz') as tar:
            packed = np.asarray(Image.open(tar.extractfile(f'{FOLDER}/a.png')))
        assert np.array_equal(packed, order[mask])

    @pytest.mark.parametrize(
        ('classes', 'message'),
        [
            (CLASSES[1:], 'has 20 classes'),
            (CLASSES[:7], 'has 7 classes'),
            ((*CLASSES[1:], 'unicorn'), "has no class 'background' but 'unicorn', so its class numbers"),
            ((*CLASSES[:-1], 'person'), "has no class 'tvmonitor', so"),
            ((), 'has 0 classes'),
        ],
    )
    def test_classes_that_are_not_vocs(self, tmp_path, classes, message):
        with pytest.raises(InputError, match=message):
            VOCSubmission(str(tmp_path / 'a.tgz')).dataset_meta = dict(classes=classes)

    def test_two_images_of_one_name(self, tmp_path):
        metric = VOCSubmission(str(tmp_path / 'a.tgz'))
        metric.process({}, [sample('x/a', MASKS['2008_000011'])])
        with pytest.raises(InputError, match=r'x/a\.jpg and .*y/a\.jpg would both be called a\.png'):
            metric.process({}, [sample('y/a', MASKS['2008_000011'])])

    @pytest.mark.parametrize('name', ['..', 'a\nb', 'a\\b'])
    def test_names_that_leave_the_folder(self, tmp_path, name):
        metric = VOCSubmission(str(tmp_path / 'a.tgz'))
        with pytest.raises(InputError, match='cannot be the name of a prediction'):
            metric.process({}, [sample(name, MASKS['2008_000011'])])
        for written in (name, '../a', '/a'):
            with pytest.raises(InputError, match='cannot be the name of a prediction'):
                write_archive(tmp_path / 'a.tgz', {written: b''}, 'comp6')
        assert list(tmp_path.iterdir()) == []

    def test_no_room(self, tmp_path, limit_files):
        out = tmp_path / 'a.tgz'
        out.write_bytes(b'older')
        noise = np.random.default_rng(0).integers(0, 21, (200, 200))
        limit_files(2**12)
        with pytest.raises(InputError, match=r'a\.tgz .*File too large'):
            submit(out, {'a': noise})
        assert out.read_bytes() == b'older'
        assert list(tmp_path.iterdir()) == [out]

    def test_what_is_read_back_differs(self, tmp_path, monkeypatch):
        (tmp_path / 'a.tgz').write_bytes(b'older')
        monkeypatch.setattr(Path, 'read_bytes', lambda path: path.open('rb').read()[:-4096])
        with pytest.raises(InputError, match='what was read back differs'):
            submit(tmp_path / 'a.tgz')
        monkeypatch.undo()
        assert (tmp_path / 'a.tgz').read_bytes() == b'older'

    def test_the_size_is_that_of_the_stored_image(self, voc_root, tmp_path):
        """Of an image that asks to be turned by a quarter."""
        exif = Image.Exif()
        exif[0x0112] = 6
        photo = voc_root / 'JPEGImages/f.jpg'
        Image.open(photo).save(photo, exif=exif)
        loaded = LoadVOCImage()(dict(img_path=str(photo)))
        submit(tmp_path / 'a.tgz', {'f': np.zeros(loaded['ori_shape'], int)})
        assert check_submission(tmp_path / 'a.tgz', ['f'], voc_root / 'JPEGImages') == (1, [])

    def test_unwritable_place_is_told_before_anything_is_computed(self, tmp_path):
        (tmp_path / 'file').touch()
        with pytest.raises(InputError, match='the folder of the archive'):
            VOCSubmission(str(tmp_path / 'file' / 'a.tgz'))

    @pytest.mark.parametrize(
        ('mask', 'size', 'message'),
        [
            (np.full((3, 7), 21), None, 'holds the value 21'),
            (np.zeros((3, 7), int), (6, 14), r'is \(3, 7\), but its image is \(6, 14\)'),
        ],
    )
    def test_predictions_the_server_would_refuse(self, tmp_path, mask, size, message):
        out = tmp_path / 'a.tgz'
        metric = VOCSubmission(str(out))
        with pytest.raises(InputError, match=message):
            metric.process({}, [sample('x', mask, size)])
        del metric
        assert not out.exists()


def submitted(folder):
    """Content of an archive of two masks that hardly compress."""
    generator = np.random.default_rng(0)
    out = folder / 'whole.tgz'
    submit(out, {name: generator.integers(0, 21, (80, 80)) for name in MASKS})
    return out.read_bytes()


class TestChecking:
    GOOD = (f'{FOLDER}/a.png', png(MASKS['2008_000011']))

    @pytest.mark.parametrize(
        ('members', 'defect'),
        [
            ([], 'holds no prediction'),
            ([('comp6_test_cls/a.png', GOOD[1])], 'comp6_test_cls/a.png: not a prediction at'),
            ([(f'/{GOOD[0]}', GOOD[1])], 'not a prediction at'),
            ([(f'{FOLDER}/../a.png', GOOD[1])], 'not a prediction at'),
            ([(f'{FOLDER}/a.jpg', GOOD[1])], 'not a prediction at'),
            ([GOOD, GOOD], 'a: 2 predictions for one image'),
            ([GOOD, (GOOD[0].replace('comp6', 'comp5').replace('a.png', 'b.png'), GOOD[1])], 'mixes comp5'),
            ([(GOOD[0], png(MASKS['2008_000011'], mode='L'))], 'is a PNG of mode L'),
            ([(GOOD[0], png(MASKS['2008_000011'], palette=voc_palette()[::-1].copy()))], "its palette is not VOC's"),
            ([(GOOD[0], png(np.full((3, 3), 255)))], 'holds the value 255'),
            ([(GOOD[0], png(np.full((3, 3), 21)))], 'holds the value 21'),
            ([(GOOD[0], GOOD[1][:50])], 'cannot be read as an image'),
            ([(GOOD[0], b'')], 'cannot be read as an image'),
        ],
    )
    def test_one_line_per_defect(self, tmp_path, members, defect):
        _, defects = check_submission(pack(tmp_path / 'a.tgz', members))
        assert len([line for line in defects if defect in line]) == 1, defects

    @pytest.mark.parametrize(
        'kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    )
    def test_links_and_devices_are_no_predictions(self, tmp_path, kind):
        with tarfile.open(tmp_path / 'a.tgz', 'w:gz') as tar:
            member = tarfile.TarInfo(self.GOOD[0])
            member.type, member.linkname = kind, '/etc/passwd'
            tar.addfile(member)
        assert 'not a prediction' in check_submission(tmp_path / 'a.tgz')[1][0]
        assert [path.name for path in tmp_path.iterdir()] == ['a.tgz']

    def test_images_in_folders(self, tmp_path):
        (tmp_path / 'x').mkdir()
        Image.new('RGB', (7, 3)).save(tmp_path / 'x/a.jpg')
        archive = pack(tmp_path / 'a.tgz', [self.GOOD])
        assert check_submission(archive, ['x/a'], tmp_path) == (1, [])
        with pytest.raises(InputError, match='x/a and y/a, whose predictions would both be called'):
            check_submission(archive, ['x/a', 'y/a'])

    def test_long_names_are_shortened(self, tmp_path):
        defect, *_ = check_submission(pack(tmp_path / 'a.tgz', [('x' * 100_000, b'')]))[1]
        assert len(defect) < 400

    def test_pipes_are_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / 'a.tgz')
        with pytest.raises(InputError, match=r'a\.tgz is no file'):
            check_submission(tmp_path / 'a.tgz')

    def test_palettes_that_are_missing(self, tmp_path):
        content = self.GOOD[1]
        start = content.index(b'PLTE') - 4
        length = int.from_bytes(content[start : start + 4], 'big') + 12
        archive = pack(tmp_path / 'a.tgz', [(self.GOOD[0], content[:start] + content[start + length :])])
        assert len(check_submission(archive)[1]) == 1

    @pytest.mark.parametrize('side', [2048, 4096])
    def test_many_images_of_many_pixels_are_not_unpacked(self, tmp_path, side):
        bomb = png(np.zeros((side, side)))
        archive = pack(tmp_path / 'a.tgz', [(f'{FOLDER}/{index}.png', bomb) for index in range(1000)])
        start = time.process_time()
        if side == 4096:
            assert len(check_submission(archive)[1]) == 1000
        else:
            with pytest.raises(InputError, match='has more pixels than the predictions for all of VOC'):
                check_submission(archive)
        assert time.process_time() - start < 5

    def test_a_whole_submission_is_within_the_bounds(self, tmp_path):
        content = png(np.zeros((500, 500)))
        names = [f'{index:04}' for index in range(1456)]
        archive = pack(tmp_path / 'a.tgz', [(f'{FOLDER}/{name}.png', content) for name in names])
        assert check_submission(archive, names) == (1456, [])

    @pytest.mark.parametrize('packed', ['.', './results', './/./results'])
    def test_archives_packed_by_hand(self, tmp_path, packed):
        path = tmp_path / 'unpacked' / self.GOOD[0]
        path.parent.mkdir(parents=True)
        path.write_bytes(self.GOOD[1])
        with tarfile.open(tmp_path / 'a.tgz', 'w:gz') as tar:
            tar.add(tmp_path / 'unpacked' / packed, packed)
        assert check_submission(tmp_path / 'a.tgz', ids=['a']) == (1, [])

    def test_one_image_under_two_spellings(self, tmp_path):
        archive = pack(tmp_path / 'a.tgz', [self.GOOD, (f'./{self.GOOD[0]}', self.GOOD[1])])
        assert check_submission(archive) == (1, ['a: 2 predictions for one image'])

    def test_ids(self, tmp_path):
        archive = pack(tmp_path / 'a.tgz', [self.GOOD])
        assert check_submission(archive, ids=['b']) == (
            1,
            ['b: no prediction, although the list names it', 'a: a prediction, although the list does not name it'],
        )

    def test_sizes(self, tmp_path):
        Image.new('RGB', (8, 3)).save(tmp_path / 'a.jpg')
        archive = pack(tmp_path / 'a.tgz', [self.GOOD])
        assert check_submission(archive, images=tmp_path)[1] == [f'{FOLDER}/a.png: is 7x3 px, but its image is 8x3 px']

    @pytest.mark.parametrize('share', [0.2, 0.5, 0.9, 0.99])
    def test_archives_that_were_cut_off(self, tmp_path, share):
        content = submitted(tmp_path)
        (tmp_path / 'a.tgz').write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match='is not a complete'):
            check_submission(tmp_path / 'a.tgz')

    def test_a_wrong_checksum(self, tmp_path):
        content = bytearray(submitted(tmp_path))
        content[-8] ^= 1
        (tmp_path / 'a.tgz').write_bytes(content)
        with pytest.raises(InputError, match='is not a complete'):
            check_submission(tmp_path / 'a.tgz')

    def test_bombs_are_not_unpacked(self, tmp_path):
        member = tarfile.TarInfo(self.GOOD[0])
        member.size = 2**40
        with gzip.open(tmp_path / 'a.tgz', 'wb') as packed:
            packed.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(2**20))
        with pytest.raises(InputError, match='not a prediction for a VOC image'):
            check_submission(tmp_path / 'a.tgz')

    def test_images_of_far_too_many_pixels_are_not_unpacked(self, tmp_path):
        archive = pack(tmp_path / 'a.tgz', [(self.GOOD[0], png(np.zeros((4096, 4097))))])
        assert check_submission(archive)[1] == [
            f'{self.GOOD[0]}: is 4097x4096 px, which is not a prediction for a VOC image'
        ]

    def test_archives_that_expand_to_too_much_are_not_read_to_their_end(self, tmp_path, monkeypatch):
        archive = pack(tmp_path / 'a.tgz', [(f'{FOLDER}/{name}.png', self.GOOD[1]) for name in range(20)])
        assert check_submission(archive) == (20, [])
        monkeypatch.setattr('mmseg_gdn.evaluation.check_submission._LARGEST_ARCHIVE', 2**13)
        with pytest.raises(InputError, match='expands to far more than a VOC submission'):
            check_submission(archive)

    @pytest.mark.parametrize('content', [None, b'', b'no archive', 'truncated'])
    def test_files_that_are_no_archives(self, tmp_path, content):
        path = tmp_path / 'a.tgz'
        if content == 'truncated':
            noise = np.random.default_rng(0).integers(0, 21, (500, 500))
            content = pack(path, [(self.GOOD[0], png(noise))]).read_bytes()[:3000]
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match='There is no archive|is not a complete'):
            check_submission(path)
