"""Faults of the disk while a training runs."""

import errno
import logging

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.stopping import Stopped
from training.faults import faults_in_one_sentence, raise_log_errors


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written(tmp_path, number):
    with (
        pytest.raises(InputError, match=r'scalars\.json cannot be written .*It has no checkpoint to go on from\.$'),
        faults_in_one_sentence(tmp_path),
    ):
        raise OSError(number, 'No room', 'scalars.json')


def test_other_faults_keep_their_traceback(tmp_path):
    with pytest.raises(FileNotFoundError), faults_in_one_sentence(tmp_path):
        (tmp_path / 'nothing').read_text()
    with pytest.raises(RuntimeError, match='shapes'), faults_in_one_sentence(tmp_path):
        raise RuntimeError('shapes')


def test_ctrl_c_before_there_is_anything_to_save(tmp_path):
    with pytest.raises(Stopped, match='Stopped by Ctrl-C at once.') as stopped, faults_in_one_sentence(tmp_path):
        raise KeyboardInterrupt
    assert stopped.value.status == 130


def test_a_log_that_cannot_be_written_ends_training(tmp_path):
    logger = logging.getLogger(f'{tmp_path}')
    handler = logging.FileHandler('/dev/full')
    logger.addHandler(handler)
    logger.warning('lost')
    raise_log_errors(logger)
    with pytest.raises(InputError, match='No space left on device'), faults_in_one_sentence(tmp_path):
        logger.warning('told')
    handler.stream = None
