"""What tables of one study cannot say of these cells: python3 cells.py correlate | pair A B

correlate   Spearman's coefficients over the emulators of transfer, transfer-rules and
            transfer-clusters, which have T, ceiling and scored documents in common; intervals of
            95% from 4,000 draws of as many emulators.
pair A B    two rows of two studies, such as transfer-test:uniform-ghost and
            transfer-upper:uniform-ghost, document by document and seed by seed: answers that
            one alone has right, McNemar's exact p, and the difference of the answers' losses.

Standard library alone.
"""

import json
import math
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent


def cells(study):
    """Yields plan entry, what the cell was made of and its row, of every cell of a study."""
    for entry in json.loads((HERE / study / "plan/cells.json").read_text())["cells"]:
        cell = json.loads((HERE / "cells/results" / (entry["key"] + ".json")).read_text())
        yield entry, cell["made"], cell["rows"][0]


def ranks(values):
    order = sorted(values)
    return [(order.index(v) + len(order) - 1 - order[::-1].index(v)) / 2 for v in values]


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    mean = (len(a) - 1) / 2
    both = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    size = math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    return both / size if size else 0.0


def correlate():
    emulators, zero, ceiling = {}, None, None
    for study in ("transfer", "transfer-rules", "transfer-clusters"):
        for entry, made, row in cells(study):
            if entry["row"] == "zs":
                zero = row
            elif entry["row"] == "ceiling":
                ceiling = row
            elif not made["experiment"]["training"].get("gap_noise"):
                emulators[row["plan"]] = row
    names = ["c", "c, mean of blocks", "predicted gain", "- loss of the emulator", "share of numbers"]
    table = []
    for row in emulators.values():
        m = row["measures"]
        table.append((
            (zero["answer_loss"] - row["answer_loss"]) / (zero["answer_loss"] - ceiling["answer_loss"]),
            (row["plug_in"] - zero["plug_in"]) / (ceiling["plug_in"] - zero["plug_in"]),
            m["cosine"], sum(b["cosine"] for b in m["blocks"]) / len(m["blocks"]), m["predicted_gain"],
            -row["health"]["emulator_loss"], m["held_share"], row))
    half = [t for t in table if "~" in t[-1]["plan"] and len([s for s in t[-1]["plan"].split() if s != "~"]) == 15]
    for title, rows in ((f"{len(table)} emulators", table), (f"{len(half)} of 15 blocks with maps", half)):
        print(title)
        for r, measure in enumerate(("R in loss", "R in accuracy")):
            for i, name in enumerate(names):
                own = lambda some: spearman([t[r] for t in some], [t[2 + i] for t in some])
                draw = random.Random(1)
                draws = sorted(own(draw.choices(rows, k=len(rows))) for _ in range(4000))
                print(f"  {measure} and {name}: {own(rows):+.2f} ({draws[100]:+.2f} to {draws[3899]:+.2f})")


def pair(one, other):
    def rows(name):
        study, row = name.split(":")
        return {(e["task"], e["seed"]): r for e, _, r in cells(study) if e["row"] == row}

    a, b = rows(one), rows(other)
    for key in sorted(a.keys() & b.keys()):
        x, y = a[key], b[key]
        won = sum(p > q for p, q in zip(x["right"], y["right"]))
        lost = sum(p < q for p, q in zip(x["right"], y["right"]))
        p = min(1.0, 2 * sum(math.comb(won + lost, k) for k in range(min(won, lost) + 1)) / 2 ** (won + lost))
        gaps = [q - p for p, q in zip(x["losses"], y["losses"])]
        mean = sum(gaps) / len(gaps)
        error = math.sqrt(sum((g - mean) ** 2 for g in gaps) / (len(gaps) - 1) / len(gaps))
        print(f"{key[0]} seed {key[1]}: {one} {100 * x['plug_in']:.1f}, {other} {100 * y['plug_in']:.1f}, "
              f"{won} : {lost}, p {p:.2g}; the first is better by {mean:+.3f} ± {error:.3f} nats a question")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["correlate"]:
            correlate()
        case ["pair", one, other]:
            pair(one, other)
        case _:
            sys.exit(__doc__)
