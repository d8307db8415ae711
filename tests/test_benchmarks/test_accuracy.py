"""The accuracy experiments: what a run keeps, what is run again, and the numbers of the table."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.models import MobileNetV2
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from mmseg_gdn.utils import InputError

FOLDER = Path(__file__).parents[2] / 'benchmarks/accuracy'


@pytest.fixture(autouse=True)
def _scripts(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def tiny():
    """Two iterations of two images."""
    from experiment import Experiment

    return Experiment(
        study='matrix-rates',
        data='camvid',
        trunk='frozen',
        stride=32,
        optimizer='sgd',
        upsampling='gdn',
        lr_mult=20,
        decay_mult=0,
        iterations=2,
        batch=2,
        seed=0,
    )


@pytest.fixture
def folders(tmp_path) -> dict[str, Path]:
    """A few small images in CamVid's layout: half sky, half road, and a stripe of void."""
    root = tmp_path / 'camvid'
    generator = np.random.default_rng(0)
    for split, count in (('train', 3), ('val', 2)):
        (root / split).mkdir(parents=True)
        (root / f'{split}annot').mkdir()
        for index in range(count):
            mask = np.zeros((60, 80), np.uint8)
            mask[30:], mask[28:30], mask[:, 70:] = 3, 11, 8
            photo = generator.integers(0, 60, (60, 80, 3), dtype=np.uint8) + 15 * mask[..., None]
            Image.fromarray(photo).save(root / split / f'{index}.jpg')
            Image.fromarray(mask).save(root / f'{split}annot' / f'{index}.png')
    return dict(camvid=root)


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / 'mobilenet_v2.pth'
    torch.save(dict(state_dict=MobileNetV2().state_dict()), path)
    return path


@pytest.fixture
def run_missing(folders, weights, tmp_path):
    """Run experiments; gives the results by name."""
    from records import read_results
    from runner import run_missing

    def run(*experiments) -> dict:
        run_missing(experiments, folders, dict(mobilenetv2=weights), tmp_path / 'results', tmp_path / 'scratch')
        return read_results(tmp_path / 'results')

    return run


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


def test_names_and_settings_of_the_experiments() -> None:
    from experiments import BASELINES, EXPERIMENTS

    names = [experiment.name for experiment in EXPERIMENTS]
    assert len(set(names)) == len(names)
    assert all(type(one).from_dict(json.loads(json.dumps(one.as_dict()))) == one for one in EXPERIMENTS)
    with_baseline = {(one.study, one.setting, one.seed) for one in EXPERIMENTS if one.variant == BASELINES[one.study]}
    assert {(one.study, one.setting, one.seed) for one in EXPERIMENTS} == with_baseline


@pytest.mark.parametrize(('decay_mult', 'decay'), [(0, 0.0), (1, 5e-4)])
def test_the_matrices_have_their_own_rate(tiny, weights, decay_mult, decay) -> None:
    from recipe import model, optim_wrapper

    experiment = replace(tiny, decay_mult=decay_mult)
    head = MODELS.build(model(experiment, weights)).decode_head
    groups = build_optim_wrapper(head, optim_wrapper(experiment)).optimizer.param_groups
    matrices = {id(head.interp.kernel_h), id(head.interp.kernel_w)}
    for group in groups:
        factor, wanted = (20, decay) if id(group['params'][0]) in matrices else (1, 5e-4)
        assert group['lr'] == pytest.approx(0.02 * factor)
        assert group['weight_decay'] == pytest.approx(wanted)


def test_the_head_has_its_own_rate_and_the_matrices_keep_theirs(tiny, weights) -> None:
    from recipe import model, optim_wrapper

    experiment = replace(tiny, head_lr_mult=10)
    segmentor = MODELS.build(model(experiment, weights))
    groups = build_optim_wrapper(segmentor, optim_wrapper(experiment)).optimizer.param_groups
    factors = {id(group['params'][0]): group['lr'] / 0.02 for group in groups}
    for name, parameter in segmentor.named_parameters():
        wanted = 20 if 'interp.kernel' in name else 10 if 'decode_head' in name else 1
        assert factors[id(parameter)] == pytest.approx(wanted), name
    assert experiment.setting == f'{tiny.setting}_head-x10'


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


