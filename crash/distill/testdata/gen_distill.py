#!/usr/bin/env python3
"""Writes distill.json: ten steps of distillation of decoders of six blocks, in float64.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, numpy 2.4.6.

    python gen_distill.py [--models DIR] [--out FILE]

DIR holds the checkpoints that transformer/testdata/gen_models.py makes, of three blocks; the
full model has blocks 0 1 2 2 1 0 of one, each with weights of its own. The emulator of a plan
has copies of its starred layers and one copy for all places of a frozen layer; of these the
norms, or all weights, train. With e and f the streams before a place and before a layer, n
tokens of a batch each followed by another,
    lm   = mean -log p_e(next)
    kd   = mean over tokens and middles of |e - f|^2 / |f|^2
    ppd  = the same over middles and the last stream (before the final norm) while both run
           with T + sigma rms(T) N(0, 1), rms and noise of each tensor
    loss = LM lm + KD kd + PPD ppd
The noise is Philox4x32-10 and Box-Muller: key seed, stream step << 32 | tensor << 16 | 1 << 15,
tensors by starred place and in the order of the forward pass, rounded to float32 after scaling.
torch.optim.AdamW, gradient clipped at 1; a batch holds all rows, each run alone.
Deterministic for the same versions and CPU family; the numbers have 12 digits.
"""

import argparse
import copy
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

MODELS = ("llama-gqa-tied", "opt-prenorm")
ORDER = (0, 1, 2, 2, 1, 0)
LENGTHS = (4, 6, 9, 14)
STEPS, LR, SEED = 10, 2e-3, 9
PLAN = ((0, True), (2, False), (2, False), (4, True), (3, False), (5, True))
# middles as place and layer: what is left out or frozen ends before layers 4 and 5
MIDDLES = ((3, 4), (5, 5))
# the parts of a block in the order of the forward pass
PARTS = (
    "input_layernorm", "self_attn_layer_norm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "self_attn.out_proj", "post_attention_layernorm", "final_layer_norm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "fc1", "fc2",
)
CASES = (
    {"train": "norms", "lm": 1, "kd": 30, "ppd": 10, "sigma": 0},
    {"train": "norms", "lm": 1, "kd": 30, "ppd": 10, "sigma": 0.2},
    {"train": "frozen", "lm": 1, "kd": 30, "ppd": 10, "sigma": 0.2},
    {"train": "frozen", "lm": 0, "kd": 1, "ppd": 0, "sigma": 0},
)


def philox(seed, stream, blocks):
    """Blocks 0, 1, ... of four words each, as uint64."""
    low = numpy.uint64(0xFFFFFFFF)
    n = numpy.arange(blocks, dtype=numpy.uint64)
    x = [n & low, n >> numpy.uint64(32), numpy.full_like(n, stream & 0xFFFFFFFF), numpy.full_like(n, stream >> 32)]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for r in range(10):
        if r:
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        p0, p1 = x[0] * numpy.uint64(0xD2511F53), x[2] * numpy.uint64(0xCD9E8D57)
        x = [(p1 >> numpy.uint64(32)) ^ x[1] ^ numpy.uint64(k[0]), p1 & low, (p0 >> numpy.uint64(32)) ^ x[3] ^ numpy.uint64(k[1]), p0 & low]
    return numpy.stack(x, 1)


def normal(seed, stream, n):
    words = philox(seed, stream, (n + 3) // 4).reshape(-1, 2).astype(numpy.float64)
    radius = numpy.sqrt(-2 * numpy.log((words[:, 0] + 1) * 2.0**-32))
    angle = 2 * numpy.pi * words[:, 1] * 2.0**-32
    return numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], 1).reshape(-1)[:n]


def inner(model):
    return model.model.decoder if hasattr(model.model, "decoder") else model.model


def with_layers(model, layers):
    """A decoder that has these blocks; all else is model's own."""
    other = copy.copy(model)
    other._modules = dict(model._modules)
    body, outer = copy.copy(inner(model)), copy.copy(model.model)
    body._modules, outer._modules = dict(inner(model)._modules), dict(model.model._modules)
    body.layers = torch.nn.ModuleList(layers)
    if hasattr(model.model, "decoder"):
        outer.decoder = body
        other.model = outer
    else:
        other.model = body
    return other


