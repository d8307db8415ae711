"""Configs printed in the documents work as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.models.variant import last_head, score_size, training_crop

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
SNIPPETS = {
    f'{page.name}-{number}': text
    for page in PAGES
    for number, text in enumerate(re.findall(r'```python\n(.*?)```', page.read_text(), re.DOTALL))
    if text.startswith('_base_')
}


def test_there_are_some():
    assert {name.split('-')[0] for name in SNIPPETS} >= {'README.md', 'heads.md'}


@pytest.mark.parametrize('name', SNIPPETS)
def test_a_config_on_a_page(name, tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(SNIPPETS[name])
    cfg = Config.fromfile(path)
    settings = {key: value for key, value in cfg.model.items() if key not in ('pretrained', 'data_preprocessor')}
    with torch.device('meta'):
        model = MODELS.build(settings)
    head = last_head(cfg.model)
    assert head.type == 'GlobalInterpHead'
    assert head.out_size == training_crop(cfg)
    assert head.in_size == score_size(model.eval(), torch.empty(1, 3, *head.out_size, device='meta'))
    assert 'interp.kernel' in cfg.optim_wrapper.paramwise_cfg.custom_keys


@pytest.mark.parametrize('name', SNIPPETS)
def test_no_auxiliary_head_of_the_stock_config_is_dropped(name, tmp_path):
    (tmp_path / 'config.py').write_text(SNIPPETS[name])
    (tmp_path / 'stock.py').write_text(SNIPPETS[name].splitlines()[0])
    heads, stock = (
        as_list(Config.fromfile(tmp_path / file).model.get('auxiliary_head')) for file in ('config.py', 'stock.py')
    )
    assert all(head in heads for head in stock)


def as_list(heads):
    return heads if isinstance(heads, list) else [head for head in [heads] if head]
