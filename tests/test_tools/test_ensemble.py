"""Ensembles by the command line, and what is logged of one of their members."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from mmseg_gdn.evaluation.check_submission import check_submission


@pytest.fixture
def run_test(monkeypatch, tmp_path, root_dir):
    """Run tools/test.py in this process; gives its folder of logs."""
    monkeypatch.syspath_prepend(root_dir / 'tools')
    main = runpy.run_path(str(root_dir / 'tools/test.py'))['main']

    def run(*args):
        folder = tmp_path / f'run{len(list(tmp_path.glob("run*")))}'
        monkeypatch.setattr(sys, 'argv', ['test.py', '--work-dir', str(folder), *map(str, args)])
        main()
        return folder

    return run


@pytest.fixture
def members(gdn_config, tmp_path):
    entries = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = MODELS.build(Config.fromfile(gdn_config).model)
        torch.nn.init.normal_(model.decode_head.conv_seg.weight)
        torch.save(model.state_dict(), tmp_path / f'{seed}.pth')
        entries.append(dict(config=str(gdn_config), checkpoint=str(tmp_path / f'{seed}.pth')))
    return entries


@pytest.fixture
def ensemble(members, child):
    """A config of the two members; the second has next to no weight."""
    members = [dict(members[0], weight=1e6), members[1]]
    return child(f"""
model = dict(_delete_=True, type='Ensemble', members={members!r})
test_evaluator = [dict(type='PerClassIoUMetric')]
""")


@pytest.mark.slow
def test_scores_masks_and_archive(run_test, ensemble, members, voc_root, tmp_path):
    both = run_test(ensemble, '--out', tmp_path / 'both')
    first = run_test('--out', tmp_path / 'first', members[0]['config'], members[0]['checkpoint'])
    for name in 'de':
        mask, expected = (np.asarray(Image.open(tmp_path / folder / f'{name}.png')) for folder in ('both', 'first'))
        assert (mask == expected).mean() > 0.99
    assert results(both)['mIoU'] == pytest.approx(results(first)['mIoU'], abs=0.5)
    check_logs_of_a_model_with_a_branch(first)

    refined = run_test(ensemble, '--crf', '--crf-workers', 1, '--out', tmp_path / 'refined')
    assert results(refined).keys() == results(both).keys()
    assert 'refines predictions' in next(refined.rglob('*.log')).read_text()
    assert (tmp_path / 'refined' / 'd.png').is_file()

    ids = voc_root / 'ImageSets/Segmentation/test.txt'
    run_test(ensemble, '--submission', tmp_path / 'a.tgz', '--ids', ids)
    assert check_submission(tmp_path / 'a.tgz', ['f', 'g'], voc_root / 'JPEGImages') == (2, [])


def check_logs_of_a_model_with_a_branch(folder: Path) -> None:
    found = results(folder)
    # The two masks hold background and one class each.
    assert {'IoU/background', 'IoU/dog', 'IoU/horse', 'AP/dog', 'AP/horse', 'mAP', 'mIoU'} <= set(found)
    assert 'AP/cat' not in found
    log = next(folder.rglob('*.log')).read_text()
    assert 'IoU/background: ' in log
    assert 'mAP leaves out the classes that are in no image: aeroplane, ' in log


def results(folder: Path) -> dict:
    (path,) = folder.glob('*/*.json')
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f'{name} is no JSON'))
