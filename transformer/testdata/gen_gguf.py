#!/usr/bin/env python3
"""Writes tiny GGUF checkpoints and the logits transformers gives for the same weights.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, gguf 0.19.0, numpy 2.4.6.

    python gen_gguf.py [--out DIR]

For every model DIR/gguf/<name>.gguf and DIR/gguf/<name>.json (token rows, and the logits of the last six positions of each):
  mixed    all block types and F16, BF16, F32 side by side; grouped heads; head of its own; a SentencePiece tokenizer
  llama3   tied head, attention biases, F16, rope factors as llama.cpp's converter derives them from llama3 scaling
           (factor 8, low 1, high 4, original 8192)

The weights are drawn in transformers' layout; q and k are permuted as llama.cpp wants them, then every tensor is stored
in its type. transformers runs what the stored bytes decode to (permuted back), eager, float32, each row alone.
"""

import argparse
import json
import math
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy
import torch
from gguf.quants import dequantize, quantize
from transformers import LlamaConfig, LlamaForCausalLM

Q = gguf.GGMLQuantizationType
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}
MIXED = {
    "attn_q": (Q.Q4_0, Q.Q5_1), "attn_k": (Q.Q5_0, Q.Q8_0), "attn_v": (Q.Q5_1, Q.Q4_1), "attn_output": (Q.F16, Q.Q8_0),
    "ffn_gate": (Q.BF16, Q.Q4_0), "ffn_up": (Q.Q8_0, Q.F32), "ffn_down": (Q.Q4_1, Q.Q5_0), "token_embd": Q.Q8_0, "output": Q.Q4_0,
}
MODELS = {
    "mixed": (dict(vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0), (5, 1, 33)),
    "llama3": (dict(vocab_size=40, hidden_size=24, intermediate_size=32, num_hidden_layers=1, num_attention_heads=3,
                    num_key_value_heads=1, max_position_embeddings=131072, rms_norm_eps=1e-6, rope_theta=500000.0,
                    attention_bias=True, tie_word_embeddings=True,
                    rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                      original_max_position_embeddings=8192)), (5, 61)),
}


def file_name(name):
    if name.startswith("model.layers."):
        layer, rest = name.removeprefix("model.layers.").split(".", 1)
        part, kind = rest.rsplit(".", 1)
        return f"blk.{layer}.{NAMES[part]}.{kind}"
    return name.replace("model.embed_tokens", "token_embd").replace("model.norm", "output_norm").replace("lm_head", "output")


def storage(model, name, ndim):
    if ndim == 1:
        return Q.F32
    if model != "mixed":
        return Q.F16
    parts = name.split(".")
    kind = MIXED[parts[2] if parts[0] == "blk" else parts[0]]
    return kind[int(parts[1])] if isinstance(kind, tuple) else kind


def interleave(w, heads):
    """Row h, j, i (j the half) becomes row h, i, j."""
    return numpy.ascontiguousarray(numpy.moveaxis(w.reshape(heads, 2, -1, *w.shape[1:]), 1, 2)).reshape(w.shape)


def undo(w, heads):
    return numpy.ascontiguousarray(numpy.moveaxis(w.reshape(heads, -1, 2, *w.shape[1:]), 2, 1)).reshape(w.shape)


def rope_factors(config):
    """How many times slower than plain each frequency turns."""
    s = config.rope_scaling
    dim = config.hidden_size // config.num_attention_heads
    freqs = config.rope_theta ** -(numpy.arange(0, dim, 2, dtype=numpy.float32) / dim)
    turns = s["original_max_position_embeddings"] * freqs / (2 * math.pi)
    blend = numpy.clip((turns - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"]), 0, 1)
    return (1 / ((1 - blend) / s["factor"] + blend)).astype(numpy.float32)


def tokenizer(writer, vocab):
    """<unk> <s> </s>, the space mark, letters, and merges of them, SentencePiece style."""
    pieces = ["<unk>", "<s>", "</s>", "\u2581"] + [chr(ord("a") + i) for i in range(26)]
    pieces += ["\u2581t", "he", "\u2581the", "in", "an", "\u2581a", "er", "on", "at", "re"]
    assert len(pieces) == vocab
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(i) if i > 3 else 0.0 for i in range(vocab)])
    writer.add_token_types([2, 3, 3] + [1] * (vocab - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)


def make(name, directory, seed):
    fields, lengths = MODELS[name]
    config = LlamaConfig(**fields)
    generator = torch.Generator().manual_seed(seed)
    model = LlamaForCausalLM._from_config(config, attn_implementation="eager")
    writer = gguf.GGUFWriter(directory / f"{name}.gguf", "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    tokenizer(writer, config.vocab_size)
    if config.rope_scaling:
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    for full, p in model.named_parameters():
        w = torch.randn(p.shape, generator=generator).numpy()
        w = 0.2 * w if full.endswith("bias") else 1 + 0.3 * w if w.ndim == 1 else 1.5 / math.sqrt(w.shape[1]) * w
        w = w.astype(numpy.float32)
        heads = None
        if ".q_proj." in full or ".k_proj." in full:
            heads = config.num_attention_heads if ".q_proj." in full else config.num_key_value_heads
        if heads:
            w = interleave(w, heads)
        to = file_name(full)
        kind = storage(name, to, w.ndim)
        raw = quantize(w, kind)
        writer.add_tensor(to, raw, raw_dtype=None if kind in (Q.F32, Q.F16) else kind)
        back = dequantize(raw, kind).reshape(w.shape)
        with torch.no_grad():
            p.copy_(torch.from_numpy(undo(back, heads) if heads else back.copy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.eval()
    rows = [torch.randint(3, config.vocab_size, (n,), generator=generator).tolist() for n in lengths]
    with torch.no_grad():
        logits = [model(input_ids=torch.tensor([r]), use_cache=False).logits[0] for r in rows]
    kept = [[[float(f"{v:.7g}") for v in row.tolist()] for row in l[-6:]] for l in logits]
    (directory / f"{name}.json").write_text(json.dumps({"tokens": rows, "last_logits": kept}, separators=(",", ":")) + "\n")
    print(name, "largest logit", max(l.abs().max().item() for l in logits))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    args = parser.parse_args()
    torch.set_num_threads(1)
    directory = args.out / "gguf"
    directory.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(MODELS):
        make(name, directory, 2000 + number)


if __name__ == "__main__":
    main()
