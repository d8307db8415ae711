"""Pictures of trainings."""

import json

import numpy as np
import pytest

from mmseg_gdn.utils import InputError
from training_log import class_names, read_log, smooth


def write_log(work_dir, time, records):
    path = work_dir / time / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    return path


def training(first, last, loss, val_at=()):
    """What mmengine logs every 10 iterations, and at validations."""
    for step in range(first, last + 1, 10):
        yield dict(lr=0.1 / step, loss=loss, time=0.5, iter=step, step=step)
        if step in val_at:
            yield {'mIoU': float(step), 'aAcc': 90.0, 'IoU/cat': step / 2, 'IoU/dog': 80.0, 'step': step}


@pytest.fixture
def run(tmp_path):
    """A training that stopped after iteration 130 and was resumed at 100."""
    work_dir = tmp_path / 'gdn'
    write_log(work_dir, '20260101_000000', training(10, 130, 2.0, val_at=(50, 120)))
    write_log(work_dir, '20260102_000000', [])
    write_log(work_dir, '20260103_000000', training(110, 200, 1.0, val_at=(150, 200)))
    return work_dir


class TestContent:
    def test_resumed_training(self, run):
        log = read_log(str(run))
        steps, loss = log.curve('loss')
        assert steps.tolist() == list(range(10, 201, 10))
        assert loss.tolist() == [2.0] * 10 + [1.0] * 10
        assert log.curve('mIoU')[0].tolist() == [50, 150, 200], 'the validation at 120 was lost with its training'
        assert (log.name, log.last_step) == ('gdn', 200)

    def test_a_training_from_the_start_replaces_the_first(self, run):
        write_log(run, '20260104_000000', training(10, 30, 0.5))
        assert read_log(str(run)).curve('loss')[1].tolist() == [0.5] * 3

    def test_one_training_of_the_folder(self, run):
        for source in (run / '20260101_000000', run / '20260101_000000/vis_data/scalars.json'):
            log = read_log(str(source))
            assert (log.name, log.last_step) == ('20260101_000000', 130)

    def test_iou_of_classes(self, run, tmp_path):
        write_log(tmp_path / 'other', '20260101_000000', [{'IoU/bird': 99.0, 'IoU/dog': 5.0, 'step': 10}])
        logs = [read_log(str(run)), read_log(str(tmp_path / 'other'))]
        names = class_names(logs)
        assert names == ['cat', 'bird', 'dog'], 'by the sum of the last values: 100, 99, 85'
        steps, iou = logs[0].class_iou(names)
        assert steps.tolist() == [50, 150, 200]
        np.testing.assert_array_equal(iou, [[25, 75, 100], [np.nan] * 3, [80] * 3])

    def test_log_without_classes(self, tmp_path):
        path = write_log(tmp_path, '1', training(10, 50, 1.0))
        assert class_names([read_log(str(path))]) == []

    def test_line_that_is_being_written(self, run):
        path = run / '20260103_000000/vis_data/scalars.json'
        path.write_text(path.read_text()[:-20])
        assert read_log(str(run)).curve('mIoU')[0].tolist() == [50, 150]

    def test_smoothing(self):
        assert smooth(np.array([1.0, 2, 3, 10]), 3).tolist() == [1.5, 2, 5, 6.5]
        assert smooth(np.array([1.0, np.nan, 3]), 3).tolist() == [1, 2, 3]
        assert smooth(np.array([4.0, 5]), 1).tolist() == [4, 5]
        assert np.isnan(smooth(np.full(3, np.nan), 2)).all()


class TestPicture:
    def test_one_run_two_runs_and_no_validation(self, draw, run, tmp_path):
        one = draw('plot_training', run)
        two = draw('plot_training', run, run / '20260101_000000')
        write_log(tmp_path / 'short', '1', training(10, 50, 1.0))
        short = draw('plot_training', tmp_path / 'short')
        assert short.shape[0] < one.shape[0] < two.shape[0], 'IoU of classes below; a legend if there are several runs'
        for picture, curves in ((one, 1), (two, 2), (short, 1)):
            for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00))[:curves]:
                assert (picture == colour).all(-1).any(), 'a curve in its colour'

    def test_values_that_are_not_finite(self, draw, tmp_path):
        write_log(tmp_path / 'run', '1', [dict(loss=1.0, lr=0.1, step=10), dict(loss=float('nan'), lr=0.1, step=20)])
        draw('plot_training', tmp_path / 'run')


class TestRefusals:
    def test_no_log(self, tmp_path):
        with pytest.raises(InputError, match=r'There is no log .*scalars.json; name a work folder'):
            read_log(str(tmp_path))

    def test_empty_log(self, tmp_path):
        write_log(tmp_path / 'run', '1', [])
        with pytest.raises(InputError, match='has no scalars yet'):
            read_log(str(tmp_path / 'run'))

    @pytest.mark.parametrize(
        'line',
        [
            'nonsense',
            '[1, 2]',
            '{"loss": 1.0}',
            '"text"',
            '{"step": 2, "loss": "x"}',
            '{"step": NaN}',
            '{"step": 2, "loss": [1]}',
        ],
    )
    def test_no_scalars(self, tmp_path, line):
        path = tmp_path / 'some.json'
        path.write_text(f'{{"step": 1}}\n{line}\n{{"step": 3}}\n')
        with pytest.raises(InputError, match=r'some.json is no log of scalars: line 2 is no JSON object of numbers'):
            read_log(str(path))
