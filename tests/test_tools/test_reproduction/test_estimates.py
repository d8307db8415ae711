"""What a plan costs, in time, disk and memory; and what is told of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.sources import read_sources
from reproduction import estimates
from reproduction.child import die_with_parent
from reproduction.data_steps import SOURCES
from reproduction.estimates import checkpoint_bytes, disk, seconds, total, training_memory
from reproduction.facts import costs, costs_of, epilog
from reproduction.printing import duration, plan_as_text, size
from reproduction.results import published
from reproduction.step import Row, Work
from reproduction.training_steps import training_step

ONE = dict(device='cpu', train_seconds=2.0, test_seconds=0.5, parameters=1000, trained=600, activations=50, peak=None)
MEASURED = {'fcn32s_voc12aug': ONE}


def test_time_is_that_of_all_images():
    start = seconds(Work(), MEASURED, 1)
    assert seconds(Work('fcn32s_voc12aug', train_images=100), MEASURED, 1) == start + 200
    assert seconds(Work('fcn32s_voc12aug', train_images=100, processes=4), MEASURED, 1) == start + 50
    assert seconds(Work('fcn32s_voc12aug', train_images=100, test_images=10), MEASURED, 1) == start + 205
    # Published models are networks of the same kind.
    assert seconds(Work('fcn32s_voc11valid', test_images=10), MEASURED, 1) == start + 5


def test_the_crf_works_beside_the_network():
    plain, refined = (Work('fcn32s_voc12aug', test_images=10, crf_images=images) for images in (0, 10))
    assert seconds(refined, MEASURED, 1) - seconds(plain, MEASURED, 1) == pytest.approx(15 - 5)
    assert seconds(refined, MEASURED, 4) == seconds(plain, MEASURED, 4)


def test_checkpoints_hold_weights_and_the_momentum_of_those_trained():
    assert checkpoint_bytes(ONE) == 4 * (1000 + 600)
    assert disk(Work('fcn32s_voc12aug', checkpoints=2, other=7), MEASURED) == 2 * 6400 + 7


def test_memory_is_computed_unless_a_gpu_was_measured():
    assert training_memory(ONE, 3) == (4 * (1000 + 2 * 600) + 3 * 50, False)
    assert training_memory(dict(ONE, peak=123), 3) == (123, True)


@pytest.fixture
def text(full_plan, full_settings, full_configs, records):
    measured = dict.fromkeys(full_configs, ONE)
    return plan_as_text(list(full_plan.values()), records, full_settings, full_configs, measured)


def test_the_plan_names_everything_that_a_user_decides_on(text, full_plan, full_settings):
    for step in full_plan.values():
        assert f'] {step.name}: ' in text
        assert all(str(path) in text for path in (*step.inputs, *step.outputs))
    assert f'python tools/train.py {full_settings.config("fcn32s_voc12aug")} --work-dir' in text
    assert 'published: 63.6 on seg11valid, 736 images' in text
    assert 'published: 74.02 on VOC 2012 test server' in text
    assert '100000 iterations of 1 images, 1 per update' in text
    assert '18000 iterations of 10 images, 30 per update' in text
    assert f'{len(full_plan)} of {len(full_plan)} steps to run: about ' in text


def test_the_plan_says_which_devices_stay_idle(full_plan, full_settings, full_configs, records):
    settings, name = replace(full_settings, gpus=4), 'deeplab-largefov_whole_voc12aug'
    text = plan_as_text(
        [training_step(settings, name, full_configs[name])], records, settings, full_configs, {name: ONE}
    )
    assert '2 of 4 devices, 5 images each (a batch of 10 cannot be shared by more' in text


def test_steps_after_one_that_runs_are_to_run(full_plan, full_settings, full_configs, records):
    text = plan_as_text([full_plan['data'], full_plan['lists']], records, full_settings, full_configs, {})
    assert 'state: has not run yet' in text
    assert 'state: comes after a step that runs' in text


def test_quantities_in_words():
    assert [duration(value) for value in (30, 600, 7200, 10**6)] == ['30 s', '10 min', '2 h', '11.6 days']
    assert [size(value) for value in (5 * 10**6, 2.2 * 10**9)] == ['5 MB', '2.2 GB']


def test_totals_add_up(full_plan):
    steps = [full_plan['data'], full_plan['weights-fcn32s']]
    time, space = total(steps, {}, 1)
    assert time == sum(seconds(step.work, {}, 1) for step in steps)
    assert space == sum(disk(step.work, {}) for step in steps) > 5 * 10**9


def test_costs_are_those_of_the_configs(full_configs):
    table = costs()['configs']
    assert table.keys() == full_configs.keys()
    for name, one in costs_of(full_configs, dict.fromkeys(full_configs, ONE)).items():
        for key in ('iterations', 'batch', 'batches'):
            assert table[name][key] == one[key]


def test_help_names_files_numbers_and_costs():
    text = epilog()
    for part in (
        'VOCtrainval_11-May-2012.tar',
        'benchmark.tgz',
        'host.robots.ox.ac.uk:8080',
        'VGG_ILSVRC_16_layers.caffemodel',
        'vgg16_reducedfc.pth',
        'github.com/DrSleep/GDN',
        '63.6',
        '62.25',
        '67.64',
        '74.02',
        'not measured',
        'the published total is kept',
    ):
        assert part in text
    for name, one in costs()['configs'].items():
        assert f'  {name}\n    {one["iterations"]} x {one["batch"]}' in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_checkpoint_of_fcn32s_takes_what_the_text_says():
    assert costs()['configs']['fcn32s_voc12aug']['checkpoint'] == pytest.approx(1.08e9, rel=0.02)


def test_the_page_names_the_same_files_numbers_and_costs(root_dir):
    page = (root_dir / 'docs/reproduce.md').read_text()
    costs_table = page[page.index('## What to expect') : page.index('### Several GPUs')]
    rows = {line.split('`')[1]: line for line in costs_table.splitlines() if line.startswith('| `')}
    for name, one in costs()['configs'].items():
        assert f'| {one["iterations"]} x {one["batch"]}' in rows[name]
        assert f'{one["checkpoint"] / 10**9:.2f} GB' in rows[name]
        number = published(Row(name, '')).get('miou')
        assert number is None or f'{number}' in rows[name]
    for source in read_sources(SOURCES).values():
        assert source.url in page


def test_measuring_tells_how_far_it_is_and_ends_with_the_run_that_started_it(tmp_path, monkeypatch, capsys):
    options, start = {}, subprocess.Popen

    def popen(command, **given):
        options.update(given)
        program = "print('noise'); print('measured 1 of 1, a'); raise SystemExit(3)"
        return start([sys.executable, '-c', program], **given)

    monkeypatch.setattr(subprocess, 'Popen', popen)
    with pytest.raises(InputError, match='could not be measured'):
        estimates._measure([], tmp_path)
    assert options['preexec_fn'] is die_with_parent
    assert capsys.readouterr().out == '  measured 1 of 1, a\n'
    assert 'noise' in (tmp_path / 'logs' / 'measure.log').read_text()


@pytest.mark.parametrize('text', ['{', '[]', '{"a": 3}', '{"a": {}}'])
def test_damaged_measurements_count_as_none(tmp_path, text):
    (tmp_path / 'measurements.json').write_text(text)
    assert estimates._read(tmp_path / 'measurements.json') == {}
