#!/usr/bin/env python3
"""Writes dendrogram.json: trees as scipy.cluster.hierarchy draws them.

Made with Python 3.11, scipy 1.17.1, numpy 2.4.6.

    python3 gen_dendrogram.py > dendrogram.json

Of each tree: the rows of the linkage, the leaves from left to right, and the corners of each bracket in
leaves and distances (scipy's icoord has leaf k at 10 k + 5), sorted.
"""
import json

import numpy
from scipy.cluster.hierarchy import dendrogram, linkage

rng = numpy.random.default_rng(7)
trees = []
for n, method in ((2, "single"), (5, "average"), (9, "complete"), (31, "average"), (13, "single")):
    z = linkage(rng.random(n * (n - 1) // 2), method)
    d = dendrogram(z, no_plot=True)
    trees.append({
        "method": method,
        "joins": [[int(a), int(b), h] for a, b, h, _ in z.tolist()],
        "leaves": d["leaves"],
        "brackets": sorted([[(x - 5) / 10 for x in xs], ys] for xs, ys in zip(d["icoord"], d["dcoord"])),
    })
print(json.dumps(trees, separators=(",", ":")))
