"""What tools/test.py makes of a config and its options, and what it refuses."""

import pickle
import tarfile

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS, MODELS
from PIL import Image

from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.dense_crf import DenseCRF
from mmseg_gdn.utils import InputError
from tested_metrics import refine_with_crf, submit_instead_of_evaluating, write_classes

PARTS = """
parts = [
    dict(type='CheckedVOCDataset', data_root=_base_.data_root, ann_file=f'ImageSets/Segmentation/{ids}.txt',
         data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'), pipeline=_base_.test_pipeline)
    for ids in ('val', 'train')]
"""
TWO_SETS = (
    PARTS
    + """
test_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=parts))
"""
)
ONE_WRAPPED_SET = (
    PARTS
    + """
test_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=1, dataset=parts[0]))
"""
)


@pytest.fixture
def weights(gdn_config):
    return MODELS.build(Config.fromfile(gdn_config).model).state_dict()


@pytest.fixture
def checkpoint(weights, tmp_path):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=weights), path)
    return path


@pytest.fixture
def unlabeled(voc_root):
    return voc_root / 'ImageSets/Segmentation/test.txt'


class MeanScore(BaseMetric):
    """A metric of one's own, of full-size scores."""

    def process(self, data_batch, data_samples):
        self.results.extend(sample['seg_logits']['data'].shape for sample in data_samples)

    def compute_metrics(self, results):
        return dict(channels=results[0][0], rows=results[0][1])


@pytest.fixture
def _own_metric():
    METRICS.register_module(module=MeanScore)
    yield
    METRICS.module_dict.pop('MeanScore')


@pytest.mark.slow
class TestScores:
    @pytest.mark.usefixtures('_own_metric')
    def test_a_metric_of_scores(self, run_test, child, checkpoint):
        log = run_test(
            child("""
model = dict(type='EncoderDecoder')
test_evaluator = dict(_delete_=True, type='MeanScore')
"""),
            checkpoint,
        )
        assert 'channels: 21  rows: 48' in log
        assert log.count('GlobalInterpEncoderDecoder replaces EncoderDecoder') == 1

    def test_dumped_results(self, run_test, child, checkpoint, tmp_path):
        dumped = tmp_path / 'dumped.pkl'
        run_test(
            child(f"""
test_evaluator = [dict(type='IoUMetric'), dict(type='DumpResults', out_file_path={str(dumped)!r})]
"""),
            checkpoint,
            '--out',
            tmp_path / 'plain',
        )
        first, second = pickle.loads(dumped.read_bytes())
        assert first['seg_logits']['data'].shape == (21, 48, 64)
        assert torch.equal(second['seg_logits']['data'].argmax(0), second['pred_sem_seg']['data'][0])
        assert sorted(path.name for path in (tmp_path / 'plain').iterdir()) == ['d.png', 'e.png']

    def test_a_stock_checkpoint(self, run_test, child, weights, tmp_path):
        stock = {key: value for key, value in weights.items() if 'interp' not in key and 'auxiliary' not in key}
        torch.save(stock, tmp_path / 'stock.pth')
        config = child("""
model = dict(decode_head=dict(label_branch=dict(loss_decode=dict(type='MultiLabelAuxLoss'))))
""")
        assert 'mIoU: ' in run_test(config, tmp_path / 'stock.pth')


@pytest.mark.slow
@pytest.mark.slow
def test_a_config_without_visualizer_can_be_painted(run_test, child, checkpoint, tmp_path):
    run_test(child('visualizer = None'), checkpoint, '--show-dir', tmp_path / 'painted')
    painted = sorted((tmp_path / 'painted').rglob('*.png'))
    assert painted
    assert all(np.ptp(np.asarray(Image.open(path))) > 0 for path in painted)


