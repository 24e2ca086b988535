#!/usr/bin/env bash
# Makes testdata/format2: an emulator as the last version with format 2 wrote it (commit
# 1a7ecf2). Run from the repository's root. Its exchange is random.
set -euo pipefail
old=$(mktemp -d)
git archive 1a7ecf2 | tar -x -C "$old"
(cd "$old" && CGO_ENABLED=0 go build -o lamina ./cmd/lamina)
"$old/lamina" emulate --model transformer/testdata/llama-bf16 --plan '0* 1 1' --receipt "$old/receipt.json" \
  --out crash/emulate/testdata/format2 --overwrite
rm -rf "$old"
