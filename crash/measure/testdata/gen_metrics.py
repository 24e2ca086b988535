#!/usr/bin/env python3
"""Writes metrics.json: CKA in three forms, task maps, principal components, block structure and weights.

Made with Python 3.11, numpy 2.4.6. All in float64, each by its definition written out; the inputs are
multiples of 1/64, which float32 holds exactly.

    python3 gen_metrics.py > metrics.json

- cka: H = I - 11'/n, HSIC = sum((H K H) * (H L H)), biased.
- debiased: Song et al. 2012, equation 4 (K~ = K without its diagonal):
      (tr(K~ L~) + 1'K~1 1'L~1 / ((n-1)(n-2)) - 2/(n-2) 1'K~ L~1) / (n(n-3))
- rbf: exp(-d^2 / (2 b^2 m)), m the median of the squared distances that are not 0, then as cka.
- alignment: covariances of even and of odd rows, the mean of both ways.
- pca: numpy.linalg.svd of the rows less their mean.
- index: every cut into two to four runs of two or more, by loops.
- rank: exp of the entropy of the singular values.
"""

import itertools
import json

import numpy

rng = numpy.random.default_rng(15)


def drawn(*shape):
    return numpy.round(rng.normal(size=shape) * 32) / 64


def hsic(k, l):
    h = numpy.eye(len(k)) - 1 / len(k)
    return ((h @ k @ h) * (h @ l @ h)).sum()


def unbiased(k, l):
    n = len(k)
    k, l = k - numpy.diag(numpy.diag(k)), l - numpy.diag(numpy.diag(l))
    one = numpy.ones(n)
    return (numpy.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
            - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


def rbf(x, bandwidth):
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    return numpy.exp(-d / (2 * bandwidth ** 2 * numpy.median(d[d != 0])))


def matrix(kernels, measure):
    return [[measure(a, b) / numpy.sqrt(measure(a, a) * measure(b, b)) for b in kernels] for a in kernels]


def covariance(x):
    x = x - x.mean(0)
    return x.T @ x / len(x)


def alignment(a, b):
    return (a * b).sum() / numpy.sqrt((a * a).sum() * (b * b).sum())


def halves(x, y):
    return (alignment(covariance(x[0::2]), covariance(y[1::2])) + alignment(covariance(x[1::2]), covariance(y[0::2]))) / 2


def best_index(m):
    n, best = len(m), (-numpy.inf, ())
    for runs in (2, 3, 4):
        for cut in itertools.combinations(range(1, n), runs - 1):
            ends = (0, *cut, n)
            if min(b - a for a, b in zip(ends, ends[1:])) < 2:
                continue
            of = numpy.repeat(range(runs), numpy.diff(ends))
            inside, outside = [], []
            for i in range(n):
                for j in range(i + 1, n):
                    (inside if of[i] == of[j] else outside).append(m[i][j])
            best = max(best, (numpy.mean(inside) - numpy.mean(outside), cut), key=lambda b: b[0])
    return best


def banded(m):
    n = len(m)
    return numpy.array([[m[i][i] if i == j else numpy.mean(numpy.diag(m, abs(i - j))) for j in range(n)] for i in range(n)])


def pca(x, components):
    x = x - x.mean(0)
    u, s, _ = numpy.linalg.svd(x, full_matrices=False)
    y = u[:, :components] * s[:components]
    y *= numpy.sign(y[numpy.abs(y).argmax(0), range(components)])
    return y, (s ** 2 / (s ** 2).sum())[:components]


def rank(w):
    s = numpy.linalg.svd(w, compute_uv=False)
    p = s / s.sum()
    return float(numpy.exp(-(p * numpy.log(p)).sum()))


def main():
    n = 10
    base = drawn(n, 7)
    states = [base, numpy.round((base[:, :5] + drawn(n, 5)) * 64) / 64, drawn(n, 9), drawn(n, 300)]
    states[2][4] = states[2][7]  # two equal samples
    linear = [x @ x.T for x in states]
    tasks = [drawn(n, 6) * numpy.array([4, 2, 1, 1, 1, .5]), drawn(n, 6) * numpy.array([4, 1, 2, 1, .5, 1]) + 1, drawn(n, 6)]
    points, explained = pca(numpy.concatenate(tasks), 3)
    together = numpy.concatenate(tasks)
    spread = ((together - together.mean(0)) ** 2).sum()
    apart = sum(n * ((t.mean(0) - together.mean(0)) ** 2).sum() for t in tasks) / spread

    layers = 9
    like = numpy.array([[1 - .03 * abs(i - j) - (.2 if (i < 4) != (j < 4) else 0) for j in range(layers)] for i in range(layers)])
    noise = drawn(layers, layers) / 100
    like += (noise + noise.T) * (1 - numpy.eye(layers))
    whole = numpy.ones((layers + 2, layers + 2)) * .1
    whole[1:-1, 1:-1] = like
    index, cut = best_index(like)
    weights = [drawn(6, 4) for _ in range(3)]
    print(json.dumps({
        "states": [x.tolist() for x in states],
        "cka": matrix(linear, hsic),
        "cka-debiased": matrix(linear, unbiased),
        "cka-rbf": {str(b): matrix([rbf(x, b) for x in states], hsic) for b in (1.0, 0.5, 0.2)},
        "tasks": [x.tolist() for x in tasks],
        "alignment": [[halves(x, y) for y in tasks] for x in tasks],
        "coordinates": points.tolist(), "explained": explained.tolist(), "apart": apart,
        "similarity": whole.tolist(), "index": index, "cut": [int(c) for c in cut], "banded": best_index(banded(like))[0],
        "weights": [w.tolist() for w in weights],
        "distance": [[float(numpy.linalg.norm(a - b)) for b in weights] for a in weights],
        "variance": [float(w.var()) for w in weights], "rank": [rank(w) for w in weights],
    }, separators=(",", ":")))


if __name__ == "__main__":
    main()
