#!/usr/bin/env python3
"""Writes tiny random OPT, LLaMA, GPT-2 and BLOOM checkpoints and their reference results.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, safetensors 0.8.0, numpy 2.4.6.
transformers 4.52 and later scale OPT's queries twice: do not regenerate with them.

    python gen_models.py [--out DIR] [--only NAME,...]

For every model DIR/<name>/ receives
  config.json, weights     what transformers' save_pretrained writes (see MODELS for the file form)
  golden.json              tokens, training run, gradient norms, greedy continuation, float64 control
  golden.safetensors       logits.<row> [T V], hidden.<entry> [T D] of row 0, all float32

Every row runs alone, without padding, with eager attention, in float32 and eval mode (no dropout),
on the checkpoint as read back from its files. Rows of a model with dynamic RoPE each start from
freshly initialised frequencies (transformers otherwise keeps those of the longest row so far).

Deterministic: same versions and CPU family give the same bytes, torch.save files included. On
another CPU family torch's products may differ in the last bits; the weights do not.
"""

import argparse
import json
import math
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM, BloomConfig, BloomForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, OPTConfig,
    OPTForCausalLM,
)
from transformers.utils import logging

IGNORE = -100


def opt(**kw):
    base = dict(dropout=0.0, attention_dropout=0.0, activation_function="relu")
    base.update(kw)
    base.setdefault("word_embed_proj_dim", base["hidden_size"])
    return OPTForCausalLM, OPTConfig(**base)


def llama(**kw):
    base = dict(bos_token_id=1, eos_token_id=2, attention_dropout=0.0)
    base.update(kw)
    return LlamaForCausalLM, LlamaConfig(**base)


def gpt2(**kw):
    base = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)
    base.update(kw)
    return GPT2LMHeadModel, GPT2Config(**base)


def bloom(**kw):
    return BloomForCausalLM, BloomConfig(**kw)


def rope(kind, **kw):
    return dict(rope_type=kind, **kw)


