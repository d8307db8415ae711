"""Archives for other machines, and runs as checkpoints."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from mmseg_gdn.utils import InputError

FOLDER = Path(__file__).parents[3] / 'benchmarks/accuracy'


def test_the_archive_for_another_machine(folders, voc_root, weights, tmp_path) -> None:
    from pack import WEIGHTS, pack
    from recipe import dataset

    out, unpacked = tmp_path / 'data.tar', tmp_path / 'unpacked'
    pack(dict(folders, voc=voc_root), weights, out)
    with tarfile.open(out) as archive:
        archive.extractall(unpacked, filter='data')
    assert (unpacked / WEIGHTS).read_bytes() == weights.read_bytes()
    init_default_scope('mmseg')
    for data, count in (('camvid', 3), ('voc', 3)):
        images = DATASETS.build(dataset(data, unpacked / data, 'train'))
        assert len(images) == count
        sample = images[0]
        assert max(sample['inputs'].shape[1:]) == 320
        assert sample['data_samples'].gt_sem_seg.data.shape[1:] == sample['inputs'].shape[1:]


def test_no_archive_without_weights(folders, voc_root, tmp_path) -> None:
    from pack import pack

    with pytest.raises(InputError, match=r'There are no weights .*none.pth; make them with'):
        pack(dict(folders, voc=voc_root), tmp_path / 'none.pth', tmp_path / 'data.tar')
    assert not list(tmp_path.glob('data.tar*'))


@pytest.mark.slow
def test_a_packed_data_set_trains(tiny, folders, weights, voc_root, tmp_path) -> None:
    from pack import WEIGHTS, pack
    from records import read_results
    from runner import run_missing

    pack(dict(camvid=folders['camvid'], voc=voc_root), weights, tmp_path / 'data.tar')
    with tarfile.open(tmp_path / 'data.tar') as archive:
        archive.extractall(tmp_path / 'packed', filter='data')
    packed = {name: tmp_path / 'packed' / name for name in ('camvid', 'voc')}
    with Image.open(packed['camvid'] / 'train/0.jpg') as image:
        assert image.size == (320, 240)
    run_missing(
        [tiny, replace(tiny, data='voc')],
        packed,
        dict(mobilenetv2=tmp_path / 'packed' / WEIGHTS),
        tmp_path / 'results',
        tmp_path,
    )
    assert len(read_results(tmp_path / 'results')) == 2


@pytest.mark.slow
def test_an_exported_run_fits_its_config(tiny, weights, voc_root, tmp_path) -> None:
    from export import export
    from runner import run_missing

    run = replace(tiny, data='voc', trunk='most', labels='features')
    run_missing([run], dict(voc=voc_root), dict(mobilenetv2=weights), tmp_path / 'results', tmp_path / 'scratch')
    export(run, weights, tmp_path / 'scratch', voc_root, tmp_path / 'exported.pth')
    checkpoint = torch.load(tmp_path / 'exported.pth', weights_only=True)
    assert all(value.dtype == torch.half for value in checkpoint['state_dict'].values() if value.is_floating_point())
    config = Config.fromfile(FOLDER.parents[1] / 'configs/gdn/fcn_mobilenet-v2_gdn-multilabel_voc12aug.py')
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model)
    model.load_state_dict(checkpoint['state_dict'], strict=True)
    trained = torch.load(tmp_path / 'scratch/weights' / f'{run.weights_name}.pth')
    for name in ('decode_head.interp.kernel_h', 'decode_head.conv_seg.weight'):
        torch.testing.assert_close(model.state_dict()[name], trained[name], atol=1e-3, rtol=1e-3)
