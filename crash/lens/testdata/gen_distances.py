"""Writes distances.json: pairs of distributions and what scipy makes of them.

python gen_distances.py    needs numpy and scipy (made with numpy 2.4.6, scipy 1.17.1)

kl: scipy.stats.entropy(p, q); js: scipy.spatial.distance.jensenshannon(p, q)**2; hellinger:
scipy.spatial.distance.euclidean(sqrt p, sqrt q)/sqrt 2; l2: euclidean(p, q); cosine: cosine(p, q);
entropy: scipy.stats.entropy(p).
"""
import json
import math
import pathlib

import numpy as np
from scipy.spatial.distance import cosine, euclidean, jensenshannon
from scipy.special import softmax
from scipy.stats import entropy

rng = np.random.default_rng(5)
pairs = []
for n, sharp, near in [(5, 1, 1), (50, 1, 1), (200, 4, 1), (200, 8, 1), (60, 2, 1e-3), (60, 2, 1e-7), (120, 30, 1), (1, 1, 1)]:
    a = rng.standard_normal(n) * sharp
    b = a + rng.standard_normal(n) * sharp * near
    pairs.append((softmax(a), softmax(b)))
p = pairs[0][0]
pairs += [(p, p), (np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])), (np.array([1.0, 0.0]), np.array([1.0, 0.0])),
          (np.array([0.0, 1.0]), np.array([0.5, 0.5]))]
out = []
for p, q in pairs:
    out.append({"p": p.tolist(), "q": q.tolist(), "kl": entropy(p, q), "js": jensenshannon(p, q) ** 2,
                "hellinger": euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2), "l2": euclidean(p, q), "cosine": cosine(p, q), "entropy": entropy(p)})
pathlib.Path(__file__).with_name("distances.json").write_text(json.dumps(out, separators=(",", ":"), allow_nan=False) + "\n")
