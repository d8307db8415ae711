"""What the documents say about the results in sentences, and where the numbers come from."""

from __future__ import annotations

from pathlib import Path

from card import checkpoint_metrics
from comparison import WELL_POPULATED, Measure
from gains import Gains, mean
from prose import Claim

_CAMVID, _CAMVID_ADAMW = 'camvid_most_s32_sgd_300x8', 'camvid_most_s32_adamw_300x8'
_CAMVID_FINE, _VOC_FINE = 'camvid_most_s16_sgd_300x8', 'voc_most_s16_sgd_300x8'
_CAMVID_LONG, _CAMVID_LONGEST = 'camvid_most_s32_sgd_600x8', 'camvid_most_s32_sgd_900x8'
_VOC, _VOC_LONG = 'voc_most_s32_sgd_300x8', 'voc_most_s32_sgd_600x8'
_VOC_CUT = 'voc_mobilenetv2-cut_frozen_s16_sgd_300x8'
_LARGEFOV = 'voc_largefov_frozen_s8_adam-fc_300x8'
_RATES_FROZEN, _RATES_TOP = 'camvid_frozen_s32_{}_300x8', 'camvid_top_s32_{}_200x8'
_FEW = Measure(classes=WELL_POPULATED['voc'])


def claims(document: str, folder: Path) -> list[Claim]:
    """What a document claims.

    Args:
        document: Its path, relative to the root of the repository.
        folder: Folder of the results.

    Returns:
        Its claims in any order; none for documents that hold tables only.

    Raises:
        InputError: If the results lack some that it rests on.
    """
    of = {
        'README.md': _readme,
        'docs/results.md': _results,
        'benchmarks/accuracy/matrix-rates.md': _study_of_rates,
    }.get(document)
    return of(Gains(folder)) if of else []


def _readme(gains: Gains) -> list[Claim]:
    halved = [
        gains.mean(f'{_CAMVID}_test0.5', f'gdn-x100-{policy}', study='spoilers') for policy in ('resample', 'slice')
    ]
    slow, slow_adamw, fast_adamw = _at_own_rate(gains, 'sgd'), _at_own_rate(gains, 'adamw'), _fast_with_adamw(gains)
    return [
        Claim('there every seed gained, at factor 100', holds=_lowest(gains, 'camvid', 'gdn-x100') > 0),
        Claim(
            '{:.1f} mIoU with SGD at stride 32, {:.1f} at stride 16, and {:.1f} with AdamW',
            tuple(gains.mean(setting, 'gdn-x100') for setting in (_CAMVID, _CAMVID_FINE, _CAMVID_ADAMW)),
        ),
        Claim(
            'expect one to three points in short trainings at factor 100',
            holds=all(1 <= gains.mean(setting, 'gdn-x100') <= 3 for setting in (_VOC, _VOC_FINE)),
        ),
        Claim('about as much near borders as overall', holds=_is_alike_near_borders(gains)),
        Claim('factor 100 lost {:.0f} to {:.0f} points (CamVid)', (-max(halved), -min(halved))),
        Claim(
            'bilinear interpolation itself got about {:.0f} mIoU better on CamVid',
            (gains.baseline(_CAMVID_LONGEST) - gains.baseline(_CAMVID),),
        ),
        Claim('though the gain, too, had grown to {:.1f}', (gains.mean(_CAMVID_LONGEST, 'gdn-x100'),)),
        Claim(
            'the gain had shrunk to half a point',
            holds=all(0.25 < gains.mean(_VOC_LONG, variant) < 0.75 for variant in ('gdn-x20', 'gdn-x100')),
        ),
        Claim('({:.1f} at factor 20 on the seven best-learned classes)', (gains.mean(_VOC_LONG, 'gdn-x20', _FEW),)),
        Claim(
            'With crops alone, GDN gained {:.1f} mIoU at factor 100 (CamVid)',
            (gains.mean(f'{_CAMVID}_crops', 'gdn-x100', study='spoilers'),),
        ),
        Claim(
            'and gain {:.1f} to {:.1f}; with AdamW {:.1f} to {:.1f}, against {:.0f} to {:.0f} at factor 100',
            (*_range(slow), *_range(slow_adamw), *_range(fast_adamw)),
        ),
        Claim('at factor 20 they then lose {:.1f}', (-gains.mean(_CAMVID, 'gdn-x20-decay'),)),
        Claim('the largest gained most in all trainings of 200 to 300 iterations', holds=_largest_gains_most(gains)),
        Claim('gained in all six networks of the table above', holds=_lowest(gains, '', 'gdn-fit_kernels') > 0),
    ]


