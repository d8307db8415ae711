"""Cut the golden files down to what the tests need everywhere: python tests/data/cut_golden.py GOLDEN_DIR

Kept are the weights, one small run of each net with most of its quantities, the small cases of the layer, the whole
solver file, all sizes and the old-format model. Large gradients are left out where another net of the set has them.
Of a new-format model only the small layers are kept, byte by byte as Caffe has written them.
The released matrices are never taken along.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from mmseg_gdn.caffe.wire import fields

TARGET = Path(__file__).parent / 'golden'
RUN = 'b'  # the runs with two images, which are also the smallest
LEFT_OUT = {
    'fcn32s_thin.npz': ('grad/', 'diff/data'),
    'deeplab_gdn_thin.npz': ('grad/conv5', 'grad/conv4_3', 'diff/data'),
    'fcn32s_gdn_thin.npz': (),
}
LAYER_CASES = ('tiny', 'mid', 'same', 'down', 'init')
MODEL, SMALL_LAYERS, LAYER_BYTES = 'thin_deeplab_gdn', 'small_layers_of_deeplab_gdn', 7000
WHOLE = ('solver_traj.npz', 'spatial_shapes.json', 'v1_legacy.npz', 'v1_legacy.caffemodel')


def main(source: Path) -> None:
    """Write the reduced set."""
    TARGET.mkdir(exist_ok=True)
    for name, left_out in LEFT_OUT.items():
        arrays = np.load(source / name)
        save(
            name,
            arrays,
            [
                key
                for key in arrays
                if key.split('/')[0] in ('meta', 'param', 'lossnorm')
                or (key.startswith(RUN) and not any(part in key for part in left_out))
            ],
        )
    layer = np.load(source / 'gdn_layer.npz')
    save('gdn_layer.npz', layer, [key for key in layer if key.split('/')[0] in (*LAYER_CASES, 'meta')])
    for name in WHOLE:
        shutil.copyfile(source / name, TARGET / name)
    model = (source / f'{MODEL}.caffemodel').read_bytes()
    parts = fields(memoryview(model), 0, len(model))
    kept = [model[part.start : part.end] for part in parts if part.end - part.start <= LAYER_BYTES]
    (TARGET / f'{SMALL_LAYERS}.caffemodel').write_bytes(b''.join(kept))


def save(name: str, arrays: dict[str, np.ndarray], keys: list[str]) -> None:
    """Write some arrays of a file."""
    np.savez_compressed(TARGET / name, **{key: arrays[key] for key in keys})


if __name__ == '__main__':
    main(Path(sys.argv[1]))
