#!/usr/bin/env python3
"""Writes repair.json: repairs of a gap, each by its definition, in float64.

Made with Python 3.11.7, numpy 2.4.6.

    python3 gen_repair.py > repair.json

Numbers u come from a linear congruential generator, 20 bits each in [-1, 1), so that
all streams are exact in float32 and made alike in golden_test.go. Maps are solved as
least squares of the rows with the ridge's rows below them, by QR or SVD and not by the
normal equations; what is left is measured on the rows.
"""
import json

import numpy as np

CASES = [  # name, width, rows, weighting, ridge
    ("plain", 12, 100, "plain", 1e-6),
    ("rms", 12, 100, "rms", 1e-3),
    ("without first", 6, 40, "first", 0.0),
    ("few rows", 8, 5, "plain", 0.5),
    ("odd width", 5, 30, "plain", 1e-6),
]


def streams(width, rows):
    state = 1

    def draw():
        nonlocal state
        out = np.empty((rows, width))
        for i in range(rows):
            for j in range(width):
                state = (1103515245 * state + 12345) % 2**31
                out[i, j] = (state >> 11) / 2**19 - 1
        return out

    x, u, v = draw(), draw(), draw()
    y = 0.5 * x + 0.25 * np.roll(x, -1, 1) + 0.25 * u
    mlp = 0.5 * v + 0.25 * np.roll(x, -2, 1)
    branch = 0.5 * u + 0.25 * v
    return x, y, mlp, branch


def ridge_solve(z, target, ridge):
    width = z.shape[1]
    lam = ridge * np.trace(z.T @ z) / width
    z = np.vstack([z, np.sqrt(lam) * np.eye(width)])
    target = np.vstack([target, np.zeros((width, width))])
    return np.linalg.lstsq(z, target, rcond=None)[0]


def hadamard(width):
    block, h = width & -width, np.ones((1, 1))
    while len(h) < block:
        h = np.kron(h, np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    return np.kron(np.eye(width // block), h)


def case(name, width, rows, weighting, ridge):
    x, y, mlp, branch = streams(width, rows)
    weights = np.ones(rows)
    if weighting == "rms":
        weights = 1 / np.mean(x * x, axis=1)
    if weighting == "first":
        weights[::10] = 0  # texts of ten tokens
    root = np.sqrt(weights)[:, None]
    x, y, mlp, branch = root * x, root * y, root * mlp, root * branch
    d, eye = y - x, np.eye(width)
    left = lambda got: np.linalg.norm(got - y) / np.linalg.norm(d)

    def patch(h):
        scale = np.abs(y @ h).mean(0) / np.abs(x @ h).mean(0)
        return {"scale": scale.tolist(), "left": left(x @ h @ np.diag(scale) @ h.T)}

    ghost = eye + ridge_solve(x, d, ridge)
    fold = ridge_solve(mlp, mlp + d, ridge)
    scalar = np.mean(np.abs(y).mean(0) / np.abs(x).mean(0))
    damped = np.vdot(branch, d) / np.vdot(branch, branch)
    return {
        "name": name, "width": width, "rows": rows, "weighting": weighting, "ridge": ridge,
        "ghost": {"w": ghost.ravel().tolist(), "left": left(x @ ghost)},
        "patch": patch(eye), "hadamard": patch(hadamard(width)),
        "prunecomp": {"s": scalar, "left": left(scalar * x)},
        "replaceme": {"w": fold.ravel().tolist(), "left": left(x + mlp @ fold - mlp)},
        "damped": {"s": damped, "left": left(x + damped * branch), "repeat": left(x + branch)},
    }


print("[" + ",\n".join(json.dumps(case(*c)) for c in CASES) + "]")
