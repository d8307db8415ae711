"""Any decode head of mmseg with global interpolation."""

import copy
import pickle

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import FCNHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_gdn.models import GlobalInterpHead

FCN = dict(in_channels=8, channels=4, num_convs=1, num_classes=5, norm_cfg=dict(type='BN'))
GDN = dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(4, 6), out_size=(32, 48), **FCN)


def samples(height, width, count=2):
    labels = torch.randint(0, 5, (count, 1, height, width))
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


@pytest.fixture
def features():
    return (torch.randn(2, 8, 4, 6), )


class TestSmoke:

    def test_is_both_heads(self):
        head = MODELS.build(GDN)
        assert isinstance(head, GlobalInterpHead)
        assert isinstance(head, FCNHead)

    def test_forward_alone_uses_the_trained_size(self, features):
        assert MODELS.build(GDN)(features).shape == (2, 5, 32, 48)

    def test_loss_uses_the_size_of_the_labels(self, features):
        losses = MODELS.build(GDN).loss(features, samples(32, 48), {})
        assert set(losses) == {'loss_ce', 'acc_seg'}
        assert losses['loss_ce'].isfinite()

    def test_predict_uses_the_size_of_the_input(self, features):
        metas = [dict(img_shape=(20, 40), pad_shape=(30, 44))] * 2
        assert MODELS.build(GDN).predict(features, metas, {}).shape == (2, 5, 30, 44)

    def test_arguments_may_be_named(self, features):
        head = MODELS.build(GDN)
        losses = head.loss(inputs=features, train_cfg={}, batch_data_samples=samples(32, 48))
        assert losses['loss_ce'].isfinite()
        assert head.predict(features, test_cfg={}, batch_img_metas=[dict(img_shape=(20, 40))] * 2).shape[2:] == (20, 40)

    def test_predict_in_a_window_uses_the_size_of_the_window(self, features):
        metas = [dict(img_shape=torch.Size((24, 40)), pad_shape=(300, 440))] * 2
        assert MODELS.build(GDN).predict(features, metas, {}).shape == (2, 5, 24, 40)


class TestStockModel:

    def test_only_the_matrices_are_missing_in_a_stock_checkpoint(self):
        result = MODELS.build(GDN).load_state_dict(MODELS.build(dict(type='FCNHead', **FCN)).state_dict(), strict=False)
        assert result.missing_keys == ['interp.kernel_h', 'interp.kernel_w']
        assert result.unexpected_keys == []

    @pytest.mark.parametrize('align_corners', [False, True])
    def test_starts_as_the_stock_head(self, features, align_corners):
        stock = MODELS.build(dict(type='FCNHead', align_corners=align_corners, **FCN)).eval()
        gdn = MODELS.build(dict(GDN, align_corners=align_corners)).eval()
        gdn.load_state_dict(stock.state_dict(), strict=False)
        for size in ((32, 48), (31, 50), (64, 64)):
            metas = [dict(img_shape=size)] * 2
            torch.testing.assert_close(
                gdn.predict(features, metas, {}), stock.predict(features, metas, {}), rtol=1e-4, atol=1e-5)

    def test_starts_with_the_stock_loss(self, features):
        stock = MODELS.build(dict(type='FCNHead', dropout_ratio=0, **FCN))
        gdn = MODELS.build(dict(GDN, dropout_ratio=0))
        gdn.load_state_dict(stock.state_dict(), strict=False)
        batch = samples(32, 48)
        torch.testing.assert_close(
            gdn.loss(features, batch, {})['loss_ce'], stock.loss(features, batch, {})['loss_ce'])


class TestOutputs:

    def test_image_level_outputs_stay_as_they_are(self):
        features = (torch.randn(2, 8, 4, 6), )
        head = MODELS.build(dict(
            type='GlobalInterpHead', base_type='EncHead', in_size=(4, 6), out_size=(32, 48), in_channels=[8],
            in_index=[0], channels=4, num_codes=3, num_classes=5,
            norm_cfg=dict(type='BN')))
        scores, image_level = head(features)[:2]
        assert scores.shape == (2, 5, 32, 48)
        assert image_level.shape == (2, 5)
        assert 'loss_se' in head.loss(features, samples(32, 48), {})


class TestCompiled:

    def test_predict_is_one_graph(self, features):
        head = MODELS.build(GDN).eval()

        def predict(x):
            return head.predict(x, [dict(img_shape=(20, 40))] * 2, {})

        compiled = torch.compile(predict, backend='eager', fullgraph=True)
        torch.testing.assert_close(compiled(features), predict(features))

    def test_forward_exports(self, features):
        class Model(torch.nn.Module):

            def __init__(self) -> None:
                super().__init__()
                self.head = MODELS.build(GDN)

            def forward(self, x):
                return self.head((x, ))

        model = Model().eval()
        exported = torch.export.export(model, features).module()
        torch.testing.assert_close(exported(*features), model(*features))


class TestErrors:

    @pytest.mark.parametrize('base_type', ['FNCHead', None, ''])
    def test_unknown_base(self, base_type):
        with pytest.raises(ValueError, match='is not a registered head.*such as'):
            MODELS.build(dict(GDN, base_type=base_type))

    @pytest.mark.parametrize('base_type', ['ResNet', 'CrossEntropyLoss', 'GlobalInterpHead', 'MaskFormerHead'])
    def test_base_of_another_kind(self, base_type):
        with pytest.raises(ValueError, match='no decode head that makes coarse score maps|not a registered head'):
            MODELS.build(dict(GDN, base_type=base_type))

    def test_in_size_that_the_network_does_not_make(self, features):
        head = MODELS.build(dict(GDN, in_size=(8, 12)))
        with pytest.raises(ValueError, match=r'makes 4x6 scores for 32x48 crops; set in_size=\(4, 6\)'):
            head.loss(features, samples(32, 48), {})

    def test_sizes_that_the_policy_cannot_serve(self, features):
        head = MODELS.build(dict(GDN, size_policy='slice'))
        with pytest.raises(ValueError, match=r'4x6 maps brought to 32x48.*size_policy to .resample'):
            head.predict(features, [dict(img_shape=(33, 48))] * 2, {})

    def test_a_failed_loss_leaves_no_size_behind(self, features):
        head = MODELS.build(dict(GDN, size_policy='error'))
        with pytest.raises(ValueError, match='cannot do'):
            head.loss(features, samples(31, 48), {})
        assert head(features).shape == (2, 5, 32, 48)


class TestCopies:

    @pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))])
    def test_a_copy_is_whole_and_apart(self, features, duplicate):
        head = MODELS.build(GDN).eval()
        twin = duplicate(head)
        assert type(twin) is type(head)
        torch.testing.assert_close(twin(features), head(features))
        with torch.no_grad():
            twin.interp.kernel_h.zero_()
        assert head.interp.kernel_h.abs().sum() > 0