def _results(gains: Gains) -> list[Claim]:
    return [
        *_where_it_gains(gains),
        *_rates(gains),
        *_label_loss(gains),
        *_deconvolution(gains),
        *_fitted(gains),
        *_longer(gains),
        _bundled_networks(),
        *_largefov(gains),
        *_spoilers(gains),
    ]


def _where_it_gains(gains: Gains) -> list[Claim]:
    slower = gains.by_seed(_VOC, 'gdn-x20')
    return [
        Claim('about as much near borders as overall', holds=_is_alike_near_borders(gains)),
        Claim(
            'GDN gains in every seed and network at factors 20 and 100',
            holds=min(_lowest(gains, 'camvid', variant) for variant in ('gdn-x20', 'gdn-x100')) > 0,
        ),
        Claim(
            'it gains {:.1f} (stride 32) and {:.1f} (stride 16) at factor 20, and {:.1f} and {:.1f} at factor 100',
            tuple(gains.mean(setting, variant) for variant in ('gdn-x20', 'gdn-x100') for setting in (_VOC, _VOC_FINE)),
        ),
        Claim(
            'one seed at stride 32 did not gain at factor 20, all did at factor 100',
            holds=sum(gain <= 0 for gain in slower) == 1
            and min(min(gains.by_seed(setting, 'gdn-x100')) for setting in (_VOC, _VOC_FINE)) > 0,
        ),
        Claim('Where the trunk is frozen (stride 16), factor 20 gains {:.1f}', (gains.mean(_VOC_CUT, 'gdn-x20'),)),
    ]


def _rates(gains: Gains) -> list[Claim]:
    elsewhere = [
        gains.mean(setting.format('sgd'), 'x1', study='matrix-rates') for setting in (_RATES_FROZEN, _RATES_TOP)
    ]
    return [
        Claim(
            'gain a tenth of a point (SGD, all but three stages trained',
            holds=round(gains.mean(_CAMVID, 'gdn-x1'), 1) == 0.1,
        ),
        Claim('[{:.1f} to {:.1f}](../benchmarks/accuracy/matrix-rates.md) elsewhere', _range(elsewhere)),
        Claim('gained most in all trainings of 200 to 300 iterations', holds=_largest_gains_most(gains)),
        Claim(
            'at factor 20 it costs more than they gain',
            holds=gains.mean(_CAMVID, 'gdn-x20-decay') < 0 < gains.mean(_CAMVID, 'gdn-x20'),
        ),
    ]


def _label_loss(gains: Gains) -> list[Claim]:
    added = {
        (setting, variant, place): [
            with_labels - without
            for with_labels, without in zip(
                gains.by_seed(setting, f'{variant}-labels-on-{place}'), _plain(gains, setting, variant)
            )
        ]
        for variant in ('bilinear', 'deconv-x1', 'gdn-x20', 'gdn-x100')
        for place in ('scores', 'features')
        for setting in gains.settings(f'{variant}-labels-on-{place}')
    }
    means = {key: mean(values) for key, values in added.items()}
    return [
        Claim(
            'between {:+.1f} and {:+.1f} mIoU in {:d} comparisons of three seeds each',
            (*_range(list(means.values())), len(means)),
            holds=all(len(values) == 3 for values in added.values()),
        ),
    ]


