"""Settings on the command line, which mmengine's own action reads with the same results or not as meant."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import DictAction

from mmseg_gdn.utils.options import ConfigOptions, parse_value

SCALARS = st.one_of(st.integers(-99, 99), st.booleans(), st.none(), st.sampled_from(['a', 'b1', '/data/x.pth', 'x.y']))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple))


def text_of(value):
    if isinstance(value, (list, tuple)):
        return ('[%s]' if isinstance(value, list) else '(%s)') % ','.join(map(text_of, value))
    return str(value)


@given(VALUES)
def test_is_read_as_mmengine_reads_it(value):
    text = text_of(value)
    assert parse_value(text) == DictAction._parse_iterable(text) == value


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1,2', [1, 2]),
        ('(1,)', (1,)),
        ('"(12, 12)"', (12, 12)),
        ("['a', 'b,c']", ['a', 'b,c']),
        ('1e-3', 1e-3),
        ('', ''),
        ('/my photos/VOC 2012', '/my photos/VOC 2012'),
        ('[/my photos/a, b]', ['/my photos/a', 'b']),
        ("'/photos, all'", '/photos, all'),
        ("it's", "it's"),
    ],
)
def test_blanks_stay_and_quotes_hold_together(text, value):
    assert parse_value(text) == value


def test_a_path_with_commas_that_exists(tmp_path):
    folder = tmp_path / 'a, b'
    folder.mkdir()
    assert parse_value(str(folder)) == str(folder)


def test_settings_add_up(parse):
    assert parse('--cfg-options', 'a.b=1', 'c=x=y', '--cfg-options', 'a.b=2') == {'a.b': 2, 'c': 'x=y'}


@pytest.mark.parametrize('text', ['a', '=1', 'a..b=1', '.a=1', 'a.=1'])
def test_what_is_no_setting(parse, capsys, text):
    with pytest.raises(SystemExit):
        parse('--cfg-options', text)
    assert f'{text!r} is not of the form KEY=VALUE; write, for example' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['a=(1,2', 'a=[1,(2])', 'a=1,2)', 'a=[1,2],3]'])
def test_brackets_that_do_not_match(parse, capsys, text):
    with pytest.raises(SystemExit):
        parse('--cfg-options', text)
    assert 'its brackets do not match' in capsys.readouterr().err


@pytest.fixture
def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return lambda *args: parser.parse_args(args).cfg_options
