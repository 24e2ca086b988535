#!/usr/bin/env python3
"""Holds adapters that lamina trained, and lamina's logits with ones that peft wrote, against peft.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, peft 0.21.0.

    python adapters.py make WORK MODEL...    writes WORK/NAME/theirs-lora and -ia3, NAME the last part of MODEL
    python adapters.py check WORK MODEL...   compares logits

check loads each WORK/NAME/{ours,theirs}-{lora,ia3} beside its model and compares its logits of the rows of
WORK/NAME/tokens.json with those that `lamina logits --adapter` wrote to WORK/NAME/{ours,theirs}-{lora,ia3}.json.
Exit 0: agreement. Exit 1: one line on stderr says what differs.
"""

import os
import pathlib
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
from interop import compare_logits, load, read
from transformers.utils import logging as transformers_logging

CONFIGS = {
    "lora": lambda: peft.LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=5, target_modules="all-linear", use_rslora=True),
    "ia3": lambda: peft.IA3Config(task_type="CAUSAL_LM"),
}


def make(directory, model):
    for kind, config in CONFIGS.items():
        torch.manual_seed(1)
        adapted = peft.get_peft_model(load(model), config())
        with torch.no_grad():
            for _, p in sorted((n, p) for n, p in adapted.named_parameters() if p.requires_grad):
                p += 0.1 * torch.randn(p.shape)
        adapted.save_pretrained(directory / f"theirs-{kind}")


def check(directory, model):
    rows = read(directory / "tokens.json")
    for path in sorted(directory.glob("*-*.json")):
        adapter = path.with_suffix("")
        plain = load(model)
        before = plain(input_ids=torch.tensor([rows[0]])).logits
        adapted = peft.PeftModel.from_pretrained(plain, adapter).eval()
        result = peft.get_peft_model_state_dict(adapted)
        if len(result) == 0 or torch.equal(before, adapted(input_ids=torch.tensor([rows[0]])).logits):
            sys.exit(f"{adapter}: peft finds nothing in it that changes the model")
        print(f"{adapter}: {len(result)} tensors:", end=" ")
        compare_logits(adapted, rows, read(path), 1e-4, 2e-5)


def main():
    _, command, work, *models = sys.argv
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")
    torch.set_num_threads(1)
    for model in map(pathlib.Path, models):
        {"make": make, "check": check}[command](pathlib.Path(work) / model.name, model)


if __name__ == "__main__":
    main()
