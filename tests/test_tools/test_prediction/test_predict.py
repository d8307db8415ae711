"""Prediction by the command line."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import MMLogger
from mmseg.apis import inference_model, init_model
from mmseg.datasets import CityscapesDataset, PascalVOCDataset
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

import predict
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.prediction.predictor import Predictor
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.images import read_image
from mmseg_gdn.utils.lock import only_user
from mmseg_gdn.utils.places import IN_USE


@pytest.fixture
def call(monkeypatch):
    """Run the tool in this process."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['predict.py', *map(str, args)])
        return predict.main()

    return run


@pytest.fixture
def photos(tmp_path):
    """An upright photograph, the same as a phone stores it, a transparent one, and files that are none."""
    folder = tmp_path / 'photos'
    (folder / 'more').mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    upright = Image.fromarray(pixels)
    upright.save(folder / 'upright.png')
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels).copy()).save(folder / 'more' / 'phone.png', exif=exif)
    upright.convert('RGBA').save(folder / 'more' / 'opaque.png')
    (folder / 'broken.jpg').write_bytes(b'\xff\xd8\xff nothing')
    (folder / 'empty.png').touch()
    return folder


def indices(path):
    with Image.open(path) as image:
        assert image.mode == 'P'
        return np.array(image), np.array(image.getpalette('RGB')).reshape(-1, 3)


@torch.no_grad()
def stock_prediction(config, checkpoint, image):
    """What mmseg's own API predicts for an image (H, W, 3) in BGR order."""
    model = init_model(config, checkpoint, device='cpu')
    dataset = model.cfg.test_dataloader.dataset
    model.cfg.test_pipeline = dataset.get('dataset', dataset).pipeline
    return inference_model(model, image)


