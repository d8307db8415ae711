"""One training step of a model that lies in parts on several processes; started by ``test_fsdp.py``.

torchrun --nproc_per_node=2 tests/test_models/fsdp_step.py STEP.pth OUT.pth
"""

from __future__ import annotations

import sys

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import distributed as dist
from torch.distributed import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method


def main() -> None:
    """Each process takes its part of the batch; the first writes what all have learned."""
    source, target = sys.argv[1:]
    init_default_scope('mmseg')
    dist.init_process_group('gloo')
    rank, count = dist.get_rank(), dist.get_world_size()
    step = torch.load(source, weights_only=True)
    model = MODELS.build(step['model']).train()
    model.load_state_dict(step['state_dict'])

    mesh = init_device_mesh('cpu', (count,))
    for head in (model.decode_head, model.auxiliary_head[0]):
        fully_shard(head, mesh=mesh)
        # mmseg calls a head's loss, which is where its parameters have to be gathered.
        register_fsdp_forward_method(head, 'loss')
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.SGD(model.parameters(), lr=step['lr'])

    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in step['labels'][rank::count]]
    losses = model(step['images'][rank::count], samples, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    shards = {name: tuple(value.to_local().shape) for name, value in model.named_parameters()}
    gradients = {name: value.grad.full_tensor() for name, value in model.named_parameters()}
    optimizer.step()
    weights = {name: value.full_tensor() for name, value in model.named_parameters()}
    total = total.detach()
    dist.all_reduce(total)
    if rank == 0:
        torch.save(dict(loss=total / count, gradients=gradients, weights=weights, shards=shards), target)
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
