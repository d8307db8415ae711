"""What ``python -m mmseg_gdn`` says about data, weights, disk and a config."""

import shutil
from collections import namedtuple

import pytest

from mmseg_gdn import doctor, doctor_files


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(check, *args):
    return [line.text for line in check(*args)]


def test_nothing_is_there_and_each_line_says_what_to_do():
    assert all('get_voc.py' in text or 'put its folders' in text for text in texts(doctor_files.check_data))
    assert all('is missing; for the configs that start from it: ' in text for text in texts(doctor_files.check_weights))
    assert not any(line.failed for check in (doctor_files.check_data, doctor_files.check_weights) for line in check())


def test_data_that_are_there(voc_root, folder):
    (folder / 'data').mkdir()
    (folder / 'data/VOCdevkit').symlink_to(voc_root.parent)
    voc, camvid = texts(doctor_files.check_data)
    assert voc == (
        'VOC 2012 in data/VOCdevkit/VOC2012: train 2, val 2, aug 1, JPEGImages 7, SegmentationClass 4, '
        'SegmentationClassAug 1'
    )
    assert 'CamVid is not in data/CamVid' in camvid
    shutil.rmtree(voc_root / 'SegmentationClassAug')
    assert 'lacks SegmentationClassAug; to complete it: python tools' in texts(doctor_files.check_data)[0]


@pytest.mark.parametrize(
    ('free', 'failed', 'message'),
    [(10**11, False, '100.0 GB are free'), (10**9, False, 'take 3.3 GB'), (10**7, True, 'too little for checkpoints')],
)
def test_room_on_the_disk(monkeypatch, free, failed, message):
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage(10**12, 0, free))
    (line,) = doctor_files.check_disk()
    assert (line.failed, message in line.text) == (failed, True)


def test_a_work_folder_that_cannot_be_written(folder, limit_files):
    (folder / 'work_dirs').mkdir()
    limit_files(0)
    *_, line = doctor_files.check_disk()
    assert line.failed
    assert 'Cannot write in the work folder work_dirs' in line.text


def test_a_config_that_can_start(root_dir, voc_root, folder):
    path = folder / 'mine.py'
    path.write_text(f"""
_base_ = {str(root_dir / 'configs/gdn/demo_gdn.py')!r}
train_dataloader = dict(dataset=dict(data_root={str(voc_root)!r}))
val_dataloader = dict(dataset=dict(data_root={str(voc_root)!r}))
""")
    (line,) = doctor_files.check_config(str(path))
    assert not line.failed
    assert 'python tools/train.py' in line.text


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('fcn_mobilenet-v2_gdn_voc12aug.py', 'get_voc.py'),
        ('fcn_mobilenet-v2_gdn_camvid.py', 'mobilenetv2_to_mmseg.py --from-package'),
        ('no.py', 'There is no config'),
        ('deeplab-largefov_gdn_released.py', 'is for testing only'),
    ],
)
def test_configs_that_cannot_start(root_dir, name, message):
    (line,) = doctor_files.check_config(str(root_dir / 'configs/gdn' / name))
    assert line.failed
    assert message in line.text


def test_a_training_without_end(root_dir, tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"""
_base_ = {str(root_dir / 'configs/gdn/demo_gdn.py')!r}
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=2)
""")
    (line,) = doctor_files.check_config(str(path))
    assert line.failed
    assert 'an epoch would never end' in line.text


def test_the_status_is_that_of_the_config(root_dir, monkeypatch, capsys):
    for name in ('check_versions', 'check_stack', 'check_operators', 'check_devices', 'check_disk'):
        monkeypatch.setattr(doctor, name, list)
    assert doctor.report() == 0
    assert doctor.report('no.py') == 1
    assert 'There is no config no.py' in capsys.readouterr().out
