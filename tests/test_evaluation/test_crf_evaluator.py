"""The evaluator that refines predictions in processes."""

import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.registry import EVALUATOR
from mmengine.structures import PixelData
from mmseg.datasets import PascalVOCDataset
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample
from PIL import Image

from mmseg_gdn.evaluation import CRFEvaluator, VOCSubmission, crf_evaluator
from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.dense_crf import DenseCRF
from mmseg_gdn.structures import DeferredPixelData
from mmseg_gdn.utils import InputError

CRF = dict(iterations=2, bi_w=12, bi_xy=10, bi_rgb=20, pos_w=6, pos_xy=3)
CLASSES = 21


class Recorder(BaseMetric):
    """Keeps what it gets."""

    default_prefix = 'test'

    def process(self, data_batch, data_samples):
        self.results.extend((data_batch, sample) for sample in data_samples)

    def compute_metrics(self, results):
        return dict(images=len(results))


@pytest.fixture
def folder(tmp_path):
    """Six images of different sizes and colours."""
    generator = np.random.default_rng(0)
    for index in range(6):
        # The first ones take longest, so that without care they would come last.
        height, width = 60 - 8 * index, 40 + 4 * index
        image = generator.integers(0, 40, (height, width, 3), dtype=np.uint8)
        image[10:, :20] += np.array([200, 40 * index, 0], np.uint8)
        Image.fromarray(image).save(tmp_path / f'{index}.png')
    return tmp_path


