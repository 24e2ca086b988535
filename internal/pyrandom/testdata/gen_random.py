#!/usr/bin/env python3
"""Writes random.json: draws of CPython's random.Random, which pick lm-eval's few-shot examples, shuffle the documents
of 0.3 and draw its bootstrap.

Made with Python 3.11; standard library only, deterministic.

    python gen_random.py [--out FILE]

Every list is drawn from a generator just seeded. "below" is _randbelow(n), which randrange(n) returns too; "sample"
has both ways of Random.sample: it exchanges within a list where n is at most 21 (k <= 5) or 21 + 4**ceil(log(3k, 4)),
and keeps a set of places where n is more.
"""

import argparse
import json
import pathlib
import random

SEEDS = [0, 1, 42, 1234, 2**40 + 7, -5]
BELOW = [1, 2, 3, 7, 10, 21, 255, 256, 257, 1000, 2**31, 2**32, 2**32 + 1, 2**40]
SAMPLES = [(3, 0), (1, 1), (5, 5), (12, 2), (12, 3), (15, 6), (21, 5), (22, 5), (24, 2), (28, 5), (85, 6), (86, 6), (100, 100), (1000, 20), (5000, 3)]


def draws(seed):
    fresh = lambda: random.Random(seed)
    several = lambda f, count: [f() for _ in range(count)]
    shuffled = list(range(20))
    fresh().shuffle(shuffled)
    rng = fresh()
    return {
        "seed": seed,
        "bits32": several(lambda r=fresh(): r.getrandbits(32), 8),
        "random": several(fresh().random, 8),
        "below": [{"n": n, "draws": several(lambda r=fresh(): r._randbelow(n), 6)} for n in BELOW],
        "sample": [{"n": n, "k": k, "draws": fresh().sample(range(n), k)} for n, k in SAMPLES],
        "shuffle": shuffled,
        "choices": fresh().choices(range(10), k=10),
        # One generator for several calls, as lm-eval uses it: a shuffle and then the shots of each document.
        "in_a_row": [rng.shuffle(row := list(range(27))) or row] + [rng.sample(range(15), 2) for _ in range(27)],
        "late": several(lambda r=late(fresh()): r.getrandbits(32), 4),
    }


def late(rng):
    """After 2000 words: the state has been made anew three times."""
    rng.getrandbits(32 * 2000)
    return rng


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("random.json"))
    args = parser.parse_args()
    args.out.write_text("[\n" + ",\n".join(json.dumps(draws(s), separators=(",", ":")) for s in SEEDS) + "\n]\n")


if __name__ == "__main__":
    main()
