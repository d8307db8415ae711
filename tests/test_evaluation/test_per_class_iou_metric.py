"""IoU of each class among the results of an evaluation."""

import json

import pytest
import torch
from mmseg.registry import METRICS

CLASSES = ('background', 'cat', 'dog', 'boat')
LABEL = torch.tensor([[0, 0, 1, 1], [0, 2, 1, 255]])
PREDICTION = torch.tensor([[0, 1, 1, 1], [0, 0, 1, 3]])


def evaluate(**settings):
    metric = METRICS.build(dict(type='PerClassIoUMetric', **settings))
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(
        {}, [dict(pred_sem_seg=dict(data=PREDICTION[None]), gt_sem_seg=dict(data=LABEL[None]), img_path='a.jpg')]
    )
    return metric.evaluate(1)


def test_every_class_that_occurs_has_its_iou():
    results = evaluate()
    assert {key: value for key, value in results.items() if key.startswith('IoU/')} == {
        'IoU/background': 50.0,
        'IoU/cat': 75.0,
        'IoU/dog': 0.0,
    }
    assert results['mIoU'] == pytest.approx((50 + 75 + 0) / 3, abs=0.01)
    assert list(results)[:3] == ['aAcc', 'mIoU', 'mAcc'], "save_best='auto' takes the first"


def test_results_are_json_without_nan():
    results = evaluate()
    json.dumps({key: float(value) for key, value in results.items()}, allow_nan=False)


def test_settings_of_iou_metric():
    assert evaluate(nan_to_num=-1)['IoU/boat'] == -100
    assert {'mDice', 'IoU/cat'} <= set(evaluate(iou_metrics=['mDice']))


def test_nothing_is_evaluated_where_predictions_are_only_written(tmp_path):
    assert evaluate(format_only=True, output_dir=str(tmp_path)) == {}
    assert (tmp_path / 'a.png').is_file()
