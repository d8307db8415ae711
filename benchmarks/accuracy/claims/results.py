"""What docs/results.md says of the results."""

from __future__ import annotations

from comparison import Measure
from gains import Gains, mean
from prose import Claim

from .findings import (
    CAMVID,
    CAMVID_FAST_HEAD,
    CAMVID_FINE,
    CAMVID_LONG,
    CAMVID_LONGEST,
    CAMVID_TRAINED,
    FRAMED_ALIKE,
    RATES_FROZEN,
    RATES_TOP,
    VOC,
    VOC_FAST_HEAD,
    VOC_FINE,
    VOC_FREQUENT,
    VOC_LONG,
    VOC_LONGEST,
    bundled,
    frequent,
    is_half_a_point,
    is_no_more_near_borders,
    largest_gains_most,
    lowest,
    span,
)

_VOC_CUT = 'voc_mobilenetv2-cut_frozen_s16_sgd_300x8'
_LARGEFOV = 'voc_largefov_frozen_s8_adam-fc_300x8'


def claims(gains: Gains) -> list[Claim]:
    """Its claims."""
    return [
        *_where_it_gains(gains),
        *_controls(gains),
        *_rates(gains),
        *_label_loss(gains),
        *_deconvolution(gains),
        *_fitted(gains),
        *_longer(gains),
        Claim('the two networks score alike ({:.1f} and {:.1f} mIoU', bundled()),
        *_largefov(gains),
        *_spoilers(gains),
    ]


def _where_it_gains(gains: Gains) -> list[Claim]:
    slower = gains.by_seed(VOC, 'gdn-x20')
    return [
        Claim('not more near borders than overall', holds=is_no_more_near_borders(gains)),
        Claim(
            'GDN gains in every seed and network at factors 20 and 100',
            holds=min(lowest(gains, 'camvid', variant) for variant in ('gdn-x20', 'gdn-x100')) > 0,
        ),
        Claim(
            'The six frequent ones gain {:.1f} to {:.1f} of {:.1f} to {:.1f} points at factor 100',
            (*frequent(gains), *span([gains.mean(setting, 'gdn-x100') for setting in FRAMED_ALIKE])),
        ),
        Claim(
            'it gains {:.1f} (stride 32) and {:.1f} (stride 16) at factor 20, and {:.1f} and {:.1f} at factor 100',
            tuple(gains.mean(setting, variant) for variant in ('gdn-x20', 'gdn-x100') for setting in (VOC, VOC_FINE)),
        ),
        Claim(
            'One seed at stride 32 did not gain at factor 20; all did at factor 100',
            holds=sum(gain <= 0 for gain in slower) == 1
            and min(min(gains.by_seed(setting, 'gdn-x100')) for setting in (VOC, VOC_FINE)) > 0,
        ),
        Claim('The cut network with a frozen trunk gains {:.1f} at factor 20', (gains.mean(_VOC_CUT, 'gdn-x20'),)),
    ]


def _controls(gains: Gains) -> list[Claim]:
    gained = gains.baseline(CAMVID_FAST_HEAD) - gains.baseline(CAMVID)
    over_it = [gains.by_seed(setting, 'gdn-x100') for setting in (CAMVID_FAST_HEAD, VOC_FAST_HEAD)]
    trained = gains.by_seed(CAMVID_TRAINED, 'gdn-x100')
    return [
        Claim(
            'bilinear interpolation itself is {:.1f} better on CamVid, which is more than the matrices bring, and '
            '{:.1f} worse on VOC, where they gain',
            (gained, gains.baseline(VOC) - gains.baseline(VOC_FAST_HEAD)),
            holds=gained > gains.mean(CAMVID, 'gdn-x100') and gains.mean(VOC, 'gdn-x100') > 0,
        ),
        Claim(
            'GDN at factor 100 still gains {:.1f} and {:.1f} over that, and something in every seed',
            tuple(mean(seeds) for seeds in over_it),
            holds=min(map(min, over_it)) > 0,
        ),
        Claim(
            'on CamVid at stride 32 factor 100 gains {:.1f}, and something in every seed',
            (mean(trained),),
            holds=min(trained) > 0,
        ),
    ]