@pytest.mark.parametrize('labels', ['none', 'scores', 'features'])
@pytest.mark.parametrize('upsampling', ['deconv', 'gdn'])
def test_all_heads_of_a_seed_start_from_the_same_values(tiny, weights, upsampling, labels) -> None:
    from recipe import model

    def start(experiment) -> dict[str, torch.Tensor]:
        torch.manual_seed(experiment.seed)
        segmentor = MODELS.build(model(experiment, weights))
        segmentor.init_weights()
        return segmentor.decode_head.state_dict()

    bilinear = start(replace(tiny, upsampling='bilinear', lr_mult=None, decay_mult=None))
    other = start(replace(tiny, upsampling=upsampling, labels=labels))
    assert set(bilinear) < set(other)
    for name, values in bilinear.items():
        torch.testing.assert_close(other[name], values, rtol=0, atol=0)


def test_the_deconvolution_starts_as_bilinear_interpolation(tiny, weights) -> None:
    from recipe import model

    head = MODELS.build(model(replace(tiny, upsampling='deconv'), weights)).decode_head
    scores = torch.randn(1, 11, 8, 10)
    full = head.predict_by_feat(scores, [dict(img_shape=(256, 320))])
    wanted = torch.nn.functional.interpolate(scores, (256, 320), mode='bilinear')
    inner = slice(16, -16)  # outside there is nothing to interpolate with
    torch.testing.assert_close(full[..., inner, inner], wanted[..., inner, inner], atol=1e-5, rtol=1e-5)
    assert full.shape == wanted.shape


def test_largefov_has_the_size_that_the_recipe_says(tiny) -> None:
    from recipe import coarse_size, model

    experiment = replace(tiny, data='voc', network='largefov', stride=8, optimizer='caffe')
    config = model(experiment, Path('none.pth'))
    config['backbone'].update(widths=(1,) * 5, init_cfg=None)
    features = MODELS.build(config['backbone'])(torch.zeros(1, 3, 320, 320))[0]
    assert features.shape[2:] == coarse_size(experiment) == (41, 41)


def test_iou_of_known_predictions() -> None:
    from features import Features
    from scoring import judge

    masks = torch.tensor([[[0, 0, 1, 255]], [[1, 1, 1, 0]]], dtype=torch.uint8)
    predicted = torch.tensor([[[0, 1, 1, 1]], [[1, 1, 0, 0]]])

    scores = torch.nn.functional.one_hot(predicted, 3).permute(0, 3, 1, 2).float()
    network = SimpleNamespace(
        decode_head=SimpleNamespace(num_classes=3, ignore_index=255), predict=lambda inputs, samples: (scores, None)
    )
    judged = judge(network, Features((), masks))
    assert judged['IoU'] == [pytest.approx(50), pytest.approx(60), None]
    assert judged['pixel_accuracy'] == pytest.approx(100 * 5 / 7)
    assert judged['mIoU'] == pytest.approx(55)
    assert judged['counts']['whole'] == ['0:1/2 1:1/2', '0:1/2 1:2/3']


def test_near_borders_only_pixels_near_borders_count() -> None:
    from counts import count

    mask = torch.zeros(20, 40, dtype=torch.uint8)
    mask[:, 20:] = 1
    mask[:, 39:] = 11
    counts = count(torch.zeros(20, 40, dtype=torch.int64), mask, 11, ignore_index=11)
    assert counts['whole'] == '0:400/780 1:0/380'
    # Of class 0 the column at the border, which belongs to it, and 2 or 4 more.
    near, nearer = (int(counts[region].split(':')[1].split('/')[0]) for region in ('4px', '2px'))
    assert (near, nearer) == (100, 60)


def test_counts_of_all_images_give_the_mean_iou() -> None:
    from counts import as_array, mean_iou_of

    counts = as_array(['0:1/2 1:1/2', '0:1/2 1:2/3'], num_classes=3)
    assert counts.shape == (2, 3, 2)
    assert mean_iou_of(counts.sum(0)) == pytest.approx((100 * 2 / 4 + 100 * 3 / 5) / 2)
    assert mean_iou_of(counts) == pytest.approx([50, (50 + 200 / 3) / 2])


