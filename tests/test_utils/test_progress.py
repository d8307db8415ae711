"""Progress of large files."""

import pytest

from mmseg_gdn.utils.progress import byte_progress


def test_small_files_show_nothing(capsys):
    with byte_progress(2**20) as show:
        show(2**20)
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize(('size', 'last'), [(100 * 2**20, '100/100'), (None, 'completed: 100')])
def test_large_ones_and_those_of_unknown_size(capsys, size, last):
    with byte_progress(size) as show:
        for position in range(0, 100 * 2**20 + 1, 2**19):
            show(position)
    shown = capsys.readouterr().err
    assert last in shown.split('\r')[-1]
    assert shown.endswith('\n')