def _rates(gains: Gains) -> list[Claim]:
    elsewhere = [gains.mean(setting.format('sgd'), 'x1', study='matrix-rates') for setting in (RATES_FROZEN, RATES_TOP)]
    return [
        Claim(
            'gain a tenth of a point (SGD, all but three stages trained',
            holds=round(gains.mean(CAMVID, 'gdn-x1'), 1) == 0.1,
        ),
        Claim('[{:.1f} to {:.1f}](../benchmarks/accuracy/matrix-rates.md) elsewhere', span(elsewhere)),
        Claim('gained most in all trainings of 200 to 300 iterations', holds=largest_gains_most(gains)),
        Claim(
            'they then lose {:.1f} at factor 20 and {:.1f} at 100 (CamVid)',
            tuple(-gains.mean(CAMVID, f'gdn-x{factor}-decay') for factor in (20, 100)),
        ),
    ]


def _label_loss(gains: Gains) -> list[Claim]:
    added = {
        (setting, variant, place): gains.over(setting, f'{variant}-labels-on-{place}', variant)
        for variant in ('bilinear', 'deconv-x1', 'gdn-x20', 'gdn-x100')
        for place in ('scores', 'features')
        for setting in gains.settings(f'{variant}-labels-on-{place}')
    }
    means = {key: mean(values) for key, values in added.items()}
    at_32 = [values for (setting, *_), values in added.items() if setting == CAMVID]
    trainings = [value for values in at_32 for value in values]
    return [
        Claim(
            'between {:+.1f} and {:+.1f} mIoU in {:d} comparisons of three seeds each',
            (*span(list(means.values())), len(means)),
            holds=all(len(values) == 3 for values in added.values()),
        ),
        Claim(
            'On CamVid at stride 32 it added {:.1f} to {:.1f} on average, and something in {:d} of {:d} trainings',
            (*span([mean(values) for values in at_32]), sum(value > 0 for value in trainings), len(trainings)),
        ),
        Claim(
            'at stride 16 and on VOC it has either sign',
            holds=all(
                min(means[key] for key in means if key[0] == setting)
                < 0
                < max(means[key] for key in means if key[0] == setting)
                for setting in (CAMVID_FINE, VOC, VOC_FINE)
            ),
        ),
    ]


def _deconvolution(gains: Gains) -> list[Claim]:
    settings = list(gains.settings('deconv-x1', 'gdn-x20'))
    times = [gains.weights(setting, 'deconv-x1') / gains.weights(setting, 'gdn-x20') for setting in settings]
    return [
        Claim(
            'has {:.0f} to {:.0f} times as many weights as the matrices and gains less',
            span(times),
            holds=all(gains.mean(setting, 'deconv-x1') < gains.mean(setting, 'gdn-x20') for setting in settings),
        ),
        Claim(
            'At stride 32 it is {:.1f} better than bilinear interpolation on CamVid and {:.1f} worse on VOC, in every '
            'seed',
            (gains.mean(CAMVID, 'deconv-x1'), -gains.mean(VOC, 'deconv-x1')),
            holds=min(gains.by_seed(CAMVID, 'deconv-x1')) > 0 > max(gains.by_seed(VOC, 'deconv-x1')),
        ),
        Claim(
            'at stride 16 it is {:.1f} worse on CamVid and {:.1f} better on VOC',
            (-gains.mean(CAMVID_FINE, 'deconv-x1'), gains.mean(VOC_FINE, 'deconv-x1')),
        ),
        Claim('the matrices at the same rate, factor 1, gain {:.1f}', (gains.mean(CAMVID, 'gdn-x1'),)),
    ]


def _fitted(gains: Gains) -> list[Claim]:
    slow, fast = (
        [gains.mean(setting, 'gdn-fit_kernels') / gains.mean(setting, variant) for setting in (CAMVID, VOC)]
        for variant in ('gdn-x20', 'gdn-x100')
    )
    staged_voc = gains.mean(VOC_LONG, 'gdn-x20-staged') - gains.mean(VOC_LONG, 'gdn-x20')
    staged_camvid = gains.mean(CAMVID_LONG, 'gdn-x100-staged') / gains.mean(CAMVID_LONG, 'gdn-x100')
    return [
        Claim(
            'gains {:.0f} to {:.0f} % of what training them with it at factor 20 gains',
            tuple(round(100 * part, -1) for part in span(slow)),
        ),
        Claim('about a third of what factor 100 gains', holds=all(0.25 < part < 0.42 for part in fast)),
        Claim(
            'gains as much on VOC (factor 20) as training with GDN from the start',
            holds=abs(staged_voc) < 0.25,
        ),
        Claim('on CamVid (factor 100) half as much', holds=0.4 < staged_camvid < 0.6),
    ]