def _plain(gains: Gains, setting: str, variant: str) -> list[float]:
    return [0, 0, 0] if variant == 'bilinear' else gains.by_seed(setting, variant)


def _deconvolution(gains: Gains) -> list[Claim]:
    times = [
        gains.weights(setting, 'deconv-x1') / gains.weights(setting, 'gdn-x20')
        for setting in gains.settings('deconv-x1', 'gdn-x20')
    ]
    return [
        Claim('has {:.0f} to {:.0f} times as many weights as the matrices', _range(times)),
        Claim('the matrices at factor 1 gain {:.1f}', (gains.mean(_CAMVID, 'gdn-x1'),)),
    ]


def _fitted(gains: Gains) -> list[Claim]:
    slow, fast = (
        [gains.mean(setting, 'gdn-fit_kernels') / gains.mean(setting, variant) for setting in (_CAMVID, _VOC)]
        for variant in ('gdn-x20', 'gdn-x100')
    )
    staged_voc = gains.mean(_VOC_LONG, 'gdn-x20-staged') - gains.mean(_VOC_LONG, 'gdn-x20')
    staged_camvid = gains.mean(_CAMVID_LONG, 'gdn-x100-staged') / gains.mean(_CAMVID_LONG, 'gdn-x100')
    return [
        Claim(
            'gains {:.0f} to {:.0f} % of what training them with it at factor 20 gains',
            tuple(round(100 * part, -1) for part in _range(slow)),
        ),
        Claim('about a third of what factor 100 gains', holds=all(0.25 < part < 0.42 for part in fast)),
        Claim(
            'gains as much on VOC (factor 20) as training with GDN from the start',
            holds=abs(staged_voc) < 0.25,
        ),
        Claim('on CamVid (factor 100) half as much', holds=0.4 < staged_camvid < 0.6),
    ]


def _longer(gains: Gains) -> list[Claim]:
    fast = gains.by_seed(_VOC_LONG, 'gdn-x100', _FEW)
    return [
        Claim(
            'at factor 100 from {:.1f} after 300 iterations to {:.1f} after 600 and {:.1f} after 900',
            tuple(gains.mean(setting, 'gdn-x100') for setting in (_CAMVID, _CAMVID_LONG, _CAMVID_LONGEST)),
        ),
        Claim(
            'it is half a point at factor 20 and 100 alike',
            holds=all(0.25 < gains.mean(_VOC_LONG, variant) < 0.75 for variant in ('gdn-x20', 'gdn-x100')),
        ),
        Claim(
            'factor 20 still gains {:.1f} in every seed',
            (gains.mean(_VOC_LONG, 'gdn-x20', _FEW),),
            holds=min(gains.by_seed(_VOC_LONG, 'gdn-x20', _FEW)) > 0,
        ),
        Claim('factor 100 {:.1f}, from {:+.1f} to {:+.1f}', (mean(fast), *_range(fast))),
    ]


def _bundled_networks() -> Claim:
    names = ('fcn_mobilenet-v2_voc-extract', 'fcn_mobilenet-v2_gdn_voc-extract')
    return Claim(
        'the two networks score alike ({:.1f} and {:.1f} mIoU',
        tuple(checkpoint_metrics(name)['mIoU'] for name in names),
    )


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
            tuple(gains.mean(_LARGEFOV, random, measure, study='paper') for measure in (Measure(), _FEW)),
        ),
        Claim(
            'far from it after 300 iterations ({:.0f} mIoU;',
            (gains.baseline(_LARGEFOV, study='paper') + released,),
        ),
    ]


