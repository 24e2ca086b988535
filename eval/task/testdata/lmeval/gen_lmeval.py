#!/usr/bin/env python3
"""Writes what two versions of lm-evaluation-harness make of the documents in docs/: golden.json, and the tiny
models it scores.

Made with Python 3.11, lm-eval 0.3.0 and 0.4.8, transformers 4.51.3, tokenizers 0.21.4, sentencepiece 0.2.3,
torch 2.15.0, datasets 3.6.0, numpy 2.4.6. transformers 4.52 and later scale OPT's queries twice: do not
regenerate with them (pip takes one unless told).

    python3.11 -m venv ENV
    ENV/bin/pip install torch==2.15.0 transformers==4.51.3 tokenizers==0.21.4 datasets==3.6.0 sentencepiece==0.2.3 \\
        protobuf==7.36.2 numpy==2.4.6 lm-eval==0.4.8
    ENV/bin/pip install --no-deps --target OLD lm-eval==0.3.0 pycountry
    ENV/bin/python gen_lmeval.py --old OLD [--out DIR] [--models] [--results] [--debug DIR]

Every prompt is lm-eval's own: tasks are built from the yaml files and classes that come with it, and only
datasets.load_dataset is replaced, by one that gives the documents of docs/ (gen_docs.py, nasty.py). The versions
run in processes of their own (run04.py, run03.py). Both score in float32, one request at a time, on the CPU;
evaluations have the seeds of simple_evaluate and 100000 bootstrap iterations. --models makes opt/ and llama/ anew
(gen_tiny.py), --results makes results/ anew (gen_results.py). --debug writes all requests as texts to DIR.

golden.json maps "<model>/<task>/<rules>/<shots>", and "<model>/<task>/<rules>/<shots>/<limit>/<positions>" where
only so many documents are scored and contexts are cut to so many positions, to
  metrics  what lm-eval reports, under its names: 0.4 "acc,none", "acc_stderr,none", …, 0.3 "acc", "acc_stderr", …
  rows     per document, in file order (RACE: articles by first row), per request [log-probability, greedy];
           wikitext: [log-probability]; triviaqa under 0.4: [generated text], before the filter
  prompts  per document, first 16 digits of the SHA-256 over context + "\\0" + continuation + "\\n" of each request
           (wikitext: the text is the continuation; triviaqa under 0.4: the continuation is empty)
  gold     per document, index of the right row as lm-eval takes it, null where no index is meant
  hits     metric: per document 0 or 1, as one string, for the metrics that are a mean over documents
and "bootstrap" to one standard error of a perplexity. Log-probabilities keep four decimals, metrics six digits.
Requests of 0.3 follow its order (boolq: yes, then no). Where 0.3 asks lambada_openai's request twice there is one
row. 0.3 refuses wikitext with shots. triviaqa under 0.4 runs with --gen_kwargs max_gen_toks=16.

Deterministic: same versions and CPU family give the same bytes. On another family log-probabilities may differ in
the last digits.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE / "docs"
BOOTSTRAP = 100000
TASKS = ["openbookqa", "arc_easy", "arc_challenge", "webqs", "piqa", "sciq", "race", "hellaswag", "wikitext", "copa", "boolq",
         "triviaqa", "storycloze", "lambada_openai", "winogrande"]
# (last part of the path, name) of a data set in either version: task
DATASETS = {
    ("openbookqa", "main"): "openbookqa", ("ai2_arc", "ARC-Easy"): "arc_easy", ("ai2_arc", "ARC-Challenge"): "arc_challenge",
    ("web_questions", None): "webqs", ("piqa", None): "piqa", ("sciq", None): "sciq", ("race", "high"): "race",
    ("hellaswag", None): "hellaswag", ("wikitext_document_level", "wikitext-2-raw-v1"): "wikitext",
    ("wikitext", "wikitext-2-raw-v1"): "wikitext", ("super_glue", "copa"): "copa", ("super_glue", "boolq"): "boolq",
    ("trivia_qa", "rc.nocontext"): "triviaqa", ("triviaqa", None): "triviaqa", ("story_cloze", "2016"): "storycloze",
    ("lambada_openai", "default"): "lambada_openai", ("lambada_openai", None): "lambada_openai",
    ("winogrande", "winogrande_xl"): "winogrande",
}
# Shots beside 0: few documents to draw from and a sample by exchanging, many and a sample by a set.
SHOTS = {"opt": {2: [t for t in TASKS if t != "wikitext"], 5: ["arc_easy", "piqa"]}, "llama": {}}
# And once more with few documents, three shots and fewer positions than the model has.
LIMITED = {"model": "opt", "shots": 3, "limit": 7, "length": 72}


def documents(name):
    path = DOCS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def splits(task):
    """The documents of a task as splits. lm-eval scores test where a task has one, else validation."""
    scored = documents(task)
    validation = documents(task + ".validation")
    return {"train": documents(task + ".train"), "validation": validation or scored, "test": scored}


def runs():
    """Model, task, shots, limit of documents and of positions (None: none)."""
    for model, more in SHOTS.items():
        for shots, tasks in {0: TASKS, **more}.items():
            yield from ((model, task, shots, None, None) for task in tasks)
    yield from ((LIMITED["model"], task, LIMITED["shots"], LIMITED["limit"], LIMITED["length"]) for task in TASKS if task != "wikitext")


def decimals(value):
    """Log-probabilities to four decimals."""
    if isinstance(value, list):
        return [decimals(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def digits(value):
    """A metric to six digits; numpy's numbers become Python's."""
    value = value.item() if hasattr(value, "item") else value
    return float(f"{value:.6g}") if isinstance(value, float) else value


def digest(requests):
    h = hashlib.sha256("".join(c + "\0" + t + "\n" for c, t in requests).encode())
    return h.hexdigest()[:16]


def entry(metrics, rows, texts, gold, per_doc):
    hits = {m: "".join(str(int(v)) for v in values) for m, values in per_doc.items() if all(v in (0, 1) for v in values)}
    return {"metrics": {k: digits(v) for k, v in metrics.items()}, "rows": decimals(rows),
            "prompts": [digest(t) for t in texts], "gold": gold, "hits": hits}


def evaluate(rules, models, out, debug):
    """All runs of one version; in a process that imports it."""
    import importlib
    import torch
    torch.set_num_threads(1)
    version = importlib.import_module("run04" if rules == "0.4" else "run03")
    golden, tasks, lms = {}, version.Tasks(), {}
    for model, task, shots, limit, length in runs():
        if (model, length) not in lms:
            lms[model, length] = version.model(models / model, length)
        key = f"{model}/{task}/{rules}/{shots}" + (f"/{limit}/{length}" if limit else "")
        result = version.run(lms[model, length], tasks, task, shots, limit)
        golden[key] = entry(*result)
        if debug:
            (debug / (key.replace("/", "_") + ".json")).write_text(json.dumps(result[2], indent=1))
    out.write_text(json.dumps(golden))


def make_models(models):
    """In a process that imports 0.4.8, whose prompts they are trained on."""
    import gen_tiny
    import run04
    texts = run04.training_texts(run04.Tasks())
    for name in gen_tiny.MODELS:
        gen_tiny.make(name, DOCS, texts, models)


def bootstrap():
    """lm-eval's bootstrap_stderr of perplexity, the same in both versions: chunks of min(1000, iterations), chunk i
    drawn by random.Random(i).choices(values, k=len(values)) once an iteration; the sample standard deviation of all
    perplexities in the order of the chunks; iterations // chunk size chunks, a remainder is dropped."""
    from lm_eval.api.metrics import bootstrap_stderr, perplexity
    values = [round(-0.5 - 0.37 * ((i * 29) % 40), 2) for i in range(40)]
    return {"values": values, "iterations": 2000, "stderr": bootstrap_stderr(perplexity, values, 2000)}