def _longer(gains: Gains) -> list[Claim]:
    fast = gains.by_seed(VOC_LONG, 'gdn-x100', VOC_FREQUENT)
    longest = gains.by_seed(VOC_LONGEST, 'gdn-x100', study='checkpoints')
    images = gains.interval(VOC_LONGEST, 'gdn-x100', study='checkpoints')
    return [
        Claim(
            'at factor 100 from {:.1f} after 300 iterations to {:.1f} after 600 and {:.1f} after 900',
            tuple(gains.mean(setting, 'gdn-x100') for setting in (CAMVID, CAMVID_LONG, CAMVID_LONGEST)),
        ),
        Claim(
            'it is half a point at factor 20 and 100 alike',
            holds=is_half_a_point(gains),
        ),
        Claim(
            'factor 20 still gains {:.1f}, and something in every seed',
            (gains.mean(VOC_LONG, 'gdn-x20', VOC_FREQUENT),),
            holds=min(gains.by_seed(VOC_LONG, 'gdn-x20', VOC_FREQUENT)) > 0,
        ),
        Claim('factor 100 {:.1f}, from {:+.1f} to {:+.1f}', (mean(fast), *span(fast))),
        Claim(
            'with three times as many it is {:.1f} at factor 100 (seeds from {:+.1f} to {:+.1f}; {:+.1f} on the seven)',
            (
                mean(longest),
                *span(longest),
                gains.mean(VOC_LONGEST, 'gdn-x100', VOC_FREQUENT, study='checkpoints'),
            ),
        ),
        Claim('leave it open within two points either way', holds=min(-images[0], images[1]) > 2),
    ]


def _largefov(gains: Gains) -> list[Claim]:
    random = 'gdn-x1-caffe-matrices-adam'
    released = gains.mean(_LARGEFOV, 'gdn-x10-decay-caffe-matrices-caffe', study='paper')
    return [
        Claim(
            'The matrices alone gained in every seed if they start as bilinear interpolation and Adam moves them',
            holds=min(gains.by_seed(_LARGEFOV, 'gdn-x1-matrices-adam', study='paper')) > 0,
        ),
        Claim(
            '({:+.1f} on 21 classes, {:+.1f} on the seven)',
            tuple(gains.mean(_LARGEFOV, random, measure, study='paper') for measure in (Measure(), VOC_FREQUENT)),
        ),
        Claim(
            'far from it after 300 iterations ({:.0f} mIoU;',
            (gains.baseline(_LARGEFOV, study='paper') + released,),
        ),
    ]


def _spoilers(gains: Gains) -> list[Claim]:
    slow, fast = (
        (gains.mean(f'{CAMVID}_test1.25', f'{variant}-resample', study='spoilers'), gains.mean(CAMVID, variant))
        for variant in ('gdn-x20', 'gdn-x100')
    )
    crops = f'{CAMVID}_crops'
    return [
        Claim(
            'the matrices gained {:.1f} at factor 100, and something in every seed',
            (gains.mean(crops, 'gdn-x100', study='spoilers'),),
            holds=min(gains.by_seed(crops, 'gdn-x100', study='spoilers')) > 0,
        ),
        Claim(
            'at three quarters of the size it is anything between {:+.1f} and {:+.1f}, at half the size between '
            '{:+.1f} and {:+.1f}',
            tuple(end for scale in (0.75, 0.5) for end in span(_means_at(gains, scale))),
        ),
        Claim(
            'they gain nearly as much at factor 100 ({:.1f} of {:.1f}), and two thirds at factor 20 ({:.1f} of {:.2f})',
            (*fast, *slow),
        ),
    ]


def _means_at(gains: Gains, scale: float) -> list[float]:
    """Mean gains of all GDN variants tested at another size."""
    setting = f'{CAMVID}_test{scale:g}'
    names = [f'{variant}-{policy}' for variant in ('gdn-x20', 'gdn-x100') for policy in ('resample', 'slice')]
    return [gains.mean(setting, name, study='spoilers') for name in names]
