#!/usr/bin/env bash
# Holds the CUDA backend against the processor's and against PyTorch, on a machine with an
# NVIDIA GPU: bash check.sh [FLAGS], in the folder that prepare.sh made elsewhere. It builds
# nothing and asks nothing of a network. Every stage has a limit of its own, so that one
# that hangs costs itself alone; all together end within eight minutes. What came of it is
# printed, one table last, and lies in --out.
#
#   --out DIR        results and logs (default: ./results)
#   --device NAME    cuda, cuda:N, or cpu: a rehearsal on the processor (default: cuda)
#   --tiny           tiny shapes, for a rehearsal
#   --seconds N      how long each work is measured (default: 3)
#   --python PROGRAM with torch, if it is there (default: python3)
#
# Exit status: 0 every stage passed; 1 one failed or was out of time; 77 none failed, and
# some were skipped, by name.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

out=results device=cuda seconds=3 python=python3 tiny=()
while (($# > 0)); do
  case $1 in
    --tiny) tiny=(-tiny) && shift && continue ;;
    --out | --device | --seconds | --python) (($# > 1)) || { echo "$1 wants a value" >&2; exit 2; } ;;
    *) echo "no flag $1: see the head of $0" >&2; exit 2 ;;
  esac
  printf -v "${1#--}" '%s' "$2"
  shift 2
done
for program in lamina cuda-bench kernels.test; do
  [[ -x $here/$program ]] || { echo "$here/$program is not here: prepare.sh makes this folder" >&2; exit 2; }
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/*.json "$out"/*.log "$out"/*.txt
: >"$out/stages.tsv"

most=480 # seconds, all together
failed=0 skipped=0

note() { # NAME WORD SECONDS
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$out/stages.tsv"
  echo "=== $1: $2, $3 s"
}

skip() { # NAME WHY
  skipped=$((skipped + 1))
  note "$1" "SKIPPED: $2" 0
}

# stage NAME LIMIT COMMAND...: runs it for LIMIT seconds at most, and no longer than is left.
stage() {
  local name=$1 limit=$2 left=$((most - SECONDS)) began=$SECONDS status=0 word
  shift 2
  if ((left < 10)); then
    failed=$((failed + 1))
    note "$name" "FAILED: no time was left" 0
    return 1
  fi
  ((limit <= left)) || limit=$left
  echo "=== $name"
  timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
  case $status in
    0) word=ok ;;
    124 | 137) word="FAILED: not done within $limit s" ;;
    *) word="FAILED with status $status" ;;
  esac
  tail -n 15 "$out/$name.log"
  note "$name" "$word" $((SECONDS - began))
  [[ $status == 0 ]] || { failed=$((failed + 1)); return 1; }
}

bench() { # NAME LIMIT: a stage of cuda-bench
  stage "$1" "$2" "$here/cuda-bench" -device "$device" -time "${seconds}s" "${tiny[@]}" -out "$out" "$1" || true
}

"$here/cuda-bench" "${tiny[@]}" -out "$out" plan

if [[ $device != cpu && ! -e /dev/nvidiactl && ! -e /dev/dxg ]]; then
  timeout -k 5 30 "$here/lamina" doctor --device "$device" 2>&1 || true # says what it looked for
  for name in doctor roofs kerneltest parity train finetune infer torch-eager torch-compile memcheck racecheck; do
    skip "$name" "no NVIDIA device on this machine"
  done
else
  # One that is there and cannot be used fails, and so do the stages that need it.
  stage doctor 30 "$here/lamina" doctor --device "$device" --json "$out/doctor.json" || true
  bench roofs 45
  if [[ $device == cpu ]]; then
    skip kerneltest "it is of the GPU"
  else
    number=${device#cuda} number=${number#:}
    LAMINA_TESTS=whole LAMINA_CUDA=${number:-0} stage kerneltest 100 "$here/kernels.test" -test.v -test.run '^TestHardware' || true
  fi
  bench parity 60
  bench train 45
  bench finetune 45
  bench infer 60
  if "$python" -c 'import torch' >"$out/torch.log" 2>&1; then
    torch() { # MODE LIMIT
      stage "torch-$1" "$2" "$python" "$here/torch_bench.py" --plan "$out/plan.json" --out "$out/torch-$1.json" --mode "$1" --device "$device" --seconds "$seconds" || true
    }
    torch eager 70
    torch compile 150
  else
    for mode in eager compile; do
      skip "torch-$mode" "$python has no torch"
    done
  fi
  mkdir -p "$out/sanitizer"
  for tool in memcheck racecheck; do
    if [[ $device == cpu ]]; then
      skip "$tool" "it is of the GPU"
    elif ! command -v compute-sanitizer >/dev/null; then
      skip "$tool" "compute-sanitizer is not here"
    else
      # Calls by which cuBLASLt asks what an older driver has fail, and are no fault.
      quiet=()
      [[ $tool != memcheck ]] || quiet=(--report-api-errors no)
      stage "$tool" 60 compute-sanitizer --tool "$tool" "${quiet[@]}" --error-exitcode 9 "$here/cuda-bench" -device "$device" -tiny -out "$out/sanitizer" parity || true
    fi
  done
fi

echo
"$here/cuda-bench" "${tiny[@]}" -out "$out" table
echo
echo "results: $out; $failed stages failed, $skipped skipped, $SECONDS s"
((failed == 0)) || exit 1
((skipped == 0)) || exit 77
