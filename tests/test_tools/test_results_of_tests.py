"""What tools/test.py writes: whole or not at all, with configs of all shapes."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.visualization.whole_image_backend import WholeImageVisBackend


@pytest.fixture
def checkpoint(gdn_config, tmp_path):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(gdn_config).model).state_dict()), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    'text',
    [
        '',
        'default_hooks = None',
        "default_hooks = dict(_delete_=True, timer=dict(type='IterTimerHook'))",
        "visualizer = dict(_delete_=True, type='SegLocalVisualizer', name='visualizer', vis_backends=None)",
    ],
)
def test_pictures_need_nothing_in_the_config(run_test, child, checkpoint, tmp_path, text):
    run_test(
        child(text + '\ntest_dataloader = dict(num_workers=0, persistent_workers=True)\n'),
        checkpoint,
        '--show-dir',
        tmp_path / 'painted',
        '--out',
        tmp_path / 'plain',
    )
    assert len(list((tmp_path / 'painted').rglob('*.png'))) == 2
    assert sorted(path.name for path in (tmp_path / 'plain').iterdir()) == ['d.png', 'e.png']


@pytest.mark.slow
def test_pictures_of_images_that_ask_to_be_turned(run_test, gdn_config, checkpoint, voc_root, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = voc_root / 'JPEGImages/d.jpg'
    Image.open(path).save(path, exif=exif)
    run_test(gdn_config, checkpoint, '--show-dir', tmp_path / 'painted')
    painted = Image.open(next((tmp_path / 'painted').rglob('*d.jpg_0.png')))
    width, height = Image.open(path).size
    assert painted.size == (2 * width, height)  # the mask, beside the prediction


@pytest.mark.slow
@pytest.mark.parametrize('option', ['--out', '--show-dir'])
def test_images_of_one_name_in_two_folders(run_test, child, checkpoint, voc_root, tmp_path, option):
    for part in ('JPEGImages', 'SegmentationClass'):
        (voc_root / part / 'more').mkdir()
        source = next((voc_root / part).glob('d.*'))
        source.rename(voc_root / part / 'more' / source.with_stem('e').name)
    (voc_root / 'ImageSets/Segmentation/val.txt').write_text('e\nmore/e\n')
    with pytest.raises(InputError, match=r'JPEGImages/e\.jpg and .*/more/e\.jpg would both be called e\.png'):
        run_test(child(''), checkpoint, option, tmp_path / 'out')
    assert not list((tmp_path / 'out').rglob('*.png'))


@pytest.mark.slow
@pytest.mark.parametrize('option', ['--out', '--show-dir'])
def test_folders_of_the_data_set(run_test, gdn_config, checkpoint, voc_root, option):
    mask = (voc_root / 'SegmentationClass/d.png').read_bytes()
    with pytest.raises(InputError, match=f'{option} .*SegmentationClass is a folder of the data set'):
        run_test(gdn_config, checkpoint, option, voc_root / 'SegmentationClass')
    assert (voc_root / 'SegmentationClass/d.png').read_bytes() == mask


@pytest.mark.slow
def test_a_test_that_fails_leaves_older_predictions(run_test, gdn_config, checkpoint, voc_root, tmp_path):
    plain = tmp_path / 'plain'
    plain.mkdir()
    (plain / 'd.png').write_text('old')
    (voc_root / 'JPEGImages/e.jpg').write_bytes(b'')
    with pytest.raises(InputError, match=r'e\.jpg'):
        run_test(gdn_config, checkpoint, '--out', plain)
    assert [(path.name, path.read_text()) for path in plain.iterdir()] == [('d.png', 'old')]


def test_pictures_are_those_of_mmengine(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    WholeImageVisBackend(str(tmp_path)).add_image('a', image, 3)
    assert np.array_equal(np.asarray(Image.open(tmp_path / 'vis_image/a_3.png')), image)


def test_a_picture_that_does_not_fit(tmp_path, limit_files):
    image = np.random.default_rng(0).integers(0, 255, (99, 99, 3), dtype=np.uint8)
    limit_files(4096)
    with pytest.raises(InputError, match=r'Cannot write .*a_0\.png .*run this again'):
        WholeImageVisBackend(str(tmp_path)).add_image('a', image)
    assert list((tmp_path / 'vis_image').iterdir()) == []


def test_a_window_keeps_pictures_from_being_written(run_test, gdn_config, checkpoint, capsys):
    with pytest.raises(SystemExit):
        run_test(gdn_config, checkpoint, '--show', '--show-dir', 'painted')
    assert 'give one of them' in capsys.readouterr().err


@pytest.mark.parametrize(
    'args', [['{config}'], ['{config}', '--out', '{config}/inside'], ['{config}', '--show-dir', '{config}/inside']]
)
def test_places_and_files_that_are_mixed_up(run_test, gdn_config, checkpoint, args):
    first, *others = (arg.format(config=gdn_config) for arg in args)
    files = (checkpoint, first) if not others else (first, checkpoint)
    with pytest.raises(InputError, match=r'named where the config belongs|Cannot create the folder of .*pre'):
        run_test(*files, *others)
