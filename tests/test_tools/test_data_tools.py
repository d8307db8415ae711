"""The tools for data sets, by the command line."""

import numpy as np
from PIL import Image


def test_draw_and_check(run_script, tmp_path):
    root = tmp_path / 'VOC2012'
    drawn = run_script('tools/dataset_converters/synthetic_voc.py', root, '--train', 3, '--val', 2, '--test', 1)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout == f'{root}: 3 training, 2 validation and 1 test images\n'

    checker = 'tools/dataset_converters/check_voc.py'
    checked = run_script(checker, '--data-root', root, '--any-count', '--workers', 2)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.splitlines()[-1] == f'{root}: 0 defects'

    (root / 'JPEGImages/train_0001.jpg').unlink()
    (root / 'SegmentationClass/val_0000.png').write_bytes(b'no image')
    defective = run_script(checker, '--data-root', root, '--max-lines', 4)
    assert defective.returncode == 1
    lines = defective.stdout.splitlines()
    assert [line.split() for line in lines if line.startswith(('train ', 'trainaug '))] == [
        ['train', '3', '1464'],
        ['trainaug', '-', '10582'],
    ]
    assert '... and ' in lines[-2]
    assert lines[-1].endswith(' defects')
    everything = run_script(checker, '--data-root', root, '--any-count')
    assert 'train_0001.jpg' in everything.stdout
    assert 'val_0000.png' in everything.stdout


def test_masks_of_0_and_255_are_pointed_out(run_script, voc_root):
    for path in voc_root.glob('SegmentationClass*/*.png'):
        Image.fromarray(255 * (np.asarray(Image.open(path)) > 0).astype(np.uint8)).save(path)
    checked = run_script('tools/dataset_converters/check_voc.py', '--data-root', voc_root, '--any-count')
    assert checked.returncode == 1
    for name in ('train', 'val', 'trainaug'):
        assert f'{name}: no mask holds an object (1..20), only 0, 255; masks need class indices' in checked.stdout


def test_nothing_to_check_and_nowhere_to_draw(run_script, tmp_path):
    for root, problem in ((tmp_path, 'has no lists'), (tmp_path / 'missing', 'There is no folder')):
        result = run_script('tools/dataset_converters/check_voc.py', '--data-root', root)
        assert result.returncode == 1
        assert problem in result.stderr
        assert '--data-root' in result.stderr
    (tmp_path / 'file').touch()
    result = run_script('tools/dataset_converters/synthetic_voc.py', tmp_path / 'file/VOC2012')
    assert result.returncode == 1
    assert result.stderr.startswith('error: Cannot write')
