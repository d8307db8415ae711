"""The legend as a table: colour and share of each class, and what the classification branch believes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from mmseg_gdn.prediction.overlay import class_shares, percent
from mmseg_gdn.visualization import ClassLegend

from .segmentation import Segmentation

_BELIEVED = 0.5


def class_table(segmentation: Segmentation, with_crf: bool) -> str:
    """The classes that are in a mask or that a label branch believes in, the largest first, as HTML.

    Args:
        segmentation: Photograph and predictions.
        with_crf: Whether the masks are those after the CRF.
    """
    models, predictions = segmentation.models, segmentation.predictions
    shares = [class_shares(classes) for classes in segmentation.classes(with_crf)]
    branches = {model.name: prediction.labels for model, prediction in zip(models, predictions) if prediction.labels}
    labels = _classes(shares, list(branches.values()))
    legend = models[0].predictor.legend
    rows = ''.join(
        f'<tr><th scope="row">{_swatch(legend.palette[label])}{escape(legend.name(label))}</th>'
        + ''.join(_share(share.get(label)) for share in shares)
        + ''.join(_belief(branch.get(label)) for branch in branches.values())
        + '</tr>'
        for label in labels
    )
    head = ''.join(f'<th scope="col">{escape(model.name)}<small>share of pixels</small></th>' for model in models)
    head += ''.join(f'<th scope="col">label branch<small>of {escape(name)}</small></th>' for name in branches)
    return (
        f'<table class="classes"><thead><tr><th scope="col">class</th>{head}</tr></thead><tbody>{rows}</tbody>'
        f'</table><p class="beliefs">{_beliefs(segmentation)}</p>'
    )


def _classes(shares: Sequence[Mapping[int, float]], branches: Sequence[Mapping[int, float]]) -> list[int]:
    largest = {label: max(share.get(label, 0) for share in shares) for label in set().union(*shares)}
    believed = {label: branch[label] for branch in branches for label in branch if branch[label] >= _BELIEVED}
    return sorted({**largest, **believed}, key=lambda label: (-largest.get(label, 0), -believed.get(label, 0), label))


def _swatch(colour: np.ndarray) -> str:
    return f'<i style="background:rgb({colour[0]},{colour[1]},{colour[2]})"></i>'


def _share(share: float | None) -> str:
    return '<td class="none">&ndash;</td>' if share is None else f'<td>{percent(share)}</td>'


def _belief(probability: float | None) -> str:
    if probability is None:
        return '<td class="none">&ndash;</td>'
    kind = 'believed' if probability >= _BELIEVED else 'doubted'
    return f'<td class="{kind}">{percent(100 * probability)}</td>'


def _beliefs(segmentation: Segmentation) -> str:
    """What each label branch says, in a sentence."""
    return ' '.join(
        _belief_of(escape(model.name), model.predictor.legend, prediction.labels)
        for model, prediction in zip(segmentation.models, segmentation.predictions)
    )


def _belief_of(model: str, legend: ClassLegend, labels: Mapping[int, float] | None) -> str:
    if labels is None:
        return f'{model} has no label branch.'
    if not labels:
        return f'The label branch of {model} has no weights, or is too small for this photograph.'
    ordered = sorted(labels, key=lambda label: -labels[label])
    names = [legend.name(label) for label in ordered if labels[label] >= _BELIEVED]
    if names:
        return f'The label branch of {model} believes in <b>{escape(", ".join(names))}</b>.'
    likeliest = f'{legend.name(ordered[0])}, {percent(100 * labels[ordered[0]])}'
    return f'The label branch of {model} believes in no class (likeliest: {escape(likeliest)}).'
