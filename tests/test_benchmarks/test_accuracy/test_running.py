"""What a run keeps, what is run again, and what runs start from."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_gdn.utils import InputError

FOLDER = Path(__file__).parents[3] / 'benchmarks/accuracy'


@pytest.mark.slow
@pytest.mark.parametrize(
    'changes',
    [
        dict(),
        dict(stride=16),
        dict(optimizer='adamw'),
        dict(trunk='top'),
        dict(trunk='trained'),
        dict(upsampling='bilinear', lr_mult=None, decay_mult=None),
        dict(trunk='most', stride=16, labels='scores'),
        dict(trunk='most', upsampling='deconv', labels='features'),
        dict(views='crops'),
        dict(network='mobilenetv2-cut', stride=16),
    ],
)
def test_a_run_keeps_settings_and_numbers(tiny, run_missing, changes) -> None:
    experiment = replace(tiny, **changes)
    result = run_missing(experiment)[experiment.name]
    assert type(experiment).from_dict(result['settings']) == experiment
    assert len(result['IoU']) == 11
    present = [result['IoU'][index] for index in (0, 3, 8)]
    assert all(0 <= value <= 100 for value in present)
    # Classes that are only predicted count as well, hence at most.
    assert 0 <= result['mIoU'] <= sum(present) / 3 + 1e-9
    assert result['versions']['torch'] == torch.__version__
    assert result['command'].endswith(f'--camvid FOLDER --only {experiment.name}')
    assert result['seconds'] > 0
    if experiment.upsampling == 'gdn':
        assert set(result['moved']) == {'kernel_h', 'kernel_w'}
        assert all(0 < distance < 1 for distance in result['moved'].values())
    else:
        assert result['moved'] is None


@pytest.mark.slow
def test_voc_in_its_own_layout(tiny, voc_root, weights, tmp_path) -> None:
    from records import read_results
    from runner import run_missing

    run_missing(
        [replace(tiny, data='voc')],
        dict(voc=voc_root),
        dict(mobilenetv2=weights),
        tmp_path / 'results',
        tmp_path / 'scratch',
    )
    (result,) = read_results(tmp_path / 'results').values()
    assert len(result['IoU']) == 21


@pytest.mark.slow
def test_factor_zero_is_the_stock_head(tiny, folders, weights, tmp_path) -> None:
    from trainer import train

    stock = replace(tiny, upsampling='bilinear', lr_mult=None, decay_mult=None)
    fixed, bilinear = (
        train(one, folders['camvid'], weights, tmp_path).network for one in (replace(tiny, lr_mult=0), stock)
    )
    learned = fixed.state_dict()
    for name, value in bilinear.state_dict().items():
        torch.testing.assert_close(learned[name], value, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_finished_runs_are_skipped(tiny, run_missing, tmp_path, capsys, monkeypatch) -> None:
    import runner

    first, second = tiny, replace(tiny, seed=1)
    done = run_missing(first)

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, 'train', interrupted)
        run_missing(first, second)
    assert [path.name for path in (tmp_path / 'results').iterdir()] == [f'{first.name}.json']
    capsys.readouterr()

    both = run_missing(first, second)
    assert '1 of 2 runs are finished' in capsys.readouterr().out
    assert both[first.name] == done[first.name]
    assert both[second.name]['moved'] != both[first.name]['moved']


def test_a_result_of_other_settings_is_not_taken(tiny, run_missing, tmp_path) -> None:
    (tmp_path / 'results').mkdir()
    longer = replace(tiny, iterations=300)
    (tmp_path / 'results' / f'{tiny.name}.json').write_text(json.dumps(dict(name=tiny.name, settings=longer.as_dict())))
    with pytest.raises(InputError, match='other settings .* delete it'):
        run_missing(tiny)


def test_missing_weights_and_folders(tiny, folders, weights, tmp_path) -> None:
    from runner import run_missing

    with pytest.raises(InputError, match='no weights .* --mobilenetv2-weights'):
        run_missing([tiny], folders, dict(mobilenetv2=tmp_path / 'none.pth'), tmp_path, tmp_path)
    with pytest.raises(InputError, match='no folder .* --camvid'):
        run_missing([tiny], dict(camvid=tmp_path / 'none'), dict(mobilenetv2=weights), tmp_path, tmp_path)


def test_an_unknown_data_set_is_skipped(tiny, run_missing, capsys) -> None:
    assert run_missing(replace(tiny, data='voc')) == {}
    assert '1 are skipped' in capsys.readouterr().out


@pytest.fixture
def segmentor(tiny, weights):
    from recipe import model

    segmentor = MODELS.build(model(tiny, weights))
    segmentor.init_weights()
    return segmentor


@pytest.mark.slow
def test_mirrored_features_are_those_of_mirrored_images(tiny, segmentor, folders, weights, tmp_path) -> None:
    from features import View, cached

    plain, mirrored = (
        cached(segmentor, weights, tiny, folders['camvid'], View('train', mirrored=mirror), tmp_path, 3)
        for mirror in (False, True)
    )
    assert torch.equal(mirrored.masks, plain.masks.flip(-1))
    assert plain.maps[:3] == (None, None, None)
    assert plain.maps[3].shape == (3, 320, 8, 10)
    assert not torch.equal(mirrored.maps[3], plain.maps[3])
    no_model = None  # the second time all comes from the file
    again = cached(no_model, weights, tiny, folders['camvid'], View('train', mirrored=True), tmp_path, 3)
    assert torch.equal(again.maps[3], mirrored.maps[3])


@pytest.mark.slow
def test_features_of_crops_and_of_other_sizes(tiny, segmentor, folders, weights, tmp_path) -> None:
    from features import View, extract

    crops = extract(segmentor, replace(tiny, views='crops'), folders['camvid'], View('train', crops=True), 3)
    assert crops.maps[3].shape == (12, 320, 6, 8)
    assert crops.masks.shape == (12, 192, 256)
    large = extract(segmentor, tiny, folders['camvid'], View('val', scale=1.5), 3)
    assert large.masks.shape == (2, 360, 480)


@pytest.mark.slow
def test_runs_that_start_from_others(tiny, run_missing) -> None:
    from experiment import Experiment

    base = replace(tiny, study='upsampling', trunk='most', upsampling='bilinear', lr_mult=None, decay_mult=None)
    gdn = replace(base, upsampling='gdn', lr_mult=20, decay_mult=0)
    alone = replace(gdn, start=2, learns='matrices', optimizer='adam')
    runs = [
        base,
        replace(gdn, start=2),
        alone,
        replace(alone, init='caffe'),
        gdn,
        replace(gdn, learns='nothing', test_scale=0.5, size_policy='slice'),
    ]
    results = run_missing(*runs)
    assert list(results) == sorted(run.name for run in runs)
    assert runs[1].setting != base.setting
    assert alone.setting == base.setting
    assert runs[2].parent == base
    for result in results.values():
        assert 0 <= result['mIoU'] <= 100
        assert Experiment.from_dict(result['settings']).name == result['name']


def test_a_run_whose_start_is_missing_says_so(tiny, run_missing) -> None:
    with pytest.raises(InputError, match='starts from .*bilinear_seed0.pth, which does not exist; run that'):
        run_missing(replace(tiny, start=2))


@pytest.mark.slow
def test_the_tool_fits_the_matrices_of_a_run(tiny, run_missing) -> None:
    base = replace(tiny, study='upsampling', trunk='most', upsampling='bilinear', lr_mult=None, decay_mult=None)
    fitted = replace(base, upsampling='gdn', lr_mult=20, decay_mult=0, start=2, iterations=0, learns='fit_kernels')
    results = run_missing(base, fitted)
    assert all(distance > 0 for distance in results[fitted.name]['moved'].values())
    assert fitted.setting == base.setting


@pytest.mark.slow
def test_commands_say_what_is_missing(tmp_path) -> None:
    outcome = subprocess.run([sys.executable, str(FOLDER / 'run.py')], capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert '--camvid or --voc' in outcome.stderr
    command = [sys.executable, str(FOLDER / 'run.py'), '--camvid', str(tmp_path), '--only', 'nonsense']
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith('error: --only nonsense: no experiment has this in its name')
