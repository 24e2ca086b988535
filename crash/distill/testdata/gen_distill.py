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
A harmonizer in a gap is x + U ReLU(V x) of the stream's rank, U zero and V normal over the root
of the rank; with "fit" the block of one place trains alone, and the loss is the distance of what
it makes of the stream before layer 1 from the stream before layer 4.
The noise is Philox4x32-10 and Box-Muller: key seed, stream step << 32 | tensor << 16 | 1 << 15,
tensors by starred place and in the order of the forward pass, rounded to float32 after scaling.
V has the stream that is FNV-1a of its name.
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
# middles are places and layers: what is left out or frozen ends before layers 4 and 5
PLAN, MIDDLES = "0* 2 2 4* 3 5*", ((3, 4), (5, 5))
GAPS, GAP_MIDDLES = "0* ~harmonizer 2 2 ~harmonizer 4* 3 5*", ((5, 4), (7, 5))
SPAN = "0* 2 4*"
# the parts of a block in the order of the forward pass
PARTS = (
    "input_layernorm", "self_attn_layer_norm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "self_attn.out_proj", "post_attention_layernorm", "final_layer_norm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "fc1", "fc2",
)
CASES = (
    {"train": "norms", "plan": PLAN, "lm": 1, "kd": 30, "ppd": 10, "sigma": 0},
    {"train": "norms", "plan": PLAN, "lm": 1, "kd": 30, "ppd": 10, "sigma": 0.2},
    {"train": "frozen", "plan": PLAN, "lm": 1, "kd": 30, "ppd": 10, "sigma": 0.2},
    {"train": "frozen", "plan": PLAN, "lm": 0, "kd": 1, "ppd": 0, "sigma": 0},
    {"train": "harmonizers", "plan": GAPS, "lm": 1, "kd": 30, "ppd": 10, "sigma": 0.2},
    {"train": "fit", "plan": SPAN, "lm": 1, "kd": 0, "ppd": 0, "sigma": 0},
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


class Harmonizer(torch.nn.Module):
    def __init__(self, name, width):
        super().__init__()
        stream = 0xCBF29CE484222325
        for byte in name.encode():
            stream = ((stream ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        v = (normal(SEED, stream, width * width) / numpy.sqrt(width)).astype(numpy.float32)
        self.v = torch.nn.Parameter(torch.tensor(v, dtype=torch.float64).view(width, width))
        self.u = torch.nn.Parameter(torch.zeros(width, width, dtype=torch.float64))

    def forward(self, x, *_, **__):
        return (x + torch.relu(x @ self.v.T) @ self.u.T,)


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
    plan, frozen, starred, names = case["plan"].split(), {}, {}, "model.decoder.layers." if hasattr(model.model, "decoder") else "model.layers."
    for place, word in enumerate(plan):
        if word.endswith("*"):
            starred[word] = full[int(word[:-1])]
        elif word.startswith("~"):  # each its own
            plan[place] = f"{word} {place}"
            frozen[plan[place]] = Harmonizer(f"{names}{place}.gap.v.weight", model.config.hidden_size)
        else:
            frozen[word] = copy.deepcopy(full[int(word)])
    choose = norms if case["train"] == "norms" else lambda b: list(b.parameters())
    trained = [b for word, b in frozen.items() if word.startswith("~") or case["train"] != "harmonizers"]
    for w in (w for b in frozen.values() for w in b.parameters()):
        w.requires_grad_(False)
    params = [w.requires_grad_(True) for b in trained for w in choose(b)]
    opt = torch.optim.AdamW(params, lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    student = with_layers(model, [{**starred, **frozen}[word] for word in plan])
    middles, last = GAP_MIDDLES if case["plan"] == GAPS else MIDDLES, (len(plan), len(full))
    alone = with_layers(model, [full[0], frozen["2"]])
    n = sum(len(row) - 1 for row in rows)
    steps = []
    for step in range(STEPS):
        noisy = disturbed(starred, step, case["sigma"])
        student2 = with_layers(model, [{**noisy, **frozen}[word] for word in plan])
        teacher2 = with_layers(model, [noisy.get(f"{l}*", b) for l, b in enumerate(full)])
        lm = kd = ppd = fit = 0
        for row in rows:
            target = run(model, row)[0]
            if case["train"] == "fit":
                fit = fit + distance(((2, 4),), run(alone, row)[0], target) / n
                continue
            have, logits = run(student, row)
            lm = lm + torch.nn.functional.cross_entropy(logits, torch.tensor(row[1:]), reduction="sum") / n
            kd = kd + distance(middles, have, target) / n
            ppd = ppd + distance((*middles, last), run(student2, row)[0], run(teacher2, row)[0]) / n
        loss = fit if case["train"] == "fit" else case["lm"] * lm + case["kd"] * kd + case["ppd"] * ppd
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        terms = {"fit": fit} if case["train"] == "fit" else {"lm": lm, "kd": kd, "ppd": ppd}
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "terms": {name: v.item() for name, v in terms.items()}})
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
        model.config.num_hidden_layers = 2 * len(ORDER)  # or LLaMA would leave out what is beyond
        inner(model).layers = torch.nn.ModuleList([copy.deepcopy(inner(model).layers[i]) for i in ORDER])
        generator = torch.Generator().manual_seed(900 + number)
        rows = [torch.randint(3, model.config.vocab_size, (n,), generator=generator).tolist() for n in LENGTHS]
        one = {"model": name, "rows": rows, "lr": LR, "seed": SEED, "cases": []}
        for case in CASES:
            steps = distil(model, rows, case)
            one["cases"].append({**case, "steps": steps})
            print(name, case, round(steps[0]["loss"], 5), round(steps[-1]["loss"], 5))
        result.append(one)
    args.out.write_text(json.dumps(digits(result), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