def run(model, row):
    """Streams before each block and the last one, and the logits."""
    layers, seen = inner(model).layers, []
    out = lambda r: r[0] if isinstance(r, tuple) else r
    # one block may stand at several places: note each call
    hooks = [b.register_forward_hook(lambda _, given, r: seen.append((given[0], out(r)))) for b in dict.fromkeys(layers)]
    logits = model(input_ids=torch.tensor([row[:-1]]), use_cache=False).logits[0]
    for h in hooks:
        h.remove()
    return [given[0] for given, _ in seen] + [seen[-1][1][0]], logits


def distance(points, have, want):
    return sum(((have[p] - want[l]).pow(2).sum(-1) / want[l].pow(2).sum(-1)).sum() for p, l in points) / len(points)


def norms(block):
    return [w for name, w in block.named_parameters() if "norm" in name]


def ordered(block):
    named = dict(block.named_parameters())
    order = [named.pop(f"{part}.{kind}") for part in PARTS for kind in ("weight", "bias") if f"{part}.{kind}" in named]
    assert not named
    return order


def disturbed(blocks, step, sigma):
    """Copies of T's blocks, disturbed."""
    k, result = 0, {}
    for layer, block in blocks.items():
        block = copy.deepcopy(block)
        for w in ordered(block):
            scale = sigma * w.detach().pow(2).mean().sqrt().item()
            noise = (scale * normal(SEED, step << 32 | k << 16 | 1 << 15, w.numel())).astype(numpy.float32)
            w.data += torch.tensor(noise, dtype=torch.float64).view_as(w)
            k += 1
        result[layer] = block
    return result


def distil(model, rows, case):
    full = list(inner(model).layers)
    for w in model.parameters():
        w.requires_grad_(False)
    frozen = {layer: copy.deepcopy(full[layer]) for layer, star in PLAN if not star}
    starred = {layer: full[layer] for layer, star in PLAN if star}
    choose = norms if case["train"] == "norms" else lambda b: list(b.parameters())
    params = [w.requires_grad_(True) for b in frozen.values() for w in choose(b)]
    opt = torch.optim.AdamW(params, lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    student = with_layers(model, [full[l] if star else frozen[l] for l, star in PLAN])
    n = sum(len(row) - 1 for row in rows)
    last = (len(PLAN), len(full))
    steps = []
    for step in range(STEPS):
        noisy = disturbed(starred, step, case["sigma"])
        student2 = with_layers(model, [noisy[l] if star else frozen[l] for l, star in PLAN])
        teacher2 = with_layers(model, [noisy.get(l, b) for l, b in enumerate(full)])
        lm = kd = ppd = 0
        for row in rows:
            have, logits = run(student, row)
            lm = lm + torch.nn.functional.cross_entropy(logits, torch.tensor(row[1:]), reduction="sum") / n
            kd = kd + distance(MIDDLES, have, run(model, row)[0]) / n
            ppd = ppd + distance((*MIDDLES, last), run(student2, row)[0], run(teacher2, row)[0]) / n
        loss = case["lm"] * lm + case["kd"] * kd + case["ppd"] * ppd
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "lm": lm.item(), "kd": kd.item(), "ppd": ppd.item()})
    return steps


def digits(x):
    if isinstance(x, dict):
        return {k: digits(v) for k, v in x.items()}
    if isinstance(x, list):
        return [digits(v) for v in x]
    return float(f"{x:.12g}") if isinstance(x, float) else x


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, default=here.parents[2] / "transformer" / "testdata")
    parser.add_argument("--out", type=pathlib.Path, default=here / "distill.json")
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    result = []
    for number, name in enumerate(MODELS):
        model = AutoModelForCausalLM.from_pretrained(args.models / name, torch_dtype=torch.float32, attn_implementation="eager").double().eval()
        model.config.num_hidden_layers = len(ORDER)
        inner(model).layers = torch.nn.ModuleList([copy.deepcopy(inner(model).layers[i]) for i in ORDER])
        generator = torch.Generator().manual_seed(900 + number)
        rows = [torch.randint(3, model.config.vocab_size, (n,), generator=generator).tolist() for n in LENGTHS]
        plan = " ".join(f"{l}{'*' if star else ''}" for l, star in PLAN)
        one = {"model": name, "plan": plan, "rows": rows, "lr": LR, "seed": SEED, "cases": []}
        for case in CASES:
            steps = distil(model, rows, case)
            one["cases"].append({**case, "steps": steps})
            print(name, case, round(steps[0]["loss"], 5), round(steps[-1]["loss"], 5))
        result.append(one)
    args.out.write_text(json.dumps(digits(result), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
