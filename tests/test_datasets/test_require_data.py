"""The message that stops training when the data set is not there."""

import pytest

from mmseg_gdn.datasets.require_data import require_data, require_images
from mmseg_gdn.utils import InputError


def voc(root, masks='SegmentationClass', ids='train'):
    return dict(
        type='CheckedVOCDataset',
        data_root=str(root),
        ann_file=f'ImageSets/Segmentation/{ids}.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path=masks),
    )


@pytest.fixture
def root(tmp_path):
    for folder in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / 'ImageSets/Segmentation/train.txt').write_text('a\n')
    return tmp_path


def test_complete_data(root):
    require_data(voc(root))


def test_data_of_another_kind_are_not_looked_at():
    require_data(dict(type='CityscapesDataset', data_root='nowhere'))
    require_data(dict(type='CityscapesDataset', data_root='s3://bucket', data_prefix=dict(img_path='leftImg8bit')))


@pytest.mark.parametrize('missing', ['images', 'masks', 'list.txt'])
def test_folders_of_other_data_sets(tmp_path, missing):
    dataset = dict(
        type='CityscapesDataset',
        data_root=str(tmp_path),
        ann_file='list.txt',
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )
    (tmp_path / 'list.txt').write_text('a\n')
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    require_data(dataset)
    path = tmp_path / missing
    path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(InputError, match=rf'CityscapesDataset of the config reads {path}, which does not exist .*link'):
        require_data(dataset)
    if missing == 'masks':
        require_data(dict(dataset, test_mode=True))


@pytest.mark.parametrize(
    'wrap',
    [
        lambda parts: parts[1],
        lambda parts: dict(type='ConcatDataset', datasets=parts),
        lambda parts: dict(type='MultiImageMixDataset', dataset=dict(type='ConcatDataset', datasets=parts)),
        lambda parts: dict(type='RepeatDataset', times=2, dataset=parts[1]),
    ],
)
def test_missing_parts_are_named_once_with_the_ways_to_get_them(root, wrap):
    dataset = wrap([voc(root), voc(root, 'SegmentationClassAug', 'aug')])
    with pytest.raises(InputError) as stop:
        require_data(dataset)
    message = str(stop.value)
    for path in ('ImageSets/Segmentation/aug.txt', 'SegmentationClassAug'):
        assert message.count(str(root / path)) == 1
    assert str(root / 'JPEGImages') not in message
    for way in ('get_voc.py', 'VOCtrainval_11-May-2012.tar', 'benchmark.tgz', 'check_voc.py', 'make demo'):
        assert way in message


@pytest.mark.parametrize('wrap', [lambda part: part, lambda part: dict(type='ConcatDataset', datasets=[part])])
def test_images_that_a_list_names(voc_root, wrap):
    require_images(wrap(voc(voc_root, ids='test')))
    (voc_root / 'JPEGImages/g.jpg').unlink()
    with pytest.raises(InputError) as stop:
        require_images(wrap(voc(voc_root, ids='test')))
    first, *_ = str(stop.value).split(';')
    assert first == (
        f'1 of the 2 images that {voc_root}/ImageSets/Segmentation/test.txt names are not in '
        f'{voc_root}/JPEGImages, the first of them g.jpg'
    )
    assert 'in a separate archive' in str(stop.value)


@pytest.mark.parametrize(
    ('kind', 'content', 'message'),
    [
        ('CheckedVOCDataset', b'', 'names no images'),
        ('CheckedVOCDataset', b'a\n../b\n', 'leaves the folder'),
        (
            'PascalVOCDataset',
            b'a\n\nb\n',
            'train.txt has blank lines or a byte order mark, which PascalVOCDataset takes',
        ),
        ('PascalContextDataset', b'\xef\xbb\xbfa\n', 'has blank lines or a byte order mark'),
        ('PascalContextDataset', 'a'.encode('utf-16'), 'is not UTF-8 text'),
    ],
)
def test_lists_that_cannot_be_used(voc_root, kind, content, message):
    (voc_root / 'ImageSets/Segmentation/train.txt').write_bytes(content)
    with pytest.raises(InputError, match=message):
        require_data(dict(voc(voc_root), type=kind))


def test_lists_that_can_be_used(voc_root):
    (voc_root / 'ImageSets/Segmentation/train.txt').write_bytes(b'\xef\xbb\xbfa\r\n\r\nb\r\n')
    require_data(voc(voc_root))
    (voc_root / 'ImageSets/Segmentation/train.txt').write_bytes(b'a.jpg\r\nb.jpg\r\n')
    require_data(dict(voc(voc_root), type='PascalContextDataset', img_suffix=''))


def test_images_of_another_data_set_are_not_looked_for():
    require_images(dict(type='CityscapesDataset', data_root='nowhere'))


@pytest.mark.parametrize('check', [require_data, require_images])
def test_no_list(root, check):
    dataset = {key: value for key, value in voc(root).items() if key != 'ann_file'}
    with pytest.raises(InputError, match='CheckedVOCDataset of the config sets no ann_file'):
        check(dataset)


def test_no_folders(root):
    require_data(dict(voc(root), data_prefix=None))
