#!/usr/bin/env bash
# Measures on CUDA in bf16 and fp32, within 8 minutes together; results land in benchmarks/results.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
"$python" -c 'import torch; assert torch.cuda.is_available(), "no CUDA device"'
for dtype in bf16 fp32; do
    timeout 235 "$python" benchmarks/run.py --device cuda --dtype "$dtype" --seconds 1 --minutes 3
done
