"""Writes hash.json: matrices of float32 as numpy prints them with one digit, and the hash of the
tuned-lens library (tuned_lens.utils.tensor_hash) of each.

python gen_hash.py    needs numpy and tuned-lens (made with numpy 2.4.6, tuned-lens 0.2.0)
"""
import json
import pathlib

import numpy as np
from tuned_lens.utils import tensor_hash

rng = np.random.default_rng(3)
cases = []
for rows, cols, scale in [(2, 3, 1), (61, 24, 0.15), (10, 24, 0.02), (40, 25, 1), (6, 170, 300), (7, 150, 1e-3), (260, 4, 2),
                          (1, 1, 1), (6, 6, 1e9), (8, 30, 0.4)]:
    w = (rng.standard_normal((rows, cols)) * scale).astype(np.float32)
    cases.append(w)
odd = np.zeros((3, 4), np.float32)
odd[0] = [0.15, 0.25, -0.35, 0.05]
odd[1] = [9.95, 99.95, -0.0, 1]
cases += [odd, np.zeros((2, 2), np.float32), np.round(cases[1] * 4), np.array([[1e-5, 1], [0.99999, 1e-30]], np.float32),
          np.array([[9.96e-5, 0.96], [-9.5e-4, 0]], np.float32), np.array([[np.nan, 1], [np.inf, -np.inf]], np.float32),
          np.array([[1e-3, 1]], np.float32), np.array([[np.nan, 12.5]], np.float32), np.array([[2.5, 3.5, 0.45]], np.float32)]
out = []
for w in cases:
    out.append({"rows": w.shape[0], "cols": w.shape[1], "bits": w.view(np.uint32).flatten().tolist(), "text": np.array_str(w, precision=1), "hash": tensor_hash(w)})
pathlib.Path(__file__).with_name("hash.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