def sample_of(path, channels=CLASSES, deferred=False, scale=1):
    width, height = Image.open(path).size
    generator = torch.Generator().manual_seed(int(path.stem))
    scores = torch.randn(channels, height // scale, width // scale, generator=generator)
    sample = SegDataSample(metainfo=dict(img_path=str(path), ori_shape=(height, width)))
    sample.seg_logits = DeferredPixelData(lambda: scores) if deferred else PixelData(data=scores)
    sample.pred_sem_seg = PixelData(data=scores.argmax(0, keepdim=True))
    sample.gt_sem_seg = PixelData(data=torch.randint(CLASSES, (1, height, width), generator=generator))
    return sample


def expected_labels(path, scores):
    image = np.asarray(Image.open(path))
    return DenseCRF(**CRF).refine(image, scores.softmax(0).numpy()).argmax(0)


def run(evaluator, paths, batch_size=1, **settings):
    for start in range(0, len(paths), batch_size):
        batch = paths[start : start + batch_size]
        evaluator.process([sample_of(path, **settings) for path in batch], dict(first=batch[0].stem))
    return evaluator.evaluate(len(paths))


class TestResults:
    @pytest.mark.parametrize(('workers', 'batch_size', 'deferred'), [(1, 1, True), (2, 2, False)])
    def test_metrics_get_refined_classes_in_order(self, folder, capsys, monkeypatch, workers, batch_size, deferred):
        # However fast the processes are, as many images as fit wait for the end.
        monkeypatch.setattr('mmseg_gdn.evaluation.crf_evaluator._Batch.is_done', False)
        paths = sorted(folder.glob('*.png'))
        recorder = Recorder()
        evaluator = CRFEvaluator([recorder], crf=CRF, workers=workers)
        seen = []
        recorder.compute_metrics = lambda results: seen.extend(results) or dict(images=len(results))
        assert run(evaluator, paths, batch_size, deferred=deferred) == {'test/images': 6}
        assert [sample['img_path'] for _, sample in seen] == list(map(str, paths))
        assert [data['first'] for data, _ in seen] == [paths[i - i % batch_size].stem for i in range(6)]
        changed = 0
        for path, (_, sample) in zip(paths, seen):
            labels, scores = sample['pred_sem_seg']['data'], sample['seg_logits']['data']
            assert (labels.dtype, labels.shape[0]) == (torch.int64, 1)
            assert np.array_equal(labels[0].numpy(), expected_labels(path, scores))
            changed += (labels[0] != scores.argmax(0)).sum()
        assert changed > 1000
        assert f'{2 * workers if batch_size == 1 else 4}/' in capsys.readouterr().err, 'a progress bar while it waits'

    def test_inner_metrics_and_a_second_evaluation(self, folder, tmp_path):
        paths = sorted(folder.glob('*.png'))
        evaluator = EVALUATOR.build(
            dict(
                type='CRFEvaluator',
                crf=CRF,
                workers=1,
                metrics=[dict(type='mmseg.IoUMetric'), dict(type='mmseg.VOCSubmission', out=str(tmp_path / 'a.tgz'))],
            )
        )
        evaluator.dataset_meta = PascalVOCDataset.METAINFO
        first = run(evaluator, paths)
        assert first['voc/images'] == 6
        assert check_submission(tmp_path / 'a.tgz', [path.stem for path in paths], None)[1] == []
        assert run(evaluator, paths) == first

        plain = Evaluator([IoUMetric()])
        plain.dataset_meta = PascalVOCDataset.METAINFO
        for path in paths:
            sample = sample_of(path)
            labels = expected_labels(path, sample.seg_logits.data)
            sample.pred_sem_seg = PixelData(data=torch.from_numpy(labels)[None])
            plain.process([sample])
        assert plain.evaluate(6)['mIoU'] == first['mIoU']

    def test_scores_of_another_size(self, folder):
        recorder = Recorder()
        evaluator = CRFEvaluator(recorder, crf=CRF, workers=1)
        evaluator.process([sample_of(folder / '0.png', scale=2)])
        seen = []
        recorder.compute_metrics = lambda results: seen.extend(results) or {}
        evaluator.evaluate(1)
        assert seen[0][1]['pred_sem_seg']['data'].shape == (1, 60, 40)

    def test_the_image_is_read_as_in_the_pipeline(self, folder):
        turned = folder / '7.jpg'
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(folder / '0.png').save(turned, exif=exif)
        for loading, works in ((dict(type='LoadImageFromFile'), True), (None, False)):
            evaluator = CRFEvaluator(Recorder(), crf=CRF, workers=1, loading=loading)
            sample = sample_of(folder / '0.png')
            scores = sample.seg_logits.data.transpose(1, 2)
            rotated = SegDataSample(metainfo=dict(img_path=str(turned), ori_shape=tuple(scores.shape[1:])))
            rotated.seg_logits = PixelData(data=scores)
            evaluator.process([rotated])
            if works:
                evaluator.evaluate(1)
            else:
                with pytest.raises(InputError, match=r'7\.jpg .*the size of the image'):
                    evaluator.evaluate(1)


class TestMemory:
    def test_few_images_are_in_flight(self, folder, monkeypatch):
        submitted, finished = [], []
        evaluator = CRFEvaluator(Recorder(), crf=CRF, workers=1)
        original = crf_evaluator.result_of
        monkeypatch.setattr(crf_evaluator, 'result_of', lambda *args: finished.append(1) or original(*args))
        for path in [*sorted(folder.glob('*.png'))] * 2:
            submitted.append(1)
            evaluator.process([sample_of(path)])
            assert len(submitted) - len(finished) <= 2
        evaluator.evaluate(12)
        assert len(finished) == 12


def kill(evaluator):
    for process in list(evaluator._pool._processes):
        os.kill(process, signal.SIGKILL)


class TestFailures:
    @pytest.mark.parametrize('content', [None, b'no image'])
    def test_an_image_that_cannot_be_read_is_named(self, folder, content):
        paths = sorted(folder.glob('*.png'))
        samples = [sample_of(path) for path in paths]
        paths[3].unlink() if content is None else paths[3].write_bytes(content)
        evaluator = CRFEvaluator(Recorder(), crf=CRF, workers=2)
        with pytest.raises(InputError, match=r'The CRF failed for .*/3\.png \('):
            for sample in samples:
                evaluator.process([sample])
            evaluator.evaluate(6)
        assert evaluator._pool is None, 'its processes are gone'

    def test_a_killed_process(self, folder):
        evaluator = CRFEvaluator(Recorder(), crf=dict(CRF, iterations=100_000), workers=1)
        evaluator.process([sample_of(folder / '0.png')])
        kill(evaluator)
        with pytest.raises(InputError, match=r'was killed while it refined .*/0\.png or .*; use fewer processes'):
            evaluator.evaluate(1)

    def test_a_process_killed_between_images(self, folder):
        evaluator = CRFEvaluator(Recorder(), crf=CRF, workers=1)
        evaluator.process([sample_of(folder / '0.png')])
        evaluator._batches[0].labels[0].result()
        kill(evaluator)
        with pytest.raises(InputError, match='was killed while it refined'):
            for _ in range(100):
                evaluator.process([sample_of(folder / '1.png')])
                time.sleep(0.05)

    def test_binary_models(self, folder):
        evaluator = CRFEvaluator(Recorder(), crf=CRF, workers=1)
        with pytest.raises(InputError, match='this model has one score map'):
            evaluator.process([sample_of(folder / '0.png', channels=1)])

    @pytest.mark.parametrize('settings', [dict(workers=0), dict(crf=dict(bi_w=-1)), dict(crf=dict(weight=1))])
    def test_settings_that_mean_nothing(self, settings):
        with pytest.raises(InputError):
            CRFEvaluator(Recorder(), **settings)


def _evaluate_on_rank(rank, folder, paths, out):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', f'file://{folder}/rendezvous', rank=rank, world_size=2)
    # Each rank would wait for a server of its own to import mmseg; forking is safe without threads.
    crf_evaluator.crf_pool = partial(ProcessPoolExecutor, mp_context=get_context('fork'))
    evaluator = CRFEvaluator(VOCSubmission(out), crf=CRF, workers=1)
    for path in paths[rank::2]:
        evaluator.process([sample_of(path)])
    evaluator.evaluate(len(paths))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_each_rank_refines_its_own_images(folder, tmp_path):
    paths, out = sorted(folder.glob('*.png')), str(tmp_path / 'a.tgz')
    torch.multiprocessing.start_processes(_evaluate_on_rank, (str(tmp_path), paths, out), nprocs=2, start_method='fork')
    assert check_submission(out, [path.stem for path in paths]) == (6, [])
