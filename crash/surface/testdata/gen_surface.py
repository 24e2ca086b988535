"""Golden numbers of crash/surface, by numpy 2 in float64:

    python gen_surface.py > golden.json

filter normalisation as in Li et al. 2018 (net_plotter.py, normalize_direction, norm="filter"): each filter of
the direction times the norm of the weight's over its own; a direction of equal norm; the barrier above the
chord; relative distance.
"""
import json

import numpy as np

rng = np.random.default_rng(7)
w, d = rng.standard_normal((5, 3)) * 0.3, rng.standard_normal((5, 3))
w, d = w.astype(np.float32), d.astype(np.float32)
w64, d64 = w.astype(np.float64), d.astype(np.float64)
by_rows = d64 * np.linalg.norm(w64, axis=1, keepdims=True) / np.linalg.norm(d64, axis=1, keepdims=True)
by_columns = d64 * np.linalg.norm(w64, axis=0, keepdims=True) / np.linalg.norm(d64, axis=0, keepdims=True)
equal = d64 * (0.75 / np.linalg.norm(d64))

lines = []
for _ in range(6):
    x = np.sort(np.concatenate([[-0.5, 0.0, 1.0, 1.5], rng.uniform(0, 1, 7)]))
    loss = rng.uniform(2, 3, len(x))
    l0, l1 = loss[x == 0][0], loss[x == 1][0]
    inside = (x >= 0) & (x <= 1)
    height = (loss - ((1 - x) * l0 + x * l1))[inside]
    lines.append({"x": x.tolist(), "loss": loss.tolist(), "height": float(max(height.max(), 0.0)), "at": float(x[inside][height.argmax()])})

a, b = rng.standard_normal(40).astype(np.float32), rng.standard_normal(40).astype(np.float32)
print(json.dumps({
    "weight": w.ravel().tolist(), "direction": d.ravel().tolist(), "rows": 5,
    "by_rows": by_rows.ravel().tolist(), "by_columns": by_columns.ravel().tolist(), "equal_norm": equal.ravel().tolist(),
    "lines": lines,
    "a": a.tolist(), "b": b.tolist(),
    "relative": float(np.linalg.norm(b.astype(np.float64) - a) / np.linalg.norm(a.astype(np.float64))),
}))