class TestSubmission:
    @pytest.mark.parametrize('text', ['', ONE_WRAPPED_SET])
    def test_with_plain_masks_and_a_list_of_windows(self, text, run_test, child, checkpoint, tmp_path):
        (tmp_path / 'test.txt').write_bytes(b'\xef\xbb\xbff\r\n\r\ng\r\n')
        run_test(
            child(text),
            checkpoint,
            '--submission',
            tmp_path / 'a.tgz',
            '--ids',
            tmp_path / 'test.txt',
            '--out',
            tmp_path / 'plain',
        )
        assert check_submission(tmp_path / 'a.tgz', ['f', 'g']) == (2, [])
        assert sorted(path.name for path in (tmp_path / 'plain').iterdir()) == ['f.png', 'g.png']

    def test_of_several_data_sets(self, run_test, child, checkpoint, tmp_path):
        run_test(child(TWO_SETS), checkpoint, '--submission', tmp_path / 'a.tgz')
        with tarfile.open(tmp_path / 'a.tgz') as archive:
            assert [name[-5:] for name in archive.getnames()] == ['a.png', 'b.png', 'd.png', 'e.png']

    def test_without_annotations_for_augmented_images(self, run_test, child, checkpoint, unlabeled, tmp_path):
        run_test(child(ONE_WRAPPED_SET), checkpoint, '--submission', tmp_path / 'a.tgz', '--ids', unlabeled, '--tta')
        assert check_submission(tmp_path / 'a.tgz', ['f', 'g']) == (2, [])

    @pytest.mark.parametrize('name', ['num_classes=20', 'num_classes=150'])
    def test_of_another_number_of_classes(self, name, run_test, child, checkpoint, tmp_path):
        config = child(f'model = dict(decode_head=dict({name}))')
        with pytest.raises(InputError, match=f'The model has {name[12:]} classes, but a VOC submission needs the 21'):
            run_test(config, checkpoint, '--submission', tmp_path / 'a.tgz')
        assert not (tmp_path / 'a.tgz').exists()

    def test_of_another_data_set(self, run_test, child, checkpoint, tmp_path):
        config = child("test_dataloader = dict(dataset=dict(metainfo=dict(classes=('background', 'cat'))))")
        with pytest.raises(InputError, match='The data set has 2 classes'):
            run_test(config, checkpoint, '--submission', tmp_path / 'a.tgz')
        assert not (tmp_path / 'a.tgz').exists()


STRONG = ['--crf', '--crf-workers', 1, '--cfg-options', 'crf.bi_w=40', 'crf.bi_xy=10', 'crf.bi_rgb=60']


@pytest.mark.slow
class TestCRF:
    @pytest.fixture
    def checkpoint(self, weights, tmp_path):
        """Weights with which neighbouring pixels belong to different classes."""
        for name in ('decode_head.interp.kernel_h', 'decode_head.interp.kernel_w', 'decode_head.conv_seg.weight'):
            weights[name].normal_()
        torch.save(dict(state_dict=weights), tmp_path / 'vivid.pth')
        return tmp_path / 'vivid.pth'

    def test_refined_classes_are_written_and_measured(self, run_test, child, checkpoint, voc_root, tmp_path):
        dumped = tmp_path / 'dumped.pkl'
        log = run_test(
            child(f"""
model = dict(type='EncoderDecoder')
test_evaluator = [dict(type='IoUMetric'), dict(type='DumpResults', out_file_path={str(dumped)!r})]
"""),
            checkpoint,
            '--out',
            tmp_path / 'plain',
            *STRONG,
        )
        assert 'GlobalInterpEncoderDecoder replaces EncoderDecoder' in log
        assert 'mIoU: ' in log
        assert 'bi_w=40, bi_xy=10, bi_rgb=60, pos_w=3.0, pos_xy=3.0) refines predictions; processes: 1' in log
        for name, sample in zip('de', pickle.loads(dumped.read_bytes())):
            image = np.asarray(Image.open(voc_root / f'JPEGImages/{name}.jpg'))
            scores = sample['seg_logits']['data']
            expected = DenseCRF(bi_w=40, bi_xy=10, bi_rgb=60).refine(image, scores.softmax(0).numpy()).argmax(0)
            assert np.array_equal(np.asarray(Image.open(tmp_path / f'plain/{name}.png')), expected)
            assert not np.array_equal(scores.argmax(0), expected)

    def test_archive_of_augmented_images(self, run_test, child, checkpoint, unlabeled, voc_root, tmp_path):
        run_test(child(''), checkpoint, '--submission', tmp_path / 'a.tgz', '--ids', unlabeled, '--tta', *STRONG)
        assert check_submission(tmp_path / 'a.tgz', ['f', 'g'], voc_root / 'JPEGImages') == (2, [])


