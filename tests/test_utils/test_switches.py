"""Switches in the environment."""

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.switches import read_switch


@pytest.mark.parametrize(
    ('word', 'says'),
    [
        ('1', True),
        ('on', True),
        (' Yes ', True),
        ('TRUE', True),
        ('0', False),
        ('off', False),
        ('No', False),
        ('false', False),
        ('', None),
        (' ', None),
    ],
)
def test_words(monkeypatch, word, says):
    monkeypatch.setenv('GDN_SWITCH', word)
    assert read_switch('GDN_SWITCH', 'the lights') is says


def test_nothing_is_said(monkeypatch):
    monkeypatch.delenv('GDN_SWITCH', raising=False)
    assert read_switch('GDN_SWITCH', 'the lights') is None


def test_a_word_that_says_neither(monkeypatch):
    monkeypatch.setenv('GDN_SWITCH', 'flase')
    with pytest.raises(InputError, match='GDN_SWITCH=flase in the environment .* to switch the lights off, or to 1'):
        read_switch('GDN_SWITCH', 'the lights')
