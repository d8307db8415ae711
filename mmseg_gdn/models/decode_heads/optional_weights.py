"""Parts whose weights a checkpoint may lack, because predicting masks does not need them."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor


class OptionalWeights(BaseModule):
    """Mixin for modules that are trained along with a model: knows whether what they would predict is random.

    Attributes:
        lacks_weights: Whether the checkpoint loaded last had no weights for this module, which has not been trained
            since; its users set it to false when they compute the loss.
    """

    lacks_weights = False

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        self.lacks_weights = any(prefix + name not in state_dict for name, _ in self.named_parameters())
        super()._load_from_state_dict(state_dict, prefix, *args)
