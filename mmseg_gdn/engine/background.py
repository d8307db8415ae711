"""Does the background setting of the multi-label heads fit the data?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmseg_gdn.models.decode_heads import MultiLabelHead
from mmseg_gdn.models.decode_heads.label_branch import LabelBranch
from mmseg_gdn.models.losses import MultiLabelAuxLoss
from mmseg_gdn.utils import InputError

from .unwrap import plain_name


def check_background(model: nn.Module, metainfo: Mapping[str, Any]) -> None:
    """Make sure that no multi-label loss leaves out a class 0 that is not background.

    Args:
        model: A segmentor.
        metainfo: Meta information of its training data; without ``classes``, nothing is checked.

    Raises:
        InputError: If ``with_background=False`` would leave out another class.
    """
    classes = metainfo.get('classes')
    if not classes or 'background' in classes[0].lower():
        return
    for name, module in model.named_modules():
        if isinstance(module, (LabelBranch, MultiLabelHead, MultiLabelAuxLoss)) and not module.with_background:
            raise InputError(
                f'{plain_name(name)} leaves out class 0 as background, but class 0 of the training data '
                f'is {classes[0]!r}; set with_background=True in its config.'
            )
