"""Any decode head of mmseg with global interpolation."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage
from mmengine.structures import PixelData
from mmseg.models import FCNHead, ResNet
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from mmseg_gdn.models import GlobalInterpHead

FCN = dict(in_channels=8, channels=4, num_convs=1, num_classes=5, norm_cfg=dict(type='BN'))
GDN = dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(4, 6), out_size=(32, 48), **FCN)
PURE_PYTHON = f"""
from mmseg.models.decode_heads import FCNHead
from mmseg_gdn.models import GlobalInterpHead
head = {dict(GDN, type=None, base_type=None)}
head.update(type=GlobalInterpHead, base_type=FCNHead)
"""
MULTI_LABEL = dict(type='MultiLabelAuxLoss')


class OwnHead(GlobalInterpHead):
    """A user's subclass."""

    def answer(self):
        return 42


@pytest.fixture(autouse=True)
def _registered():
    MODELS.register_module(module=OwnHead)
    yield
    MODELS.module_dict.pop('OwnHead')


def samples(height, width, count=2):
    labels = torch.randint(0, 5, (count, 1, height, width))
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


@pytest.fixture
def features():
    return (torch.randn(2, 8, 4, 6),)


class TestSmoke:
    def test_is_both_heads(self):
        head = MODELS.build(GDN)
        assert isinstance(head, GlobalInterpHead)
        assert isinstance(head, FCNHead)
        assert type(head).__name__ == 'GlobalInterpHead_FCNHead'

    def test_the_base_as_a_class(self):
        assert type(MODELS.build(dict(GDN, base_type=FCNHead))) is type(MODELS.build(GDN))

    def test_a_pure_python_config_and_its_dump(self, tmp_path):
        (tmp_path / 'pure.py').write_text(PURE_PYTHON)
        Config.fromfile(tmp_path / 'pure.py').dump(tmp_path / 'dumped.py')
        for name in ('pure.py', 'dumped.py'):
            assert type(MODELS.build(Config.fromfile(tmp_path / name).head)) is type(MODELS.build(GDN))

    def test_forward_gives_coarse_scores_as_the_base_does(self, features):
        head = MODELS.build(GDN).eval()
        scores = head(features)
        assert scores.shape == (2, 5, 4, 6)
        assert torch.equal(scores, FCNHead.forward(head, features))

    def test_loss_uses_the_size_of_the_labels(self, features):
        losses = MODELS.build(GDN).loss(features, samples(32, 48), {})
        assert set(losses) == {'loss_ce', 'acc_seg'}
        assert losses['loss_ce'].isfinite()

    def test_predict_uses_the_size_of_the_input(self, features):
        metas = [dict(img_shape=(20, 40), pad_shape=(30, 44))] * 2
        head = MODELS.build(GDN).eval()
        torch.testing.assert_close(head.predict(features, metas, {}), head.interp(head(features), (30, 44)))

    def test_arguments_may_be_named(self, features):
        head = MODELS.build(GDN)
        losses = head.loss(inputs=features, train_cfg={}, batch_data_samples=samples(32, 48))
        assert losses['loss_ce'].isfinite()
        assert head.predict(features, test_cfg={}, batch_img_metas=[dict(img_shape=(20, 40))] * 2).shape[2:] == (20, 40)

    def test_predict_in_a_window_uses_the_size_of_the_window(self, features):
        metas = [dict(img_shape=torch.Size((24, 40)), pad_shape=(300, 440))] * 2
        head = MODELS.build(GDN).eval()
        torch.testing.assert_close(head.predict(features, metas, {}), head.interp(head(features), (24, 40)))


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
                gdn.predict(features, metas, {}), stock.predict(features, metas, {}), rtol=1e-4, atol=1e-5
            )

    def test_starts_with_the_stock_loss(self, features):
        stock = MODELS.build(dict(type='FCNHead', dropout_ratio=0, **FCN))
        gdn = MODELS.build(dict(GDN, dropout_ratio=0))
        gdn.load_state_dict(stock.state_dict(), strict=False)
        batch = samples(32, 48)
        torch.testing.assert_close(gdn.loss(features, batch, {})['loss_ce'], stock.loss(features, batch, {})['loss_ce'])


