"""The outcomes of the trials as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch

from mmseg_gdn.models.decode_heads import find_base_head
from mmseg_gdn.stack import installed_versions
from mmseg_gdn.utils import InputError

from .results import Result, share
from .stock_configs import stock_heads
from .trial import FAILS, LACKS, OTHER_KIND, WORKS

_STATES = (WORKS, FAILS, LACKS, OTHER_KIND)
_USE = """
After reading this you can tell whether your head or your stock config works with learned upsampling, and write its
variant. `tools/gdn_variant.py` prints it for a stock config, or for one of your own, with the right sizes:

```sh
python tools/gdn_variant.py mmseg::pspnet/pspnet_r50-d8_4xb4-20k_voc12aug-512x512.py > my.py
```

gives, beside comments,

```python
_base_ = 'mmseg::pspnet/pspnet_r50-d8_4xb4-20k_voc12aug-512x512.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(type='GlobalInterpHead', base_type='PSPHead', in_size=(64, 64), out_size=(512, 512)),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
```

All other settings of the decode head go to the head in `base_type`. `out_size` is the training crop and `in_size` the
size of the head's scores for it; training on other crops stops with a message that gives the right sizes. In a cascade
the last head is changed:

```python
_base_ = 'mmseg::ocrnet/ocrnet_hr18s_4xb2-40k_cityscapes-512x1024.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
decode_head = _base_.model.decode_head
decode_head[-1].update(type='GlobalInterpHead', base_type='OCRHead', in_size=(128, 256), out_size=(512, 1024))
model = dict(decode_head=decode_head)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
```

A longer key in `custom_keys` takes precedence over a shorter one, so the matrices keep this rate beside SegFormer's
`head`. Some constructors of optimizers ignore `custom_keys` (ConvNeXt, BEiT, MAE); the tool then adds
`CustomKeysConstructor`, which applies them on top.

Heads are judged by the signatures of their methods, by what these call and by what `forward` returns, not by name, so a
head that you register yourself works in the same way.
"""
_TESTS = 'tests/test_models/test_decode_heads/test_head_zoo.py'


def summary(results: list[Result]) -> str:
    """Counts per family and in total, as text."""
    rows = [('family', 'configs', *_STATES), *_count_rows(results, lambda result: result.family)]
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = ['  '.join(f'{cell!s:<{width}}' for cell, width in zip(row, widths)).rstrip() for row in rows]
    return '\n'.join([*lines, _verdict(results)])


def heads_document(results: list[Result]) -> str:
    """The page on heads and stock configs.

    Args:
        results: Outcomes of all stock configs.

    Returns:
        Markdown.
    """
    return '\n'.join(
        [
            '# Heads and stock configs',
            _USE,
            '## What was tried',
            '',
            *_introduction(results),
            '',
            '## Heads',
            '',
            *_markdown(('head', 'works', 'stock configs passing', 'test'), _head_rows(results)),
            '',
            '## Families',
            '',
            *_markdown(('family', 'configs', *_STATES), _count_rows(results, lambda r: r.family)),
            '',
            '## What does not pass, and why',
            '',
            *_reasons(results),
            '',
        ]
    )


def _introduction(results: list[Result]) -> list[str]:
    installed = installed_versions()
    names = ('mmsegmentation', 'onedl-mmsegmentation', 'mmcv', 'mmcv-lite', 'onedl-mmcv', 'mmpretrain')
    stack = ', '.join(f'{name} {installed[name]}' for name in names if name in installed)
    errors = [result.outcome.score_error for result in results if result.status == WORKS]
    pixels = [result.outcome.same_pixels for result in results if result.status == WORKS]
    return [
        'Written by `python tools/gdn_sweep.py --docs docs/heads.md`; do not edit.',
        '',
        f'Stack: {stack}, PyTorch {torch.__version__}, CPU.',
        '',
        'Every config of the installed mmseg is read and made a GDN variant. Both models are built without pretrained',
        'weights, with BatchNorm for SyncBN, few layers per transformer stage, ResNet-50 for deeper ones, and images',
        'with a short side of 64 or 65 px (more where a network needs more). Configs that then differ only in data,',
        'schedule or test settings share a trial. A config *works* if',
        '',
        '- the stock weights load into the variant with only `decode_head.interp.kernel_h` and `kernel_w` missing,',
        '- the untrained variant predicts what the stock model predicts: scores to 1e-4 of the largest, and at least',
        '  99.9 % of the pixels,',
        '- one training step (forward with all losses of the head and of auxiliary heads, backward, and the optimizer',
        '  of the config with `custom_keys` for the matrices) is finite and moves both matrices.',
        '',
        f'**{_verdict(results)}**',
        '',
        f'Before training, scores differ by at most {max(errors, default=0):.1e} of the largest score, and at least',
        f'{100 * min(pixels, default=1):.5g} % of the pixels are predicted equally.',
        '',
        'Configs that *lack* something could not be tried, because a compiled operator or a package is not installed.',
        f'The tests of single heads are in `{_TESTS}`',
        '(`-k NAME` runs those of one).',
    ]


def _verdict(results: list[Result]) -> str:
    counts = Counter(result.status for result in results)
    return (
        f'{counts[WORKS]} of {len(results) - counts[OTHER_KIND]} configs whose head makes a score map work '
        f'({share(results):.1%}); {counts[OTHER_KIND]} more have a head of another kind.'
    )


def _count_rows(results: list[Result], key: Callable[[Result], str]) -> list[tuple]:
    rows = []
    for name in sorted({key(result) for result in results}):
        counts = Counter(result.status for result in results if key(result) == name)
        rows.append((name, sum(counts.values()), *(counts[state] for state in _STATES)))
    return [*rows, ('total', *(sum(column) for column in list(zip(*rows))[1:]))]


def _head_rows(results: list[Result]) -> list[tuple]:
    rows = []
    for head in stock_heads():
        own = [result for result in results if result.head == head]
        refusal = _refusal(head) or next((r.outcome.reason for r in own if r.status == OTHER_KIND), None)
        works = 'yes' if refusal is None else f'no: {_obstacle(refusal)}'
        if own and all(result.status == LACKS for result in own):
            works = 'yes, but its configs need packages that are not installed here'
        passed = f'{sum(r.status == WORKS for r in own)} of {len(own)}' if own else 'none uses it as decode head'
        test = 'test_works_as_a_base' if refusal is None else 'test_is_refused'
        rows.append((head, works, passed, f'`{test}[{head}]`'))
    return rows


def _refusal(head: str) -> str | None:
    try:
        find_base_head(head)
    except InputError as error:
        return str(error)
    return None


def _obstacle(refusal: str) -> str:
    """Why GlobalInterpHead refuses a head: the part of its message between the head's name and the advice."""
    return refusal.split("' ", 1)[-1].split('. GlobalInterpHead needs')[0]


def _reasons(results: list[Result]) -> list[str]:
    lines = []
    grouped = {}
    for result in results:
        if result.status != WORKS:
            grouped.setdefault((result.status, result.head, result.outcome.reason), []).append(result.config)
    for (status, head, reason), configs in sorted(grouped.items()):
        families = ', '.join(sorted({config.split('/')[0] for config in configs}))
        why = _obstacle(reason) if status == OTHER_KIND else reason
        lines.append(f'- {status}: {head} in {len(configs)} config(s) of {families}: {why}')
    return lines or ['Everything passes.']


def _markdown(header: tuple, rows: list[tuple]) -> list[str]:
    cells = [header, ('---',) * len(header), *rows]
    return [f'| {" | ".join(str(cell).replace("|", "/") for cell in row)} |' for row in cells]
