"""The multi-label loss and the image labels it derives from masks."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.autograd import gradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg_gdn.models import MultiLabelAuxLoss
from mmseg_gdn.models.losses.multi_label_aux_loss import image_labels

MASK = torch.tensor([[[0, 0, 1], [255, 3, 3]], [[0, 0, 0], [0, 2, 255]]])


class TestImageLabels:
    def test_classes_present(self):
        assert image_labels(MASK, 4).tolist() == [[1, 1, 0, 1], [1, 0, 1, 0]]

    def test_share_is_of_the_valid_pixels(self):
        assert image_labels(MASK, 4, min_share=0.2).tolist() == [[1, 1, 0, 1], [1, 0, 1, 0]]
        assert image_labels(MASK, 4, min_share=0.21).tolist() == [[1, 0, 0, 1], [1, 0, 0, 0]]

    def test_the_pixels_of_a_row_share_places_to_count_in_but_not_those_of_an_image(self):
        # Thousands of GPU threads would wait for each other otherwise.
        class Scattered(TorchDispatchMode):
            shapes = []

            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                if 'scatter' in str(function):
                    self.shapes.append(tuple(args[0].shape))
                return function(*args, **(kwargs or {}))

        with Scattered() as scattered:
            image_labels(torch.zeros(2, 64, 48, dtype=torch.long), 5)
        assert scattered.shapes == [(2, 64, 6)]

    def test_nothing_is_in_a_void_image(self):
        assert image_labels(torch.full((1, 2, 2), 255), 3).tolist() == [[0, 0, 0]]

    @pytest.mark.parametrize('value', [4, 254, -1])
    def test_names_a_value_that_is_no_class(self, value):
        mask = MASK.clone()
        mask[1, 0, 0] = value
        with pytest.raises(ValueError, match=f'holds the value {value}, but only 0..3 and 255'):
            image_labels(mask, 4)

    @settings(deadline=None)
    @given(arrays(np.int64, (2, 4, 5), elements=st.sampled_from([0, 1, 2, 3, 4, 255])))
    def test_equals_a_search_pixel_by_pixel(self, mask):
        expected = [[float((image == c).any()) for c in range(5)] for image in mask]
        assert image_labels(torch.from_numpy(mask), 5).tolist() == expected

    @settings(deadline=None)
    @given(arrays(np.int64, (2, 4, 5), elements=st.sampled_from([0, 1, 2, 3, 4, 255])), st.floats(0.01, 0.99))
    def test_shares_equal_a_search_pixel_by_pixel(self, mask, share):
        expected = [
            [
                float((image == c).any() and (image == c).sum() >= np.float32((image != 255).sum() * share))
                for c in range(5)
            ]
            for image in mask
        ]
        assert image_labels(torch.from_numpy(mask), 5, min_share=share).tolist() == expected


class TestMultiLabelAuxLoss:
    def test_mean_over_images_and_classes(self):
        logits = torch.randn(2, 3)
        targets = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
        expected = F.binary_cross_entropy_with_logits(logits, targets)
        torch.testing.assert_close(MultiLabelAuxLoss()(logits, MASK), expected)

    def test_caffe_divides_by_images_only(self):
        logits = torch.randn(2, 3)
        mean = MultiLabelAuxLoss()(logits, MASK)
        torch.testing.assert_close(MultiLabelAuxLoss(normalization='caffe')(logits, MASK), mean * 3)

    def test_background_takes_part_when_asked(self):
        logits = torch.randn(2, 4)
        expected = F.binary_cross_entropy_with_logits(logits, image_labels(MASK, 4))
        torch.testing.assert_close(MultiLabelAuxLoss(with_background=True)(logits, MASK), expected)

    @pytest.mark.parametrize(('pool', 'pooled'), [('avg', lambda x: x.mean((2, 3))), ('max', lambda x: x.amax((2, 3)))])
    def test_pools_segmentation_logits(self, pool, pooled):
        scores = torch.randn(2, 4, 5, 6)
        expected = MultiLabelAuxLoss()(pooled(scores)[:, 1:], MASK)
        torch.testing.assert_close(MultiLabelAuxLoss(pool=pool)(scores, MASK), expected)

    def test_known_labels_take_the_place_of_masks(self):
        logits = torch.randn(2, 3)
        labels = image_labels(MASK, 4)[:, 1:]
        torch.testing.assert_close(MultiLabelAuxLoss()(logits, labels), MultiLabelAuxLoss()(logits, MASK))

    def test_another_void_label(self):
        logits = torch.randn(2, 3)
        mask = MASK.where(MASK != 255, 1)
        targets = torch.tensor([[0.0, 0, 1], [0, 1, 0]])
        expected = F.binary_cross_entropy_with_logits(logits, targets)
        torch.testing.assert_close(MultiLabelAuxLoss()(logits, mask, ignore_index=1), expected)

    def test_weight_and_name(self):
        logits = torch.randn(2, 3)
        loss = MultiLabelAuxLoss(loss_weight=0.25, loss_name='loss_classes')
        assert loss.loss_name == 'loss_classes'
        torch.testing.assert_close(loss(logits, MASK), 0.25 * MultiLabelAuxLoss()(logits, MASK))

    def test_half_precision_is_computed_in_full(self):
        logits = torch.randn(2, 3) * 30
        loss = MultiLabelAuxLoss()(logits.bfloat16(), MASK)
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, MultiLabelAuxLoss()(logits.bfloat16().float(), MASK))

    def test_gradcheck(self):
        logits = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
        assert gradcheck(lambda x: MultiLabelAuxLoss(normalization='caffe')(x, MASK), logits)

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            (dict(normalization='sum'), "'mean' or 'caffe'"),
            (dict(pool='min'), "'avg' or 'max'"),
            (dict(min_share=1.0), 'share of the pixels'),
        ],
    )
    def test_arguments_that_mean_nothing(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            MultiLabelAuxLoss(**arguments)

    def test_no_class_beside_the_background(self):
        for logits in (torch.zeros(2, 1, 4, 4), torch.zeros(2, 0)):
            with pytest.raises(ValueError, match='no class is left beside the background'):
                MultiLabelAuxLoss()(logits, MASK)
        assert MultiLabelAuxLoss(with_background=True)(torch.zeros(2, 1, 4, 4), torch.zeros_like(MASK)).isfinite()

    def test_shapes_that_do_not_fit(self):
        with pytest.raises(ValueError, match=r'logits \(N, K\) or segmentation'):
            MultiLabelAuxLoss()(torch.zeros(2, 3, 4), MASK)
        with pytest.raises(ValueError, match=r'logits of shape \(3, 3\), but got \(2, 2, 3\)'):
            MultiLabelAuxLoss()(torch.zeros(3, 3), MASK)
