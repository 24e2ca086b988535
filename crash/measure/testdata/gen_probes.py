#!/usr/bin/env python3
"""Writes probes.json: what plans are chosen by, of decoders of six blocks in float64.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3.

    python gen_probes.py [--models DIR] [--out FILE]

DIR holds the checkpoints that transformer/testdata/gen_models.py makes, of three blocks; the
decoder has blocks 0 1 2 2 1 0 of one, each with weights of its own. Texts are random rows;
an item is a context and its target. With h_i the stream before block i, h_6 the one after
all (before the final norm):
    cosine[i][j]     mean over all tokens of cos(h_i, h_j)
    angle[i][j]      mean over rows of arccos(cos(h_i, h_j)) / pi at the last token
    cka              linear CKA of the states (the last after the final norm) pooled over tokens with the
                     weights 1, 2, ...: of tokens divided by their RMS, and without the first
    loss             -sum log p(target | context) / targets, of the kept blocks alone
    gradient cosine  between d loss / d (weights of the trained blocks) there and in all six
    gains            sum |d loss / d weight| of each block, in all six
    agreement        of the two gradients, [all weights, then each trained block]: cosine; share of equal signs
                     of the weights where neither is 0; unsure: share of those where one is below 1e-5 of its RMS,
                     which F32 may give any sign. gain: -<g_full, step> of the step -0.01 g
    gram             with g^n and s^n the gradients of item n's sum: G_b = sum_n s_b^n g^n / targets,
                     s_b = <d loss / d h_out, h_out - h_in> of block b; Q = G G^T, drift = G (g - g_full),
                     apart = |g - g_full|^2, full = |g_full|^2, saliency = sum_n s^n / targets
Deterministic for the same versions and CPU family; the numbers have 12 digits.
"""

import argparse
import copy
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

MODELS = ("opt-prenorm", "llama-gqa-tied")
ORDER = (0, 1, 2, 2, 1, 0)
LENGTHS = (3, 5, 8, 13, 6, 9)
KEPT = ([0, 1, 2, 3, 4, 5], [0, 2, 3, 5], [1, 4, 5], [1, 2, 4], [4])
TRAINED = [1, 4]


def blocks(model):
    return model.model.decoder if hasattr(model.model, "decoder") else model.model


def keeping(model, kept):
    """A decoder that has the kept blocks alone; they are model's own."""
    less = copy.copy(model)
    less._modules = dict(model._modules)
    inner, outer = copy.copy(blocks(model)), copy.copy(model.model)
    inner._modules, outer._modules = dict(blocks(model)._modules), dict(model.model._modules)
    inner.layers = torch.nn.ModuleList([blocks(model).layers[i] for i in kept])
    if hasattr(model.model, "decoder"):
        outer.decoder = inner
        less.model = outer
    else:
        less.model = inner
    return less


def loss(model, context, target):
    row = torch.tensor([context + target[:-1]])
    logits = model(input_ids=row, use_cache=False).logits[0, len(context) - 1 :]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(target), reduction="sum")


def trained(model, layers):
    return [w for i in layers for w in blocks(model).layers[i].parameters()]


def gradient(model, kept, layers, items, targets):
    total = sum(loss(keeping(model, kept), *item) for item in items) / targets
    return torch.cat([g.flatten() for g in torch.autograd.grad(total, trained(model, layers))])


def agreement(g, full, sizes):
    def one(a, b):
        sure = lambda x: x.abs() >= 1e-5 * x.pow(2).mean().sqrt()
        counted = (a != 0) & (b != 0)
        n = max(counted.sum().item(), 1)
        return {
            "cosine": (a @ b / a.norm() / b.norm()).item(), "signs": ((a.sign() == b.sign()) & counted).sum().item() / n,
            "unsure": (counted & ~(sure(a) & sure(b))).sum().item() / n,
        }
    return [one(g, full)] + [one(a, b) for a, b in zip(g.split(sizes), full.split(sizes))]


