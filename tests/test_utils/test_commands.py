"""Messages name what is there: scripts in a clone, commands elsewhere."""

from pathlib import Path

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.commands import as_here, as_installed

FOLDER = Path('site-packages', 'mmseg_gdn', '.mim')


@pytest.mark.parametrize(
    ('text', 'installed'),
    [
        ('run: python tools/dataset_converters/get_voc.py --data-root data', 'run: mmseg-gdn get-voc --data-root data'),
        ('use tools/test.py, or another config.', 'use mmseg-gdn test, or another config.'),
        ('written by tools/predict.py or tools/test.py --out', 'written by mmseg-gdn predict or mmseg-gdn test --out'),
        ('use tools/dist_train.sh', f'use {FOLDER}/tools/dist_train.sh'),
        ('an address of tools/sources.json; its hash', f'an address of {FOLDER}/tools/sources.json; its hash'),
        ('the configs are in configs/gdn.', f'the configs are in {FOLDER}/configs/gdn.'),
        ('There is no config configs/gdn/typo.py', 'There is no config configs/gdn/typo.py'),
        ('/home/me/tools/train.py failed', '/home/me/tools/train.py failed'),
        ('(make demo needs no data)', '(mmseg-gdn demo needs no data)'),
    ],
)
def test_where_there_is_no_clone(text, installed):
    assert as_installed(text, FOLDER) == installed


def test_a_clone_keeps_its_scripts():
    text = 'run: python tools/train.py configs/gdn/demo_gdn.py'
    assert as_here(text) == text
    assert str(InputError(text)) == text