def test_the_bootstrap_knows_sure_from_unsure() -> None:
    from bootstrap import difference_interval

    generator = np.random.default_rng(1)
    union = np.full((1, 60, 2), 100.0)
    worse = generator.integers(30, 70, (1, 60, 2)).astype(float)
    better = worse + 5
    assert difference_interval(*(np.stack([one, union], -1) for one in (better, worse))) == pytest.approx((5, 5))
    low, high = difference_interval(*(np.stack([one, union], -1) for one in (worse[:, ::-1], worse)))
    assert low < 0 < high
    assert high - low > 1


def test_the_bootstrap_draws_neighbours_together() -> None:
    from bootstrap import difference_interval

    union = np.full((1, 100, 1), 100.0)
    theirs = np.full((1, 100, 1), 50.0)
    ours = theirs.copy()
    ours[:, :50] += 10  # the first half of a clip differs from the second
    widths = [
        np.ptp(difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs)), block))
        for block in (1, 10, 25)
    ]
    assert widths[0] < 0.6 * widths[1] < 0.6 * widths[2]
    assert difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs)), 100) == pytest.approx((5, 5))


def test_each_seed_is_compared_with_itself() -> None:
    from bootstrap import difference_interval

    union = np.full((2, 30, 2), 100.0)
    ours, theirs = np.full((2, 30, 2), 50.0), np.full((2, 30, 2), 50.0)
    ours[0] += 4
    theirs[1] += 2
    assert difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs))) == pytest.approx((1, 1))


def _made_by_hand(experiment, miou: float, moved: float) -> dict:
    return dict(
        name=experiment.name,
        settings=experiment.as_dict(),
        mIoU=miou,
        pixel_accuracy=80.0,
        IoU=[miou] * 21,
        moved=dict(kernel_h=moved, kernel_w=moved / 2),
    )


