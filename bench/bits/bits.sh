#!/usr/bin/env bash
# What a binary computes, hashed: a line a result, its name and its SHA-256. Two builds
# agree if the lines do, and diff says what does not. Times, rates and peaks of memory
# are left out.
#
#	CGO_ENABLED=0 go build -o /tmp/lamina ./cmd/lamina
#	bash bench/bits/bits.sh /tmp/lamina > after.txt
#
# LAMINA_MODELS and LAMINA_DATA, if set, add SmolLM2 (as in .ci/run).
set -euo pipefail
lamina=$(realpath "$1")
models=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../transformer/testdata" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

hash() { echo "$1 $(sha256sum <"$2" | cut -c1-64)"; }
quiet() { "$lamina" "$@" >/dev/null 2>&1; }

# stable FILE: a JSON or JSON-lines file without what differs from run to run.
stable() {
  python3 - "$1" <<'PYTHON'
import json, sys

unstable = {"seconds", "peak_bytes", "tokens_per_second", "versions"}

def strip(v):
    if isinstance(v, dict):
        return {k: strip(x) for k, x in v.items() if k not in unstable}
    return [strip(x) for x in v] if isinstance(v, list) else v

text = open(sys.argv[1]).read()
values = [json.loads(line) for line in text.splitlines()] if sys.argv[1].endswith("l") else json.loads(text)
print(json.dumps(strip(values), sort_keys=True))
PYTHON
}
hash_stable() { stable "$2" >stable; hash "$1" stable; }

quiet demo --out demo
hash_stable demo/table.json demo/table.json
find demo -name '*.safetensors' -o -name similarity.json | sort | while read -r f; do hash "$f" "$f"; done
find demo -name metrics.jsonl | sort | while read -r f; do hash_stable "$f" "$f"; done

for golden in "$models"/*/golden.json; do
  dir=$(dirname "$golden") name=$(basename "$(dirname "$golden")")
  [[ -f $dir/config.json ]] || continue
  python3 -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))["tokens"], open("tokens.json", "w"))' "$golden"
  for precision in f32 bf16; do
    quiet logits --model "$dir" --tokens tokens.json --precision $precision --json logits.json
    hash "$name/logits-$precision" logits.json
  done
  quiet convert --model "$dir" --out "converted-$name"
  hash "$name/converted" "converted-$name/model.safetensors"
done

printf '%s\n' '{"context_ids":[5,6,7],"target_ids":[8,9]}' '{"context_ids":[9,8],"target_ids":[7,6,5]}' '{"context_ids":[4,8,3,2],"target_ids":[1,7]}' >train.jsonl
for name in opt-prenorm opt-350m-like llama-gqa-tied llama-dynamic gpt2-tied bloom-six bloom-bf16; do
  quiet emulate --model "$models/$name" --plan '0* 1' --share all --out "emulator-$name"
  hash "$name/emulator" "emulator-$name/model.safetensors"
  for flags in "" "--dropout 0.1" "--micro-batch 1" "--recompute" "--weight-decay 0.01"; do
    run="run-$name${flags// /}"
    # shellcheck disable=SC2086
    quiet finetune --model "emulator-$name" --data train.jsonl --valid train.jsonl --lr 1e-2 --steps 4 --batch 2 $flags --out "$run"
    hash_stable "$name${flags// /}/metrics" "$run/metrics.jsonl"
    hash "$name${flags// /}/adapter" "$run/adapter/adapter.safetensors"
  done
  quiet plug --model "$models/$name" --adapter "run-$name" --out "plugged-$name"
  hash "$name/plugged" "plugged-$name/model.safetensors"
  quiet finetune --model "$models/$name" --data train.jsonl --lr 1e-3 --steps 4 --batch 2 --out "whole-$name"
  hash_stable "$name/whole" "whole-$name/metrics.jsonl"
done

data=demo/inputs/data
quiet run --model demo/inputs/model --train $data/train.jsonl --test $data/test.jsonl --support $data/public.jsonl --train-limit 48 --limit 60 \
  --keep 6 --trainable 2 --rows zs,full,ceiling,uniform,uniform-learnable,random,crash,share-all,share-frozen \
  --seeds 42,43 --lr 1e-3,3e-3 --steps 4 --batch 8 --out table
hash_stable table table/table.json

if [[ -n ${LAMINA_MODELS:-} && -n ${LAMINA_DATA:-} ]]; then
  gguf=$LAMINA_MODELS/SmolLM2-135M-Instruct.Q4_1.gguf
  quiet generate --model "$gguf" --prompt "The capital of France is" --max-tokens 12 --json text.json
  hash_stable smollm2/generate text.json
  quiet generate --model "$gguf" --prompt Hi --chat --temperature 0.8 --top-k 20 --max-tokens 12 --json text.json
  hash_stable smollm2/chat text.json
  quiet eval --model "$gguf" --data "$LAMINA_DATA/eval/arc_easy.jsonl" --task arc_easy --limit 8 --json scores.json
  hash_stable smollm2/eval scores.json
fi
