"""Results beside those of the run before."""

import json
import logging
from types import SimpleNamespace

import pytest

from mmseg_gdn.engine.metrics_table import log_results, results_table


@pytest.fixture
def logged(tmp_path, caplog):
    """Log the results of a run in a work folder; gives what was logged."""

    def log(name, folder='20260102_000000'):
        logger = logging.getLogger('results')
        with caplog.at_level(logging.INFO, 'results'):
            caplog.clear()
            log_results(SimpleNamespace(log_dir=str(tmp_path / folder), logger=logger), name)
        return caplog.text

    return log


@pytest.fixture
def validated(tmp_path):
    """Leave the scalars of a training in a work folder."""

    def write(folder, *values):
        path = tmp_path / folder / 'vis_data'
        path.mkdir(parents=True)
        records = [
            record
            for step, value in enumerate(values, 1)
            for record in (
                dict(lr=0.1, loss=3.0, step=step),
                {'mIoU': value, 'IoU/cat': 1.0, 'time': 0.1, 'step': step},
            )
        ]
        (path / 'scalars.json').write_text(''.join(json.dumps(record) + '\n' for record in records))

    return write


def test_the_last_validation_and_that_of_the_newest_run_before(logged, validated, tmp_path):
    validated('20260101_000000', 10, 20)
    validated('20260101_100000', 30, 31.5)
    validated('20260102_000000', 40, 42)
    validated('20260103_000000', 50)
    (tmp_path / '20260101_200000').mkdir()  # stopped before it had any result
    text = logged('val')
    assert 'Results, and those of the run before, 20260101_100000:' in text
    assert '| mIoU   | 42.00 | 31.50  | +10.50 |' in text
    assert 'cat' not in text
    assert 'time' not in text


def test_the_first_run(logged, validated):
    validated('20260102_000000', 40)
    text = logged('val')
    assert '| mIoU   | 40.00 |\n' in text
    assert 'before' not in text


def test_a_test(logged, tmp_path):
    for folder, value in (('20260101_000000', 1.0), ('20260102_000000', 2.0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f'{folder}.json').write_text(json.dumps(dict(mIoU=value, data_time=1.0)))
    assert '| mIoU   | 2.00 | 1.00   | +1.00  |' in logged('test')


@pytest.mark.parametrize('content', ['', '3', '{"mIoU": ', '\0'])
def test_damaged_records_are_passed_over(logged, validated, tmp_path, content):
    validated('20260101_000000', 10)
    (tmp_path / '20260101_000000/vis_data/scalars.json').write_text(content)
    validated('20260102_000000', 20)
    assert 'before' not in logged('val')


def test_a_run_without_results(logged, tmp_path):
    (tmp_path / '20260102_000000').mkdir()
    assert logged('val') == ''


def test_results_that_only_one_run_has():
    assert results_table(dict(a=1.0, b=2.0), dict(b=1.5, c=3.0)).splitlines() == [
        '| result | now  | before | change |',
        '|--------|------|--------|--------|',
        '| a      | 1.00 |        |        |',
        '| b      | 2.00 | 1.50   | +0.50  |',
    ]