class TestPredictions:
    def test_folder(self, call, photos, voc_model, tmp_path, capsys):
        before = {path: path.read_bytes() for path in photos.rglob('*.*')}
        with pytest.raises(InputError, match='2 of 5 images could not be predicted'):
            call(*voc_model, photos, '--out', tmp_path / 'out', '--probabilities', '--device', 'cpu')
        output = capsys.readouterr()
        assert output.out.splitlines() == [
            'model: {}, {}'.format(*voc_model),
            f'{tmp_path / "out"}: predictions of 3 of 5 images',
        ]
        for name in ('broken.jpg', 'empty.png'):
            assert f'skipped: {photos / name}' in output.err
        assert {path: path.read_bytes() for path in photos.rglob('*.*')} == before
        written = {path.relative_to(tmp_path / 'out').as_posix() for path in (tmp_path / 'out').rglob('*.*')}
        assert written == {
            f'{name}{suffix}'
            for name in ('upright', 'more/phone', 'more/opaque')
            for suffix in ('.png', '_overlay.jpg', '_probabilities.npz')
        }

        expected = stock_prediction(*voc_model, np.asarray(Image.open(photos / 'upright.png'))[..., ::-1])
        classes = expected.pred_sem_seg.data[0].numpy()
        assert len(np.unique(classes)) > 2
        for name in ('upright', 'more/phone', 'more/opaque'):
            mask, palette = indices(tmp_path / 'out' / f'{name}.png')
            assert np.array_equal(mask, classes)
            assert np.array_equal(palette, voc_palette()[: len(palette)])
        with np.load(tmp_path / 'out/more/phone_probabilities.npz') as stored:
            probabilities, names = stored['probabilities'], stored['classes']
        assert probabilities.dtype == np.float16 and names[15] == 'person'
        np.testing.assert_allclose(probabilities, expected.seg_logits.data.softmax(0).numpy(), atol=1e-3)
        with Image.open(tmp_path / 'out/upright_overlay.jpg') as overlay:
            assert overlay.height >= 48 and overlay.width > 72

    def test_stock_head_and_other_classes(self, call, photos, streets_model, tmp_path):
        image = photos / 'upright.png'
        call(*streets_model, image, '--out', tmp_path / 'out', '--device', 'cpu')
        mask, palette = indices(tmp_path / 'out/upright.png')
        expected = stock_prediction(*streets_model, np.asarray(Image.open(image))[..., ::-1])
        assert np.array_equal(mask, expected.pred_sem_seg.data[0].numpy())
        assert palette[:19].tolist() == CityscapesDataset.METAINFO['palette'][: len(palette)]
        assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['upright.png', 'upright_overlay.jpg']

    def test_two_classes_from_one_score(self, binary_model, photos):
        path = photos / 'upright.png'
        prediction = Predictor(*binary_model, 'cpu')(read_image(path), path, with_probabilities=True)
        assert prediction.probabilities.shape == (2, 48, 72)
        np.testing.assert_allclose(prediction.probabilities.sum(0, dtype=np.float32), 1, atol=1e-3)
        clear = np.abs(prediction.probabilities[1] - np.float16(0.4)) > 1e-3
        assert np.array_equal(prediction.classes[clear], (prediction.probabilities[1] > 0.4)[clear])
        assert set(np.unique(prediction.classes)) == {0, 1}

    def test_sizes_that_the_matrices_do_not_serve(self, call, photos, voc_model, tmp_path, capsys):
        with pytest.raises(InputError, match='1 of 1 images'):
            call(
                *voc_model,
                photos / 'upright.png',
                '--out',
                tmp_path / 'out',
                '--device',
                'cpu',
                '--cfg-options',
                'model.decode_head.size_policy=error',
            )
        assert f'skipped: {photos / "upright.png"}: The matrices upsample 8x8 maps' in capsys.readouterr().err
        assert not list((tmp_path / 'out').iterdir())

    def test_loading_of_the_config_if_it_is_not_for_colour_images(self, voc_model, photos):
        options = {'test_dataloader.dataset.pipeline.0': dict(type='LoadImageFromFile', color_type='unchanged')}
        predictor = Predictor(*voc_model, 'cpu', options)
        image = np.zeros((48, 72, 3), np.uint8)
        ours = Predictor(*voc_model, 'cpu')
        path = photos / 'upright.png'
        assert np.array_equal(predictor(image, path).classes, ours(read_image(path), path).classes)
        assert not np.array_equal(predictor(image, path).classes, ours(image, path).classes)

    @pytest.mark.parametrize('loader', ['LoadCheckedImage', LoadImageFromFile])
    def test_any_loader_of_colour_images_leaves_loading_to_the_tool(self, voc_model, photos, loader):
        path = photos / 'upright.png'
        options = {'test_dataloader.dataset.pipeline.0': dict(type=loader)}
        options |= {'test_dataloader.dataset.pipeline.2': dict(type=LoadAnnotations)}
        ours = Predictor(*voc_model, 'cpu')
        assert np.array_equal(
            Predictor(*voc_model, 'cpu', options)(read_image(path), Path()).classes,
            ours(read_image(path), path).classes,
        )


