#!/usr/bin/env bash
# Test on several devices of one or more machines: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
# From the environment: NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON. Without a GPU, GPUS is the number of processes.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 CONFIG CHECKPOINT GPUS [options of tools/test.py]" >&2; exit 2; }
config=$1 checkpoint=$2 gpus=$3
shift 3
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
