#!/usr/bin/env bash
# Trains the main comparisons end to end on one GPU within 9 minutes; results land in benchmarks/accuracy/results.
# First, where the data is:      benchmarks/gpu_accuracy.sh pack CAMVID VOC2012
# Then, on the GPU's machine:    benchmarks/gpu_accuracy.sh run
# With ITERATIONS=2 WORKERS=0 SETTINGS=camvid_trained_s32 RESULTS=work_dirs/gpu_accuracy/results, a CPU can try it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
folder=work_dirs/gpu_accuracy
mkdir -p "$folder"
case ${1:-}$# in
pack3)
    "$python" benchmarks/accuracy/pack.py --camvid "$2" --voc "$3" --out "$folder/data.tar"
    ;;
run1)
    tar -xf "$folder/data.tar" -C "$folder"
    # Four trainings share the GPU, because one by one they would wait for their images.
    for setting in ${SETTINGS:-camvid_trained_s16 voc_trained_s16 camvid_trained_s32 voc_trained_s32}; do
        timeout 530 "$python" benchmarks/accuracy/run.py --camvid "$folder/camvid" --voc "$folder/voc" \
            --scratch "$folder" --results "${RESULTS:-benchmarks/accuracy/results}" --only "gpu_$setting" \
            --workers "${WORKERS:-3}" ${ITERATIONS:+--iterations "$ITERATIONS"} > "$folder/$setting.log" 2>&1 &
    done
    wait
    grep -h '^\[' "$folder"/*.log
    ;;
*)
    echo "usage: $0 pack CAMVID VOC2012 | run" >&2
    exit 2
    ;;
esac
