"""Grid search over the parameters of the CRF: results, going on after a kill, and refusals."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmseg.evaluation import IoUMetric
from mmseg.registry import MODELS
from PIL import Image

import crf_grid
from crf_grid import points as grid_points
from crf_grid import scores as grid_scores
from crf_grid.heat_map import draw_heat_map
from crf_grid.report import mean_iou
from mmseg_gdn.evaluation.dense_crf import DenseCRF
from mmseg_gdn.utils import InputError

SCRIPT = 'tools/analysis_tools/crf_search.py'
DONE = 'points/[!.]*.npy'


@pytest.fixture
def config(gdn_config):
    gdn_config.write_text(gdn_config.read_text() + '\ncrf = dict(pos_w=2, pos_xy=1)\n')
    return gdn_config


@pytest.fixture
def checkpoint(config, tmp_path):
    weights = MODELS.build(Config.fromfile(config).model).state_dict()
    # Neighbouring pixels get different classes, so that the parameters matter.
    for name in ('decode_head.interp.kernel_h', 'decode_head.interp.kernel_w', 'decode_head.conv_seg.weight'):
        weights[name].normal_()
    torch.save(dict(state_dict=weights), tmp_path / 'model.pth')
    return tmp_path / 'model.pth'


@pytest.fixture
def arguments(config, checkpoint, voc_root, tmp_path):
    """The images d and e, two points."""
    return [
        config,
        checkpoint,
        '--ids',
        voc_root / 'ImageSets/Segmentation/val.txt',
        '--out',
        tmp_path / 'search',
        '--bi-w',
        5,
        '--bi-xy',
        10,
        '--bi-rgb',
        20,
        60,
        '--workers',
        1,
    ]


@pytest.fixture
def run_search(monkeypatch, root_dir):
    """Run the tool in this process."""
    main = runpy.run_path(str(root_dir / SCRIPT))['main']

    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['crf_search.py', *map(str, args)])
        main()

    return run


class TestSearch:
    def test_results(self, run_search, arguments, voc_root, tmp_path, capsys):
        run_search(*arguments)
        folder = tmp_path / 'search'
        report = json.loads((folder / 'crf_search.json').read_text())
        names = [{key: point[key] for key in report['best']} for point in report['points']]
        assert names == [dict(iterations=10, bi_w=5, bi_xy=10, bi_rgb=value, pos_w=2, pos_xy=1) for value in (20, 60)]
        for point, parameters in zip(report['points'], names):
            assert point['mIoU'] == pytest.approx(expected_miou(DenseCRF(**parameters), folder, voc_root), abs=1e-3)
        assert report['without_crf'] == pytest.approx(expected_miou(DenseCRF(iterations=0), folder, voc_root), abs=1e-3)
        assert report['best'] == max(zip(report['points'], names), key=lambda pair: pair[0]['mIoU'])[1]
        assert report['images'] == 2

        printed = capsys.readouterr()
        line = printed.out.splitlines()[-1]
        assert re.fullmatch(r'crf = dict\(iterations=10, bi_w=5, bi_xy=10, bi_rgb=[26]0, pos_w=2, pos_xy=1\)', line)
        assert line in (folder / 'crf_search.md').read_text()
        assert '6/6' in printed.err, 'three points of two images'
        with Image.open(folder / 'crf_search.png') as picture:
            assert picture.width > 300

        stamps = {path: path.stat().st_mtime_ns for kind in ('scores', 'points') for path in (folder / kind).iterdir()}
        run_search(*arguments, '--bi-w', 5, 6)
        assert {path: path.stat().st_mtime_ns for path in stamps} == stamps, 'nothing is computed twice'
        assert len(json.loads((folder / 'crf_search.json').read_text())['points']) == 4
        assert '4/4' in capsys.readouterr().err


def expected_miou(crf, folder, voc_root):
    """By mmseg's own metric."""
    areas = []
    for name in 'de':
        with np.load(folder / f'scores/{name}.npz') as stored:
            probabilities = np.exp(stored['scores'].astype(np.float32))
        image = np.asarray(Image.open(voc_root / f'JPEGImages/{name}.jpg'))
        label = np.array(Image.open(voc_root / f'SegmentationClass/{name}.png'))
        predicted = crf.refine(image, probabilities).argmax(0)
        areas.append(
            IoUMetric.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(label).long(), 21, 255)
        )
    intersect, union, _, _ = (sum(parts) for parts in zip(*areas))
    return 100 * float((intersect / union).nanmean())


