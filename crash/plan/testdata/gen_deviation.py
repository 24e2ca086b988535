#!/usr/bin/env python3
"""Writes deviation.sha256: a hash of the places that the paper's repository gives layers
with a deviation (uniform_choose_layers in src/model_utils.py of TsinghuaC3I/CRaSh).

    python3 gen_deviation.py > deviation.sha256

A line is "layers kept deviation percent: places"; what the reference refuses or divides
by zero in is left out.
"""
import hashlib


def places(layers, kept, deviation, percent):
    left = round(kept * percent)
    right = kept - left
    if deviation > 0:
        left, right = right, left
    assert left <= layers * 1 / 2. and right <= layers * 1 / 2.
    left_stride = (layers * 1 / 2. - 1) / (left - 1)
    right_stride = (layers * 1 / 2. - 1) / (right - 1)
    idxs = [round(i * left_stride) for i in range(left)]
    start = round(layers * 1 / 2. - 1)
    if start <= idxs[-1]:
        start = idxs[-1] + 1
    return idxs + [round(i * right_stride) + start for i in range(right)]


digest, lines = hashlib.sha256(), 0
for layers in range(2, 97):
    for kept in range(2, layers + 1):
        for deviation in (-1, 1):
            for percent in (0.125, 0.25, 0.375, 0.5):
                try:
                    found = places(layers, kept, deviation, percent)
                except (AssertionError, ZeroDivisionError, IndexError):
                    continue
                digest.update(f"{layers} {kept} {deviation} {percent}: {' '.join(map(str, found))}\n".encode())
                lines += 1
print(digest.hexdigest(), lines)
