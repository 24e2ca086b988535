"""Errors and tests of a table, by numpy and scipy: python gen_errors.py > errors.json

numpy 2.x, scipy 1.x. Rows of two seeds and two draws that have documents right at random: the
standard error over documents is that of the mean that each document has over the runs, the one
over seeds scipy's sem of the seeds' means; of two rows of one run each McNemar's exact test is
scipy's binomtest on the documents that one alone has right; Holm's correction is by its
definition: the k-th smallest of m p-values times m-k+1, made to rise, 1 at most."""
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(15)


def row(n, runs, p):
    right = (rng.random((runs, n)) < p).astype(int)
    return right


def holm(p):
    p = np.asarray(p)
    order, out, least = np.argsort(p, kind="stable"), np.empty(len(p)), 0.0
    for k, i in enumerate(order):
        least = max(least, min(1.0, (len(p) - k) * p[i]))
        out[i] = least
    return out.tolist()


cases = []
for n, p in ((40, 0.5), (57, 0.2), (200, 0.8)):
    right = row(n, 6, p)  # seeds 1, 1, 2, 2, 3, 3: two draws each
    means = right.mean(axis=1)
    seeds = means.reshape(3, 2).mean(axis=1)
    per_document = right.mean(axis=0)
    cases.append({
        "right": ["".join(map(str, r)) for r in right], "seeds": [1, 1, 2, 2, 3, 3],
        "value": means.mean(), "documents": per_document.std(ddof=1) / np.sqrt(n), "over_seeds": stats.sem(seeds),
    })

single = {name: row(120, 1, p)[0] for name, p in (("zs", 0.4), ("uniform", 0.5), ("crash", 0.62), ("mine", 0.55))}
pairs = []
best = max(("uniform", "crash", "mine"), key=lambda name: single[name].mean())
for other in ("zs", "uniform", "crash", "mine"):
    if other != best:
        a, b = single[best], single[other]
        won, lost = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
        d = a - b
        pairs.append({"row": best, "against": other, "won": won, "lost": lost, "difference": d.mean(),
                      "stderr": d.std(ddof=1) / np.sqrt(len(d)), "p": stats.binomtest(won, won + lost).pvalue})
for pair, p in zip(pairs, holm([q["p"] for q in pairs])):
    pair["p_holm"] = p
many = rng.random(9) ** 3
print(json.dumps({
    "scipy": __import__("scipy").__version__, "estimates": cases,
    "rows": {k: "".join(map(str, v)) for k, v in single.items()}, "pairs": pairs,
    "p": many.tolist(), "holm": holm(many),
}, indent=1))
