#!/usr/bin/env python3
"""Writes smollm2/golden.json: greedy text and ARC-Easy log-probabilities of a quantised SmolLM2.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, gguf 0.19.0, tokenizers 0.21.4, lm-eval 0.4.8.

    python gen_smollm2.py SmolLM2-135M-Instruct.Q4_1.gguf DATA [--out FILE]

DATA is the directory that holds eval/arc_easy.jsonl. transformers dequantises the GGUF blocks to
float32 and un-permutes q and k; everything runs in float32, eager attention, one thread.

The tokenizer is built here from the file's own pieces (vocabulary, merges, pre-tokeniser "smollm" =
every digit alone, then GPT-2's split), because transformers' GGUF conversion drops the digit split.
Scores follow lm-eval 0.4: context and continuation are encoded as one text without special tokens,
the ids after those of the context alone are scored, greedy = every scored id is the argmax.
Deterministic for the same versions and CPU family.
"""

import argparse
import json
import math
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from gguf import GGUFReader
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM
from transformers.utils import logging

PROMPTS = ("The capital of France is", "Water boils at 100 degrees Celsius, and it freezes at")
CHAT = "Name three primary colors."
TEXTS = ("In 1984, x=12345", " hello", "a  12", "\n\n 12", "1st", "²3 x½ ٣4", "yoghurt    1 tablespoon", "Größe naïve 東京 🙂",
         "can't I'LL we've", "x<|im_end|>y", "tabs\t\tand  spaces   ", "")
EOS = 2
CONTROL = 3  # GGUF token type of special tokens


def read_tokenizer(path):
    fields = {k: f.contents() for k, f in GGUFReader(path).fields.items() if k.startswith("tokenizer.")}
    tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"]]
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False)
                            for t, kind in zip(tokens, types) if kind == CONTROL])
    return tok, fields["tokenizer.chat_template"]


@torch.no_grad()
def greedy(model, tok, text, steps=24):
    """Continuation by full passes, up to and with EOS; smallest_lead says how far the second-best id ever was behind."""
    prompt = tok.encode(text).ids
    ids, lead = list(prompt), math.inf
    for _ in range(steps):
        best = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
        if ids[-1] == EOS:
            break
    new = ids[len(prompt):]
    return {"prompt": text, "prompt_ids": prompt, "ids": new, "text": tok.decode(new, skip_special_tokens=False),
            "smallest_lead": round(lead, 5)}


@torch.no_grad()
def score(model, tok, context, continuation):
    whole, start = tok.encode(context + continuation).ids, len(tok.encode(context).ids)
    logits = model(input_ids=torch.tensor([whole[:-1]]), use_cache=False).logits[0, start - 1:]
    target = torch.tensor(whole[start:])
    chosen = torch.log_softmax(logits, dim=-1).gather(1, target[:, None])
    return {"ids": whole[start:], "logprob": chosen.sum().item(),
            "greedy": bool((logits.argmax(dim=-1) == target).all())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gguf", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "smollm2" / "golden.json")
    parser.add_argument("--questions", type=int, default=20)
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    tok, template = read_tokenizer(args.gguf)
    model = AutoModelForCausalLM.from_pretrained(
        args.gguf.parent, gguf_file=args.gguf.name, torch_dtype=torch.float32, attn_implementation="eager").eval()

    chat = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template).render(
        messages=[{"role": "user", "content": CHAT}], add_generation_prompt=True)
    golden = {"model": args.gguf.name, "greedy": [greedy(model, tok, p) for p in PROMPTS + (chat,)], "arc_easy": []}
    golden["greedy"][-1]["chat"] = CHAT
    golden["tokenizer"] = [{"text": t, "ids": tok.encode(t).ids} for t in TEXTS]
    for line in (args.data / "eval" / "arc_easy.jsonl").read_text().splitlines()[:args.questions]:
        row = json.loads(line)
        context = f"Question: {row['query'].removeprefix('Question: ').rstrip()}\nAnswer:"
        golden["arc_easy"].append({"context_ids": tok.encode(context).ids, "gold": row["gold"],
                                   "choices": [score(model, tok, context, " " + c) for c in row["choices"]]})
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    for g in golden["greedy"]:
        print(repr(g["text"]), g["smallest_lead"])
    best = [max(range(len(q["choices"])), key=lambda i: q["choices"][i]["logprob"]) for q in golden["arc_easy"]]
    print("acc", sum(b == q["gold"] for b, q in zip(best, golden["arc_easy"])) / len(best))


if __name__ == "__main__":
    main()
