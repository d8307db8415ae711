"""The plan: which steps there are, what they read, and what a config becomes in the work folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from reproduce import chosen, without
from reproduction.archive_steps import archive_steps, ensemble_steps
from reproduction.scoring_steps import rescoring_steps
from reproduction.stage_configs import complete_config, write_config
from reproduction.stages import STAGES
from reproduction.training_steps import fitting_processes, training_step


@pytest.mark.parametrize('plan', ['full_plan', 'small_plan'])
def test_every_step_comes_after_those_that_it_needs_and_reads_what_they_write(request, plan):
    steps, seen = request.getfixturevalue(plan), set()
    for step in steps.values():
        assert seen.issuperset(step.needs)
        seen.add(step.name)
        checkpoints = {path for path in step.inputs if path.suffix == '.pth'}
        assert checkpoints <= {output for name in step.needs for output in steps[name].outputs}


def test_all_trainings_are_tested_on_val_unless_they_have_seen_it(full_plan):
    for name in [name for names in STAGES.values() for name in names]:
        assert f'train-{name}' in full_plan
        for kind in ('test', 'crf'):
            assert (f'{kind}-{name}' in full_plan) == (not name.endswith('trainval'))


def test_stages_start_where_those_before_them_end(full_plan, full_settings):
    matrices, baseline = full_plan['train-fcn32s_gdn-matrices_voc12aug'], full_plan['train-fcn32s_voc12aug']
    end = full_settings.work_dir / 'fcn32s_voc12aug/iter_100000.pth'
    assert end in baseline.outputs
    assert end in matrices.inputs
    assert Config.fromfile(matrices.inputs[0]).load_from == str(end)
    assert Path('work_dirs/vgg16_caffe_fcn32s.pth') in baseline.inputs


def test_a_completed_config_is_seeded_and_keeps_two_checkpoints_between_updates(full_settings, full_plan):
    name = 'deeplab-largefov_whole_voc12aug'
    cfg, stock = Config.fromfile(full_settings.config(name)), Config.fromfile(full_settings.source(name))
    assert cfg.randomness == dict(seed=0)
    assert cfg.default_hooks.exact_resume.type == 'ExactResumeHook'
    assert (cfg.default_hooks.checkpoint.interval, cfg.default_hooks.checkpoint.max_keep_ckpts) == (1998, 2)
    assert cfg.optim_wrapper.accumulative_counts == 3
    assert (cfg.model, cfg.optim_wrapper, cfg.train_cfg) == (stock.model, stock.optim_wrapper, stock.train_cfg)


def test_data_and_weights_of_the_user_reach_the_configs(small_settings, small_plan):
    cfg = Config.fromfile(small_settings.config('deeplab-largefov_whole_voc12aug'))
    weights = small_settings.work_dir / 'weights/vgg16_caffe_largefov.pth'
    assert cfg.custom_hooks[0].checkpoint == str(weights)
    assert small_plan['weights-largefov'].outputs == (weights,)
    parts = cfg.train_dataloader.dataset.dataset.datasets
    assert {data.data_root for data in (*parts, cfg.val_dataloader.dataset, cfg.test_dataloader.dataset)} == {
        str(small_settings.data_root)
    }
    # This data set has no aug.txt.
    assert [data.ann_file for data in parts] == ['ImageSets/Segmentation/train.txt']


def test_a_config_that_is_written_again_does_not_change(tmp_path):
    cfg = Config(dict(model=dict(type='A', sizes=(1, 2)), hooks=[dict(type='B')]))
    path = write_config(cfg, tmp_path / 'a.py')
    time = path.stat().st_mtime_ns
    assert Config.fromfile(path).to_dict() == cfg.to_dict()
    assert write_config(cfg, path).stat().st_mtime_ns == time
    cfg.model.sizes = (1, 3)
    assert Config.fromfile(write_config(cfg, path)).model.sizes == (1, 3)


def test_the_archive_is_of_the_test_images_only_if_they_are_there(small_settings, small_configs, small_plan):
    step = small_plan['archive']
    assert str(small_settings.ids('test')) in step.command
    assert 'train-deeplab-largefov_gdn-staged_voc12trainval' in step.needs
    image = small_settings.data_root / 'JPEGImages/f.jpg'
    image.unlink()
    try:
        step, check = archive_steps(small_settings, small_configs)
    finally:
        image.touch()
    assert str(small_settings.work_dir / 'lists/val.txt') in step.command
    assert 'train-deeplab-largefov_gdn-staged_voc12aug' in step.needs
    assert check.command[1] == step.command[step.command.index('--submission') + 1]


def test_one_network_has_no_ensemble(full_settings, full_configs):
    settings = replace(full_settings, networks=('fcn32s',))
    assert ensemble_steps(settings, full_configs) == []
    assert (
        str(settings.work_dir / 'fcn32s_gdn-staged_voc12aug/iter_20000.pth')
        in archive_steps(settings, full_configs)[0].command
    )


def test_the_ensemble_averages_the_last_stage_of_each_network(full_plan, full_settings):
    step = full_plan['ensemble']
    members = Config.fromfile(step.inputs[0]).model.members
    assert [Path(member.config) for member in members] == [
        full_settings.config(f'{network}_gdn-staged_voc12aug') for network in STAGES
    ]
    assert {Path(path) for member in members for path in member.values()} <= set(step.inputs)


def test_the_list_for_berkeleys_model_is_a_step_of_its_own_that_can_fail_and_be_repeated(full_plan, full_settings):
    made = full_plan['list-seg11valid']
    assert made.outputs == (full_settings.ids('seg11valid'),)
    assert made.name in full_plan['rescore-fcn32s_voc11valid'].needs


def test_the_released_model_is_tested_if_the_user_has_it(full_plan, full_settings):
    assert 'rescore-deeplab-largefov_gdn_released' not in full_plan
    files = Path('gdn.caffemodel'), Path('w0.npy'), Path('w1.npy')
    _, _, convert, test = rescoring_steps(replace(full_settings, released=files))
    assert convert.inputs == files
    assert (test.name, test.needs) == ('rescore-deeplab-largefov_gdn_released', ('data', 'weights-released'))


@pytest.mark.parametrize(('batch', 'gpus', 'processes'), [(30, 4, 3), (10, 4, 2), (10, 8, 5), (1, 8, 1), (30, 1, 1)])
def test_processes_share_a_batch_evenly(batch, gpus, processes):
    assert fitting_processes(batch, gpus) == processes


def test_several_devices_keep_the_published_batch(full_settings, full_configs, full_plan):
    large, fcn = (
        training_step(replace(full_settings, gpus=4), name, full_configs[name])
        for name in ('deeplab-largefov_voc12aug', 'fcn32s_voc12aug')
    )
    assert large.launch[0].endswith('tools/dist_train.sh')
    assert (large.launch[2], large.launch[-1]) == ('3', 'train_dataloader.batch_size=10')
    assert fcn.launch == ()
    # With another number of devices, a training goes on instead of starting anew.
    assert large.command == full_plan[large.name].command


def test_slurm_gets_partition_name_and_numbers_of_devices(full_settings, full_configs):
    name = 'deeplab-largefov_voc12aug'
    step = training_step(replace(full_settings, gpus=16, launcher='slurm', partition='gpu'), name, full_configs[name])
    assert step.launch[0].endswith('tools/slurm_train.sh')
    assert step.launch[1:3] == ('gpu', name)
    assert (step.environment['GPUS'], step.environment['GPUS_PER_NODE']) == ('15', '8')


def test_only_brings_what_it_needs(full_plan):
    names = [step.name for step in chosen(list(full_plan.values()), ['test-fcn32s_voc12aug'], [])]
    assert names == ['data', 'lists', 'weights-fcn32s', 'train-fcn32s_voc12aug', 'test-fcn32s_voc12aug']


def test_skip_drops_what_needs_it(full_plan):
    left = {step.name for step in without(list(full_plan.values()), ['train-fcn32s_gdn-staged_voc12aug'])}
    assert 'train-fcn32s_gdn-labels_voc12aug' in left
    assert left.isdisjoint(['ensemble', 'train-fcn32s_gdn-staged_voc12trainval', 'crf-search-fcn32s', 'check-archive'])


def test_an_unknown_step_is_told_with_those_that_exist(full_plan):
    with pytest.raises(InputError, match=r'no step trian; the steps are data, lists, '):
        chosen(list(full_plan.values()), ['trian'], [])


def test_settings_of_the_user_override_those_of_a_config(full_settings):
    settings = replace(full_settings, options={'randomness.deterministic': True, 'train_cfg.max_iters': 7})
    cfg = complete_config(settings, 'fcn32s_voc12aug', {})
    assert cfg.randomness == dict(seed=0, deterministic=True)
    assert (cfg.train_cfg.max_iters, cfg.default_hooks.checkpoint.interval) == (7, 1)


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('train_cfg', 3),
        ('train_cfg', None),
        ('train_cfg.max_iters', 1.5),
        ('train_cfg.max_iters', 0),
        ('train_cfg.val_interval', 0),
        ('optim_wrapper', 1),
        ('optim_wrapper.accumulative_counts', 0),
        ('train_dataloader', None),
        ('train_dataloader.batch_size', 'x'),
        ('default_hooks.checkpoint', None),
        ('custom_hooks.9.type', 'A'),
        ('randomness', 3),
    ],
)
def test_settings_that_do_not_fit_are_told_in_one_sentence(full_settings, key, value):
    with pytest.raises(InputError, match=r'--cfg-options do not fit .*fcn32s_voc12aug\.py'):
        complete_config(replace(full_settings, options={key: value}), 'fcn32s_voc12aug', {})


def test_a_stage_whose_start_is_not_in_the_plan_is_refused(full_settings):
    with pytest.raises(InputError, match='the plan trains no fcn32s_voc12aug before it'):
        complete_config(full_settings, 'fcn32s_gdn-matrices_voc12aug', {})


def test_wanted_steps_that_are_all_left_out(full_plan):
    with pytest.raises(InputError, match='leaves nothing of --only test-fcn32s_voc12aug'):
        chosen(list(full_plan.values()), ['test-fcn32s_voc12aug'], ['data'])