def _table(*args: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(FOLDER / 'table.py'), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_table_of_results_made_by_hand(tiny, tmp_path) -> None:
    from records import write_result
    from table import tables

    base = replace(tiny, lr_mult=0)
    for experiment, miou, moved in (
        (base, 30.0, 0.0),
        (replace(base, seed=1), 34.0, 0.0),
        (tiny, 31.0, 0.2),
        (replace(tiny, seed=1), 34.5, 0.3),
        (replace(tiny, lr_mult=100), 29.0, 0.5),
        (replace(tiny, decay_mult=1), 30.25, 0.1),
        (replace(base, data='voc', seed=2), 10.0, 0.0),
    ):
        write_result(tmp_path, _made_by_hand(experiment, miou, moved))
    camvid, voc = tables(tmp_path, 'matrix-rates').split('**VOC')
    rows = {line.split(' | ')[0].strip('| '): line for line in camvid.splitlines() if line.startswith('| GDN')}
    assert list(rows) == ['GDN, factor 0', 'GDN, factor 20', 'GDN, factor 100', 'GDN, factor 20, with weight decay']
    lowest = '32.00 (30.00 to 34.00)'
    assert rows['GDN, factor 0'] == f'| GDN, factor 0 | {lowest} |  | {lowest} |  | 0 %, 0 % |  |  | 2 |'
    assert rows['GDN, factor 20'].endswith('| 32.75 (31.00 to 34.50) | +0.75 (+0.50 to +1.00) | 25 %, 12 % |  |  | 2 |')
    assert rows['GDN, factor 100'].endswith('| 29.00 | -1.00 | 29.00 | -1.00 | 50 %, 25 % |  |  | 1 |')
    assert '| GDN, factor 0 | 10.00 |  | 10.00 |  | 0 %, 0 % |  |  | 1 |' in voc


@pytest.fixture
def counted(tiny, tmp_path) -> Path:
    """Results with counts: GDN is right in 5 of 100 pixels more than bilinear interpolation, alike in all images."""
    from records import write_result

    bilinear = replace(tiny, study='upsampling', upsampling='bilinear', lr_mult=None, decay_mult=None)
    gdn = replace(bilinear, upsampling='gdn', lr_mult=20, decay_mult=0)
    folder = tmp_path / 'results'
    for run, right in ((bilinear, 50), (replace(bilinear, seed=1), 52), (gdn, 55), (replace(gdn, seed=1), 59)):
        images = [f'0:{right}/100 1:{right + image}/100' for image in range(20)]
        near = [f'0:{right - 10}/100' for _ in range(20)]
        write_result(
            folder,
            dict(
                _made_by_hand(run, 0.0, 0.1),
                IoU=[0.0] * 11,
                counts={'whole': images, '4px': near, '2px': near},
                image_level_mAP=dict(of_masks=80.0, of_labels=None),
            ),
        )
    return folder


def test_table_of_results_with_counts(counted) -> None:
    from table import tables

    lines = tables(counted, 'upsampling').splitlines()
    assert lines[2].startswith(
        '| upsampling | mIoU | difference | 6 frequent classes | difference | within 4 px of borders | difference |'
    )
    whole = '55.75 (54.75 to 56.75)'
    assert lines[4].startswith(f'| bilinear | {whole} |  | {whole} |  | 41.00 (40.00 to 42.00) |  |')
    assert lines[5].startswith('| GDN, factor 20 | 61.75 (59.75 to 63.75) | +6.00 (+5.00 to +7.00) [+6.00, +6.00] |')


def test_summary_of_results(counted) -> None:
    from summary import summary

    line = summary(counted).splitlines()[2]
    difference = '+6.00 (+5.00 to +7.00) [+6.00, +6.00]'
    assert line == (
        f'| CamVid, stride 32, SGD, frozen trunk, 2 iterations | 55.75 (54.75 to 56.75) | {difference} | - | '
        f'{difference} | {difference} | - | - | 2 |'
    )


def test_summary_of_results_that_are_not_complete(counted) -> None:
    from summary import summary

    for result in counted.glob('*_gdn-*.json'):
        result.unlink()
    with pytest.raises(InputError, match='no setting with both bilinear interpolation and GDN'):
        summary(counted)


def test_summary_of_results_without_the_baseline(counted) -> None:
    from summary import summary

    for result in counted.glob('*_bilinear_*.json'):
        result.unlink()
    with pytest.raises(InputError, match='no setting with both bilinear interpolation and GDN'):
        summary(counted)


def test_a_document_is_filled_between_its_marks(counted) -> None:
    from report import filled

    text = 'before\n<!-- results: summary -->\nold\n<!-- end -->\nafter\n'
    new = filled(text, counted)
    assert new.startswith('before\n<!-- results: summary -->\n\n| data and network |')
    assert new.endswith('| 2 |\n\n<!-- end -->\nafter\n')
    assert 'old' not in new
    assert filled(new, counted) == new


def test_numbers_in_sentences_are_renewed() -> None:
    from prose import Claim, with_claims

    text = 'It gains 0.8 (stride 32)\n  and +11 or -0.25 points.\nIt gains little elsewhere.\n'
    claim = Claim('gains {:.1f} (stride 32) and {:+.0f} or {:.2f} points.', (1.25001, -3, 7))
    wanted = 'It gains 1.3 (stride 32)\n  and -3 or 7.00 points.\nIt gains little elsewhere.\n'
    assert with_claims(text, [claim]) == wanted
    assert with_claims(text, [Claim('gains little elsewhere')]) == text


@pytest.mark.parametrize(
    ('passage', 'holds', 'message'),
    [
        ('gains {:.1f} points', True, 'in the document 2 times, not once'),
        ('loses {:.1f} points', True, 'in the document 0 times, not once'),
        ('gains {:.1f} points here', False, 'not what the results show'),
    ],
)
def test_a_sentence_that_the_results_do_not_show(passage, holds, message) -> None:
    from prose import Claim, with_claims

    with pytest.raises(InputError, match=message):
        with_claims('It gains 0.8 points here, and gains 0.1 points there.', [Claim(passage, (1.0,), holds)])


def test_the_plot_has_a_line_per_setting(counted, tiny) -> None:
    pytest.importorskip('matplotlib')
    from plot import draw_differences
    from records import read_results, write_result

    for result in read_results(counted).values():
        settings = dict(result['settings'], study='spoilers')
        write_result(counted, dict(result, name=f'spoilers{result["name"]}', settings=settings))
    axes = draw_differences(counted).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        'CamVid, stride 32, SGD, frozen trunk, 2 iterations'
    ] * 2


