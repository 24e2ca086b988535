#!/usr/bin/env python3
"""Writes harness.json: what lm-evaluation-harness does to small inputs of our own.

Made with lm-eval 0.4.8 (Python 3.11).

    python gen_harness.py [--out FILE]

Holds rolling windows, WikiText detokenisation with word and byte counts, WebQuestions aliases, COPA
prompts, the pair encoding of TemplateLM with a toy tokenizer (greedy longest match over PIECES, else
one id per byte), and the standard error of a mean. Deterministic.
"""

import argparse
import importlib.util
import json
import pathlib
import random

import lm_eval
from lm_eval.api.metrics import mean_stderr
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

TASKS = pathlib.Path(lm_eval.__file__).parent / "tasks"
PIECES = [" the", " a", "Answer:", " answer", "er", "in", " in", "  ", ": the"]


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, TASKS / path)
    m = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(m)
    return m


def encode(text):
    ids = []
    while text:
        piece = max((p for p in PIECES if text.startswith(p)), key=len, default=None)
        if piece:
            ids.append(1000 + PIECES.index(piece))
            text = text[len(piece):]
        else:
            ids.extend(100 + b for b in text[0].encode())
            text = text[1:]
    return ids


class Toy:
    """Just enough of a TemplateLM for _encode_pair."""

    tok_encode = staticmethod(lambda text, **kw: encode(text))


def windows():
    for n, length in [(0, 4), (1, 4), (4, 4), (5, 4), (8, 4), (11, 4), (7, 1), (3, 10)]:
        pairs = get_rolling_token_windows(list(range(10, 10 + n)), 2, length, 1)
        yield {"n": n, "length": length, "pairs": [make_disjoint_window(p) for p in pairs]}


def pages():
    pieces = ["the", " 's", "s '", " @-@ ", " @,@ ", " @.@ ", " : ", " ; ", " . ", " ! ", " ? ", " , ", "( a b )",
              "[ x ]", "{ y }", '" quoted "', "' single '", "\n", " \n ", " = = Head = = ", " = = = Sub = = = ", " N ",
              " ° ", "5", "\u00a0", " <unk> ", "été", "(", "'", '"', "\t", "= = = ="]
    rng = random.Random(7)
    texts = ["".join(rng.choice(pieces) for _ in range(rng.randrange(1, 40))) for _ in range(60)]
    wiki = module(pathlib.Path("wikitext/preprocess_wikitext.py"))
    for text in texts:
        out = wiki.process_results({"page": text}, [-1.0])
        yield {"page": text, "text": wiki.wikitext_detokenizer({"page": text}),
               "words": out["word_perplexity"][1], "bytes": out["byte_perplexity"][1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("harness.json"))
    args = parser.parse_args()
    webqs = module(pathlib.Path("webqs/utils.py"))
    copa = module(pathlib.Path("super_glue/copa/utils.py"))
    answers = [["b", "a", "ab", "B"], ["New York City", "New York", "York", "New Yorkers"], ["x"], ["é", "e", "z", "ée"]]
    records = [
        {"premise": "The man broke his toe. ", "choice1": "He dropped a hammer.", "choice2": "Ice fell.", "question": "cause", "label": 0},
        {"premise": "It rained.", "choice1": "École flooded.", "choice2": "He swam.", "question": "effect", "label": 1},
    ]
    pairs = [("Question: where?\nAnswer:", " the end"), ("where in ", "the end"), ("a \n", " b"), ("Answer", ": the x"),
             ("x", " y"), ("été  ", "in"), ("the", "re")]
    shares = [[1, 0, 0, 1, 1], [0, 0], [1, 0], [1] * 7 + [0] * 12]
    with open(args.out, "w") as f:
        json.dump({
            "windows": list(windows()),
            "pages": list(pages()),
            "answers": [{"answers": a, "kept": webqs.doc_to_choice({"answers": list(a)})} for a in answers],
            "copa": [{"record": r, "context": copa.doc_to_text(r), "continuations": copa.doc_to_choice(r)} for r in records],
            "pieces": PIECES,
            "pairs": [{"request": p, "ids": TemplateLM._encode_pair(Toy, *p)} for p in pairs],
            "stderr": [{"values": s, "stderr": mean_stderr(s)} for s in shares],
        }, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
