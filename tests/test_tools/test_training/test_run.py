"""What a training is refused for once its config has been read."""

import pytest

from mmseg_gdn.utils import InputError
from training.run import _enable_amp


def test_mixed_precision_with_several_optimizers():
    with pytest.raises(InputError, match=r"has several; leave out the flag, and set type='AmpOptimWrapper' in each"):
        _enable_amp(dict(constructor='Mine', backbone=dict(optimizer=dict(type='SGD'))))
