#!/usr/bin/env bash
# Makes the pictures of this folder: SmolLM2-135M, on validation rows of ARC-Easy and
# OpenBookQA. An hour or two on two cores; what is in WORK is not measured again.
#
#     bash docs/gallery/make.sh SmolLM2-135M-Instruct.Q4_1.gguf DATA WORK
#
# DATA has train/ and valid/ with arc_easy.jsonl and openbook_qa.jsonl, and wikitext-2/valid.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
model=$(realpath "$1") data=$(realpath "$2")
mkdir -p "$3/results" && work=$(realpath "$3")
(cd "$here/../.." && CGO_ENABLED=0 go build -o "$work/lamina" ./cmd/lamina)
cd "$work"
PATH=$work:$PATH
ln -sfn "$model" model.gguf
ln -sfn "$data" data

# made NAME LAMINA-ARGS...: results/NAME.json, unless it is there.
made() {
  local name=$1
  shift
  [[ -e results/$name.json ]] || lamina "$@" --json "results/$name.json"
}
rows=(--data data/valid/arc_easy.jsonl --task arc_easy)
public=(--data data/train/openbook_qa.jsonl --task openbookqa)
ring='One Ring to rule them all, One Ring to find them, One Ring to bring them all and in the darkness bind them'

made similarity similarity --model model.gguf "${rows[@]}" --samples 64
made importance importance --model model.gguf "${rows[@]}" --samples 12
made replacement replacement --model model.gguf --data data/valid/openbook_qa.jsonl --task openbookqa --samples 8 --max-length 12 --metric cka-debiased
made weights weights --model model.gguf
made features features --model model.gguf --tasks arc_easy=data/valid/arc_easy.jsonl,openbookqa=data/valid/openbook_qa.jsonl --samples 64

[[ -e wiki.txt ]] || head -c 60000 data/wikitext-2/valid.txt >wiki.txt
[[ -e lens ]] || lamina lens train --model model.gguf --data wiki.txt --max-length 64 --steps 60 --tokens-per-step 64 --out lens
made lens lens show --model model.gguf --lens lens --text "$ring" --positions 8-15 --drop 8,16

# Four blocks trained in the full model, and in an emulator of 24 blocks.
[[ -e cka.json ]] || lamina similarity --model model.gguf "${public[@]}" --samples 48 --json cka.json
[[ -e plan.json ]] || lamina plan crash --similarity cka.json --keep 24 --trainable 4 --share all --json plan.json
[[ -e emulator ]] || lamina emulate --model model.gguf --plan @plan.json --out emulator
stars='0* 1 2 3 4 5 6 7 8* 9 10 11 12 13 14 15 16 17 18 19 20 21 22* 23 24 25 26 27 28 29*'
training=(--data data/train/arc_easy.jsonl --task arc_easy --lr 1e-4 --steps 48 --batch 16)
[[ -e crash ]] || lamina finetune --model emulator "${training[@]}" --out crash
[[ -e full ]] || lamina finetune --model model.gguf --plan "$stars" "${training[@]}" --out full
made line interpolate --model model.gguf --adapter full --to crash "${rows[@]}" --receipt none --limit 64
made plane interpolate --model model.gguf --to full --and crash "${rows[@]}" --receipt none --limit 24 --range -4,4 --points 9

lamina report results
for picture in results/figures/*.png; do
  name=$(basename "$picture")
  case $name in
    similarity.png | similarity-tree.png | importance.png | replacement.png | weights-rank.png | features.png | lens*.png | line*.png | plane.png) cp "$picture" "$here/$name" ;;
  esac
done
du -ch "$here"/*.png

# The trade-off, of cells that are kept.
[[ -e transfer ]] || cp -r "$here/../../bench/results/transfer/transfer" transfer
lamina study "$here/../../recipes/transfer.yaml" --out transfer --cells "$here/../../bench/results/transfer/cells" --merge >/dev/null
cp transfer/figures/study-loss-recovery-parameters.png "$here/transfer-parameters.png"
cp transfer/figures/study-loss-recovery-skill.png "$here/transfer-skill.png"
