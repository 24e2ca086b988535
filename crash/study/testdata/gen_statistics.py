#!/usr/bin/env python3
"""Writes statistics.json: what comparisons of rows come to, by scipy.

Made with Python 3.11, numpy 2.4.6, scipy 1.17.1.

    python gen_statistics.py [--out FILE]

A case has three rows over the same documents: which ones each has right, -log p of the right answers
(three decimals, as float32) and their tokens. Rows are (plug-in, zs, ceiling):
    p           scipy.stats.binomtest(won, won + lost), McNemar's exact test of plug-in and zs
    stderr, low, high  of loss(plug-in) - loss(zs), loss = sum losses / sum tokens: scipy.stats.bootstrap,
                paired, percentile, 50,000 resamples
    accuracy, answer   (plug-in - zs)/(ceiling - zs), and half of the range from quantile 0.1587 to 0.8413
                of the same ratio over 50,000 resamples
Deterministic for the same versions.
"""

import argparse
import json
import pathlib

import numpy
from scipy import stats

N = 50_000
TAIL = stats.norm.cdf(-1)


def loss(x, tokens, axis=-1):
    return x.sum(axis=axis) / tokens.sum(axis=axis)


def case(seed, n, rights, shifts):
    rng = numpy.random.default_rng(seed)
    ability = rng.normal(size=n)
    rows = []
    tokens = rng.integers(1, 12, n)
    base = tokens * rng.gamma(3.0, 0.4, n)
    for right, shift in zip(rights, shifts):
        noisy = ability + 0.7 * rng.normal(size=n)
        mark = noisy > numpy.quantile(noisy, 1 - right)
        nats = numpy.round(base * (1 + shift) * numpy.exp(0.15 * rng.normal(size=n)), 3).astype(numpy.float32)
        rows.append((mark, nats.astype(numpy.float64)))
    (a, la), (b, lb), (c, lc) = rows
    won, lost = int((a & ~b).sum()), int((b & ~a).sum())
    paired = stats.bootstrap((la, lb, tokens.astype(float)), lambda x, y, t, axis=-1: loss(x, t, axis) - loss(y, t, axis),
                             paired=True, vectorized=True, n_resamples=N, method="percentile", batch=500, rng=rng)
    recovered = {}
    for name, of in (("accuracy", lambda i: [r[0][i].mean(-1) for r in rows]), ("answer", lambda i: [-loss(r[1][i], tokens[i]) for r in rows])):
        drawn = []
        for _ in range(N // 500):
            p, z, t = of(rng.integers(0, n, (500, n)))
            drawn.append((p - z) / (t - z))
        low, high = numpy.quantile(numpy.concatenate(drawn), [TAIL, 1 - TAIL])
        p, z, t = of(numpy.arange(n))
        recovered[name] = {"value": (p - z) / (t - z), "stderr": (high - low) / 2}
    return {
        "right": ["".join("01"[int(m)] for m in r[0]) for r in rows], "losses": [[round(float(v), 3) for v in r[1]] for r in rows],
        "tokens": tokens.tolist(), "won": won, "lost": lost, "p": stats.binomtest(won, won + lost).pvalue,
        "difference": loss(la, tokens) - loss(lb, tokens), "stderr": paired.standard_error,
        "low": paired.confidence_interval.low, "high": paired.confidence_interval.high, "recovery": recovered,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "statistics.json")
    args = parser.parse_args()
    cases = [case(1, 300, (0.55, 0.45, 0.70), (0.0, 0.1, -0.1)), case(2, 120, (0.50, 0.48, 0.85), (0.02, 0.0, -0.2)), case(3, 400, (0.40, 0.50, 0.75), (0.05, 0.0, -0.15))]
    for c in cases:
        print(len(c["tokens"]), c["won"], c["lost"], c["p"], c["difference"], c["stderr"], c["recovery"])
    args.out.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
