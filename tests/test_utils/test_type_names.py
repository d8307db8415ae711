"""Types by their names and by themselves."""

import pytest
from mmengine.hooks import CheckpointHook

from mmseg_gdn.utils.type_names import type_name


@pytest.mark.parametrize(
    'kind', ['CheckpointHook', 'mmengine.CheckpointHook', 'mmengine.hooks.CheckpointHook', CheckpointHook]
)
def test_a_type_in_all_ways(kind):
    assert type_name(dict(type=kind), 'Other') == 'CheckpointHook'


@pytest.mark.parametrize('part', [None, {}, dict(type=None), 5])
def test_no_type(part):
    assert type_name(part, 'Default') == 'Default'
    assert type_name(part) == ''