def gram(model, kept, items, targets, full):
    seen = {}
    hooks = []
    for i in kept:
        def note(_, given, result, i=i):
            out = result[0] if isinstance(result, tuple) else result
            if out.requires_grad:
                out.retain_grad()
            seen[i] = (given[0], out)
        hooks.append(blocks(model).layers[i].register_forward_hook(note))
    free = [i for i in kept if i not in TRAINED]
    sums, total, saliency = {b: 0 for b in free}, 0, {b: 0 for b in free}
    weights = trained(model, TRAINED)
    for item in items:
        for w in model.parameters():
            w.grad = None
        loss(keeping(model, kept), *item).backward()
        g = torch.cat([w.grad.flatten() for w in weights])
        total = total + g / targets
        for b in free:
            before, after = seen[b]
            s = (after.grad * (after - before)).sum().item()
            saliency[b] += s / targets
            sums[b] = sums[b] + s * g / targets
    for h in hooks:
        h.remove()
    n = len(ORDER)
    at = lambda f: [f(b) if b in free else 0.0 for b in range(n)]
    return {
        "Q": [at(lambda b, a=a: (sums[a] @ sums[b]).item()) if a in free else [0.0] * n for a in range(n)],
        "Drift": at(lambda b: (sums[b] @ (total - full)).item()), "Apart": ((total - full) @ (total - full)).item(),
        "Full": (full @ full).item(), "Saliency": at(lambda b: saliency[b]),
    }


def directions(model, rows):
    n = len(ORDER) + 1
    cosine, angle, tokens = torch.zeros(n, n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64), 0
    for row in rows:
        states = []
        hooks = [b.register_forward_hook(lambda _, given, result: states.append((given[0], result[0] if isinstance(result, tuple) else result))) for b in blocks(model).layers]
        with torch.no_grad():
            model(input_ids=torch.tensor([row]), use_cache=False)
        for h in hooks:
            h.remove()
        h = torch.stack([states[0][0][0]] + [out[0] for _, out in states])
        h = h / h.norm(dim=-1, keepdim=True)
        c = torch.einsum("itd,jtd->tij", h, h)
        cosine, tokens = cosine + c.sum(0), tokens + len(row)
        angle = angle + torch.arccos(c[-1].clamp(-1, 1)) / torch.pi
    return (cosine / tokens).tolist(), (angle / len(rows)).tolist()


def cka(model, rows):
    matrices = {}
    for word, of in (("rms", lambda h: h / h.pow(2).mean(-1, keepdim=True).sqrt()), ("drop-first", lambda h: h[1:])):
        pooled = []
        for row in rows:
            with torch.no_grad():
                states = model(input_ids=torch.tensor([row]), use_cache=False, output_hidden_states=True).hidden_states
            tokens = [of(h[0]) for h in states]
            weights = torch.arange(1, len(tokens[0]) + 1, dtype=torch.float64)
            pooled.append([weights @ h / weights.sum() for h in tokens])
        grams = []
        for i in range(len(pooled[0])):
            x = torch.stack([p[i] for p in pooled])
            x = x - x.mean(0)
            grams.append(x @ x.T)
        matrices[word] = [[((k * l).sum() / k.norm() / l.norm()).item() for l in grams] for k in grams]
    return matrices


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
    parser.add_argument("--out", type=pathlib.Path, default=here / "probes.json")
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    result = []
    for number, name in enumerate(MODELS):
        model = AutoModelForCausalLM.from_pretrained(args.models / name, torch_dtype=torch.float32, attn_implementation="eager").double().eval()
        inner, model.config.num_hidden_layers = blocks(model), len(ORDER)
        inner.layers = torch.nn.ModuleList([copy.deepcopy(inner.layers[i]) for i in ORDER])
        generator = torch.Generator().manual_seed(700 + number)
        rows = [torch.randint(3, model.config.vocab_size, (n,), generator=generator).tolist() for n in LENGTHS]
        items = [(row[: len(row) // 2], row[len(row) // 2 :]) for row in rows]
        targets = sum(len(t) for _, t in items)
        every = list(range(len(ORDER)))
        full = gradient(model, every, TRAINED, items, targets)
        cosine, angle = directions(model, rows)
        one = {
            "model": name, "rows": rows, "trained": TRAINED, "cosine": cosine, "angle": angle, "cka": cka(model, rows),
            "gains": [gradient(model, every, [b], items, targets).abs().sum().item() for b in every], "kept": [],
        }
        for kept in KEPT:
            with torch.no_grad():
                value = sum(loss(keeping(model, kept), *item) for item in items).item() / targets
            some = {"kept": kept, "loss": value}
            if all(b in kept for b in TRAINED):
                g = gradient(model, kept, TRAINED, items, targets)
                some["gradient"] = (g @ full / g.norm() / full.norm()).item()
                sizes = [sum(w.numel() for w in trained(model, [b])) for b in TRAINED]
                some["agreement"], some["gain"] = agreement(g, full, sizes), (0.01 * (full @ g)).item()
                some["gram"] = gram(model, kept, items, targets, full)
            one["kept"].append(some)
        result.append(one)
        print(name, [(k["kept"], round(k["loss"], 4), round(k.get("gradient", 0), 4)) for k in one["kept"]])
    args.out.write_text(json.dumps(digits(result), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
