"""mmseg's own analysis tools on a config with global interpolation."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def config(root_dir, voc_root, tmp_path):
    path = tmp_path / 'stock_tools.py'
    loaders = ', '.join(f'{name}_dataloader=dict(dataset=dict(data_root={str(voc_root)!r}))'
                        for name in ('train', 'val', 'test'))
    path.write_text(f"_base_ = {str(root_dir / 'configs/gdn/demo_gdn.py')!r}\nlocals().update({loaders})\n")
    return path


@pytest.mark.slow
def test_flops_pictures_and_confusion(run_script, root_dir, config, voc_root, tmp_path):
    flops = run_script('tools/stock.py', 'analysis_tools/get_flops', config, '--shape', 128, 128)
    assert 'Flops: ' in flops.stdout, flops.stderr

    browsed = run_script('tools/stock.py', 'analysis_tools/browse_dataset', config, '--not-show', '--output-dir',
                         tmp_path / 'browse')
    assert browsed.returncode == 0, browsed.stderr
    assert sorted(path.name for path in (tmp_path / 'browse').iterdir()) == ['a.jpg', 'b.jpg']

    (tmp_path / 'predictions').mkdir()
    for name in 'de':
        mask = np.asarray(Image.open(voc_root / f'SegmentationClass/{name}.png'))
        Image.fromarray(np.where(mask == 255, 0, mask)).save(tmp_path / f'predictions/{name}.png')
    confusion = run_script('tools/stock.py', 'analysis_tools/confusion_matrix', config, tmp_path / 'predictions',
                           tmp_path / 'confusion')
    assert confusion.returncode == 0, confusion.stderr
    assert (tmp_path / 'confusion/confusion_matrix.png').is_file()


def test_unknown_tool(run_script):
    result = run_script('tools/stock.py', 'get_flop')
    assert result.returncode == 1
    assert "no tool 'get_flop'; give one of: analysis_tools/analyze_logs" in result.stderr
