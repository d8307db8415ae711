"""Training, resuming, testing and submitting, by the command line."""

import re
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image


def only_error(result):
    """The one sentence a failed tool ends with; the tool must not show a traceback."""
    assert result.returncode == 1, result.stderr
    assert 'Traceback' not in result.stderr
    return result.stderr[result.stderr.index('error: ') :]


@pytest.fixture
def trained(run_script, gdn_config, tmp_path):
    result = run_script('tools/train.py', gdn_config, '--work-dir', tmp_path / 'run')
    assert result.returncode == 0, result.stderr
    return tmp_path / 'run', result.stdout + result.stderr


@pytest.mark.slow
def test_train_resume_test_and_submit(run_script, gdn_config, voc_root, trained, tmp_path):
    work_dir, log = trained
    for name in ('decode.loss_ce', 'decode.acc_seg', 'aux_0.loss_mlc', 'eta:', 'mIoU'):
        assert name in log
    checkpoint = work_dir / 'iter_2.pth'
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    assert 'decode_head.interp.kernel_h' in weights

    resumed = run_script(
        'tools/train.py',
        gdn_config,
        '--work-dir',
        work_dir,
        '--resume',
        '--cfg-options',
        'train_cfg.max_iters=3',
        'default_hooks.checkpoint.interval=3',
    )
    assert resumed.returncode == 0, resumed.stderr
    assert 'Iter(train) [3/3]' in resumed.stdout + resumed.stderr
    assert 'Iter(train) [2/3]' not in resumed.stdout + resumed.stderr

    tested = run_script(
        'tools/test.py',
        gdn_config,
        checkpoint,
        '--work-dir',
        work_dir,
        '--tta',
        '--show-dir',
        tmp_path / 'painted',
        '--out',
        tmp_path / 'plain',
    )
    assert tested.returncode == 0, tested.stderr
    assert re.search(r'mIoU: +[\d.]+', tested.stdout + tested.stderr)
    assert sorted(path.name for path in (tmp_path / 'plain').iterdir()) == ['d.png', 'e.png']
    assert len(list((tmp_path / 'painted').rglob('*.png'))) == 2

    archive, ids = tmp_path / 'submission.tar.gz', voc_root / 'ImageSets/Segmentation/test.txt'
    submitted = run_script(
        'tools/test.py', gdn_config, checkpoint, '--work-dir', work_dir, '--submission', archive, '--ids', ids
    )
    assert submitted.returncode == 0, submitted.stderr
    with tarfile.open(archive) as tar:
        masks = {name: np.asarray(Image.open(tar.extractfile(name))) for name in tar.getnames()}
    folder = 'results/VOC2012/Segmentation/comp6_test_cls'
    assert {name: mask.shape for name, mask in masks.items()} == {
        f'{folder}/f.png': (48, 64),
        f'{folder}/g.png': (56, 64),
    }
    checked = run_script('tools/check_submission.py', archive, '--ids', ids, '--images', voc_root / 'JPEGImages')
    assert (checked.returncode, checked.stdout.strip()) == (0, f'{archive}: 2 predictions, 0 defects')


@pytest.mark.slow
def test_checkpoint_of_another_architecture_and_unwritable_archive(run_script, gdn_config, trained, tmp_path):
    work_dir, _ = trained
    blocker = tmp_path / 'file'
    blocker.touch()
    result = run_script(
        'tools/test.py', gdn_config, work_dir / 'iter_2.pth', '--work-dir', work_dir, '--submission', blocker / 'a.tgz'
    )
    assert 'Cannot create the folder of the archive' in only_error(result)
    assert 'Iter(test)' not in result.stdout + result.stderr
    result = run_script(
        'tools/test.py',
        gdn_config,
        work_dir / 'iter_2.pth',
        '--work-dir',
        work_dir,
        '--cfg-options',
        'model.decode_head.channels=64',
    )
    assert "iter_2.pth does not fit this config's model" in only_error(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['model.decode_head.base_type=FNCHead'], "base_type='FNCHead' is not a registered head"),
        (['model.decode_head.in_size=(4,4)'], 'computes 2x2 scores of 64x64 crops; set in_size=(2, 2)'),
        (
            ['model.decode_head.size_policy=error', 'model.data_preprocessor.test_cfg.size_divisor=1'],
            "set size_policy to 'slice'",
        ),
    ],
)
def test_wrong_settings(run_script, gdn_config, tmp_path, options, sentence):
    result = run_script('tools/train.py', gdn_config, '--work-dir', tmp_path / 'run', '--cfg-options', *options)
    assert sentence in only_error(result)


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 1])
def test_bad_files(run_script, gdn_config, voc_root, tmp_path, workers):
    Image.fromarray(np.full((48, 64), 77, np.uint8)).save(voc_root / 'SegmentationClass/a.png')
    Image.fromarray(np.full((56, 64), 77, np.uint8)).save(voc_root / 'SegmentationClass/b.png')
    Image.fromarray(np.full((48, 64), 77, np.uint8)).save(voc_root / 'SegmentationClassAug/c.png')
    result = run_script(
        'tools/train.py',
        gdn_config,
        '--work-dir',
        tmp_path / 'run',
        '--cfg-options',
        f'train_dataloader.num_workers={workers}',
    )
    sentence = only_error(result)
    assert sentence.startswith('error: The mask ')
    assert 'holds the values 77' in sentence


def test_missing_data(run_script, tmp_path):
    result = run_script(
        'tools/train.py',
        'configs/gdn/fcn32s_gdn_voc12aug.py',
        '--work-dir',
        tmp_path,
        '--cfg-options',
        'train_dataloader.dataset.dataset.datasets.0.data_root=nowhere',
    )
    sentence = only_error(result)
    assert 'nowhere/JPEGImages' in sentence
    assert 'make demo' in sentence


def test_missing_config_and_unwritable_work_folder(run_script, gdn_config, tmp_path):
    assert 'There is no config nothing.py' in only_error(run_script('tools/train.py', 'nothing.py'))
    blocker = tmp_path / 'file'
    blocker.touch()
    result = run_script('tools/train.py', gdn_config, '--work-dir', blocker / 'run')
    assert 'Cannot create the work folder' in only_error(result)


def test_missing_checkpoint(run_script, gdn_config, tmp_path):
    result = run_script('tools/test.py', gdn_config, tmp_path / 'no.pth', '--work-dir', tmp_path / 'run')
    assert 'There is no checkpoint' in only_error(result)
