#!/usr/bin/env bash
# Measures the Triton kernels on one GPU within 8 minutes; results land in benchmarks/results.
# Then, if they are faster, `python benchmarks/gpu_record.py RESULT.json` switches them on for such GPUs.
# Without a GPU: TRITON_INTERPRET=1 benchmarks/gpu.sh --device cpu --tiny --out FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}  # the clone needs no installation
timeout 475 "${PYTHON:-$(command -v python || echo python3)}" benchmarks/gpu.py "$@"
