#!/usr/bin/env python3
"""Writes rope.json: inverse frequencies of transformers' ROPE_INIT_FUNCTIONS.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3.

    python gen_rope.py [--out FILE]

Each case has the fields of a configuration, the length of a sequence (of which only "dynamic"
takes notice) and the float32 inverse frequencies, printed so that they read back exactly.
"""

import argparse
import json
import pathlib

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)
CASES = [  # head dim, theta, max_position_embeddings, rope_scaling, length
    (64, 10000.0, 2048, dict(rope_type="default"), 7),
    (10, 500.0, 64, dict(rope_type="default"), 100),
    (128, 1000000.0, 4096, dict(rope_type="linear", factor=4.0), 7),
    (6, 10000.0, 64, dict(rope_type="linear", factor=2.5), 7),
    (16, 10000.0, 16, dict(rope_type="dynamic", factor=2.0), 16),
    (16, 10000.0, 16, dict(rope_type="dynamic", factor=2.0), 17),
    (64, 10000.0, 2048, dict(rope_type="dynamic", factor=4.0), 9001),
    (64, 500000.0, 131072, LLAMA3, 7),
    (128, 500000.0, 131072, dict(LLAMA3, factor=32.0), 7),
    (8, 10000.0, 512, dict(LLAMA3, original_max_position_embeddings=64), 7),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "rope.json")
    args = parser.parse_args()
    result = []
    for dim, theta, positions, scaling, length in CASES:
        config = LlamaConfig(hidden_size=2 * dim, num_attention_heads=2, head_dim=dim, rope_theta=theta,
                             max_position_embeddings=positions, rope_scaling=dict(scaling))
        inv, attention_scaling = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, "cpu", seq_len=length)
        assert attention_scaling == 1
        result.append({"dim": dim, "theta": theta, "max_positions": positions, "scaling": scaling,
                       "length": length, "inverse_frequencies": [float(v) for v in inv]})
    args.out.write_text("[\n" + ",\n".join(json.dumps(c) for c in result) + "\n]\n")


if __name__ == "__main__":
    main()
