#!/usr/bin/env python3
"""Writes defaults.json: every key of the four configuration classes of transformers, its default, and the line it stands on.

Made with Python 3.11, transformers 4.51.3.

    python gen_defaults.py [--out DIR]

{"llama": {"keys": {"vocab_size": {"default": 32000, "source": "models/llama/configuration_llama.py:161"}, …},
           "effective": what a configuration without keys has in the end, by attribute,
           "dump": to_dict() of it, as a config.json that somebody saved has it,
           "aliases": {"hidden_size": "n_embd", …}}, …}
"""

import argparse
import inspect
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import transformers
from transformers import BloomConfig, GPT2Config, LlamaConfig, OPTConfig

ROOT = pathlib.Path(transformers.__file__).parent
EFFECTIVE = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
             "ffn_dim", "max_position_embeddings", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "word_embed_proj_dim"]


def keys(cls):
    lines, first = inspect.getsourcelines(cls.__init__)
    source = pathlib.Path(inspect.getsourcefile(cls)).relative_to(ROOT)
    found = {}
    for name, p in inspect.signature(cls.__init__).parameters.items():
        if name in ("self", "kwargs"):
            continue
        at = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{name}="))
        found[name] = {"default": p.default, "source": f"{source}:{first + at}"}
    return found


def describe(cls):
    c = cls()
    dump = c.to_dict()
    dump["transformers_version"] = transformers.__version__
    return {
        "keys": keys(cls), "aliases": cls.attribute_map,
        "effective": {name: getattr(c, name) for name in EFFECTIVE if hasattr(c, name)},
        "dump": dump,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out / "defaults.json"
    classes = {"opt": OPTConfig, "llama": LlamaConfig, "gpt2": GPT2Config, "bloom": BloomConfig}
    out.write_text(json.dumps({name: describe(cls) for name, cls in classes.items()}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