# name: (model, file form, storage type, lengths of the golden rows, AdamW lr, weight decay)
# File forms: "safetensors", "safetensors-shards", "bin", "bin-shards", "bin-bare" and "safetensors-bare" (one
# pytorch_model.bin or model.safetensors whose names lack the leading "model." or "transformer.", without head,
# with buffers of older releases, as some of OPT, GPT-2 and BLOOM have).
MODELS = {
    "opt-prenorm": (
        opt(vocab_size=67, hidden_size=24, num_attention_heads=4, ffn_dim=48, num_hidden_layers=3,
            max_position_embeddings=40),
        "bin-shards", torch.float32, (5, 1, 17), 1e-3, 0.0),
    "opt-350m-like": (
        opt(vocab_size=71, hidden_size=24, word_embed_proj_dim=16, num_attention_heads=3, ffn_dim=40,
            num_hidden_layers=2, max_position_embeddings=32, do_layer_norm_before=False),
        "safetensors", torch.float32, (5, 1, 17), 1e-3, 0.01),
    "opt-odd": (
        opt(vocab_size=53, hidden_size=21, num_attention_heads=3, ffn_dim=41, num_hidden_layers=2,
            max_position_embeddings=37, tie_word_embeddings=False),
        "safetensors", torch.float32, (5, 1, 37), 1e-3, 0.0),
    "opt-nobias": (
        opt(vocab_size=59, hidden_size=16, num_attention_heads=2, ffn_dim=32, num_hidden_layers=2,
            max_position_embeddings=24, enable_bias=False, layer_norm_elementwise_affine=False),
        "safetensors", torch.float32, (5, 1, 17), 2e-3, 0.1),
    "opt-f16": (
        opt(vocab_size=61, hidden_size=16, num_attention_heads=2, ffn_dim=64, num_hidden_layers=2,
            max_position_embeddings=24),
        "bin-bare", torch.float16, (5, 1, 17), 1e-3, 0.01),
    "llama-mha": (
        llama(vocab_size=61, hidden_size=20, num_attention_heads=5, intermediate_size=33, num_hidden_layers=2,
              max_position_embeddings=64),
        "bin-shards", torch.float32, (5, 1, 17), 1e-3, 0.01),
    "llama-gqa-tied": (
        llama(vocab_size=67, hidden_size=24, num_attention_heads=6, num_key_value_heads=2, intermediate_size=40,
              num_hidden_layers=3, max_position_embeddings=64, tie_word_embeddings=True, rms_norm_eps=1e-5,
              rope_theta=500.0),
        "safetensors-shards", torch.float32, (5, 1, 17), 1e-3, 0.0),
    "llama3-rope": (
        llama(vocab_size=73, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
              intermediate_size=36, num_hidden_layers=2, max_position_embeddings=512, attention_bias=True,
              mlp_bias=True, rms_norm_eps=1e-5,
              rope_scaling=rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                original_max_position_embeddings=64)),
        "safetensors", torch.float32, (5, 1, 17, 70), 1e-3, 0.0),
    "llama-linear": (
        llama(vocab_size=57, hidden_size=16, num_attention_heads=2, intermediate_size=28, num_hidden_layers=2,
              max_position_embeddings=64, rope_scaling=rope("linear", factor=2.0)),
        "safetensors", torch.float32, (5, 1, 33), 2e-3, 0.1),
    "llama-dynamic": (
        llama(vocab_size=57, hidden_size=16, num_attention_heads=2, num_key_value_heads=1, intermediate_size=28,
              num_hidden_layers=2, max_position_embeddings=16, rope_scaling=rope("dynamic", factor=2.0)),
        "safetensors", torch.float32, (5, 16, 17, 29, 11), 1e-3, 0.0),
    "llama-long": (
        llama(vocab_size=50, hidden_size=16, num_attention_heads=4, num_key_value_heads=2, intermediate_size=24,
              num_hidden_layers=2, max_position_embeddings=512),
        "safetensors", torch.float32, (7, 321), 1e-3, 0.01),
    "llama-bf16": (
        llama(vocab_size=64, hidden_size=16, num_attention_heads=4, num_key_value_heads=1, intermediate_size=32,
              num_hidden_layers=2, max_position_embeddings=64),
        "safetensors", torch.bfloat16, (5, 1, 17), 1e-3, 0.0),
    "gpt2-tied": (
        gpt2(vocab_size=67, n_embd=24, n_head=4, n_layer=3, n_positions=40),
        "safetensors-bare", torch.float32, (5, 1, 17), 1e-3, 0.0),
    "gpt2-by-layer": (
        gpt2(vocab_size=59, n_embd=20, n_head=5, n_layer=3, n_positions=32, n_inner=44, activation_function="gelu",
             scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True, tie_word_embeddings=False),
        "bin-shards", torch.float32, (5, 1, 32), 1e-3, 0.01),
    "gpt2-unscaled": (
        gpt2(vocab_size=53, n_embd=21, n_head=3, n_layer=2, n_positions=24, activation_function="relu",
             scale_attn_weights=False, layer_norm_epsilon=1e-4),
        "safetensors", torch.float32, (5, 1, 17), 2e-3, 0.1),
    "gpt2-f16": (
        gpt2(vocab_size=61, n_embd=16, n_head=2, n_layer=2, n_positions=24),
        "bin-bare", torch.float16, (5, 1, 17), 1e-3, 0.01),
    "bloom-tied": (
        bloom(vocab_size=67, hidden_size=24, n_head=4, n_layer=3),
        "safetensors-bare", torch.float32, (5, 1, 17), 1e-3, 0.0),
    "bloom-six": (
        bloom(vocab_size=59, hidden_size=30, n_head=6, n_layer=2, tie_word_embeddings=False, layer_norm_epsilon=1e-4),
        "bin-shards", torch.float32, (5, 1, 17), 1e-3, 0.01),
    "bloom-postnorm": (
        bloom(vocab_size=50, hidden_size=21, n_head=3, n_layer=2, apply_residual_connection_post_layernorm=True),
        "safetensors", torch.float32, (5, 321, 1), 1e-3, 0.1),
    "bloom-bf16": (
        bloom(vocab_size=64, hidden_size=24, n_head=12, n_layer=2),
        "safetensors-shards", torch.bfloat16, (5, 1, 17), 1e-3, 0.0),
}