class TestCRFOptions:
    def test_where_the_evaluator_goes(self, gdn_config):
        cfg = Config.fromfile(gdn_config)
        cfg.crf, metrics = dict(bi_w=5), cfg.test_evaluator
        cfg.test_dataloader.dataset.pipeline[0].imdecode_backend = 'pillow'
        refine_with_crf(cfg, None)
        write_classes(cfg, str(gdn_config.parent / 'plain'))
        evaluator = cfg.test_evaluator
        assert (evaluator.type, evaluator.crf, evaluator.workers) == ('CRFEvaluator', dict(bi_w=5), None)
        assert evaluator.loading == dict(type='LoadCheckedImage', imdecode_backend='pillow')
        assert [metric.type for metric in evaluator.metrics] == [metric.type for metric in metrics]
        assert evaluator.metrics[0].output_dir.endswith('plain')
        submit_instead_of_evaluating(cfg, 'a.tgz', 'comp6')
        refine_with_crf(cfg, 3)
        assert cfg.test_evaluator == dict(
            evaluator, workers=3, metrics=[dict(type='VOCSubmission', out='a.tgz', competition='comp6')]
        )

    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            ('crf = dict(bi_w=-3)', 'bi_w of the CRF is a number, 0 or more, but got -3'),
            ("test_evaluator = dict(_delete_=True, type='Own', metrics=[dict(type='IoUMetric')])", "type is 'Own'"),
        ],
    )
    def test_configs_that_fit_no_crf(self, text, message, run_test, child, checkpoint):
        with pytest.raises(InputError, match=message):
            run_test(child(text), checkpoint, '--crf')

    @pytest.mark.parametrize('args', [['--crf-workers', 2], ['--crf', '--crf-workers', 0]])
    def test_processes_without_meaning(self, args, run_test, gdn_config, checkpoint, capsys):
        with pytest.raises(SystemExit):
            run_test(gdn_config, checkpoint, *args)
        assert '--crf-workers is a number of processes, 1 or more, and needs --crf' in capsys.readouterr().err


class TestRefusals:
    @pytest.mark.parametrize(
        ('text', 'args', 'message'),
        [
            ('', [], r'Name the checkpoint to test after .*\.py'),
            (
                "model = dict(_delete_=True, type='Ensemble', members=[])",
                ['model.pth'],
                r'is an Ensemble, whose members have their own checkpoints; leave out model\.pth',
            ),
            ("model = dict(_delete_=True, type='Ensemble', members=[])", ['--tta'], '--tta does not reach the members'),
        ],
    )
    def test_checkpoints_and_ensembles(self, text, args, message, run_test, child):
        with pytest.raises(InputError, match=message):
            run_test(child(text), *args)

    @pytest.mark.parametrize(
        ('text', 'args', 'message'),
        [
            ('', ['--ids', 'tset.txt'], r'There is no list tset\.txt'),
            (TWO_SETS, ['--ids', '{ids}'], 'the test set joins 2 of them'),
            (
                'test_dataloader = None',
                ['--submission', '{out}'],
                'has no test set, because it sets no test_dataloader;',
            ),
            ('test_cfg = test_evaluator = None', [], 'sets no test_cfg and no test_evaluator'),
            ('', ['--out', '{ids}'], r'Cannot create the folder .*test\.txt'),
        ],
    )
    def test_options_that_fit_no_test(self, text, args, message, run_test, child, checkpoint, unlabeled, tmp_path):
        args = [arg.format(ids=unlabeled, out=tmp_path / 'a.tgz') for arg in args]
        with pytest.raises(InputError, match=message):
            run_test(child(text), checkpoint, *args)
        assert not (tmp_path / 'a.tgz').exists()

    def test_official_names_without_their_images(self, run_test, gdn_config, checkpoint, tmp_path):
        (tmp_path / 'official.txt').write_text('f\n2008_000006\n2008_000011\n')
        with pytest.raises(InputError) as stop:
            run_test(gdn_config, checkpoint, '--submission', tmp_path / 'a.tgz', '--ids', tmp_path / 'official.txt')
        message = str(stop.value)
        assert message.startswith(f'2 of the 3 images that {tmp_path / "official.txt"} names are not in ')
        assert 'the first of them 2008_000006.jpg' in message
        assert 'after registration' in message
        assert not (tmp_path / 'a.tgz').exists()

    @pytest.mark.parametrize('place', ['default_hooks = dict(check_checkpoint={})', 'custom_hooks = [{}]'])
    def test_a_checkpoint_that_fits_in_part(self, place, run_test, child, weights, tmp_path):
        torch.save(dict(weights, **{'decode_head.conv_seg.bias': torch.zeros(19)}), tmp_path / 'other.pth')
        config = child(place.format("dict(type='CheckpointCheckHook', partial=True)"))
        with pytest.raises(InputError, match=r'decode_head\.conv_seg\.bias is \(19,\) instead of \(21,\)'):
            run_test(config, tmp_path / 'other.pth')

    def test_a_missing_checkpoint(self, run_test, gdn_config, tmp_path):
        with pytest.raises(InputError, match='There is no checkpoint'):
            run_test(gdn_config, tmp_path / 'no.pth')
