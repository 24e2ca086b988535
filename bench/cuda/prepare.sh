#!/usr/bin/env bash
# Makes the folder that check.sh runs in, on a machine with Go and a network; the GPU's
# needs neither: bash bench/cuda/prepare.sh DIR. GOARCH chooses another processor's.
set -euo pipefail
(($# == 1)) || { echo "want the folder to make" >&2; exit 2; }
mkdir -p "$1"
to=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export CGO_ENABLED=0 GOOS=linux
go build -trimpath -tags cuda -o "$to/lamina" ./cmd/lamina
go build -trimpath -tags cuda -o "$to/cuda-bench" ./bench/cuda
go test -c -trimpath -tags cuda -o "$to/kernels.test" ./kernels/cuda
cp bench/cuda/check.sh bench/cuda/torch_bench.py "$to"
echo "copy $to to the machine with the GPU (glibc, $(go env GOARCH)), and there: bash check.sh"
