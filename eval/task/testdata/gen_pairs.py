#!/usr/bin/env python3
"""Writes pairs.json: digests of the token ids the harness makes of real documents.

Made with lm-eval 0.4.8, transformers 4.51.3.

    python gen_pairs.py DATA [--out FILE]

DATA holds eval/*.jsonl, webquestions/test.json and tokenizers/{opt,llama}. Prompts are the templates of
lm-eval's task files, applied to the bare question. Rules 0.4 are TemplateLM._encode_pair; 0.3 encodes
both sides alone. A digest is SHA-256 over "context ids|target ids\\n" of every request of the first 300
documents, ids in decimal with commas.
"""

import argparse
import hashlib
import json
import pathlib

from lm_eval.api.model import TemplateLM
from transformers import GPT2Tokenizer, LlamaTokenizer

DOCUMENTS = 300


def question(d):
    return d["query"].removeprefix("Question: ").rstrip()


def arc(d):
    return f"Question: {question(d)}\nAnswer:", d["choices"]


def boolq(d):
    passage, q = d["query"].removeprefix("Passage: ").rsplit("\nQuestion: ", 1)
    return f"{passage}\nQuestion: {q.rstrip('?')}?\nAnswer:", ["no", "yes"]


def webqs(d):
    kept = []
    for a in sorted(d["answers"]):
        if not kept or not a.startswith(kept[-1]):
            kept.append(a)
    return f"Question: {d['qText']}\nAnswer:", kept


TASKS = {
    "arc_easy": ("eval/arc_easy.jsonl", arc),
    "arc_challenge": ("eval/arc_challenge.jsonl", arc),
    "openbookqa": ("eval/openbook_qa.jsonl", lambda d: (question(d), d["choices"])),
    "piqa": ("eval/piqa.jsonl", arc),
    "boolq": ("eval/boolq.jsonl", boolq),
    "webqs": ("webquestions/test.json", webqs),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("pairs.json"))
    args = parser.parse_args()
    dirs = args.data / "tokenizers"
    tokenizers = {
        "opt": GPT2Tokenizer(str(dirs / "opt/vocab.json"), str(dirs / "opt/merges.txt"),
                             bos_token="</s>", eos_token="</s>", unk_token="</s>", pad_token="<pad>"),
        "llama": LlamaTokenizer(str(dirs / "llama/tokenizer.model"), legacy=True),
    }
    out = {}
    for name, tokenizer in tokenizers.items():
        class Model:
            @staticmethod
            def tok_encode(text, **kw):
                return tokenizer.encode(text, add_special_tokens=False)

        for task, (path, prompt) in TASKS.items():
            text = (args.data / path).read_text(encoding="utf-8")
            docs = json.loads(text) if path.endswith(".json") else [json.loads(l) for l in text.splitlines()]
            digests = {"0.4": hashlib.sha256(), "0.3": hashlib.sha256()}
            for d in docs[:DOCUMENTS]:
                context, choices = prompt(d)
                for c in choices:
                    for rules, digest in digests.items():
                        pair = (TemplateLM._encode_pair(Model, context, " " + c) if rules == "0.4"
                                else (Model.tok_encode(context), Model.tok_encode(" " + c)))
                        digest.update("|".join(",".join(map(str, ids)) for ids in pair).encode() + b"\n")
            for rules, digest in digests.items():
                out[f"{name} {task} {rules}"] = digest.hexdigest()
    with open(args.out, "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
