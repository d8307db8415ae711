"""The sweep over stock configs."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from dataclasses import replace

import pytest

import sweep
from sweep import Outcome, Result

UNET = 'unet/unet-s5-d16_fcn_4xb4-40k_drive-64x64.py'


def results(**statuses: str) -> list[Result]:
    """One result per family."""
    return [
        Result(
            f'{family}/a.py',
            'FCNHead',
            Outcome(status, '' if status == 'works' else 'Because.', score_error=1e-7, same_pixels=1.0),
        )
        for family, status in statuses.items()
    ]


class TestConfigs:
    def test_all_families_are_found(self):
        names = sweep.stock_config_names()
        assert len(names) == len(set(names))
        assert {'fcn', 'pspnet', 'segformer', 'ocrnet', 'knet'} <= {name.split('/')[0] for name in names}
        assert not any(name.startswith('_base_') for name in names)

    def test_unknown_family(self):
        with pytest.raises(ValueError, match='has no family nosuch; it has ann, '):
            sweep.stock_config_names(['fcn', 'nosuch'])

    def test_sample_is_of_twelve_families(self):
        assert len({name.split('/')[0] for name in sweep.SAMPLE}) == len(sweep.SAMPLE) == 12
        assert set(sweep.SAMPLE) <= set(sweep.stock_config_names())

    def test_thin_models_need_no_downloads_and_no_other_process(self):
        config = sweep.read_stock_config('setr/setr_vit-l_pup_8xb2-160k_ade20k-512x512.py')
        assert 'init_cfg' in config.model['backbone']
        thin = sweep.thin_model(config.model, (64, 64))
        assert 'checkpoint' not in str(thin)
        assert 'SyncBN' not in str(thin)
        assert thin['backbone']['img_size'] == (64, 64)
        assert thin['backbone']['num_layers'] == len(thin['backbone']['out_indices']) == 4
        assert thin['decode_head']['num_classes'] == config.model['decode_head']['num_classes']

    def test_configs_of_one_model_come_together(self):
        names = (
            'fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py',
            'fcn/fcn_r50-d8_4xb4-40k_voc12aug-512x512.py',
            'fcn/fcn_r50-d8_4xb4-80k_ade20k-512x512.py',
        )
        groups = sweep.group_configs([sweep.read_stock_config(name) for name in names])
        assert [[config.name for config in configs] for configs in groups.values()] == [list(names[:2]), [names[2]]]


class TestTrial:
    @pytest.mark.filterwarnings('ignore')
    def test_of_a_model_that_works(self):
        outcome = sweep.run_trial(sweep.read_stock_config(UNET))
        assert (outcome.status, outcome.reason) == ('works', '')
        assert outcome.in_size == outcome.out_size == (64, 64)
        assert outcome.score_error < 1e-4
        assert outcome.same_pixels >= 0.999

    def test_of_a_head_of_another_kind(self):
        config = sweep.read_stock_config('mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py')
        outcome = sweep.run_trial(config)
        assert outcome.status == 'other kind'
        assert "base_type='Mask2FormerHead' does not derive from" in outcome.reason

    @pytest.mark.filterwarnings('ignore')
    def test_of_a_broken_model(self):
        config = sweep.read_stock_config(UNET)
        model = dict(config.model, decode_head=dict(config.model['decode_head'], in_channels=63))
        outcome = sweep.run_trial(replace(config, model=model))
        assert outcome.status == 'fails'
        assert '63' in outcome.reason

    @pytest.mark.filterwarnings('ignore')
    @pytest.mark.parametrize(
        ('keys', 'reason'),
        [
            ({}, ''),
            (
                {'decode_head.interp.kernel': dict(lr_mult=0)},
                'A step of the optimizer leaves decode_head.interp.kernel_h',
            ),
        ],
    )
    def test_of_an_optimizer(self, keys, reason):
        config = sweep.read_stock_config(UNET)
        wrapper = dict(config.optim_wrapper, paramwise_cfg=dict(custom_keys=keys))
        outcome = sweep.run_trial(replace(config, optim_wrapper=wrapper))
        assert outcome.status == ('fails' if reason else 'works')
        assert outcome.reason.startswith(reason)


class TestReport:
    def test_share_is_of_the_right_kind(self):
        assert sweep.share(results(a='works', b='works', c='lacks', d='fails', e='other kind')) == 0.5
        assert sweep.share(results(e='other kind')) == 1

    def test_summary_counts_families(self):
        lines = sweep.summary(results(a='works', b='fails', c='other kind')).splitlines()
        assert lines[0].split() == ['family', 'configs', 'works', 'fails', 'lacks', 'other', 'kind']
        assert lines[1].split() == ['a', '1', '1', '0', '0', '0']
        assert lines[-2].split() == ['total', '3', '1', '1', '0', '1']
        assert lines[-1].startswith('1 of 2 configs whose head makes a score map work (50.0%); 1 more')

    def test_page_says_why(self):
        page = sweep.heads_document(results(a='works', b='fails'))
        assert '| FCNHead | yes | 1 of 2 | `test_works_as_a_base[FCNHead]` |' in page
        assert "| PointHead | no: has a loss_by_feat that needs 'points', which heads are not given | none" in page
        assert '- fails: FCNHead in 1 config(s) of b: Because.' in page

    def test_page_is_written_by_the_tool(self, root_dir):
        by_hand, written = ((root_dir / 'docs/heads.md').read_text(), sweep.heads_document(results(a='works')))
        assert by_hand.split('## What was tried')[0] == written.split('## What was tried')[0]

    def test_results_outlive_a_run(self, tmp_path):
        kept = {result.config: result for result in results(a='works', b='fails')}
        sweep.write_results(tmp_path / 'results.json', kept)
        assert sweep.read_results(tmp_path / 'results.json') == kept
        assert sweep.read_results(tmp_path / 'none.json') == {}

    def test_a_file_of_another_kind(self, tmp_path):
        path = tmp_path / 'results.json'
        path.write_text('[1]')
        with pytest.raises(ValueError, match='holds no outcomes of a sweep'):
            sweep.read_results(path)


@pytest.fixture
def run_here(root_dir, monkeypatch) -> Callable[..., int]:
    """Run the tool in this process, which saves the seconds that importing PyTorch and mmseg takes."""
    tool = runpy.run_path(str(root_dir / 'tools/gdn_sweep.py'))

    def run(*args: object) -> int:
        monkeypatch.setattr('sys.argv', ['gdn_sweep.py', *map(str, args)])
        return tool['main']()

    return run


class TestTool:
    @pytest.mark.filterwarnings('ignore')
    def test_a_second_run_tries_nothing_again(self, run_here, tmp_path, capsys):
        path = tmp_path / 'results.json'
        assert run_here('--family', 'erfnet', 'point_rend', '--results', path) == 0
        printed = capsys.readouterr().out
        assert '5 configs, 3 different models, 3 to try' in printed
        assert '1 of 1 configs whose head makes a score map work (100.0%); 4 more' in printed
        assert len(json.loads(path.read_text())) == 5
        assert run_here('--family', 'erfnet', '--results', path) == 0
        assert '1 configs, 1 different models, 0 to try' in capsys.readouterr().out

    @pytest.mark.parametrize(('wanted', 'status'), [(1, 0), (1.1, 1)])
    def test_exit_status_tells_whether_enough_works(self, run_here, tmp_path, wanted, status):
        path = tmp_path / 'results.json'
        config = 'erfnet/erfnet_fcn_4xb4-160k_cityscapes-512x1024.py'
        sweep.write_results(path, {config: Result(config, 'FCNHead', Outcome('works'))})
        assert run_here('--family', 'erfnet', '--results', path, '--at-least', wanted) == status

    def test_what_did_not_work_is_tried_again(self, run_here, tmp_path):
        path = tmp_path / 'results.json'
        config = 'point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py'
        sweep.write_results(path, {config: Result(config, 'PointHead', Outcome('fails', 'It was Monday.'))})
        run_here('--family', 'point_rend', '--results', path)
        assert sweep.read_results(path)[config].status == 'other kind'

    @pytest.mark.parametrize(
        ('options', 'message'),
        [
            (('--family', 'nosuch'), 'has no family nosuch'),
            (('--sample', '--docs', 'page.md'), '--docs needs the outcomes of all configs'),
            (('--jobs', '0'), '--jobs is the number of processes'),
        ],
    )
    def test_wrong_options(self, run_here, options, message):
        with pytest.raises(ValueError, match=message):
            run_here(*options)

    @pytest.mark.slow
    def test_the_sample_works_in_two_processes(self, run_script):
        done = run_script('tools/gdn_sweep.py', '--sample', '--at-least', 1, '--jobs', 2)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '11 of 11 configs' in done.stdout
