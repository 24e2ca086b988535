#!/usr/bin/env python3
"""Writes cut.json: the nearest matrices of lower ranks, by numpy's SVD in float64.

Made with Python 3.11, numpy 2.4.6.

    python3 gen_cut.py > cut.json

Numbers come from a linear congruential generator, 20 bits each in [-1, 1), so that cut_test.go
makes the same matrices; columns fall off by halves, so that singular values differ.
"""
import json

import numpy as np

CASES = [([7, 5], 1), ([7, 5], 3), ([5, 7], 2), ([12, 12], 4), ([24, 9], 8)]


def matrix(rows, cols):
    state = 1
    out = np.empty((rows, cols))
    for i in range(rows):
        for j in range(cols):
            state = (1103515245 * state + 12345) % 2**31
            out[i, j] = ((state >> 11) / 2**19 - 1) * 0.5 ** (j % 6)
    return out


def main():
    cases = []
    for shape, rank in CASES:
        u, s, vt = np.linalg.svd(matrix(*shape), full_matrices=False)
        cut = (u[:, :rank] * s[:rank]) @ vt[:rank]
        cases.append({"shape": shape, "rank": rank, "cut": cut.ravel().tolist()})
    print(json.dumps(cases))


main()