class TestRefusals:
    def test_ensemble(self, root_dir):
        with pytest.raises(InputError, match=r'ensemble_voc12.py is an Ensemble'):
            Predictor(str(root_dir / 'configs/gdn/ensemble_voc12.py'), 'none.pth', 'cpu')

    def test_device(self, voc_model):
        with pytest.raises(InputError, match=r'--device pocket-calculator cannot be used \(.*\)\.'):
            Predictor(*voc_model, 'pocket-calculator')

    def test_a_device_without_memory(self, voc_model):
        with pytest.raises(InputError, match=r'--device meta cannot be used \(Cannot copy out of meta tensor'):
            Predictor(*voc_model, 'meta')

    def test_classes_in_another_order(self, voc_model, tmp_path):
        config, checkpoint = voc_model
        state = torch.load(checkpoint, weights_only=True)
        classes = PascalVOCDataset.METAINFO['classes']
        torch.save(dict(state, meta=dict(dataset_meta=dict(classes=classes))), tmp_path / 'same.pth')
        Predictor(config, str(tmp_path / 'same.pth'), 'cpu')
        torch.save(dict(state, meta=dict(dataset_meta=dict(classes=classes[::-1]))), tmp_path / 'other.pth')
        with pytest.raises(InputError, match=r'other\.pth was trained with the classes in another order: its class 0'):
            Predictor(config, str(tmp_path / 'other.pth'), 'cpu')
        options = {'test_dataloader.dataset.metainfo': dict(classes=classes[::-1])}
        Predictor(config, str(tmp_path / 'other.pth'), 'cpu', options)

    def test_images_that_cannot_be_read(self, call, photos, voc_model, tmp_path, capsys):
        os.mkfifo(photos / 'pipe.png')
        (photos / 'link.png').symlink_to('nowhere')
        images = [photos / f'{name}.png' for name in ('pipe', 'link', 'upright')]
        with pytest.raises(InputError, match='2 of 3 images could not be predicted'):
            call(*voc_model, *images, '--out', tmp_path / 'out', '--device', 'cpu')
        told = capsys.readouterr().err
        assert f'skipped: {photos / "pipe.png"} is a pipe' in told
        assert f'skipped: There is no image {photos / "link.png"}' in told
        assert (tmp_path / 'out/upright.png').is_file()

    def test_two_runs_in_one_folder(self, call, photos, voc_model, tmp_path):
        (tmp_path / 'out').mkdir()
        with only_user(tmp_path / 'out', IN_USE), pytest.raises(InputError, match='Another run uses .* by --out'):
            call(*voc_model, photos / 'upright.png', '--out', tmp_path / 'out', '--device', 'cpu')
        assert not [path for path in (tmp_path / 'out').iterdir() if path.suffix]

    def test_unwritable_folder(self, call, photos, voc_model, tmp_path):
        (tmp_path / 'file').touch()
        with pytest.raises(InputError, match='Cannot create the folder of predictions'):
            call(*voc_model, photos / 'upright.png', '--out', tmp_path / 'file' / 'out', '--device', 'cpu')

    def test_config_without_images(self, call, voc_model, capsys):
        with pytest.raises(SystemExit) as stopped:
            call(*voc_model)
        assert stopped.value.code == 2
        assert 'name a checkpoint and at least one image' in capsys.readouterr().err


def test_the_network_that_comes_along(call, photos, voc_model, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, 'default_model', lambda hint: voc_model)
    call(photos / 'upright.png', '--out', tmp_path / 'out', '--device', 'cpu')
    assert (tmp_path / 'out/upright.png').is_file()


@pytest.mark.slow
def test_as_a_user_runs_it(run_script, photos, voc_model, tmp_path):
    result = run_script(
        'tools/predict.py', *voc_model, f'{photos}/**/*.png', '--out', tmp_path / 'out', '--device', 'cpu'
    )
    assert result.returncode == 1
    assert 'error: 1 of 4 images could not be predicted' in result.stderr
    assert 'Traceback' not in result.stderr and 'Warning' not in result.stderr
    assert len(result.stdout.splitlines()) == 2, 'the model and the outcome, and nothing of how the model is built'
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 3


def test_a_checkpoint_with_unused_weights_is_named(call, photos, voc_model, tmp_path, monkeypatch, caplog):
    config, checkpoint = voc_model
    weights = torch.load(checkpoint, weights_only=True)
    weights['state_dict']['neck.weight'] = torch.zeros(2)
    torch.save(weights, tmp_path / 'more.pth')
    logger = MMLogger.get_current_instance()
    level = logger.level
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    call(config, tmp_path / 'more.pth', photos / 'upright.png', '--out', tmp_path / 'out', '--device', 'cpu')
    assert 'keys that the model does not use (1: neck.weight)' in caplog.text
    assert logger.level == level
