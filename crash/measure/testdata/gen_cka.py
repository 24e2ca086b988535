#!/usr/bin/env python3
"""Writes cka.json: linear CKA between the pooled hidden states of tiny checkpoints.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, numpy 2.4.6.

    python gen_cka.py [--models DIR] [--out FILE]

DIR holds the checkpoints that transformer/testdata/gen_models.py makes. Twelve random rows of ragged
lengths run alone, unpadded, in float32; pooling and CKA are float64. With X, Y [n D] the pooled states
of two entries, K = X X^T, L = Y Y^T, H = I - 11^T/n:
    HSIC(K, L) = sum((H K H) * (H L H)),  CKA = HSIC(K, L) / (sqrt HSIC(K, K) sqrt HSIC(L, L))
(Kornblith et al. 2019, biased estimator). Entry 0 = embeddings, entry i = output of block i-1, the last
after the final norm, as transformers' hidden_states. Rows have no pads, so that mean_all = mean and
max_nonpad = max. Deterministic for the same versions and CPU family.
"""

import argparse
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

MODELS = ("opt-prenorm", "llama-gqa-tied")
LENGTHS = (1, 2, 3, 5, 7, 8, 11, 13, 17, 19, 23, 31)


def weighted_mean(h):
    """SGPT: position t of 1..T weighs t."""
    w = numpy.arange(1, len(h) + 1, dtype=numpy.float64)
    return (w[:, None] * h).sum(0) / w.sum()


POOLINGS = {
    "mean": lambda h: h.mean(0),
    "mean_weighted": weighted_mean,
    "last": lambda h: h[-1],
    "max_nonpad": lambda h: h.max(0),
    "mean_all": lambda h: h.mean(0),
    "max": lambda h: h.max(0),
    "min": lambda h: h.min(0),
}


def centred_gram(x):
    h = numpy.eye(len(x)) - 1 / len(x)
    return h @ (x @ x.T) @ h


def cka(k, l):
    return (k * l).sum() / (numpy.sqrt((k * k).sum()) * numpy.sqrt((l * l).sum()))


@torch.no_grad()
def states(model, row):
    out = model(input_ids=torch.tensor([row]), use_cache=False, output_hidden_states=True)
    return [h[0].double().numpy() for h in out.hidden_states]


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, default=here.parent.parent / "transformer" / "testdata")
    parser.add_argument("--out", type=pathlib.Path, default=here / "cka.json")
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    result = []
    for number, name in enumerate(MODELS):
        model = AutoModelForCausalLM.from_pretrained(
            args.models / name, torch_dtype=torch.float32, attn_implementation="eager").eval()
        generator = torch.Generator().manual_seed(500 + number)
        rows = [torch.randint(3, model.config.vocab_size, (n,), generator=generator).tolist() for n in LENGTHS]
        hidden = [states(model, row) for row in rows]
        matrices = {}
        for pooling, pool in POOLINGS.items():
            grams = [centred_gram(numpy.stack([pool(h[e]) for h in hidden])) for e in range(len(hidden[0]))]
            matrices[pooling] = [[cka(a, b) for b in grams] for a in grams]
        result.append({"model": name, "tokens": rows, "n": len(rows), "cka": matrices})
        print(name, numpy.round(matrices["mean_weighted"], 4).tolist())
    args.out.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
