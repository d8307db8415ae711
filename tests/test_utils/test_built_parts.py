"""What is said about keys and types of a config that do not exist."""

import pytest
import torch
from mmengine.registry import Registry

from mmseg_gdn.utils.built_parts import explain, keys_of
from mmseg_gdn.utils.errors import run_tool

PARTS = Registry('part', scope='mmseg_gdn')


@PARTS.register_module()
class Base:
    def __init__(self, channels, num_classes=2):
        self.channels = channels


@PARTS.register_module()
class Derived(Base):
    def __init__(self, depth=1, **kwargs):
        super().__init__(**kwargs)


@PARTS.register_module()
class Broken:
    def __init__(self, size):
        Base(size, nonsense=1)


@PARTS.register_module()
def make_part(size, inner=None):
    return PARTS.build(inner)


def explained(**cfg):
    with pytest.raises((KeyError, TypeError)) as info:
        PARTS.build(cfg)
    return explain(info.value)


@pytest.mark.parametrize(
    ('cfg', 'sentence'),
    [
        (
            dict(type='Derived', channels=1, num_clases=3),
            'Derived has no key num_clases (in the config: num_clases=3); did you mean num_classes?',
        ),
        (
            dict(type='Derived', channels=1, dept=3),
            'Derived has no key dept (in the config: dept=3); did you mean depth?',
        ),
        (
            dict(type='Derived', channels=1, xyz=3),
            'Derived has no key xyz (in the config: xyz=3); remove or correct it.',
        ),
        (dict(type='Derived', depth=1), 'Derived lacks the key channels; add it to the config.'),
        (
            dict(type='make_part', size=1, inner=dict(type='Base', chanels=1, channels=2)),
            'Base has no key chanels (in the config: chanels=1); did you mean channels?',
        ),
        (dict(type='Derivd'), 'The config names a type Derivd, which is not registered; did you mean Derived?'),
        (
            dict(type='make_part', size=1, inner=dict(channels=1)),
            "A part of the config has no type, which says what to build: {'channels': 1}",
        ),
    ],
)
def test_sentences(cfg, sentence):
    assert explained(**cfg) == sentence


def test_a_value_that_a_package_refuses():
    with pytest.raises(
        SystemExit,
        match=r'A part of the config \(SGD\) cannot be built: ValueError: Invalid learning '
        r'rate: -1 \(sgd\.py, in __init__\); correct its settings',
    ):
        run_tool(lambda: PARTS.build(dict(type=torch.optim.SGD, params=[torch.zeros(1)], lr=-1)))


def test_errors_of_the_program_are_none_of_the_config():
    assert explained(type='Broken', size=1) is None
    assert explain(TypeError("f() got an unexpected keyword argument 'x'")) is None


def test_a_tool_ends_with_the_sentence():
    with pytest.raises(SystemExit, match='error: Derived lacks the key channels'):
        run_tool(lambda: PARTS.build(dict(type='Derived')))
    with pytest.raises(TypeError):
        run_tool(lambda: PARTS.build(dict(type='Broken', size=1)))


def test_keys_of_a_class_with_its_parents():
    assert keys_of(Derived) == ({'depth', 'channels', 'num_classes'}, False)
