#!/usr/bin/env python3
"""Writes optim.json: learning-rate factors of transformers' schedules and a run of torch's AdamW.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3.

    python gen_optim.py [--out FILE]

schedules: factor[i] is the multiplier that get_<kind>_schedule_with_warmup gives step i (from 0).
adamw: float64 weights after each step under torch.optim.AdamW with the stated gradients, global norm
clipped at `clip` by torch.nn.utils.clip_grad_norm_, learning rate following a cosine; norms before clipping.
options: likewise with a learning rate and a weight decay of each of three parameters, as parameter groups of
torch.optim.AdamW; the loss has `proximal` times the squared distance from the start added, whose gradient autograd
makes; distances[i] is that squared distance before step i; averages are decay·average + (1-decay)·weights
after each step, with diffusers' decay min(average, (1+n)/(10+n)), n from 0.
sgd: likewise weights under torch.optim.SGD with momentum and weight decay, plain and Nesterov's, learning rate linear
to 0 as the tuned-lens library trains; clip 0: not clipped.
"""

import argparse
import json
import pathlib

import torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

SCHEDULES = [("constant", 0, 10), ("constant", 4, 10), ("linear", 0, 10), ("linear", 3, 12),
             ("cosine", 0, 10), ("cosine", 5, 20), ("cosine", 7, 7), ("linear", 9, 4)]


def schedule(optimiser, kind, warmup, steps):
    if kind == "constant":
        return get_constant_schedule_with_warmup(optimiser, warmup)
    make = {"linear": get_linear_schedule_with_warmup, "cosine": get_cosine_schedule_with_warmup}[kind]
    return make(optimiser, warmup, steps)


def factors(kind, warmup, steps):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plan = schedule(optimiser, kind, warmup, steps)
    out = []
    for _ in range(steps + 3):
        out.append(plan.get_last_lr()[0])
        optimiser.step()
        plan.step()
    return {"kind": kind, "warmup": warmup, "steps": steps, "factor": out}


def adamw(lr=0.05, decay=0.1, clip=1.0, steps=8, warmup=2):
    generator = torch.Generator().manual_seed(7)
    start = [torch.randn(n, generator=generator, dtype=torch.float32).double() for n in (3, 4)]
    params = [torch.nn.Parameter(w.clone()) for w in start]
    optimiser = torch.optim.AdamW(params, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay, foreach=False)
    plan = schedule(optimiser, "cosine", warmup, steps)
    result = {"lr": lr, "weight_decay": decay, "clip": clip, "steps": steps, "warmup": warmup,
              "start": torch.cat(start).tolist(), "grads": [], "norms": [], "weights": []}
    for step in range(steps):
        grads = [torch.randn(n, generator=generator, dtype=torch.float32).double() * (0.1 if step % 2 else 2.0) for n in (3, 4)]
        result["grads"].append(torch.cat(grads).float().tolist())
        for p, g in zip(params, grads):
            p.grad = g.float().double()
        result["norms"].append(torch.nn.utils.clip_grad_norm_(params, clip, foreach=False).item())
        optimiser.step()
        plan.step()
        result["weights"].append(torch.cat([p.detach() for p in params]).tolist())
    return result


def options(lr=0.05, clip=1.0, steps=12, average=0.6, proximal=0.3):
    generator = torch.Generator().manual_seed(11)
    sizes, times, decays = (3, 4, 2), (1.0, 0.5, 0.125), (0.1, 0.0, 0.3)
    start = [torch.randn(n, generator=generator, dtype=torch.float32).double() for n in sizes]
    model = torch.nn.ParameterList([w.clone() for w in start])
    groups = [{"params": [p], "lr": lr * x, "weight_decay": d} for p, x, d in zip(model, times, decays)]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    averaged = [w.clone() for w in start]
    result = {"lr": lr, "clip": clip, "steps": steps, "average": average, "proximal": proximal, "sizes": sizes, "times": times,
              "weight_decays": decays, "start": torch.cat(start).tolist(), "grads": [], "norms": [], "distances": [], "weights": [], "averages": []}
    for step in range(steps):
        grads = [torch.randn(n, generator=generator, dtype=torch.float32).double() for n in sizes]
        result["grads"].append(torch.cat(grads).float().tolist())
        distance = sum(((p - w) ** 2).sum() for p, w in zip(model, start))
        optimiser.zero_grad()
        (sum((p * g).sum() for p, g in zip(model, grads)) + proximal * distance).backward()
        result["distances"].append(distance.item())
        result["norms"].append(torch.nn.utils.clip_grad_norm_(model.parameters(), clip, foreach=False).item())
        optimiser.step()
        decay = min(average, (1 + step) / (10 + step))
        with torch.no_grad():
            for a, p in zip(averaged, model):
                a.copy_(decay * a + (1 - decay) * p)
        result["weights"].append(torch.cat([p.detach() for p in model]).tolist())
        result["averages"].append(torch.cat(averaged).tolist())
    return result


def sgd(nesterov, clip, lr=0.1, momentum=0.9, decay=1e-3, steps=10):
    generator = torch.Generator().manual_seed(5)
    start = [torch.randn(n, generator=generator, dtype=torch.float32).double() for n in (3, 4)]
    params = [torch.nn.Parameter(w.clone()) for w in start]
    optimiser = torch.optim.SGD(params, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=decay, foreach=False)
    plan = schedule(optimiser, "linear", 0, steps)
    result = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": decay, "clip": clip, "steps": steps,
              "start": torch.cat(start).tolist(), "grads": [], "norms": [], "weights": []}
    for step in range(steps):
        grads = [torch.randn(n, generator=generator, dtype=torch.float32).double() * (0.1 if step % 2 else 2.0) for n in (3, 4)]
        result["grads"].append(torch.cat(grads).float().tolist())
        for p, g in zip(params, grads):
            p.grad = g.float().double()
        result["norms"].append(torch.nn.utils.clip_grad_norm_(params, clip or float("inf"), foreach=False).item())
        optimiser.step()
        plan.step()
        result["weights"].append(torch.cat([p.detach() for p in params]).tolist())
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "optim.json")
    args = parser.parse_args()
    data = {"schedules": [factors(*c) for c in SCHEDULES], "adamw": adamw(), "options": options(),
            "sgd": [sgd(True, 1.0), sgd(True, 0), sgd(False, 1.0)]}
    args.out.write_text(json.dumps(data, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