class TestLosses:
    def test_image_level_outputs_stay_as_they_are(self):
        features = (torch.randn(2, 8, 4, 6),)
        head = MODELS.build(
            dict(
                type='GlobalInterpHead',
                base_type='EncHead',
                in_size=(4, 6),
                out_size=(32, 48),
                in_channels=[8],
                in_index=[0],
                channels=4,
                num_codes=3,
                num_classes=5,
                norm_cfg=dict(type='BN'),
            )
        )
        scores, image_level = head(features)[:2]
        assert scores.shape == (2, 5, 4, 6)
        assert image_level.shape == (2, 5)
        losses = head.loss(features, samples(32, 48), {})
        assert 'loss_se' in losses
        assert head.predict(features, [dict(img_shape=(32, 48))] * 2, {}).shape == (2, 5, 32, 48)

    @pytest.mark.parametrize('loss', [dict(type='CrossEntropyLoss'), dict(type='DiceLoss')], ids=['fused', 'full size'])
    def test_label_branch_adds_its_loss(self, features, loss):
        head = MODELS.build(
            dict(
                GDN,
                loss_decode=loss,
                dropout_ratio=0,
                label_branch=dict(hidden_channels=7, loss_decode=dict(MULTI_LABEL, loss_weight=0.5)),
            )
        )
        batch = samples(32, 48)
        losses = head.loss(features, batch, {})
        masks = torch.stack([sample.gt_sem_seg.data[0] for sample in batch])
        expected = head.label_branch.loss(head(features), masks, 255)['loss_mlc']
        torch.testing.assert_close(losses['loss_mlc'], expected)
        losses['loss_mlc'].backward()
        assert head.conv_seg.weight.grad.abs().sum() > 0
        assert head.interp.kernel_h.grad is None

    def test_label_branch_leaves_out_the_ignored_label(self, features):
        head = MODELS.build(dict(GDN, ignore_index=3, dropout_ratio=0, label_branch={}))
        losses = head.loss(features, samples(32, 48), {})
        present = torch.tensor([[1.0, 1, 0, 1]] * 2)
        expected = F.binary_cross_entropy_with_logits(head.label_branch(head(features)), present)
        torch.testing.assert_close(losses['loss_mlc'], expected)

    def test_label_branch_changes_no_prediction(self, features):
        plain, branched = MODELS.build(GDN).eval(), MODELS.build(dict(GDN, label_branch={})).eval()
        missing = branched.load_state_dict(plain.state_dict(), strict=False).missing_keys
        assert missing
        assert all(key.startswith('label_branch.') for key in missing)
        metas = [dict(img_shape=(32, 48))] * 2
        assert torch.equal(plain.predict(features, metas, {}), branched.predict(features, metas, {}))

    def test_losses_of_equal_name_add_up(self, features):
        loss = dict(type='CrossEntropyLoss', loss_name='loss_all')
        branch = dict(loss_decode=[dict(MULTI_LABEL, loss_name='loss_all'), dict(MULTI_LABEL, loss_name='loss_all')])
        head = MODELS.build(dict(GDN, loss_decode=loss, dropout_ratio=0, label_branch=branch))
        batch = samples(32, 48)
        total = head.loss(features, batch, {})['loss_all']
        masks = torch.stack([sample.gt_sem_seg.data[0] for sample in batch])
        one = head.label_branch.losses[0](head.label_branch(head(features)), masks)
        head.label_branch = None
        torch.testing.assert_close(total, head.loss(features, batch, {})['loss_all'] + 2 * one)

    def test_no_parameter_is_unused_under_ddp(self, features, tmp_path):
        distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
        try:
            head = MODELS.build(dict(GDN, label_branch={}))
            batch = samples(32, 48)
            model = DistributedDataParallel(Losses(head), find_unused_parameters=False)
            # The second pass fails if a parameter got no gradient in the first.
            for _ in range(2):
                losses = model(features, batch)
                sum(value for name, value in losses.items() if 'loss' in name).backward()
            assert all(parameter.grad is not None for parameter in head.parameters())
        finally:
            distributed.destroy_process_group()


