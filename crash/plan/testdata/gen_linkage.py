#!/usr/bin/env python3
"""Writes linkage.sha256: scipy's linkage of 1,000 distance matrices, as hashes.

Made with Python 3.11, scipy 1.17.1, numpy 2.4.6.

    python3 gen_linkage.py > linkage.sha256

Matrix number m (from 0) has n = 2 + m mod 29 points; the distance of i < j is the next
number of a linear congruential generator, of levels[m mod 5] different values, so that
many are full of ties. A line is a linkage and the SHA-256 of all its rows, "A B distance
size", the distance with 12 digits.
"""
import hashlib

import numpy
from scipy.cluster.hierarchy import linkage

LEVELS = (3, 10, 100, 10**6, 2**31)


def matrices():
    state = 1
    for m in range(1000):
        n, condensed = 2 + m % 29, []
        for _ in range(n * (n - 1) // 2):
            state = (1103515245 * state + 12345) % 2**31
            condensed.append((1 + (state >> 3) % LEVELS[m % 5]) / 2**31)
        yield numpy.array(condensed)


for method in ("single", "average", "complete"):
    digest = hashlib.sha256()
    for condensed in matrices():
        for a, b, distance, size in linkage(condensed, method):
            digest.update(f"{int(a)} {int(b)} {distance:.12g} {int(size)}\n".encode())
    print(method, digest.hexdigest())
