#!/usr/bin/env python3
"""Compares what lamina says of a Hugging Face directory with what transformers says.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3 (later versions scale OPT's queries twice).

    python interop.py DIR                                 the directory loads, no weight missing or left over
    python interop.py DIR TOKENS.json LOGITS.json         ... and the logits of the token rows agree
    python interop.py DIR --tokenizer TEXTS.json IDS.json [--special]
    python interop.py DIR --ends ID,...                   generate ends at these ids and at no other
    python interop.py DIR --refused                       neither AutoConfig nor AutoModelForCausalLM takes it
    python interop.py --serve FD                          each line of stdin is one of the above, between tabs; each
                                                          runs in a process of its own that has torch loaded, writes
                                                          to the descriptor FD, and its exit status is a line of stdout

TOKENS.json holds token rows [[id,...],...], LOGITS.json what `lamina logits --json` wrote for them,
[[[logit,...V],...T],...]; each row runs alone, unpadded, in float32 with eager attention. TEXTS.json
is an array of strings, IDS.json what `lamina tokenize --json` wrote; --special adds the template's ids.
Exit 0: agreement. Exit 1: one line on stderr says what differs. Exit 2: usage.
"""

import argparse
import importlib
import json
import os
import pathlib
import sys
import traceback

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        sys.exit(f"{path}: {err}")


def load(directory):
    """The model in float32. A weight that transformers did not find would be random, so it is an error."""
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, torch_dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        local_files_only=True)
    known = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    known.add("model.decoder.version")  # a leftover of fairseq in OPT releases; transformers drops it too
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        names = set(info[what]) - known
        if names:
            sys.exit(f"{directory}: {what.replace('_', ' ')}: {', '.join(sorted(map(str, names)))}")
    return model.eval()


@torch.no_grad()
def logits(model, row):
    """Logits [T V] of one row; dynamic RoPE starts anew, as it would in a fresh process."""
    rotary = getattr(model.base_model, "rotary_emb", None)
    if rotary is not None:
        rotary.register_buffer("inv_freq", rotary.original_inv_freq, persistent=False)
        rotary.max_seq_len_cached = rotary.original_max_seq_len
    return model(input_ids=torch.tensor([row]), use_cache=False).logits[0].double().numpy()


def compare_logits(model, rows, theirs, absolute, relative):
    if len(rows) != len(theirs):
        sys.exit(f"{len(rows)} token rows, {len(theirs)} rows of logits")
    worst, square, reference = 0.0, 0.0, 0.0
    for i, (row, got) in enumerate(zip(rows, theirs)):
        want = logits(model, row)
        try:
            got = numpy.array(got, dtype=numpy.float64)
        except (TypeError, ValueError) as err:
            sys.exit(f"row {i}: logits are not a matrix of numbers: {err}")
        if got.shape != want.shape:
            sys.exit(f"row {i}: logits of shape {got.shape}, transformers has {want.shape}")
        difference = numpy.abs(got - want)
        if not numpy.isfinite(difference).all():
            sys.exit(f"row {i}: logits that are not finite")
        if difference.max() > absolute:
            t, v = numpy.unravel_index(difference.argmax(), difference.shape)
            sys.exit(f"row {i} position {t} id {v}: logit {got[t, v]:.8g}, transformers {want[t, v]:.8g}, "
                     f"apart by {difference[t, v]:.3g} > {absolute:g}")
        worst = max(worst, difference.max())
        square += (difference ** 2).sum()
        reference += (want ** 2).sum()
    rms = (square / reference) ** 0.5 if reference > 0 else 0.0
    if rms > relative:
        sys.exit(f"relative RMS difference {rms:.3g} > {relative:g}")
    print(f"{len(rows)} rows agree: largest difference {worst:.3g}, relative RMS {rms:.3g}")


