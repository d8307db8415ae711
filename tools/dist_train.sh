#!/usr/bin/env bash
# Train on several devices of one or more machines: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# From the environment: NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON. Without a GPU, GPUS is the number of processes.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 CONFIG GPUS [options of tools/train.py]" >&2; exit 2; }
config=$1 gpus=$2
shift 2
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
