"""The tool itself: what it prints, how it ends, and everything from drawn images to a checked archive."""

from __future__ import annotations

import fcntl
import json
import sys

import pytest

import reproduce
from drawn_scenes import make_synthetic_voc
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import read_ids
from reproduction.executor import StepInterrupted

from ...test_caffe.caffemodels import vgg, write

TINY = (
    'model.backbone.widths=(2,2,2,2,2)',
    'model.decode_head.in_channels=2',
    'model.decode_head.fc_channels=4',
    'train_cfg.max_iters=2',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
)


@pytest.fixture
def arguments(tmp_path):
    """Options for tiny networks on drawn images."""
    make_synthetic_voc(tmp_path / 'VOC2012', train=3, val=2, test=1)
    layers = vgg(widths=(2, 2, 2, 2, 2), fc=4)
    # Larger weights would let the scores overflow.
    write(
        tmp_path / 'vgg.caffemodel',
        {name: (kind, [0.1 * blob for blob in blobs]) for name, (kind, blobs) in layers.items()},
    )
    return (
        '--small',
        '--network',
        'fcn32s',
        '--data-root',
        tmp_path / 'VOC2012',
        '--weights',
        tmp_path / 'vgg.caffemodel',
        '--work-dir',
        tmp_path / 'work',
        '--workers',
        1,
        '--val-images',
        1,
        '--cfg-options',
        *TINY,
    )


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process; gives its exit status and what it prints."""

    def do(*args):
        monkeypatch.setattr(sys, 'argv', ['tools/reproduce.py', *map(str, args)])
        return reproduce.main(), capsys.readouterr()

    return do


@pytest.fixture
def without_measuring(monkeypatch):
    """No networks are measured."""
    one = dict(device='cpu', train_seconds=1.0, test_seconds=1.0, parameters=10, trained=10, activations=1, peak=None)
    monkeypatch.setattr(reproduce, 'measurements', lambda settings, configs: dict.fromkeys(configs, one))


@pytest.mark.slow
def test_from_drawn_images_to_a_checked_archive(run, arguments, tmp_path):
    only = ('--only', 'test-fcn32s_gdn-staged_voc12aug', 'check-archive')
    status, told = run(*only, *arguments)
    assert status == 0
    work, ids = tmp_path / 'work', tmp_path / 'VOC2012/ImageSets/Segmentation/test.txt'
    assert '1 predictions, 0 defects' in (work / 'logs/check-archive.log').read_text()
    assert read_ids(ids) == ['test_0000']
    scored, archive = json.loads((work / 'results.json').read_text())
    assert scored['model'] == 'fcn32s_gdn-staged_voc12aug'
    assert 0 <= scored['miou'] <= 100
    assert archive['published']['miou'] == 74.02
    assert '| fcn32s_gdn-staged_voc12aug |' in told.out

    status, again = run(*only, *arguments)
    assert status == 0
    assert '0 of 8 steps to run' in again.out
    assert again.out.count(': done') == 16
    assert again.out[again.out.index('# Results') :] == told.out[told.out.index('# Results') :]


def test_a_dry_run_prints_the_plan_and_writes_no_results(run, arguments, without_measuring, tmp_path):
    status, told = run('--dry-run', *arguments)
    assert status == 0
    assert '] train-fcn32s_voc12aug: fcn32s: train the baseline' in told.out
    assert 'steps to run: about ' in told.out
    assert not (tmp_path / 'work/steps').exists()


def test_a_failed_step_is_told_with_the_command_that_goes_on(run, arguments, without_measuring, tmp_path):
    (tmp_path / 'VOC2012/SegmentationClass/val_0000.png').write_bytes(b'no image')
    with pytest.raises(InputError) as caught:
        run('--only', 'data', *arguments)
    sentence = str(caught.value)
    assert sentence.startswith('The step data failed (exit status 1), see its log')
    assert str(tmp_path / 'work/logs/data.log') in sentence
    assert '--skip data), run: python tools/reproduce.py --only data --small' in sentence
    assert 'val_0000.png' in (tmp_path / 'work/logs/data.log').read_text()


def test_ctrl_c_ends_with_status_130(run, arguments, without_measuring, monkeypatch):
    def interrupt(*args):
        raise StepInterrupted('train-fcn32s_voc12aug')

    monkeypatch.setattr(reproduce, 'run_steps', interrupt)
    status, told = run(*arguments)
    assert status == 130
    assert told.err.startswith('Stopped in the step train-fcn32s_voc12aug; to go on from there, run: python tools/')


def test_two_runs_in_one_folder_are_refused(run, arguments, without_measuring, tmp_path):
    (tmp_path / 'work').mkdir()
    with (tmp_path / 'work/lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match='Another run uses'):
            run('--dry-run', *arguments)


def test_a_work_folder_that_cannot_be_written(run, arguments, tmp_path):
    (tmp_path / 'work/lock').mkdir(parents=True)
    with pytest.raises(InputError, match='Cannot write .*lock .*--work-dir'):
        run('--dry-run', *arguments)


@pytest.mark.parametrize(
    ('args', 'sentence'),
    [
        (['--weights', 'no.caffemodel'], 'There is no no.caffemodel'),
        (['--small', '--data-root', 'nowhere'], 'synthetic_voc.py'),
        (['--data-root', 'elsewhere'], 'always named VOC2012'),
    ],
)
def test_missing_files_are_told_before_anything_runs(run, args, sentence):
    with pytest.raises(InputError, match=sentence):
        run('--dry-run', *args)


@pytest.mark.parametrize(
    'args', [['--launcher', 'slurm'], ['--gpus', '0'], ['--val-images', '0'], ['--network', 'unet']]
)
def test_options_that_make_no_sense(run, args, capsys):
    with pytest.raises(SystemExit) as caught:
        run(*args)
    assert caught.value.code == 2


def test_help_is_complete(run, capsys):
    with pytest.raises(SystemExit):
        run('--help')
    text = capsys.readouterr().out
    for part in ('--dry-run', '--only', '--gpus', 'host.robots.ox.ac.uk:8080', 'more than one GPU', '74.02'):
        assert part in text
