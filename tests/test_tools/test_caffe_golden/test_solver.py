"""Trajectories of Caffe's solver, as stored and with faults put in."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from caffe_golden.softmax_loss import check_softmax_loss
from caffe_golden.solver import WEIGHT_TOLERANCE, check_solver, is_solver, train, trajectory_error


@pytest.fixture
def arrays(golden_dir):
    with np.load(golden_dir / 'solver_traj.npz') as stored:
        return dict(stored)


def only(arrays, *names):
    """The same golden file with some of its sets."""
    meta = json.loads(str(arrays['meta']))
    meta['sets'] = {name: meta['sets'][name] for name in names}
    return arrays | {'meta': np.array(json.dumps(meta))}


def failed(arrays):
    return {check.name for check in check_solver(arrays) if not check.ok}


def another_golden(policy):
    """Start, batches and settings of a net with other widths and sizes: 17x30 images, 5x8 cells, 11x13 labels."""
    rng = np.random.default_rng(0)
    shapes = {
        'conv1/0': (7, 4, 3, 3),
        'conv1/1': (7,),
        'conv2/0': (3, 7, 1, 1),
        'conv2/1': (3,),
        'gdn/0': (5, 11),
        'gdn/1': (8, 13),
    }
    arrays = {f'init/{key}': rng.normal(scale=0.5, size=shape).astype(np.float32) for key, shape in shapes.items()}
    arrays['data'] = rng.integers(-9, 9, (6, 3, 4, 17, 30), dtype=np.int8)
    arrays['label'] = rng.integers(0, 3, (6, 3, 1, 11, 13), dtype=np.uint8)
    arrays['label'][:, :, :, :2] = 255
    solver = dict(base_lr=1e-3, momentum=0.9, weight_decay=5e-2, iter_size=2) | policy
    return arrays, dict(
        solver=solver,
        loss_param='ignore_label: 255 normalization: FULL',
        lr_mult=[1, 2],
        decay_mult=[1, 0],
        gdn_lr_mult=10,
        gdn_decay_mult=100,
        gdn_layer='GlobalDeconvolutionLayer',
    )


def caffe_by_hand(arrays, settings, rate, iterations):
    """Caffe's solver written out in float64: V = m V + lr (gradient / iter_size + decay W), W = W - V.

    The loss is the sum over labelled pixels by the number of all pixels (FULL). Of the batches of an iteration, the
    authors' layer keeps the gradient of the last. Gives the rates, losses and weights.
    """
    solver = settings['solver']
    weights = {
        key.removeprefix('init/'): torch.from_numpy(value).double()
        for key, value in arrays.items()
        if key.startswith('init/')
    }
    history = {key: torch.zeros_like(value) for key, value in weights.items()}
    rates, losses, steps = [], [], [weights]
    for iteration in range(iterations):
        sums = {key: torch.zeros_like(value) for key, value in weights.items()}
        for batch in range(iteration * solver['iter_size'], (iteration + 1) * solver['iter_size']):
            leaves = {key: value.clone().requires_grad_() for key, value in weights.items()}
            x = F.conv2d(
                torch.from_numpy(arrays['data'][batch]).double() / 4,
                leaves['conv1/0'],
                leaves['conv1/1'],
                stride=2,
                padding=1,
            )
            x = F.max_pool2d(x.relu(), 3, stride=2, padding=1, ceil_mode=True)
            x = F.conv2d(x, leaves['conv2/0'], leaves['conv2/1'])
            scores = torch.einsum('ncij,iy,jx->ncyx', x, leaves['gdn/0'], leaves['gdn/1'])
            labels = torch.from_numpy(arrays['label'][batch]).long().squeeze(1)
            loss = F.cross_entropy(scores, labels, ignore_index=255, reduction='sum') / labels.numel()
            loss.backward()
            losses.append(loss.item())
            sums = {key: leaf.grad + (0 if key.startswith('gdn') else sums[key]) for key, leaf in leaves.items()}
        rates.append(rate(iteration))
        multipliers = dict(zip('01', zip(settings['lr_mult'], settings['decay_mult'])))
        for key in weights:
            lr_mult, decay_mult = (
                (settings['gdn_lr_mult'], settings['gdn_decay_mult']) if key.startswith('gdn') else multipliers[key[-1]]
            )
            step = sums[key] / solver['iter_size'] + solver['weight_decay'] * decay_mult * weights[key]
            history[key] = solver['momentum'] * history[key] + rates[-1] * lr_mult * step
        weights = {key: value - history[key] for key, value in weights.items()}
        steps.append(weights)
    return (
        rates,
        np.reshape(losses, (iterations, -1)),
        {key: torch.stack([step[key] for step in steps]).numpy() for key in weights},
    )


class TestTrajectoryError:
    def test_is_relative_to_the_distance_moved(self):
        expected = np.array([[1.0, 0], [1.1, 0], [1.3, 0]])
        actual = expected + np.array([[0, 0], [0, 0.001], [0.0015, 0]])
        assert trajectory_error(actual, expected) == pytest.approx(0.01)

    def test_two_units_in_the_last_place_are_no_error(self):
        expected = np.full((3, 1), 2, np.float32)
        eps = np.finfo(np.float32).eps
        assert trajectory_error(expected + 2 * 1.9 * eps, expected) <= WEIGHT_TOLERANCE
        assert trajectory_error(expected + 2 * 3 * eps, expected) > WEIGHT_TOLERANCE

    def test_zeros(self):
        assert trajectory_error(np.zeros((2, 3)), np.zeros((2, 3))) == 0
        assert trajectory_error(np.full((2, 3), 1e-20), np.zeros((2, 3))) > WEIGHT_TOLERANCE

    @pytest.mark.parametrize('actual', [np.full((2, 3), np.nan), np.zeros((2, 4)), np.full((2, 3), np.inf)])
    def test_nothing_to_compare(self, actual):
        assert trajectory_error(actual, np.ones((2, 3))) == float('inf')


class TestSolver:
    def test_every_stored_array_is_reproduced(self, arrays):
        assert is_solver(arrays)
        checks = list(check_solver(arrays))
        assert [check for check in checks if not check.ok] == []
        sets = json.loads(str(arrays['meta']))['sets']
        assert {check.name for check in checks} == {key for key in arrays if key.split('/')[0] in sets}

    @pytest.mark.parametrize('key', ['conv1/0', 'conv1/1', 'conv2/0', 'conv2/1', 'gdn/0', 'gdn/1'])
    def test_another_start_is_noticed(self, arrays, key):
        start = arrays[f'init/{key}'].copy()
        start.flat[np.abs(start).argmax()] *= 1.01
        changed = only(arrays, 'a_sum_m99_lr1e-10', 'b_poly') | {f'init/{key}': start}
        assert {f'a_sum_m99_lr1e-10/traj/{key}', f'b_poly/traj/{key}', 'b_poly/loss'} <= failed(changed)

    @pytest.mark.parametrize('step', [0, 1, 20])
    def test_another_weight_is_noticed(self, arrays, step):
        name = 'a_sum_m99_lr1e-10/traj/gdn/0'
        trajectory = arrays[name].copy()
        middling = np.abs(trajectory[step]).ravel().argsort()[trajectory[step].size // 2]
        trajectory[step].flat[middling] *= 1.01
        assert failed(only(arrays, 'a_sum_m99_lr1e-10') | {name: trajectory}) == {name}

    @pytest.mark.parametrize(
        ('field', 'value'), [('momentum', 0.89), ('power', 0.91), ('max_iter', 21), ('weight_decay', 6e-4)]
    )
    def test_another_setting_is_noticed(self, arrays, field, value):
        arrays = only(arrays, 'b_poly')
        meta = json.loads(str(arrays['meta']))
        meta['sets']['b_poly']['solver'][field] = value
        assert failed(arrays | {'meta': np.array(json.dumps(meta))})

    @pytest.mark.parametrize(
        ('policy', 'rate'),
        [
            (dict(lr_policy='exp', gamma=0.9), lambda i: 1e-3 * 0.9**i),
            (dict(lr_policy='inv', gamma=0.1, power=0.75), lambda i: 1e-3 * (1 + 0.1 * i) ** -0.75),
        ],
        ids=['exp', 'inv'],
    )
    def test_other_sizes_widths_and_policies_equal_a_solver_written_out(self, policy, rate):
        arrays, settings = another_golden(policy)
        rates, losses, weights = caffe_by_hand(arrays, settings, rate, iterations=3)
        arrays |= {
            'run/lr_formula': np.array(rates),
            'run/loss': losses,
            'meta': np.array(json.dumps(dict(sets=dict(run=settings)))),
        }
        arrays |= {f'run/traj/{key}': steps for key, steps in weights.items()}
        checks = list(check_solver(arrays))
        assert len(checks) == 8
        assert [check for check in checks if not check.ok] == []

    def test_the_authors_layer_does_not_accumulate(self, arrays):
        settings = json.loads(str(arrays['meta']))['sets']['d_iter2_authors']
        expected = arrays['d_iter2_authors/traj/gdn/0']
        assert trajectory_error(train(arrays, settings, 20).weights['gdn/0'], expected) <= WEIGHT_TOLERANCE
        accumulating = settings | dict(gdn_layer='AccumGDN')
        assert trajectory_error(train(arrays, accumulating, 20).weights['gdn/0'], expected) > 0.1


class TestSoftmaxLoss:
    @pytest.fixture
    def arrays(self, golden_dir):
        with np.load(golden_dir / 'fcn32s_gdn_thin.npz') as stored:
            return {key: stored[key] for key in stored if key.startswith('lossnorm/')}

    def test_every_stored_array_is_reproduced(self, arrays):
        checks = list(check_softmax_loss(arrays))
        assert [check for check in checks if not check.ok] == []
        assert {check.name for check in checks} == set(arrays) - {'lossnorm/score', 'lossnorm/label'}

    def test_another_score_is_noticed(self, arrays):
        score = arrays['lossnorm/score'].copy()
        score.flat[np.abs(arrays['lossnorm/NONE/score_diff']).argmax()] *= 1.01
        failed = {check.name for check in check_softmax_loss(arrays | {'lossnorm/score': score}) if not check.ok}
        assert {'lossnorm/VALID/score_diff', 'lossnorm/NONE/loss'} <= failed

    def test_files_without_it(self):
        assert list(check_softmax_loss({'meta': np.array('{}')})) == []
