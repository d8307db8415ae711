"""The final table, and the published numbers beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reproduction.records import DONE, STARTED, origin
from reproduction.results import collect_results, published, write_results
from reproduction.scoring_steps import PUBLISHED_MODELS
from reproduction.stages import STAGES
from reproduction.step import Row

NAME = 'deeplab-largefov_gdn-matrices_voc12aug'


@pytest.fixture
def steps(small_plan, tmp_path):
    """The plan, with inputs that exist."""
    (tmp_path / 'input').touch()
    return [replace(step, inputs=(tmp_path / 'input',)) for step in small_plan.values()]


@pytest.fixture
def rows(records, steps, small_settings, small_configs):
    """Rows of a test and an archive that are done; one test was interrupted, and another one had other options."""
    by_name = {step.name: step for step in steps}
    done = {f'test-{NAME}': {'mIoU': 12.345, 'IoU.cat': 20.0}, 'archive': {}, 'test-fcn32s_voc12aug': {'mIoU': 1.0}}
    for name, metrics in done.items():
        records.write(name, dict(origin(by_name[name]), state=DONE, metrics=metrics, seconds=3.0))
    records.write('test-fcn32s_voc12aug', dict(records.read('test-fcn32s_voc12aug'), command=['other']))
    records.write(f'crf-{NAME}', dict(origin(by_name[f'crf-{NAME}']), state=STARTED))
    return collect_results(steps, records, small_settings, small_configs)


def test_every_config_has_a_published_number_or_the_reason_why_not():
    for name in [*PUBLISHED_MODELS, *(name for names in STAGES.values() for name in names), 'archive']:
        entry = published(Row(name, ''))
        assert entry['source']
        assert entry['miou'] is None or (0 < entry['miou'] < 100 and entry['measured_on'])


def test_numbers_of_the_sources():
    assert published(Row('fcn32s_voc11valid', ''))['miou'] == 63.6
    assert published(Row('deeplab-largefov_voc12aug', ''))['miou'] == 62.25
    assert published(Row('deeplab-largefov_voc12aug', '', 'config'))['miou'] == 67.64
    server = published(Row('archive', '', 'config'))
    assert server['miou'] == 74.02
    assert 'test server' in server['measured_on']
    assert 'ensemble' in server['source']


def test_a_row_says_what_was_measured_after_which_training(rows):
    row = next(row for row in rows if row['model'] == NAME)
    assert (row['miou'], row['tested_on'], row['metrics']['IoU.cat']) == (12.345, 'val, first 1 of 2 images', 20.0)
    assert row['trained'].endswith('images (train)')
    assert ' + ' in row['trained']


def test_only_results_that_belong_to_the_plan_have_rows(rows):
    assert [row['model'] for row in rows] == [NAME, 'archive']


def test_the_table_tells_published_from_measured(rows, tmp_path):
    table = write_results(rows, tmp_path)
    assert (tmp_path / 'results.md').read_text() == table
    assert json.loads((tmp_path / 'results.json').read_text()) == rows
    measured, archive = table.splitlines()[-2:]
    assert f'| {NAME} |  | 12.35 | ' in measured
    assert '| none |' in measured
    assert '| 74.02 on VOC 2012 test server, 1456 images |' in archive
    assert '"Published" is quoted, not measured' in table
