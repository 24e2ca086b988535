#!/usr/bin/env python3
"""Writes gap.json: one gap of two small checkpoints, repaired by definition.

Made with Python 3.11.7, numpy 2.4.6, torch 2.15.0, transformers 4.51.3.

    python3 gen_gap.py > gap.json

Layer 1 of three is left out. The streams are those of transformers' model in float32,
which the file holds as they are; maps are solved from them in float64, as least squares
of the rows with the ridge's rows below them, and not by the normal equations. Rows are
weighted by 1/rms². Of ReplaceMe's folded layer the file has what it makes of channels
1, -1, 1, -1, …; the damped scale is that of layer 0 standing once more in the gap.
"""
import base64
import json
import pathlib

import numpy as np
import torch
from transformers import AutoModelForCausalLM

MODELS = pathlib.Path(__file__).resolve().parents[3] / "transformer" / "testdata"
RIDGE = 1e-3


def texts(vocab):
    state, rows = 7, []
    for length in (9, 1, 14, 11, 3, 16, 12):
        row = []
        for _ in range(length):
            state = (1103515245 * state + 12345) % 2**31
            row.append((state >> 11) % vocab)
        rows.append(row)
    return rows


def packed(a):
    return base64.b64encode(np.ascontiguousarray(a, dtype="<f4").tobytes()).decode()


def ridge_solve(z, target):
    width = z.shape[1]
    lam = RIDGE * np.trace(z.T @ z) / width
    z = np.vstack([z, np.sqrt(lam) * np.eye(width)])
    target = np.vstack([target, np.zeros((width, width))])
    return np.linalg.lstsq(z, target, rcond=None)[0], np.linalg.cond(z)


def case(name):
    model = AutoModelForCausalLM.from_pretrained(MODELS / name, torch_dtype=torch.float32).eval()
    inner = model.model if hasattr(model, "model") else model.transformer
    layers = "layers" if hasattr(inner, "layers") else "h"
    blocks = getattr(inner, layers)
    down = blocks[0].mlp.down_proj if layers == "layers" else blocks[0].mlp.c_proj
    kept = {"x": [], "y": [], "mlp": [], "branch": []}
    rows = texts(model.config.vocab_size)
    with torch.no_grad():
        for row in rows:
            seen = []
            hook = blocks[0].mlp.register_forward_hook(lambda m, i, o: seen.append(o[0]))
            states = model(torch.tensor([row]), output_hidden_states=True, use_cache=False).hidden_states
            hook.remove()
            setattr(inner, layers, torch.nn.ModuleList([blocks[0], blocks[0], blocks[2]]))
            again = model(torch.tensor([row]), output_hidden_states=True, use_cache=False).hidden_states
            setattr(inner, layers, blocks)
            kept["x"].append(states[1][0])
            kept["y"].append(states[2][0])
            kept["mlp"].append(seen[0])
            kept["branch"].append(again[2][0] - again[1][0])
    streams = {k: torch.cat(v).numpy() for k, v in kept.items()}
    x, y, mlp, branch = (streams[k].astype(np.float64) for k in ("x", "y", "mlp", "branch"))
    root = 1 / np.sqrt(np.mean(x * x, axis=1, keepdims=True))
    x, y, mlp, branch = root * x, root * y, root * mlp, root * branch
    d = y - x
    ghost, condition = ridge_solve(x, d)
    fold, fold_condition = ridge_solve(mlp, mlp + d)
    weight = down.weight.detach().double().numpy()
    weight = weight if layers == "layers" else weight.T  # [out in]; Conv1D has [in out]
    made = fold.T @ weight @ np.resize([1.0, -1.0], weight.shape[1])
    if down.bias is not None:
        made += fold.T @ down.bias.detach().double().numpy()
    return {
        "model": name, "ridge": RIDGE, "texts": rows, "streams": {k: packed(v) for k, v in streams.items()},
        "ghost": {"w": (np.eye(len(ghost)) + ghost).ravel().tolist(), "condition": condition},
        "replaceme": {"a": fold.ravel().tolist(), "made": made.tolist(), "condition": fold_condition},
        "damped": np.vdot(branch, d) / np.vdot(branch, branch),
    }


print("[" + ",\n".join(json.dumps(case(name)) for name in ("llama-gqa-tied", "gpt2-tied")) + "]")
