#!/usr/bin/env python3
"""Writes compress.json: what compress makes of small matrices, by numpy in float64.

Made with Python 3.11, numpy 2.4.6.

    python3 gen_compress.py > compress.json

All numbers given are multiples of 2**-16 in [-1, 1), of a linear congruential generator,
and so the same in float32. Products of factors are written, as the signs of singular
vectors are free; of Nystrom the kept channels, the leverages and the last layer; of
rounding and pruning the matrix.
"""
import json

import numpy


class Numbers:
    def __init__(self, seed):
        self.state = seed

    def matrix(self, rows, cols):
        values = []
        for _ in range(rows * cols):
            self.state = (1103515245 * self.state + 12345) % 2**31
            values.append(((self.state >> 14) - 2**16) / 2**16)
        return numpy.array(values).reshape(rows, cols)


def coarse(m):
    """The same in fewer digits."""
    return numpy.round(m * 2**8) / 2**8


def truncated(m, rank):
    u, s, vt = numpy.linalg.svd(m, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ vt[:rank]


def ridged(x, ridge):
    c = x.T @ x / len(x)
    return c + ridge * numpy.trace(c) / len(c) * numpy.eye(len(c))


def activation(w, x, rank, ridge):
    s = numpy.linalg.cholesky(ridged(x, ridge))
    return truncated(w @ s, rank) @ numpy.linalg.inv(s)


def nystrom(w, x, keep, ridge):
    c, cl = x.T @ x / len(x), ridged(x, ridge)
    leverage = numpy.diag(c @ numpy.linalg.inv(cl))
    order = numpy.argsort(-leverage, kind="stable")
    k, r = numpy.sort(order[:keep]), numpy.sort(order[keep:])
    down = w[:, k] + w[:, r] @ c[numpy.ix_(r, k)] @ numpy.linalg.inv(cl[numpy.ix_(k, k)])
    return leverage, k, down


def fewer_heads(w, x, groups, keep, ridge):
    """Groups of columns go one after another, each the one that then costs least."""
    size = w.shape[1] // groups
    c, cl = x.T @ x / len(x), ridged(x, ridge)
    added = cl[0, 0] - c[0, 0]

    def without(gone):
        r = [i for i in range(w.shape[1]) if i // size in gone]
        k = [i for i in range(w.shape[1]) if i // size not in gone]
        if not k:
            return None, numpy.einsum("ij,jk,ik->", w[:, r], c[numpy.ix_(r, r)], w[:, r])
        delta = w[:, r] @ c[numpy.ix_(r, k)] @ numpy.linalg.inv(cl[numpy.ix_(k, k)])
        lost = x[:, r] @ w[:, r].T - x[:, k] @ delta.T
        return w[:, k] + delta, (lost**2).sum() / len(x) + added * (delta**2).sum()

    gone, alone = [], [without([g])[1] for g in range(groups)]
    while len(gone) < groups - keep:
        costs = [numpy.inf if g in gone else without(gone + [g])[1] for g in range(groups)]
        gone.append(int(numpy.argmin(costs)))
    return [g for g in range(groups) if g not in gone], w if not gone else without(gone)[0], alone


def gcs(layers, lam):
    """Scores of candidates; each has a change of every layer (w, gradient, x, dy, changes)."""
    moves, rises = 0, 0
    for w, gradient, x, dy, changes in layers:
        a, g = x.T @ x / len(x), dy.T @ dy / len(dy)
        moves = moves + numpy.array([abs(g @ d @ a).sum() for d in changes])
        rises = rises + numpy.array([(gradient * d).sum() for d in changes])
    return moves / moves.mean() - lam * rises / abs(rises).mean()


def ranked(layer, rank, lam):
    w = layer[0]
    u, s, vt = numpy.linalg.svd(w, full_matrices=False)
    parts = [s[i] * numpy.outer(u[:, i], vt[i]) for i in range(len(s))]
    scores = gcs([(*layer, [-p for p in parts])], lam)
    always = min(rank, int(numpy.ceil(0.05 * len(s))))
    order = always + numpy.argsort(-scores[always:], kind="stable")
    kept = sorted([*range(always), *order[:rank - always].tolist()])
    return {"scores": scores.tolist(), "kept": kept, "product": sum(parts[i] for i in kept).ravel().tolist()}


def channels(into, down, keep, lam):
    def only(w, j, axis):
        d = numpy.zeros_like(w)
        index = (j, slice(None)) if axis == 0 else (slice(None), j)
        d[index] = -w[index]
        return d

    n = down[0].shape[1]
    layers = [(*l, [only(l[0], j, 0) for j in range(n)]) for l in into] + [(*down, [only(down[0], j, 1) for j in range(n)])]
    scores = gcs(layers, lam)
    kept = sorted(numpy.argsort(-scores, kind="stable")[:keep].tolist())
    return {"scores": scores.tolist(), "kept": kept, "down": down[0][:, kept].ravel().tolist()}


def relative(w, made, x):
    return numpy.linalg.norm(x @ (w - made).T) / numpy.linalg.norm(x @ w.T)


def rounded(w, bits, group):
    """Round to nearest with a step for each group of a row, halves to even."""
    made = numpy.empty_like(w)
    for row, out in zip(w, made):
        for at in range(0, len(row), group):
            run = row[at:at + group]
            step = abs(run).max() / (2**(bits - 1) - 1)
            out[at:at + group] = step * numpy.rint(run / step) if step else 0
    return made.astype(numpy.float32)


def without_lowest(w, scores, count):
    """w, of which the numbers of lowest score are 0, compared within a row."""
    made = w.copy()
    lowest = numpy.argsort(scores, axis=1, kind="stable")[:, :count]
    numpy.put_along_axis(made, lowest, 0, axis=1)
    return made


def magnitude(w, share):
    flat = w.reshape(1, -1)
    return without_lowest(flat, abs(flat), int(share * w.size)).reshape(w.shape)


def wanda(w, x, share):
    scores = abs(w) * numpy.linalg.norm(x, axis=0)
    return without_lowest(w, scores, int(share * w.shape[1]))


factors = []
for seed, (out, width, rows) in enumerate([(9, 6, 40), (5, 8, 30), (7, 7, 50), (6, 9, 4)], 1):
    n = Numbers(seed)
    w, mix = n.matrix(out, width), n.matrix(width, width)
    x = numpy.round(n.matrix(rows, width) @ mix * 2**10) / 2**10  # channels that say much of each other
    for rank in (1, 3, min(out, width)):
        ridge = 1e-2 if rows < width else (0, 1e-6, 1e-3)[rank % 3]
        plain, aware = truncated(w, rank), activation(w, x, rank, ridge)
        leverage, kept, down = nystrom(w, x, rank, 1e-2)
        factors.append({
            "out": out, "in": width, "rank": rank, "ridge": ridge, "w": w.ravel().tolist(), "x": x.ravel().tolist(),
            "svd": plain.ravel().tolist(), "svd_error": relative(w, plain, x),
            "activation": aware.ravel().tolist(), "activation_error": relative(w, aware, x),
            "leverage": leverage.tolist(), "kept": kept.tolist(), "down": down.ravel().tolist(),
        })

elements = []
for seed, (out, width) in enumerate([(6, 10), (2, 64), (2, 70), (3, 33)], 100):
    n = Numbers(seed)
    w, x = numpy.round(n.matrix(out, width) * 2**5) / 2**5, n.matrix(8, width) * n.matrix(1, width)  # w with ties and zeros
    x = numpy.round(x * 2**10) / 2**10
    share = (0.3, 0.5, 0.05, 1)[seed % 4]
    elements.append({
        "out": out, "in": width, "w": w.ravel().tolist(), "x": x.ravel().tolist(), "group": (4, 64, 32)[seed % 3], "share": share,
        "rounded": {bits: rounded(w, bits, (4, 64, 32)[seed % 3]).ravel().tolist() for bits in (2, 3, 5, 8)},
        "magnitude": magnitude(w, share).ravel().tolist(), "wanda": wanda(w, x, share).ravel().tolist(),
    })
heads = []
for seed, (out, width, count, kv, rows) in enumerate([(5, 2, 6, 3, 20), (4, 3, 4, 4, 24), (4, 2, 8, 4, 10), (4, 4, 3, 1, 16)], 200):
    n = Numbers(seed)
    wide = width * count
    w, x = coarse(n.matrix(out, wide)), coarse(n.matrix(rows, wide) @ n.matrix(wide, wide))
    for keep in range(1, kv + 1):
        kept, down, costs = fewer_heads(w, x, kv, keep, 1e-2)
        heads.append({
            "out": out, "heads": count, "kv": kv, "keep": keep, "ridge": 1e-2,
            **({"w": w.ravel().tolist(), "x": x.ravel().tolist()} if keep == 1 else {}),
            "kept": kept, "made": down.ravel().tolist(), "costs": costs,
        })
gradot = []
for seed, (width, hidden, rows, lam) in enumerate([(4, 7, 12, 0), (5, 6, 4, 0.5), (6, 16, 12, 1), (3, 5, 12, 4)], 300):
    n = Numbers(seed)

    def layer(out, into):
        return [coarse(n.matrix(*shape)) for shape in ((out, into), (out, into), (rows, into), (rows, out))]

    gate, up, down = layer(hidden, width), layer(hidden, width), layer(width, hidden)
    listed = [[m.ravel().tolist() for m in l] for l in (gate, up, down)]
    gradot.append({
        "width": width, "hidden": hidden, "lambda": lam, "layers": listed,
        "ranked": [ranked(gate, rank, lam) for rank in range(1, width + 1)],
        "gated": [channels([gate, up], down, keep, lam) for keep in (1, hidden // 2, hidden)],
        "plain": channels([up], down, hidden // 2, lam),
    })
print(json.dumps({"factors": factors, "elements": elements, "heads": heads, "gradot": gradot}).replace("}, {", "},\n{"))
