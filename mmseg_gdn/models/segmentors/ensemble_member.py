"""One model of an ensemble, which gets images as its own config prepares them."""

from __future__ import annotations

from mmengine.dataset import Compose, pseudo_collate
from mmseg.models.utils import resize
from mmseg.registry import MODELS, TRANSFORMS
from torch import Tensor, nn

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import read_config
from mmseg_gdn.utils.pipelines import find_test_set, loads_masks
from mmseg_gdn.utils.type_names import type_name


class EnsembleMember(nn.Module):
    """A segmentor with its checkpoint, and with the test pipeline and the preprocessor of its config.

    Args:
        config: Path of the config.
        checkpoint: Path of the checkpoint.

    Attributes:
        classes: Names of the classes, as far as the config's test set tells them.

    Raises:
        InputError: If a file is missing, if they do not belong together, if the config has no test set, or if the model
            predicts no probabilities of classes.
    """

    def __init__(self, config: str, checkpoint: str) -> None:
        super().__init__()
        # Not at the top, because the engine imports the models.
        from mmseg_gdn.datasets.checked_loading import with_checked_loading
        from mmseg_gdn.engine.checkpoint import load_weights, require_checkpoint
        from mmseg_gdn.engine.class_order import require_class_order
        from mmseg_gdn.visualization import class_names

        cfg = read_config(config)
        if type_name(cfg.model) == 'Ensemble':
            raise InputError(f'{config} is an Ensemble itself; list its members instead.')
        test_set = find_test_set(cfg, config, 'by which an Ensemble prepares the images of its members')
        require_checkpoint(checkpoint)
        self.config = config
        self.classes = class_names(test_set)
        self.pipeline = Compose(
            [TRANSFORMS.build(step) for step in with_checked_loading(test_set['pipeline']) if not loads_masks(step)]
        )
        self.model = MODELS.build(cfg.model).eval()
        if self.model.out_channels == 1:
            raise InputError(
                f'The model of {config} has a single score for two classes, but an Ensemble averages '
                'softmax probabilities; leave out this member.'
            )
        try:
            require_class_order(load_weights(self.model, checkpoint), self.classes, checkpoint)
        except InputError as error:
            raise InputError(f'{config}, a member of the Ensemble: {error}') from error

    def forward(self, img_path: str) -> Tensor:
        """Probabilities of the classes, at the size of the image.

        Args:
            img_path: Path of the image.

        Returns:
            Softmax of the scores, shape (C, H, W), float32.
        """
        image = self.pipeline(dict(img_path=img_path, seg_fields=[]))
        (sample,) = self.model.test_step(pseudo_collate([image]))
        scores, size = sample.seg_logits.data.float(), tuple(sample.ori_shape[:2])
        if tuple(scores.shape[1:]) != size:
            scores = resize(
                scores[None], size=size, mode='bilinear', align_corners=self.model.align_corners, warning=False
            )[0]
        return scores.softmax(0)
