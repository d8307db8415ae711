"""From results to the tables, sentences and pictures of the documents."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mmseg_gdn.utils import InputError

FOLDER = Path(__file__).parents[3] / 'benchmarks/accuracy'


def _table(*args: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(FOLDER / 'table.py'), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_table_of_results_made_by_hand(tiny, made_by_hand, tmp_path) -> None:
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
        write_result(tmp_path, made_by_hand(experiment, miou, moved))
    camvid, voc = tables(tmp_path, 'matrix-rates').split('**VOC')
    rows = {line.split(' | ')[0].strip('| '): line for line in camvid.splitlines() if line.startswith('| GDN')}
    assert list(rows) == ['GDN, factor 0', 'GDN, factor 20', 'GDN, factor 100', 'GDN, factor 20, with weight decay']
    lowest = '32.00 (30.00 to 34.00)'
    assert rows['GDN, factor 0'] == f'| GDN, factor 0 | {lowest} |  | {lowest} |  | 0 %, 0 % |  |  | 2 |'
    assert rows['GDN, factor 20'].endswith('| 32.75 (31.00 to 34.50) | +0.75 (+0.50 to +1.00) | 25 %, 12 % |  |  | 2 |')
    assert rows['GDN, factor 100'].endswith('| 29.00 | -1.00 | 29.00 | -1.00 | 50 %, 25 % |  |  | 1 |')
    assert '| GDN, factor 0 | 10.00 |  | 10.00 |  | 0 %, 0 % |  |  | 1 |' in voc


@pytest.mark.slow
def test_a_table_without_results_says_so(tmp_path) -> None:
    outcome = _table('matrix-rates', '--results', tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f'error: {tmp_path} has no results of the study matrix-rates')


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


def test_iou_of_each_class(tiny, made_by_hand, tmp_path) -> None:
    from class_table import class_table
    from records import write_result

    bilinear = replace(tiny, study='upsampling', upsampling='bilinear', lr_mult=None, decay_mult=None)
    gdn = replace(bilinear, upsampling='gdn', lr_mult=100, decay_mult=0)
    for run, iou in ((bilinear, 10.0), (replace(bilinear, seed=1), 20.0), (gdn, 40.0), (replace(gdn, seed=1), 60.0)):
        write_result(tmp_path, dict(made_by_hand(run, 0.0, 0.1), IoU=[iou] * 10 + [None]))
    lines = class_table(tmp_path, 'camvid').splitlines()
    assert lines[0] == '| class | stride 32, SGD, frozen trunk, 2 iterations |'
    assert (lines[2], lines[-1]) == ('| sky | 15 → 50 |', '| bicyclist | 0 → 0 |')
    assert len(lines) == 2 + 11
    with pytest.raises(InputError, match='no setting of voc'):
        class_table(tmp_path, 'voc')


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


def test_documents_show_the_results_as_they_are() -> None:
    from report import DOCUMENTS, ROOT, renewed

    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding='utf-8')
        assert '<!-- results: ' in text
        assert renewed(name, FOLDER / 'results') == text, f'run benchmarks/accuracy/report.py to renew {name}'
