"""What benchmarks/accuracy/matrix-rates.md says of the results."""

from __future__ import annotations

from gains import Gains
from prose import Claim

from .findings import CAMVID_LONGEST, RATES_FROZEN, RATES_TOP, VOC_LONG, span


def claims(gains: Gains) -> list[Claim]:
    """Its claims."""

    def one(setting: str, optimizer: str, variant: str) -> float:
        return gains.mean(setting.format(optimizer), variant, study='matrix-rates')

    def moved(setting: str, optimizer: str, variant: str, matrix: int) -> float:
        return gains.moved(setting.format(optimizer), variant, study='matrix-rates')[matrix]

    own = [one(setting, 'sgd', 'x1') for setting in (RATES_FROZEN, RATES_TOP)]
    times = [
        [
            moved(setting, 'adamw', f'x{factor}', matrix) / moved(setting, 'sgd', f'x{factor}', matrix)
            for setting in (RATES_FROZEN, RATES_TOP)
            for factor in (1, 5, 20, 50, 100)
        ]
        for matrix in (0, 1)
    ]
    return [
        Claim(
            'AdamW moves K_h {:.1f} to {:.1f} times, and K_w {:.1f} to {:.1f} times, as far as SGD',
            (*span(times[0]), *span(times[1])),
        ),
        Claim('hardly move with SGD, and gain {:.1f} to {:.1f}', span(own)),
        Claim('with trained stages x20 gains only {:.1f}', (one(RATES_TOP, 'sgd', 'x20'),)),
        Claim(
            'in all three seeds ({:.1f} against {:.1f})',
            tuple(gains.mean(CAMVID_LONGEST, variant) for variant in ('gdn-x100', 'gdn-x20')),
        ),
        Claim(
            'it does not ({:.1f} against {:.1f}, three seeds)',
            tuple(gains.mean(VOC_LONG, variant) for variant in ('gdn-x100', 'gdn-x20')),
        ),
    ]
