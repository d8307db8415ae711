"""The ready ensemble names what the trainings of its members write."""

from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
MEMBERS = Config.fromfile(ROOT / 'configs/gdn/ensemble_voc12.py').model.members


@pytest.mark.parametrize('member', MEMBERS, ids=lambda member: Path(member.config).stem)
def test_members_are_configs_of_this_folder_and_the_ends_of_their_trainings(member):
    path = Path(member.config)
    assert path.parent.samefile(ROOT / 'configs/gdn')
    cfg = Config.fromfile(path)
    last = cfg.train_cfg.max_iters
    assert last % cfg.default_hooks.checkpoint.interval == 0
    assert member.checkpoint == f'work_dirs/{path.stem}/iter_{last}.pth'
