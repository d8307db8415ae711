"""The newest checkpoint that is intact, wherever its folder lies now."""

import shutil

import pytest
import torch

from mmseg_gdn.engine.newest_checkpoint import newest_checkpoint, what_can_be_resumed, written_checkpoints


@pytest.fixture
def folder(tmp_path):
    """A work folder with three checkpoints, a best one, and other files."""
    folder = tmp_path / 'run'
    folder.mkdir()
    for iteration in (8, 9, 10):
        save(folder / f'iter_{iteration}.pth', iteration)
    save(folder / 'best_mIoU_iter_11.pth', 11)
    torch.save({}, folder / 'start.pth')
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_10.pth'))
    return folder


def save(path, iteration):
    torch.save(
        dict(state_dict={'weight': torch.randn(1000)}, optimizer={}, message_hub={}, meta=dict(iter=iteration)), path
    )


def flip(path):
    """Flip 64 bytes in the middle, where the weights are."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - byte for byte in content[middle : middle + 64])
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b'')


def leave_weights_only(path):
    torch.save(dict(state_dict={'weight': torch.zeros(1)}), path)


def test_the_most_iterations_count_not_the_order_of_names(folder):
    assert newest_checkpoint(folder) == folder / 'iter_10.pth'
    assert what_can_be_resumed(folder) == f'To go on from {folder / "iter_10.pth"}, add --resume.'


@pytest.mark.parametrize('damage', [flip, cut, empty, leave_weights_only])
def test_damaged_ones_are_passed_over_with_a_warning(folder, damage, monkeypatch):
    told = []
    monkeypatch.setattr('mmseg_gdn.engine.newest_checkpoint.print_log', lambda message, *args: told.append(message))
    damage(folder / 'iter_10.pth')
    assert newest_checkpoint(folder) == folder / 'iter_9.pth'
    assert any('Passed over' in message and 'iter_10.pth' in message for message in told)


@pytest.mark.parametrize('note', ['', 'elsewhere/iter_10.pth', None])
def test_the_note_is_not_needed(folder, note):
    path = folder / 'last_checkpoint'
    path.unlink() if note is None else path.write_text(note)
    assert newest_checkpoint(folder) == folder / 'iter_10.pth'


def test_a_copied_folder_has_its_own(folder, tmp_path):
    shutil.copytree(folder, tmp_path / 'copy')
    assert newest_checkpoint(tmp_path / 'copy') == tmp_path / 'copy/iter_10.pth'


def test_the_note_leads_to_checkpoints_in_another_place(folder, tmp_path):
    (tmp_path / 'logs').mkdir()
    shutil.copy(folder / 'last_checkpoint', tmp_path / 'logs')
    assert newest_checkpoint(tmp_path / 'logs') == folder / 'iter_10.pth'


def test_there_may_be_none(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    assert written_checkpoints(tmp_path) == []
    assert what_can_be_resumed(tmp_path) == 'It has no checkpoint to go on from.'
