#!/usr/bin/env python3
"""Writes encode.json: blocks of Q8_0, Q4_0 and Q4_K of numbers that the test makes again.

Made with Python 3.11, numpy 2.4.6, gguf 0.19.0.

    python3 gen_encode.py > encode.json

Q8_0 and Q4_0 are what gguf.quants makes. It cannot write Q4_K: that stands below, written
from the definition of ggml's quantize_row_q4_K_ref for all runs at once, in float32, each
sum in the order of its elements. A case is 512 numbers; how a kind is made of a linear
congruential generator is said in `kinds`, which encode_test.go has too.
"""
import json

import gguf
import numpy

f32 = numpy.float32


def numbers(seed, n):
    state, values = seed, []
    for _ in range(n):
        state = (1103515245 * state + 12345) % 2**31
        values.append(((state >> 14) - 2**16) / 2**16)
    return numpy.array(values)


def some(u, every):
    return numpy.where(numpy.arange(len(u)) % every == 0, u, 0)


kinds = {
    "even": lambda u: u,
    "tailed": lambda u: u * u * u * u * u,
    "positive": abs,
    "negative": lambda u: -abs(u) - 0.5,
    "shifted": lambda u: u / 64 + 1,
    "sparse": lambda u: some(u, 7),
    "very sparse": lambda u: some(u, 300),
    "small": lambda u: u / 2**12,
    "tiny": lambda u: u / 2**22,
    "large": lambda u: u * 3e5,
    "coarse": lambda u: numpy.round(u * 3) / 4,
    "equal": lambda u: numpy.where(numpy.arange(len(u)) // 32 % 2 == 0, 0.75, -0.3),
    "zero": lambda u: 0 * abs(u),
}


def total(a):
    """Adds along the last axis, one element after another."""
    return numpy.add.accumulate(a, axis=-1, dtype=f32)[..., -1]


def nearest(a, most):
    return numpy.clip(numpy.rint(a), 0, most).astype(f32)


def fit(x):
    """Codes, scale and minimum of runs x [N 32]."""
    w = numpy.sqrt(total(x * x) / f32(32))[:, None] + abs(x)
    sum_w, sum_x = total(w), total(w * x)
    least = numpy.minimum(x.min(axis=1), f32(0))
    flat = x.max(axis=1) == least

    def cost(q, s, m):
        d = s[:, None] * q + m[:, None] - x
        return total(w * (d * d))

    def code(per, m):
        return nearest(per[:, None] * (x - m[:, None]), 15)

    most = numpy.where(flat, least + f32(1), x.max(axis=1))
    per = f32(15) / (most - least)
    s, m, q = f32(1) / per, least, code(per, least)
    best = cost(q, s, m)
    for i in range(21):  # each from the minimum of the best so far
        p = code((f32(-1) + f32(0.1) * f32(i) + f32(15)) / (most - m), m)
        wq = w * p
        l, l2, xl = total(wq), total(wq * p), total(wq * x)
        det = sum_w * l2 - l * l
        with numpy.errstate(all="ignore"):
            s1, m1 = (sum_w * xl - sum_x * l) / det, (l2 * sum_x - l * xl) / det
            s1, m1 = numpy.where(m1 > 0, xl / l2, s1), numpy.where(m1 > 0, f32(0), m1)
            c = cost(p, s1, m1)
        take = (det > 0) & (c < best)
        q, s, m, best = numpy.where(take[:, None], p, q), numpy.where(take, s1, s), numpy.where(take, m1, m), numpy.where(take, c, best)
    return numpy.where(flat[:, None], f32(0), q), numpy.where(flat, f32(0), s), -m


def q4_k(x):
    x = x.reshape(-1, 32)
    q, s, m = fit(x)
    x, q, s, m = x.reshape(-1, 8, 32), q.reshape(-1, 8, 32), s.reshape(-1, 8), m.reshape(-1, 8)
    out = b""
    for x, q, s, m in zip(x, q, s, m):
        top_s, top_m = (max(f32(0), a.max()) for a in (s, m))
        ls = nearest((f32(63) / top_s if top_s > 0 else f32(0)) * s, 63)
        lm = nearest((f32(63) / top_m if top_m > 0 else f32(0)) * m, 63)
        d, low = numpy.float16(top_s / f32(63)), numpy.float16(top_m / f32(63))
        step, least = f32(d) * ls, f32(low) * lm
        with numpy.errstate(all="ignore"):
            q = numpy.where(step[:, None] == 0, q, nearest((x + least[:, None]) / step[:, None], 15))
        bits = numpy.zeros(96, dtype=int)  # 12 bytes, lowest bit first
        for j in range(8):
            for at, value in ((j, int(ls[j])), (j + 4, int(lm[j]))):
                six = [value >> b & 1 for b in range(6)]
                if j < 4:
                    bits[8 * at:8 * at + 6] = six
                else:
                    low_half = 8 * (j + 4) + (4 if at == j + 4 else 0)
                    bits[low_half:low_half + 4] = six[:4]
                    bits[8 * (at - 4) + 6:8 * (at - 4) + 8] = six[4:]
        q = q.astype(numpy.uint8).reshape(4, 2, 32)
        out += d.tobytes() + low.tobytes() + numpy.packbits(bits.astype(numpy.uint8), bitorder="little").tobytes()
        out += (q[:, 0] | q[:, 1] << 4).tobytes()
    return out


cases = []
for seed, (name, kind) in enumerate(kinds.items(), 1):
    x = kind(numbers(seed, 512)).astype(f32)
    case = {
        "kind": name,
        "Q8_0": gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0).tobytes().hex(),
        "Q4_0": gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q4_0).tobytes().hex(),
        "Q4_K": q4_k(x).hex(),
    }
    # what gguf reads is what was meant: the nearest of a run's values
    back = gguf.quants.dequantize(numpy.frombuffer(bytes.fromhex(case["Q4_K"]), numpy.uint8), gguf.GGMLQuantizationType.Q4_K)
    assert numpy.allclose(back, x, rtol=0, atol=2.5 * (x.max() - min(x.min(), 0)) / 15 + 1e-6), name
    cases.append(case)
print(json.dumps(cases, indent=0))