def compare_ids(directory, texts, theirs, special):
    tok = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if len(texts) != len(theirs):
        sys.exit(f"{len(texts)} texts, {len(theirs)} rows of ids")
    for i, (text, got) in enumerate(zip(texts, theirs)):
        want = tok.encode(text, add_special_tokens=special)
        if got != want:
            at = next((k for k, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            sys.exit(f"text {i} {text[:60]!r}: from id {at} on {got[at:at + 6]}, transformers {want[at:at + 6]}")
    print(f"{len(texts)} texts agree, {sum(map(len, theirs))} ids")


@torch.no_grad()
def compare_ends(directory, ends):
    """generate, led to one id after the other, goes on to the limit unless the id is an end."""
    model = load(directory)
    stated = model.generation_config.eos_token_id
    stated = set(stated) if isinstance(stated, list) else {stated}
    if stated != ends:
        sys.exit(f"{directory}: generation ends at {sorted(stated)}, want {sorted(ends)}")
    start = torch.tensor([[max(set(range(model.config.vocab_size)) - ends)]])
    for token in range(min(model.config.vocab_size, 400)):
        new = model.generate(start, attention_mask=torch.ones_like(start), max_new_tokens=3, do_sample=False, pad_token_id=0,
                             prefix_allowed_tokens_fn=lambda _batch, _ids: [token]).shape[1] - 1
        if new != (1 if token in ends else 3):
            sys.exit(f"{directory}: generate gave {new} tokens {token}, which is {'an' if token in ends else 'no'} end")
    print(f"{directory}: generate ends at {sorted(ends)}")


def want_refusal(directory):
    """What transformers cannot compute it says it does not know, before it reads a weight."""
    for loader in (AutoConfig, AutoModelForCausalLM):
        try:
            loader.from_pretrained(directory, local_files_only=True)
        except ValueError as err:
            if "does not recognize this architecture" not in str(err):
                sys.exit(f"{directory}: {loader.__name__} refuses it for another reason: {str(err).splitlines()[0]}")
        else:
            sys.exit(f"{directory}: {loader.__name__} takes it for a model that it knows")
    print(f"{directory}: transformers refuses it")


def serve(output):
    for family in ("bloom", "gpt2", "llama", "opt"):
        importlib.import_module(f"transformers.models.{family}.modeling_{family}")
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.dup2(output, 1)
            os.dup2(output, 2)
            ends_with(line.rstrip("\n").split("\t"))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def ends_with(arguments):
    """Ends the process as main would, but for taking torch apart, which lasts a second."""
    status = 1
    try:
        main(arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("tokens", metavar="TOKENS.json", nargs="?")
    parser.add_argument("logits", metavar="LOGITS.json", nargs="?")
    parser.add_argument("--tokenizer", nargs=2, metavar=("TEXTS.json", "IDS.json"))
    parser.add_argument("--special", action="store_true", help="with the ids that the tokenizer's template adds")
    parser.add_argument("--ends", metavar="ID,...", type=lambda s: {int(n) for n in s.split(",")})
    parser.add_argument("--refused", action="store_true", help="transformers takes it for no model that it knows")
    parser.add_argument("--absolute", type=float, default=1e-4, help="largest difference of one logit")
    parser.add_argument("--relative", type=float, default=2e-5, help="largest relative RMS difference")
    args = parser.parse_args(arguments)
    if (args.tokens is None) != (args.logits is None):
        parser.error("TOKENS.json and LOGITS.json go together")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(1)
    if args.refused:
        want_refusal(args.directory)
        return
    if args.ends:
        compare_ends(args.directory, args.ends)
        return
    if args.tokenizer:
        compare_ids(args.directory, *map(read, args.tokenizer), args.special)
        if args.tokens is None:
            return
    model = load(args.directory)
    if args.tokens is None:
        print(f"{args.directory}: loads, {sum(p.numel() for p in model.parameters())} parameters")
        return
    compare_logits(model, read(args.tokens), read(args.logits), args.absolute, args.relative)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        main(sys.argv[1:])