def child(version, args, out):
    """Runs this script again, with the lm-eval of one version to import."""
    env = dict(os.environ, HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", PYTHONHASHSEED="0")
    if version == "0.3":
        env["PYTHONPATH"] = os.pathsep.join([str(args.old)] + [p for p in [os.environ.get("PYTHONPATH")] if p])
    command = [sys.executable, __file__, "--version", version, "--out", str(args.out), "--child", str(out)]
    subprocess.run(command + (["--debug", str(args.debug)] if args.debug else []), env=env, check=True)


def write(path, golden):
    """One entry a line."""
    lines = [json.dumps(k) + ":" + json.dumps(v, ensure_ascii=False, separators=(",", ":")) for k, v in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--old", type=pathlib.Path, help="folder lm-eval 0.3.0 was installed to")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--models", action="store_true", help="make the models anew")
    parser.add_argument("--results", action="store_true", help="make results/ anew")
    parser.add_argument("--debug", type=pathlib.Path)
    parser.add_argument("--version", help=argparse.SUPPRESS)
    parser.add_argument("--child", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not (args.version or args.old):
        parser.error("--old is missing")
    return args


def main():
    args = parse()
    if args.version == "models":
        return make_models(args.out)
    if args.version == "results":
        import gen_results
        return gen_results.make(args.out)
    if args.version == "bootstrap":
        return args.child.write_text(json.dumps({"bootstrap": bootstrap()}))
    if args.version:
        return evaluate(args.version, args.out, args.child, args.debug)
    golden = {}
    with tempfile.TemporaryDirectory() as d:
        if args.models:
            child("models", args, d)
        if args.results:
            child("results", args, d)
        for version in ("0.4", "0.3", "bootstrap"):
            part = pathlib.Path(d) / version
            child(version, args, part)
            golden.update(json.loads(part.read_text()))
    write(args.out / "golden.json", golden)


if __name__ == "__main__":
    main()