def test_the_archive_for_another_machine(folders, voc_root, weights, tmp_path) -> None:
    from pack import WEIGHTS, pack
    from recipe import dataset

    out, unpacked = tmp_path / 'data.tar', tmp_path / 'unpacked'
    pack(dict(folders, voc=voc_root), weights, out)
    with tarfile.open(out) as archive:
        archive.extractall(unpacked, filter='data')
    assert (unpacked / WEIGHTS).read_bytes() == weights.read_bytes()
    init_default_scope('mmseg')
    for data, count in (('camvid', 3), ('voc', 3)):
        images = DATASETS.build(dataset(data, unpacked / data, 'train'))
        assert len(images) == count
        sample = images[0]
        assert max(sample['inputs'].shape[1:]) == 320
        assert sample['data_samples'].gt_sem_seg.data.shape[1:] == sample['inputs'].shape[1:]


def test_no_archive_without_weights(folders, voc_root, tmp_path) -> None:
    from pack import pack

    with pytest.raises(InputError, match=r'There are no weights .*none.pth; make them with'):
        pack(dict(folders, voc=voc_root), tmp_path / 'none.pth', tmp_path / 'data.tar')
    assert not list(tmp_path.glob('data.tar*'))


@pytest.mark.slow
def test_commands_say_what_is_missing(tmp_path) -> None:
    outcome = _table('matrix-rates', '--results', tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f'error: {tmp_path} has no results of the study matrix-rates')
    outcome = subprocess.run([sys.executable, str(FOLDER / 'run.py')], capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert '--camvid or --voc' in outcome.stderr
    command = [sys.executable, str(FOLDER / 'run.py'), '--camvid', str(tmp_path), '--only', 'nonsense']
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith('error: --only nonsense: no experiment has this in its name')


def test_documents_show_the_results_as_they_are() -> None:
    from report import DOCUMENTS, ROOT, renewed

    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding='utf-8')
        assert '<!-- results: ' in text
        assert renewed(name, FOLDER / 'results') == text, f'run benchmarks/accuracy/report.py to renew {name}'


@pytest.mark.slow
def test_an_exported_run_fits_its_config(tiny, weights, voc_root, tmp_path) -> None:
    from export import export
    from runner import run_missing

    run = replace(tiny, data='voc', trunk='most', labels='features')
    run_missing([run], dict(voc=voc_root), dict(mobilenetv2=weights), tmp_path / 'results', tmp_path / 'scratch')
    export(run, weights, tmp_path / 'scratch', voc_root, tmp_path / 'exported.pth')
    checkpoint = torch.load(tmp_path / 'exported.pth', weights_only=True)
    assert all(value.dtype == torch.half for value in checkpoint['state_dict'].values() if value.is_floating_point())
    config = Config.fromfile(FOLDER.parents[1] / 'configs/gdn/fcn_mobilenet-v2_gdn-multilabel_voc12aug.py')
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model)
    model.load_state_dict(checkpoint['state_dict'], strict=True)
    trained = torch.load(tmp_path / 'scratch/weights' / f'{run.weights_name}.pth')
    for name in ('decode_head.interp.kernel_h', 'decode_head.conv_seg.weight'):
        torch.testing.assert_close(model.state_dict()[name], trained[name], atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_a_packed_data_set_trains(tiny, folders, weights, voc_root, tmp_path) -> None:
    import tarfile

    from pack import pack
    from records import read_results
    from runner import run_missing

    pack(dict(camvid=folders['camvid'], voc=voc_root), tmp_path / 'data.tar')
    with tarfile.open(tmp_path / 'data.tar') as archive:
        archive.extractall(tmp_path / 'packed', filter='data')
    packed = {name: tmp_path / 'packed' / name for name in ('camvid', 'voc')}
    with Image.open(packed['camvid'] / 'train/0.jpg') as image:
        assert image.size == (320, 240)
    run_missing([tiny, replace(tiny, data='voc')], packed, dict(mobilenetv2=weights), tmp_path / 'results', tmp_path)
    assert len(read_results(tmp_path / 'results')) == 2