def _spoilers(gains: Gains) -> list[Claim]:
    slow, fast = (
        (gains.mean(f'{_CAMVID}_test1.25', f'{variant}-resample', study='spoilers'), gains.mean(_CAMVID, variant))
        for variant in ('gdn-x20', 'gdn-x100')
    )
    crops = f'{_CAMVID}_crops'
    return [
        Claim(
            'the matrices gained {:.1f} at factor 100, in every seed',
            (gains.mean(crops, 'gdn-x100', study='spoilers'),),
            holds=min(gains.by_seed(crops, 'gdn-x100', study='spoilers')) > 0,
        ),
        Claim(
            'at three quarters of the size it is anything between {:+.1f} and {:+.1f}, at half the size between '
            '{:+.1f} and {:+.1f}',
            tuple(end for scale in (0.75, 0.5) for end in _range(_means_at(gains, scale))),
        ),
        Claim(
            'they gain nearly as much at factor 100 ({:.1f} of {:.1f}), and two thirds at factor 20 ({:.1f} of {:.2f})',
            (*fast, *slow),
        ),
    ]


def _study_of_rates(gains: Gains) -> list[Claim]:
    def one(setting: str, optimizer: str, variant: str) -> float:
        return gains.mean(setting.format(optimizer), variant, study='matrix-rates')

    own = [one(setting, 'sgd', 'x1') for setting in (_RATES_FROZEN, _RATES_TOP)]
    return [
        Claim('hardly move with SGD, and gain {:.1f} to {:.1f}', _range(own)),
        Claim('with trained stages x20 gains only {:.1f}', (one(_RATES_TOP, 'sgd', 'x20'),)),
        Claim(
            'in all three seeds ({:.1f} against {:.1f})',
            tuple(gains.mean(_CAMVID_LONGEST, variant) for variant in ('gdn-x100', 'gdn-x20')),
        ),
        Claim(
            'it does not ({:.1f} against {:.1f}, three seeds)',
            tuple(gains.mean(_VOC_LONG, variant) for variant in ('gdn-x100', 'gdn-x20')),
        ),
    ]


def _is_alike_near_borders(gains: Gains) -> bool:
    near = Measure('4px')
    return all(
        0.7 < gains.mean(setting, 'gdn-x100', near) / gains.mean(setting, 'gdn-x100') < 1.3
        for setting in (_VOC, _VOC_FINE)
    )


def _means_at(gains: Gains, scale: float) -> list[float]:
    """Mean gains of all GDN variants tested at another size."""
    setting = f'{_CAMVID}_test{scale:g}'
    names = [f'{variant}-{policy}' for variant in ('gdn-x20', 'gdn-x100') for policy in ('resample', 'slice')]
    return [gains.mean(setting, name, study='spoilers') for name in names]


def _at_own_rate(gains: Gains, optimizer: str) -> list[float]:
    """Mean gains of matrices that learn at the network's rate."""
    settings = [setting.format(optimizer) for setting in (_RATES_FROZEN, _RATES_TOP)]
    means = [gains.mean(setting, 'x1', study='matrix-rates') for setting in settings]
    return [*means, gains.mean(_CAMVID, 'gdn-x1')] if optimizer == 'sgd' else means


def _fast_with_adamw(gains: Gains) -> list[float]:
    settings = [setting.format('adamw') for setting in (_RATES_FROZEN, _RATES_TOP)]
    means = [gains.mean(setting, 'x100', study='matrix-rates') for setting in settings]
    return [*means, gains.mean(_CAMVID_ADAMW, 'gdn-x100')]


def _lowest(gains: Gains, data: str, variant: str) -> float:
    """The lowest gain of a seed in all settings of a data set."""
    settings = [setting for setting in gains.settings(variant) if setting.startswith(data)]
    return min(min(gains.by_seed(setting, variant)) for setting in settings)


def _largest_gains_most(gains: Gains) -> bool:
    """Whether factor 100 gained most in all short trainings."""
    studies = [('upsampling', 'gdn-x{}'), ('spoilers', 'gdn-x{}'), ('matrix-rates', 'x{}')]
    return all(
        gains.mean(setting, form.format(100), study=study) >= gains.mean(setting, form.format(factor), study=study)
        for study, form in studies
        for factor in (1, 5, 20, 50)
        for setting in gains.settings(form.format(100), form.format(factor), study=study)
        if '_200x8' in setting or '_300x8' in setting
    )


def _range(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)