GREEDY = ("opt-prenorm", "llama-gqa-tied", "gpt2-tied", "bloom-tied")
# What the bare model's names lack.
PREFIX = {"opt": "model.", "gpt2": "transformer.", "bloom": "transformer."}
# Conv1D, whose weights are stored [in out].
IN_OUT = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def randomise(model, generator):
    """Weights of a size that makes every part of the model matter: matrices N(0, (1.5/sqrt(fan in))^2),
    embeddings and head N(0, 0.6^2), gains N(1, 0.3^2), biases N(0, 0.2^2)."""
    for name, p in model.named_parameters():
        r = torch.randn(p.shape, generator=generator)
        if name.endswith("bias"):
            r = 0.2 * r
        elif p.ndim == 1:
            r = 1 + 0.3 * r
        elif "embed" in name or "lm_head" in name or "wte" in name or "wpe" in name:
            r = 0.6 * r
        else:
            r = 1.5 / math.sqrt(p.shape[0 if name.endswith(IN_OUT) else 1]) * r
        with torch.no_grad():
            p.copy_(r)


def save(model, form, directory):
    """Writes the checkpoint in one of the file forms of MODELS."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        if old.suffix in (".json", ".safetensors", ".bin"):
            old.unlink()
    if form.endswith("-bare"):
        kind = model.config.model_type
        model.save_pretrained(directory)
        (directory / "model.safetensors").unlink()
        state = {k.removeprefix(PREFIX[kind]): v for k, v in model.state_dict().items() if k != "lm_head.weight"}
        if kind == "opt":
            state["decoder.version"] = torch.tensor([3.0])
        if kind == "gpt2":
            state.update(masks(model.config, torch.float32 if form == "safetensors-bare" else torch.uint8))
        if form == "bin-bare":
            torch.save(state, directory / "pytorch_model.bin")
        else:
            save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
        return
    model.save_pretrained(directory, safe_serialization=form.startswith("safetensors"),
                          max_shard_size="24KB" if form.endswith("shards") else "1GB")


def masks(config, dtype):
    """The buffers that GPT-2's attention had: a causal mask, and in files of the second kind its value."""
    n = config.n_positions
    state = {f"h.{i}.attn.bias": torch.ones(n, n).tril().to(dtype).view(1, 1, n, n) for i in range(config.n_layer)}
    if dtype == torch.uint8:
        state.update({f"h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(config.n_layer)})
    return state


def load(directory, dtype=torch.float32):
    """The checkpoint as transformers reads it; a missing weight would be random, so it is refused."""
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, torch_dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    missing = [k for k in info["missing_keys"] if k != "lm_head.weight" or not model.config.tie_word_embeddings]
    if missing or info["mismatched_keys"]:
        raise SystemExit(f"{directory}: {info}")
    return model.to(dtype).eval()


def fresh(model):
    """Puts dynamic RoPE back to its state after construction."""
    rotary = getattr(model.base_model, "rotary_emb", None)
    if rotary is not None:
        rotary.register_buffer("inv_freq", rotary.original_inv_freq, persistent=False)
        rotary.max_seq_len_cached = rotary.original_max_seq_len


def forward(model, row, hidden=False):
    """Logits [T V] of one row, and with hidden the L+1 states [T D]."""
    fresh(model)
    out = model(input_ids=torch.tensor([row]), use_cache=False, output_hidden_states=hidden)
    return (out.logits[0], [h[0] for h in out.hidden_states]) if hidden else out.logits[0]


def draw(generator, vocab, length):
    """Random ids in 3..V-1: OPT's id 1 is torch's padding_idx and would get no gradient through the lookup."""
    return torch.randint(3, vocab, (length,), generator=generator).tolist()


def training_batch(generator, vocab):
    """Three ragged rows; target[t] is what position t must predict, IGNORE where nothing is asked."""
    rows, targets = [], []
    for length, context in ((9, 0), (4, 2), (13, 5)):
        row = draw(generator, vocab, length + 1)
        rows.append(row[:-1])
        targets.append([IGNORE] * context + row[context + 1:])
    targets[0][-1] = IGNORE
    return rows, targets


def batch_loss(model, rows, targets):
    """Sum of cross entropies over all targets of all rows / their number."""
    total, count = 0.0, 0
    for row, target in zip(rows, targets):
        t = torch.tensor(target)
        total = total + torch.nn.functional.cross_entropy(forward(model, row), t, ignore_index=IGNORE, reduction="sum")
        count += int((t != IGNORE).sum())
    return total / count


def train(model, rows, targets, lr, decay, steps=10):
    """torch.optim.AdamW on all parameters, the same batch every step, global norm clipped at 1."""
    opt = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay,
                            foreach=False, fused=False)
    result = {"loss": [], "grad_norm": []}
    for step in range(steps):
        opt.zero_grad()
        loss = batch_loss(model, rows, targets)
        loss.backward()
        if step == 0:
            norms = {n: p.grad.double().norm().item() for n, p in model.named_parameters()}
        result["loss"].append(loss.item())
        result["grad_norm"].append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=False).item())
        opt.step()
    result["loss_after"] = batch_loss(model, rows, targets).item()
    result["param_grad_norm"] = norms
    # A gradient that is zero but for rounding (OPT's key bias) makes AdamW follow the noise: no golden,
    # nor for a bias of which the keys' is a third.
    result["param_norm_after"] = {n: p.detach().double().norm().item() for n, p in model.named_parameters()
                                  if norms[n] > 1e-4 and not n.endswith(("c_attn.bias", "query_key_value.bias"))}
    return result


