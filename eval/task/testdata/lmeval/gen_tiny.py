"""Makes opt/ and llama/: two tiny models that gen_lmeval.py scores, each a directory transformers loads.

Called by gen_lmeval.py, whose docstring names the versions. The weights are random, then trained a little on some
of the documents' own prompts: a model that is random only never has its way with a whole answer, so that greedy
flags would all be false and every accuracy chance.

  opt    OPTForCausalLM; byte-level BPE trained here on the documents; </s> is BOS and EOS, put in front with special tokens
  llama  LlamaForCausalLM; the SentencePiece BPE with byte fallback of transformer/tokenizer/testdata/tiny.model
"""

import json
import math
import pathlib
import shutil

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
SENTENCEPIECE = HERE.parents[3] / "transformer/tokenizer/testdata/tiny.model"
POSITIONS = 96
OPT_TOKENIZER = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>",
                 "pad_token": "<pad>", "add_bos_token": True, "add_prefix_space": False, "model_max_length": POSITIONS}
LLAMA_TOKENIZER = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                   "add_bos_token": True, "add_eos_token": False, "legacy": True, "model_max_length": POSITIONS}


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from strings(v)


def opt_tokenizer(docs, directory):
    """vocab.json, merges.txt and tokenizer_config.json, as the OPT releases have them."""
    texts = [s for path in sorted(docs.glob("*.jsonl")) for line in path.read_text().splitlines() for s in strings(json.loads(line))]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    state = json.loads(tokenizer.to_str())["model"]
    (directory / "vocab.json").write_text(json.dumps(state["vocab"], ensure_ascii=False, separators=(",", ":")) + "\n")
    (directory / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in state["merges"]))
    (directory / "tokenizer_config.json").write_text(json.dumps(OPT_TOKENIZER) + "\n")


def llama_tokenizer(docs, directory):
    shutil.copyfile(SENTENCEPIECE, directory / "tokenizer.model")
    (directory / "tokenizer_config.json").write_text(json.dumps(LLAMA_TOKENIZER) + "\n")


def opt_model():
    return OPTForCausalLM(OPTConfig(
        vocab_size=400, hidden_size=24, word_embed_proj_dim=24, num_attention_heads=3, ffn_dim=64, num_hidden_layers=2,
        max_position_embeddings=POSITIONS, dropout=0.0, attention_dropout=0.0, activation_function="relu",
        pad_token_id=1, bos_token_id=2, eos_token_id=2))


def llama_model():
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=520, hidden_size=24, num_attention_heads=3, num_key_value_heads=1, intermediate_size=48,
        num_hidden_layers=2, max_position_embeddings=POSITIONS, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2))


MODELS = {"opt": (opt_tokenizer, opt_model), "llama": (llama_tokenizer, llama_model)}


def randomise(model, generator):
    """Matrices N(0, 1/fan in), embeddings N(0, 0.3^2), gains N(1, 0.2^2), biases N(0, 0.1^2)."""
    for name, p in model.named_parameters():
        r = torch.randn(p.shape, generator=generator)
        if name.endswith("bias"):
            r = 0.1 * r
        elif p.ndim == 1:
            r = 1 + 0.2 * r
        else:
            r = (0.3 if "embed" in name else 1 / math.sqrt(p.shape[1])) * r
        with torch.no_grad():
            p.copy_(r)


def encode(tokenizer, context, continuation, whole):
    """Token ids, cut on the left to POSITIONS inputs, and the place of the first that counts: the second where whole,
    else the first of the continuation."""
    ids = tokenizer.encode(context + continuation, add_special_tokens=False) + [tokenizer.eos_token_id]
    first = 1 if whole else max(1, len(tokenizer.encode(context.rstrip(), add_special_tokens=False)))
    cut = max(0, len(ids) - POSITIONS - 1)
    return ids[cut:], max(1, first - cut)


def batch(rows, generator, size=24):
    """Inputs and targets of some rows; a target that does not count is -100."""
    picked = [rows[i] for i in torch.randint(len(rows), (size,), generator=generator).tolist()]
    width = max(len(ids) for ids, _ in picked) - 1
    inputs, targets = torch.zeros((size, width), dtype=torch.long), torch.full((size, width), -100)
    for i, (ids, first) in enumerate(picked):
        inputs[i, :len(ids) - 1] = torch.tensor(ids[:-1])
        targets[i, first - 1:len(ids) - 1] = torch.tensor(ids[first:])
    return inputs, targets


def train(model, rows, generator, steps):
    optimiser = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.0, foreach=False, fused=False)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        inputs, targets = batch(rows, generator)
        # A causal model does not look right of a target: what fills a row up needs no mask.
        logits = model(input_ids=inputs, use_cache=False).logits
        # Smoothed targets keep what the model holds wrong from becoming so unlikely that float32 shows.
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=False)
        optimiser.step()
        schedule.step()
    return loss.item()


def make(name, docs, texts, out, steps=900):
    """Writes out/<name>: tokenizer, config.json and model.safetensors (F32). texts are triples: a context, what
    follows it, and whether the context is to be learnt too."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    directory = out / name
    directory.mkdir(parents=True, exist_ok=True)
    write_tokenizer, build = MODELS[name]
    write_tokenizer(docs, directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    generator = torch.Generator().manual_seed(7)
    model = build()
    randomise(model, generator)
    loss = train(model, [encode(tokenizer, *t) for t in texts], generator, steps)
    model.eval().save_pretrained(directory)
    (directory / "generation_config.json").unlink()
    with torch.no_grad():
        ids = tokenizer("Question: What colour is the fox?\nAnswer:", return_tensors="pt", add_special_tokens=False).input_ids
        logits = model(ids).logits
        print(f"{name}: loss {loss:.3f}, largest logit {logits.abs().max():.1f}, "
              f"says {tokenizer.decode(model.generate(ids, max_new_tokens=8, do_sample=False)[0])!r}")
