"""Names and colours of classes."""

import numpy as np
import pytest
from mmseg.datasets import ADE20KDataset, PascalVOCDataset

from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.visualization import legend_of_dataset


@pytest.mark.parametrize('kind', ['CheckedVOCDataset', PascalVOCDataset])
def test_voc(kind):
    legend = legend_of_dataset(dict(type=kind, data_root='nowhere'), 21)
    assert legend.names[:2] == ('background', 'aeroplane')
    assert np.array_equal(legend.palette, voc_palette())


def test_other_data_set():
    legend = legend_of_dataset(dict(type='ADE20KDataset'))
    assert len(legend.names) == 150
    assert legend.palette[:150].tolist() == ADE20KDataset.METAINFO['palette']
    assert legend.palette[255].tolist() == voc_palette()[255].tolist()


def test_chosen_classes_keep_their_colours():
    legend = legend_of_dataset(dict(type='PascalVOCDataset', metainfo=dict(classes=('person', 'robot'))), 2)
    assert legend.names == ('person', 'robot')
    assert legend.palette[0].tolist() == voc_palette()[15].tolist()
    assert legend.palette[1].tolist() == voc_palette()[1].tolist()


def test_own_colours():
    metainfo = dict(classes=('sky', 'ground'), palette=[[1, 2, 3], [4, 5, 6]])
    legend = legend_of_dataset(dict(type='BaseSegDataset', metainfo=metainfo))
    assert legend.palette[:2].tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize('dataset', [dict(type='PascalVOCDataset'), dict(type='NoSuchDataset'), {}])
def test_names_of_another_number_of_classes_are_not_used(dataset):
    legend = legend_of_dataset(dataset, 7)
    assert legend.name(3) == 'class 3'
    assert np.array_equal(legend.palette, voc_palette())
