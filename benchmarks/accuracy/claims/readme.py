"""What README.md says of the results."""

from __future__ import annotations

from comparison import Measure
from gains import Gains
from prose import Claim

from .findings import (
    CAMVID,
    CAMVID_ADAMW,
    CAMVID_FAST_HEAD,
    CAMVID_LONGEST,
    FRAMED_ALIKE,
    RATES_FROZEN,
    RATES_TOP,
    VOC,
    VOC_FAST_HEAD,
    VOC_FINE,
    VOC_FREQUENT,
    VOC_LONG,
    VOC_LONGEST,
    at_own_rate,
    bundled,
    frequent,
    is_half_a_point,
    is_no_more_near_borders,
    largest_gains_most,
    lowest,
    span,
)


def claims(gains: Gains) -> list[Claim]:
    """Its claims."""
    halved = [
        gains.mean(f'{CAMVID}_test0.5', f'gdn-x100-{policy}', study='spoilers') for policy in ('resample', 'slice')
    ]
    low, high = gains.interval(VOC_LONGEST, 'gdn-x100', study='checkpoints')
    slow, slow_adamw, fast_adamw = at_own_rate(gains, 'sgd'), at_own_rate(gains, 'adamw'), _fast_with_adamw(gains)
    return [
        Claim('there every seed gained, at factor 100', holds=lowest(gains, 'camvid', 'gdn-x100') > 0),
        Claim(
            '{:.1f} mIoU with SGD at stride 32, {:.1f} at stride 16, and {:.1f} with AdamW',
            tuple(gains.mean(setting, 'gdn-x100') for setting in FRAMED_ALIKE),
        ),
        Claim('the frequent ones gained {:.1f} to {:.1f}', frequent(gains)),
        Claim('score alike ({:.1f} and {:.1f} mIoU)', bundled()[::-1]),
        Claim(
            'it was one to three points at factor 100',
            holds=all(1 <= gains.mean(setting, 'gdn-x100') <= 3 for setting in (VOC, VOC_FINE)),
        ),
        Claim('not more near borders than overall', holds=is_no_more_near_borders(gains)),
        Claim('factor 100 lost {:.0f} to {:.0f} points (CamVid)', (-max(halved), -min(halved))),
        Claim(
            'on CamVid bilinear interpolation itself got about {:.0f} mIoU better with three times as many iterations, '
            "where GDN gained {:.1f}, and {:.1f} better with a head that learns at ten times the trunk's rate, where "
            'GDN gained {:.1f} (on VOC such a head lost {:.1f}, and GDN gained {:.1f} on it)',
            (
                *(
                    number
                    for setting in (CAMVID_LONGEST, CAMVID_FAST_HEAD)
                    for number in (gains.baseline(setting) - gains.baseline(CAMVID), gains.mean(setting, 'gdn-x100'))
                ),
                gains.baseline(VOC) - gains.baseline(VOC_FAST_HEAD),
                gains.mean(VOC_FAST_HEAD, 'gdn-x100'),
            ),
        ),
        Claim(
            'half a point after twice as many iterations (on the seven frequent classes {:.1f} at factor 20 and {:.1f} '
            'at 100)',
            tuple(gains.mean(VOC_LONG, variant, VOC_FREQUENT) for variant in ('gdn-x20', 'gdn-x100')),
            holds=is_half_a_point(gains),
        ),
        Claim(
            '{:.1f} after three times as many (on these {:.1f}), which cannot be told from chance',
            tuple(
                gains.mean(VOC_LONGEST, 'gdn-x100', measure, study='checkpoints')
                for measure in (Measure(), VOC_FREQUENT)
            ),
            holds=low < 0 < high,
        ),
        Claim(
            'With crops alone, GDN gained {:.1f} mIoU at factor 100 (CamVid)',
            (gains.mean(f'{CAMVID}_crops', 'gdn-x100', study='spoilers'),),
        ),
        Claim(
            'and gain {:.1f} to {:.1f}; with AdamW {:.1f} to {:.1f}, against {:.0f} to {:.0f} at factor 100',
            (*span(slow), *span(slow_adamw), *span(fast_adamw)),
        ),
        Claim(
            'they then lose {:.1f} at factor 20 and {:.1f} at 100',
            tuple(-gains.mean(CAMVID, f'gdn-x{factor}-decay') for factor in (20, 100)),
        ),
        Claim('the largest gained most in all trainings of 200 to 300 iterations', holds=largest_gains_most(gains)),
        Claim('gained in all six networks of the first table', holds=lowest(gains, '', 'gdn-fit_kernels') > 0),
    ]


def _fast_with_adamw(gains: Gains) -> list[float]:
    settings = [setting.format('adamw') for setting in (RATES_FROZEN, RATES_TOP)]
    means = [gains.mean(setting, 'x100', study='matrix-rates') for setting in settings]
    return [*means, gains.mean(CAMVID_ADAMW, 'gdn-x100')]
