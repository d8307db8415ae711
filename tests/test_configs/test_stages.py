"""The stages load from one another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .config_files import FOLDER, read

STAGES = [path for path in sorted(FOLDER.rglob('*.py')) if read(path).get('load_from')]


def stage_id(path):
    return f'{path.parent.name}-{path.stem}'


def test_both_networks_have_all_stages():
    for network, first in (('fcn32s', 'fcn32s_voc12aug'), ('deeplab-largefov', 'deeplab-largefov_whole_voc12aug')):
        chain = [f'{network}_gdn-staged_voc12trainval']
        while load_from := read(FOLDER / f'{chain[-1]}.py').get('load_from'):
            chain.append(Path(load_from).parent.name)
        assert chain[1:] == [
            f'{network}_gdn-staged_voc12aug',
            f'{network}_gdn-labels_voc12aug',
            f'{network}_gdn-matrices_voc12aug',
            first,
        ]


@pytest.mark.parametrize('path', STAGES, ids=stage_id)
def test_a_stage_starts_where_the_one_before_ends(path):
    load_from = Path(read(path).load_from)
    before = path.with_name(f'{load_from.parent.name}.py')
    cfg = read(before)
    assert load_from.parent == Path(cfg.get('work_dir') or f'work_dirs/{before.stem}')
    assert load_from.name == f'iter_{cfg.train_cfg.max_iters}.pth'
    # The last checkpoint is always written then, and never deleted.
    hook = cfg.default_hooks.checkpoint
    assert hook.get('save_last', True) and not hook.by_epoch and hook.max_keep_ckpts != 0


@pytest.mark.parametrize('path', STAGES, ids=stage_id)
def test_the_last_update_is_complete(path):
    cfg = read(path)
    assert cfg.train_cfg.max_iters % cfg.optim_wrapper.get('accumulative_counts', 1) == 0


@pytest.mark.parametrize('path', [path for path in STAGES if 'trainval' in path.stem], ids=stage_id)
def test_val_is_trained_on_and_not_validated_on(path):
    cfg = read(path)
    lists = [part.ann_file for part in cfg.train_dataloader.dataset.dataset.datasets]
    assert [re.search(r'\w+(?=\.txt)', name)[0] for name in lists] == ['train', 'aug', 'val']
    assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None


@pytest.mark.parametrize('path', [path for path in STAGES if 'matrices' in path.stem], ids=stage_id)
def test_the_release_trains_the_matrices_alone(path):
    cfg = read(path)
    assert cfg.model.train_only == ['decode_head.interp']
    assert cfg.model.decode_head.label_branch is None
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys['interp.kernel'] == dict(lr_mult=10, decay_mult=100)


@pytest.mark.parametrize('path', [path for path in STAGES if 'gdn-labels' in path.stem], ids=stage_id)
def test_the_matrices_stay_while_the_branch_joins(path):
    cfg = read(path)
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys['interp.kernel'] == dict(lr_mult=0, decay_mult=0)
    assert cfg.model.decode_head.label_branch.hidden_channels == 256
