#!/usr/bin/env bash
# Trains the main comparisons end to end on one GPU within 9 minutes; results land in benchmarks/accuracy/results.
# First, where the data is:      benchmarks/gpu_accuracy.sh pack CAMVID VOC2012
# Copy work_dirs/gpu_accuracy/data.tar with this repository to the GPU's machine. There:
#                                benchmarks/gpu_accuracy.sh run
# Copy benchmarks/accuracy/results/gpu_*.json back, and run benchmarks/accuracy/report.py.
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
    rm -f "$folder"/*.log
    # Four trainings share the GPU, because one by one they would wait for their images.
    declare -A trainings
    for setting in ${SETTINGS:-camvid_trained_s16 voc_trained_s16 camvid_trained_s32 voc_trained_s32}; do
        timeout 530 "$python" benchmarks/accuracy/run.py --camvid "$folder/camvid" --voc "$folder/voc" \
            --mobilenetv2-weights "$folder/mobilenet_v2_imagenet.pth" \
            --scratch "$folder" --results "${RESULTS:-benchmarks/accuracy/results}" --only "gpu_$setting" \
            --workers "${WORKERS:-3}" ${ITERATIONS:+--iterations "$ITERATIONS"} > "$folder/$setting.log" 2>&1 &
        trainings[$setting]=$!
    done
    failed=0
    for setting in "${!trainings[@]}"; do
        status=0
        wait "${trainings[$setting]}" || status=$?
        # 124: out of time. What is finished counts, and another call goes on with the rest.
        if [ "$status" -ne 0 ] && [ "$status" -ne 124 ]; then
            echo "error: $setting ended with status $status; the end of $folder/$setting.log:" >&2
            tail -n 5 "$folder/$setting.log" >&2
            failed=1
        fi
    done
    grep -h '^\[' "$folder"/*.log || { echo "error: no training has finished; see $folder/*.log." >&2; failed=1; }
    exit "$failed"
    ;;
*)
    echo "usage: $0 pack CAMVID VOC2012 | run" >&2
    exit 2
    ;;
esac
