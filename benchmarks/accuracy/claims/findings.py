"""What several documents say of the results."""

from __future__ import annotations

from collections.abc import Sequence

from card import checkpoint_metrics
from comparison import WELL_POPULATED, Measure
from gains import Gains

CAMVID, CAMVID_ADAMW, CAMVID_FINE = (f'camvid_most_{name}_300x8' for name in ('s32_sgd', 's32_adamw', 's16_sgd'))
CAMVID_LONG, CAMVID_LONGEST = 'camvid_most_s32_sgd_600x8', 'camvid_most_s32_sgd_900x8'
CAMVID_TRAINED, CAMVID_FAST_HEAD = 'camvid_trained_s32_sgd_300x8', f'{CAMVID}_head-x10'
VOC, VOC_FINE = 'voc_most_s32_sgd_300x8', 'voc_most_s16_sgd_300x8'
VOC_FAST_HEAD = f'{VOC}_head-x10'
VOC_LONG, VOC_LONGEST = 'voc_most_s32_sgd_600x8', 'voc_most_s32_sgd_900x8'
RATES_FROZEN, RATES_TOP = 'camvid_frozen_s32_{}_300x8', 'camvid_top_s32_{}_200x8'
FRAMED_ALIKE = (CAMVID, CAMVID_FINE, CAMVID_ADAMW)
CAMVID_FREQUENT, VOC_FREQUENT = (Measure(classes=WELL_POPULATED[data]) for data in ('camvid', 'voc'))


def frequent(gains: Gains) -> tuple[float, float]:
    """The lowest and the highest gain on CamVid's frequent classes at factor 100."""
    return span([gains.mean(setting, 'gdn-x100', CAMVID_FREQUENT) for setting in FRAMED_ALIKE])


def is_half_a_point(gains: Gains) -> bool:
    """Whether twice as many iterations leave that on VOC."""
    return all(0.35 < gains.mean(VOC_LONG, variant) < 0.65 for variant in ('gdn-x20', 'gdn-x100'))


def is_no_more_near_borders(gains: Gains) -> bool:
    """Whether VOC gains near borders what it gains overall, or less."""
    near = Measure('4px')
    return all(
        gains.mean(setting, 'gdn-x100', near) < 1.1 * gains.mean(setting, 'gdn-x100') for setting in (VOC, VOC_FINE)
    )


def at_own_rate(gains: Gains, optimizer: str) -> list[float]:
    """Mean gains of matrices that learn at the network's rate."""
    settings = [setting.format(optimizer) for setting in (RATES_FROZEN, RATES_TOP)]
    means = [gains.mean(setting, 'x1', study='matrix-rates') for setting in settings]
    return [*means, gains.mean(CAMVID, 'gdn-x1')] if optimizer == 'sgd' else means


def lowest(gains: Gains, data: str, variant: str) -> float:
    """The lowest gain of a seed in all settings of a data set."""
    settings = [setting for setting in gains.settings(variant) if setting.startswith(data)]
    return min(min(gains.by_seed(setting, variant)) for setting in settings)


def largest_gains_most(gains: Gains) -> bool:
    """Whether factor 100 gained most in all short trainings."""
    studies = [('upsampling', 'gdn-x{}'), ('spoilers', 'gdn-x{}'), ('matrix-rates', 'x{}')]
    return all(
        gains.mean(setting, form.format(100), study=study) >= gains.mean(setting, form.format(factor), study=study)
        for study, form in studies
        for factor in (1, 5, 20, 50)
        for setting in gains.settings(form.format(100), form.format(factor), study=study)
        if '_200x8' in setting or '_300x8' in setting
    )


def bundled() -> tuple[float, float]:
    """Mean IoU of the checkpoints with bilinear interpolation and with GDN."""
    bilinear, gdn = (
        checkpoint_metrics(f'fcn_mobilenet-v2_{name}')['mIoU'] for name in ('voc-extract', 'gdn_voc-extract')
    )
    return bilinear, gdn


def span(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest value."""
    return min(values), max(values)