class Losses(torch.nn.Module):
    """Losses as the forward pass, which DDP wraps."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, features, batch):
        return self.head.loss(features, batch, {})


class TestThreads:
    def test_two_threads_predict_at_different_sizes(self, features):
        head = MODELS.build(GDN).eval()
        sizes = (32, 48), (20, 40)
        with torch.no_grad():
            expected = {size: head.predict(features, [dict(img_shape=size)] * 2, {}) for size in sizes}

        @torch.no_grad()
        def wrong_ones(size):
            results = (head.predict(features, [dict(img_shape=size)] * 2, {}) for _ in range(500))
            return sum(not torch.equal(result, expected[size]) for result in results)

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(wrong_ones, sizes)) == [0, 0]

    def test_one_thread_trains_while_another_predicts(self, features):
        head = MODELS.build(dict(GDN, norm_cfg=None, dropout_ratio=0))
        batch, size = samples(32, 48), (20, 40)
        with torch.no_grad():
            scores = head.predict(features, [dict(img_shape=size)] * 2, {})
        loss = head.loss(features, batch, {})['loss_ce']

        def losses():
            return sum(not torch.equal(head.loss(features, batch, {})['loss_ce'], loss) for _ in range(100))

        def predictions():
            results = (head.predict(features, [dict(img_shape=size)] * 2, {}) for _ in range(100))
            return sum(not torch.equal(result, scores) for result in results)

        with ThreadPoolExecutor(2) as pool:
            assert [future.result() for future in (pool.submit(losses), pool.submit(predictions))] == [0, 0]


class TestCompiled:
    def test_predict_is_one_graph(self, features):
        head = MODELS.build(GDN).eval()

        def predict(x):
            return head.predict(x, [dict(img_shape=(20, 40))] * 2, {})

        compiled = torch.compile(predict, backend='eager', fullgraph=True)
        torch.testing.assert_close(compiled(features), predict(features))

    def test_predict_exports(self, features):
        class Model(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = MODELS.build(GDN)

            def forward(self, x):
                return self.head.predict((x,), [dict(img_shape=(20, 40))] * 2, {})

        model = Model().eval()
        exported = torch.export.export(model, features).module()
        torch.testing.assert_close(exported(*features), model(*features))

    def test_torchscript_saves_and_loads(self, features, tmp_path):
        class Model(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = MODELS.build(dict(GDN, label_branch={}))

            def forward(self, x):
                return self.head((x,))

        model = Model().eval()
        torch.jit.trace(model, features).save(tmp_path / 'head.pt')
        torch.testing.assert_close(torch.jit.load(tmp_path / 'head.pt')(*features), model(*features))


class TestErrors:
    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            (dict(num_clases=21), r"base_type='FCNHead' has no key num_clases .*; did you mean num_classes\?"),
            (dict(num_convolutions=2, num_convs=None), 'has no key num_convolutions .*; did you mean num_convs'),
            (dict(nonsense=2), 'has no key nonsense .*; remove or correct it'),
            (dict(in_size=None), r'needs the key in_size=\(height, width\), but the config does not set it'),
            (dict(out_size=None, out_sizes=(32, 48)), 'does not set it; it has out_sizes instead'),
            (dict(channels=None), 'lacks the key channels; add it'),
        ],
    )
    def test_misspelt_and_missing_keys(self, change, message):
        config = {key: value for key, value in {**GDN, **change}.items() if value is not None}
        with pytest.raises(ValueError, match=message):
            MODELS.build(config)

    def test_a_base_with_a_similar_name(self):
        with pytest.raises(ValueError, match=r'base_type=.FCNHed. is not a registered head; did you mean FCNHead\?'):
            MODELS.build(dict(GDN, base_type='FCNHed'))

    @pytest.mark.parametrize('base_type', ['FNCHead', None, '', 5])
    def test_unknown_base(self, base_type):
        with pytest.raises(ValueError, match='is not a registered head.*(such as|did you mean)'):
            MODELS.build(dict(GDN, base_type=base_type))

    @pytest.mark.parametrize('base_type', ['ResNet', ResNet, 'CrossEntropyLoss', 'GlobalInterpHead', 'MaskFormerHead'])
    def test_base_of_another_kind(self, base_type):
        with pytest.raises(ValueError, match='needs a decode head that predicts|not a registered head'):
            MODELS.build(dict(GDN, base_type=base_type))

    def test_a_class_is_named_as_in_the_config(self):
        with pytest.raises(ValueError, match='with base_type=FCNHead has no key nonsense'):
            MODELS.build(dict(GDN, base_type=FCNHead, nonsense=2))

    @pytest.mark.parametrize('policy', ['resample', 'slice', 'error'])
    def test_in_size_that_the_network_does_not_make(self, features, policy):
        head = MODELS.build(dict(GDN, in_size=(8, 12), size_policy=policy))
        with pytest.raises(
            ValueError,
            match=r'computes 4x6 scores of 32x48 crops; set in_size=\(4, 6\), '
            r'out_size=\(32, 48\) in the GlobalInterpHead config\.$',
        ):
            head.loss(features, samples(32, 48), {})

    @pytest.mark.parametrize('policy', ['resample', 'error'])
    def test_training_on_another_crop_is_an_error_with_the_right_sizes(self, policy):
        head = MODELS.build(dict(GDN, size_policy=policy))
        with pytest.raises(
            ValueError,
            match=r'computes 2x3 scores of 16x24 crops; set in_size=\(2, 3\), '
            r'out_size=\(16, 24\).*or any_train_size=True',
        ):
            head.loss((torch.randn(2, 8, 2, 3),), samples(16, 24), {})

    @pytest.mark.parametrize('asked', [dict(any_train_size=True), dict(size_policy='slice')], ids=str)
    def test_training_on_another_crop_when_asked_for(self, asked):
        head = MODELS.build(dict(GDN, **asked))
        loss = head.loss((torch.randn(2, 8, 2, 3),), samples(16, 24), {})['loss_ce']
        loss.backward()
        assert head.interp.kernel_h.grad.abs().sum() > 0

    def test_a_validation_loss_may_be_of_any_size(self):
        head = MODELS.build(GDN).eval()
        assert head.loss((torch.randn(2, 8, 2, 3),), samples(16, 24), {})['loss_ce'].isfinite()

    def test_sizes_that_the_policy_cannot_serve(self, features):
        head = MODELS.build(dict(GDN, size_policy='slice'))
        with pytest.raises(ValueError, match=r'upsample 4x6 maps to 32x48.*size_policy to .resample'):
            head.predict(features, [dict(img_shape=(33, 48))] * 2, {})


class TestCopies:
    @pytest.mark.parametrize(
        'duplicate',
        [
            copy.deepcopy,
            lambda head: pickle.loads(pickle.dumps(head)),
            lambda head: ExponentialMovingAverage(head).module,
        ],
        ids=['deepcopy', 'pickle', 'EMA'],
    )
    @pytest.mark.parametrize('type_', ['GlobalInterpHead', 'OwnHead'])
    def test_a_copy_is_whole_and_apart(self, features, duplicate, type_):
        head = MODELS.build(dict(GDN, type=type_)).eval()
        twin = duplicate(head)
        assert type(twin) is type(head)
        metas = [dict(img_shape=(32, 48))] * 2
        torch.testing.assert_close(twin.predict(features, metas, {}), head.predict(features, metas, {}))
        with torch.no_grad():
            twin.interp.kernel_h.zero_()
        assert head.interp.kernel_h.abs().sum() > 0

    def test_a_subclass_keeps_its_methods(self):
        head = MODELS.build(dict(GDN, type='OwnHead'))
        for twin in (copy.deepcopy(head), pickle.loads(pickle.dumps(head)), head._replicate_for_data_parallel()):
            assert type(twin) is type(head)
            assert twin.answer() == 42

    def test_a_replica_computes_the_same(self, features):
        """What torch.nn.parallel.replicate does for each device, without its copies of the weights."""
        head = MODELS.build(GDN).eval()
        replica = head._replicate_for_data_parallel()
        replica._modules = dict(head._modules)
        metas = [dict(img_shape=(32, 48))] * 2
        torch.testing.assert_close(replica.predict(features, metas, {}), head.predict(features, metas, {}))


class TestOtherCrops:
    def test_learned_matrices_move_to_another_crop(self, features):
        learned = MODELS.build(GDN)
        with torch.no_grad():
            for kernel in (learned.interp.kernel_h, learned.interp.kernel_w):
                kernel += 0.1 * torch.randn_like(kernel)
        head = MODELS.build(dict(GDN, in_size=(8, 6), out_size=(64, 48)))
        result = head.load_state_dict(learned.state_dict())
        assert result.missing_keys == []
        assert torch.equal(head.interp.kernel_w, learned.interp.kernel_w)
        tall = F.interpolate(features[0], (8, 6))
        expected = learned.eval().predict((tall,), [dict(img_shape=(64, 48))] * 2, {})
        torch.testing.assert_close(head.eval().predict((tall,), [dict(img_shape=(64, 48))] * 2, {}), expected)