@torch.no_grad()
def greedy(model, prompt, steps=12):
    """Greedy continuation by full passes, and the smallest lead of the best id over the second."""
    ids, lead = list(prompt), math.inf
    for _ in range(steps):
        best = forward(model, ids)[-1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
    return {"prompt": prompt, "ids": ids[len(prompt):], "smallest_lead": lead}


def make(name, directory, seed):
    (kind, config), form, storage, lengths, lr, decay = MODELS[name]
    generator = torch.Generator().manual_seed(seed)
    model = kind(config)
    randomise(model, generator)
    save(model.to(storage), form, directory)
    del model

    vocab = config.vocab_size
    rows = [draw(generator, vocab, n) for n in lengths]
    batch, targets = training_batch(generator, vocab)
    single, double = load(directory), load(directory, torch.float64)
    tensors, worst = {}, 0.0
    with torch.no_grad():
        for i, row in enumerate(rows):
            logits, hidden = forward(single, row, hidden=True)
            tensors[f"logits.{i}"] = logits.contiguous()
            if i == 0:
                tensors.update({f"hidden.{j}": h.contiguous() for j, h in enumerate(hidden)})
            worst = max(worst, (logits - forward(double, row)).abs().max().item())
    save_file(tensors, directory / "golden.safetensors")
    generated = greedy(single, draw(generator, vocab, 4)) if name in GREEDY else None
    result = train(single, batch, targets, lr, decay)
    exact = train(double, batch, targets, lr, decay)
    drift = max(abs(a - b) / b for a, b in zip(result["loss"], exact["loss"]))
    largest = max(t.abs().max().item() for k, t in tensors.items() if k.startswith("logits"))
    golden = {
        "tokens": rows,
        "train": {"tokens": batch, "targets": targets, "lr": lr, "betas": [0.9, 0.999], "eps": 1e-8,
                  "weight_decay": decay, "clip": 1.0, "steps": 10, **result},
        "float64": {"logits_max_abs_difference": worst, "loss_max_relative_difference": drift,
                    "loss": exact["loss"], "largest_logit": largest},
    }
    if generated:
        golden["greedy"] = generated
    (directory / "golden.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")
    print(f"{name:15s} largest logit {largest:6.2f}  f32-f64 logits {worst:.1e} loss {drift:.1e}  "
          f"loss {result['loss'][0]:.3f} -> {result['loss'][-1]:.3f}  grad norm {result['grad_norm'][0]:.2f}"
          + (f"  lead {generated['smallest_lead']:.3f}" if generated else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--only", default=",".join(MODELS), help="comma-separated names")
    args = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in args.only.split(","):
        make(name, args.out / name, 1000 + list(MODELS).index(name))


if __name__ == "__main__":
    main()
