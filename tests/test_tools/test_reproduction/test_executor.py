"""Steps are skipped when they are done, run again when something has changed, and go on after being killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from multiprocessing import get_context

import pytest

from mmseg_gdn.utils import InputError
from reproduction.executor import StepInterrupted, run_steps
from reproduction.records import why_run
from reproduction.step import Step


@pytest.fixture
def run(records, tmp_path, capsys):
    """Run steps in this process; gives what is printed."""

    def do(*steps):
        run_steps(list(steps), records, tmp_path / 'logs', 'AGAIN')
        return capsys.readouterr().out

    return do


@pytest.fixture
def run_in_a_process(records, tmp_path):
    """Start a process that runs a step, and wait until the step has begun to count."""

    def work(step):
        os.setsid()
        # Programs that a script runs in the background ignore Ctrl-C, and what they start does so as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            run_steps([step], records, tmp_path / 'logs', 'AGAIN')
        except StepInterrupted as interrupted:
            sys.exit(f'interrupted in {interrupted}')

    def start(step):
        # A fork, because importing everything again would take most of the time.
        process = get_context('fork').Process(target=work, args=(step,))
        process.start()
        wait_for(lambda: counted(tmp_path) >= 1)
        return process

    return start


def counted(folder, name='count'):
    log = folder / 'logs' / f'{name}.log'
    return log.read_text().count('counted') if log.is_file() else 0


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_step_that_is_done_is_skipped(run, counting_step, records, tmp_path):
    assert 'count: has not run yet' in run(counting_step())
    assert (tmp_path / 'count.txt').read_text() == 'first'
    assert 'count: done' in run(counting_step())
    assert counted(tmp_path) == 5
    assert records.read('count')['state'] == 'done'


def test_a_changed_input_starts_the_step_anew_and_keeps_what_there_was(run, counting_step, tmp_path):
    run(counting_step())
    (tmp_path / 'source.txt').write_text('second')
    told = run(counting_step())
    assert f'{tmp_path}/source.txt has changed' in told
    assert f'is now {tmp_path}/count_folder.old-1' in told
    assert (tmp_path / 'count.txt').read_text() == 'second'
    assert counted(tmp_path) == 10


def test_changed_options_start_the_step_anew(run, counting_step):
    run(counting_step())
    assert 'its options have changed' in run(counting_step(pause=0.001))


def test_an_input_that_was_only_touched_changes_nothing(run, counting_step, tmp_path):
    run(counting_step())
    os.utime(tmp_path / 'source.txt', (1, 1))
    assert 'count: done' in run(counting_step())


@pytest.mark.parametrize(
    ('harm', 'defect'),
    [(lambda path: path.unlink(), 'is missing'), (lambda path: path.write_text('other'), 'has changed')],
)
def test_a_missing_or_changed_result_is_made_again(run, counting_step, tmp_path, harm, defect):
    step = replace(counting_step(), folder=None)
    run(step)
    harm(tmp_path / 'count.txt')
    assert f'{tmp_path}/count.txt {defect}' in run(step)
    assert (tmp_path / 'count.txt').read_text() == 'first'


def test_a_result_that_somebody_replaced_is_not_gone_on_from(run, counting_step, tmp_path):
    run(counting_step())
    (tmp_path / 'count.txt').write_text('other')
    told = run(counting_step())
    assert f'{tmp_path}/count.txt has changed' in told
    assert f'is now {tmp_path}/count_folder.old-1' in told
    assert (tmp_path / 'count.txt').read_text() == 'first'
    assert counted(tmp_path) == 10


def test_steps_that_follow_see_new_results_of_those_before(run, counting_step, tmp_path):
    first = counting_step()
    second = counting_step('second', inputs=(tmp_path / 'count.txt',), needs=('count',))
    run(first, second)
    (tmp_path / 'source.txt').write_text('second')
    assert f'second: {tmp_path}/count.txt has changed' in run(first, second)


@pytest.mark.parametrize(
    'text',
    [
        '{"state": "do',
        '{}',
        '{"state": "started", "inputs": []}',
        '{"state": "started", "inputs": {"a": 1}}',
        '{"state": "started", "process": 5}',
    ],
)
def test_an_unreadable_record_counts_as_none(run, counting_step, records, text):
    run(counting_step())
    (records.folder / 'count.json').write_text(text)
    assert 'has not run yet' in run(counting_step())


@pytest.mark.parametrize('kill_all', [False, True], ids=['this process only', 'with its child'])
def test_after_a_kill_the_step_goes_on_where_it_was(run, run_in_a_process, counting_step, tmp_path, kill_all):
    step = counting_step(pause=0.5)
    process = run_in_a_process(step)
    (os.killpg if kill_all else os.kill)(process.pid, signal.SIGKILL)
    process.join(60)
    assert counted(tmp_path) < 5
    assert 'count: was interrupted' in run(step)
    # The child has ended with its parent: nothing was counted twice.
    assert counted(tmp_path) == 5
    assert (tmp_path / 'count.txt').read_text() == 'first'


def test_ctrl_c_stops_the_child_and_names_the_step(run_in_a_process, counting_step, tmp_path, capfd):
    process = run_in_a_process(counting_step(pause=2))
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert (process.exitcode, capfd.readouterr().err.strip()) == (1, 'interrupted in count')
    before = counted(tmp_path)
    time.sleep(3)
    assert counted(tmp_path) == before < 5


def test_a_failed_step_is_told_in_one_sentence(run, counting_step, tmp_path):
    (tmp_path / 'fail.py').write_text("import sys\nprint(5, end='')\nsys.exit('error: The moon is missing; get it.')")
    step = replace(counting_step(), command=(str(tmp_path / 'fail.py'),))
    with pytest.raises(InputError) as caught:
        run(step)
    assert str(caught.value) == (
        f'The step count failed (The moon is missing; get it), see its log '
        f'{tmp_path}/logs/count.log; to go on from there (or without it, with --skip count), '
        'run: AGAIN'
    )


@pytest.mark.parametrize(
    ('program', 'problem'),
    [
        ('import sys; sys.exit(3)', r'\(exit status 3\)'),
        ("raise RuntimeError('no moon')", r'\(RuntimeError: no moon\)'),
        ('import os; os.kill(os.getpid(), 9)', r'\(exit status -9\)'),
        ('pass', 'it did not write'),
    ],
)
def test_a_step_without_result_has_failed(run, counting_step, tmp_path, program, problem):
    (tmp_path / 'fail.py').write_text(program)
    with pytest.raises(InputError, match=problem):
        run(replace(counting_step(), command=(str(tmp_path / 'fail.py'),)))


def test_a_missing_input_is_told_before_anything_runs(run, counting_step, tmp_path):
    with pytest.raises(InputError, match=r'The step count failed \(nothing.txt is missing\)'):
        run(counting_step(inputs=((tmp_path / 'nothing.txt').relative_to(tmp_path),)))
    assert counted(tmp_path) == 0


def test_scores_of_a_test_are_kept_in_its_record(run, records, tmp_path):
    scores = tmp_path / 'scores'
    (tmp_path / 'test.py').write_text(
        f'from pathlib import Path\nPath({str(scores / "now")!r}).mkdir(parents=True)\n'
        f"Path({str(scores / 'now/now.json')!r}).write_text('{json.dumps({'mIoU': 41.5})}')\n"
    )
    step = Step('test', 'test', (str(tmp_path / 'test.py'),), scores=scores)
    run(step)
    assert records.read('test')['metrics'] == {'mIoU': 41.5}
    (scores / 'now/now.json').write_text('{')
    assert 'now.json has changed' in why_run(step, records.read('test'))


def test_the_best_parameters_of_a_search_are_added(run, records, tmp_path):
    found = tmp_path / 'crf_search.json'
    found.write_text(json.dumps(dict(best=dict(bi_w=4, bi_xy=49, pos_w=3, mIoU=50.0))))
    (tmp_path / 'show.py').write_text('import sys\nprint(sys.argv[1:])')
    run(Step('show', 'show', (str(tmp_path / 'show.py'),), best_of=found))
    assert "['--cfg-options', 'crf.bi_w=4', 'crf.bi_xy=49', 'crf.pos_w=3']" in (tmp_path / 'logs/show.log').read_text()
