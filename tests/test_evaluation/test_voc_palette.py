"""VOC's colour map."""

from mmseg.datasets import PascalVOCDataset

from mmseg_gdn.evaluation.voc_palette import voc_palette


def test_classes_have_mmsegs_colours():
    assert voc_palette()[:21].tolist() == PascalVOCDataset.METAINFO['palette']


def test_void():
    assert voc_palette()[255].tolist() == [224, 224, 192]


def test_every_label_has_a_colour_of_its_own():
    assert len({tuple(colour) for colour in voc_palette().tolist()}) == 256