def wait_until(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_with(value):
    """Processes that were started with a value in their environment, on Linux."""
    found = []
    for path in Path('/proc').glob('[0-9]*/environ'):
        # Processes may end meanwhile.
        with suppress(OSError):
            found += [path] if value in path.read_text(errors='replace') else []
    return found


@pytest.mark.slow
def test_a_killed_search_goes_on(root_dir, run_search, arguments, tmp_path, monkeypatch):
    folder, grid = tmp_path / 'search', ['--bi-w', '4', '5', '6', '--iterations', '200']
    environment = dict(os.environ, SEARCH=str(folder))
    search = subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments), *grid],
        cwd=root_dir,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: search.poll() is not None or len(list(folder.glob(DONE))) >= 2)
    os.kill(search.pid, signal.SIGKILL)
    search.wait()
    wait_until(lambda: not processes_with(str(folder)))
    done = {path.name: path.read_bytes() for path in folder.glob(DONE)}
    assert 2 <= len(done) < 7
    assert not (folder / 'crf_search.json').exists()

    monkeypatch.setattr(grid_scores, '_compute', None)
    computed = []
    original = grid_points._finish_point
    monkeypatch.setattr(
        grid_points, '_finish_point', lambda point, *rest: computed.append(point) or original(point, *rest)
    )
    run_search(*arguments, *grid)
    assert len(computed) == 7 - len(done)
    assert all((folder / 'points' / name).read_bytes() == content for name, content in done.items())
    assert len(json.loads((folder / 'crf_search.json').read_text())['points']) == 6


class TestRefusals:
    def test_another_checkpoint_in_the_same_folder(self, run_search, arguments, checkpoint, tmp_path):
        (tmp_path / 'search').mkdir()
        (tmp_path / 'search/inputs.json').write_text(json.dumps(dict(config='', checkpoint='', images=[])))
        with pytest.raises(InputError, match='a different config and different checkpoint and different images'):
            run_search(*arguments)

    @pytest.mark.parametrize(
        ('args', 'message'),
        [
            (['--bi-xy', 0], 'bi_xy of the CRF is a number, 0.1 or more, but got 0'),
            (['--workers', 0], '--workers is a number of processes, 1 or more, but got 0'),
            (['--iterations', 0], 'needs a CRF with one iteration or more'),
            (['--ids', 'none.txt'], r'There is no list none\.txt'),
            (['--cfg-options', 'test_dataloader=None'], 'has no test set'),
        ],
    )
    def test_options(self, run_search, arguments, args, message):
        with pytest.raises(InputError, match=message):
            run_search(*arguments, *args)

    def test_images_without_masks(self, run_search, arguments, config, voc_root, tmp_path):
        ids = voc_root / 'ImageSets/Segmentation/test.txt'
        with pytest.raises(InputError, match='There is no mask'):
            run_search(*arguments, '--ids', ids)
        config.write_text(
            config.read_text()
            + """
test_dataloader['dataset']['pipeline'] = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
"""
        )
        with pytest.raises(InputError, match=r'[fg]\.jpg comes without a mask'):
            run_search(*arguments, '--ids', ids, '--out', tmp_path / 'other')


class TestParts:
    def test_masks_of_another_data_set(self, tmp_path):
        scores = np.zeros((3, 2, 2), np.float16)
        np.savez(tmp_path / 'a.npz', scores=scores, label=np.full((2, 2), 3, np.int16))
        image = grid_scores.ScoredImage('a.jpg', tmp_path / 'a.npz')
        with pytest.raises(InputError, match='The mask of a.jpg holds 3, but the model has 3 classes'):
            grid_points.count(DenseCRF(iterations=0), LoadImageFromFile(), image)

    def test_weights_at_an_address(self, config):
        with pytest.raises(InputError, match='https://host/a.pth is no file of this machine.* Download it first'):
            grid_scores._inputs(Config.fromfile(config), 'https://host/a.pth', [])

    def test_points(self):
        points = crf_grid.make_points(dict(bi_w=1, pos_w=9), dict(bi_w=[2, 3], bi_xy=[10, 20], pos_w=None), 5)
        assert [point.iterations for point in points] == [0, 5, 5, 5, 5]
        assert [(point.bi_w, point.bi_xy, point.pos_w) for point in points[1:]] == [
            (2, 10, 9),
            (2, 20, 9),
            (3, 10, 9),
            (3, 20, 9),
        ]
        assert crf_grid.make_points(None, dict(bi_w=[2, 2]), None) == [DenseCRF(iterations=0), DenseCRF(bi_w=2)]

    def test_mean_iou_leaves_out_absent_classes(self):
        counts = np.zeros((4, 4), np.int64)
        counts[0, 0], counts[0, 1], counts[1, 1] = 6, 2, 4
        assert mean_iou(counts) == pytest.approx(100 * (6 / 8 + 4 / 6) / 2)

    def test_the_best_of_several_smoothness_kernels_is_drawn(self, tmp_path):
        points = [
            dict(bi_w=4, bi_xy=xy, bi_rgb=5, pos_w=w, pos_xy=3, mIoU=10 * w + xy) for xy in (1, 2) for w in (1, 2)
        ]
        draw_heat_map(dict(points=points, images=1, without_crf=1.0), tmp_path / 'map.png')
        with Image.open(tmp_path / 'map.png') as picture:
            assert len(np.unique(np.asarray(picture.convert('RGB')).reshape(-1, 3), axis=0)) > 50
