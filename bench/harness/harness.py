#!/usr/bin/env python3
"""Scores a real model with lamina and with lm-evaluation-harness on the same documents and compares every score.

Made with Python 3.11, lm-eval 0.4.8, transformers 4.51.3 (4.52 and later scale OPT's queries twice), torch 2.15.0,
datasets 3.6.0.

    lamina convert --model SmolLM2-135M-Instruct.Q4_1.gguf --out smollm2
    python harness.py --lamina lamina --model SmolLM2-135M-Instruct.Q4_1.gguf --reference smollm2 --data DATA \
        [--limit 400] [--tasks arc_easy,…] [--wikitext wikitext-2/test.txt] [--max-length 2048] [--threads 2] [--out FILE]

DATA holds eval/{arc_easy,arc_challenge,openbook_qa,piqa}.jsonl as llm-foundry has them: query, choices, gold. They are
written as rows of the published data sets first, and both sides read those. lm-eval builds its tasks from its own
yaml files; only datasets.load_dataset is replaced, by one that gives the rows. The model runs in float32, batch 16,
sdpa attention. Seconds are those of scoring, tokenizing included, loading not. lamina scores first, then lm-eval,
task by task. The table goes to --out as Markdown; the exit status is 1 if a bar is missed:

    accuracy       equal to one document
    log-probability of a choice    within 5e-3
    word perplexity                within 0.1%
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

FILES = {"arc_easy": "arc_easy", "arc_challenge": "arc_challenge", "openbookqa": "openbook_qa", "piqa": "piqa"}
LETTERS = "ABCDE"


def published(task, number, row):
    """The row as the data set's authors have it."""
    query = row["query"].removeprefix("Question: ").rstrip()
    if task == "piqa":
        return {"goal": query, "sol1": row["choices"][0], "sol2": row["choices"][1], "label": row["gold"]}
    choices = {"text": row["choices"], "label": list(LETTERS[:len(row["choices"])])}
    key = "question_stem" if task == "openbookqa" else "question"
    return {"id": str(number), key: query, "choices": choices, "answerKey": LETTERS[row["gold"]]}


def pages(path):
    """Articles of a raw WikiText file, as EleutherAI/wikitext_document_level cuts them."""
    texts, lines = [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        head = line.replace("= = =", "===").replace("= =", "==").strip()
        if head.startswith("= ") and head.endswith(" =") and "\n".join(lines).strip():
            texts.append("\n".join(lines))
            lines = []
        lines.append(line)
    return [{"page": text} for text in texts + ["\n".join(lines)] if text.strip()]


class Reference:
    """lm-eval with documents of our own."""

    def __init__(self, model, threads, max_length):
        import datasets
        import torch
        from lm_eval import evaluator
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager, get_task_dict

        torch.set_num_threads(threads)
        self.rows = None
        datasets.load_dataset = lambda *_, **__: datasets.DatasetDict(
            {split: datasets.Dataset.from_list(self.rows) for split in ("train", "validation", "test")})
        self.evaluate, self.manager, self.build = evaluator.simple_evaluate, TaskManager(), get_task_dict
        self.lm = HFLM(pretrained=model, dtype="float32", batch_size=16, device="cpu", max_length=max_length)

    def score(self, name, rows):
        self.rows = rows
        self.lm.batch_size_per_gpu = 1 if name == "wikitext" else 16
        task = self.build([name], self.manager)[name]
        begin = time.perf_counter()
        out = self.evaluate(self.lm, tasks=[task], num_fewshot=0, bootstrap_iters=0, task_manager=self.manager)
        seconds = time.perf_counter() - begin
        samples = sorted(out["samples"][name], key=lambda s: s["doc_id"])
        return {"seconds": seconds, "metrics": {k.split(",")[0]: v for k, v in out["results"][name].items()},
                "rows": [[r[0] for r in s["resps"]] for s in samples], "hits": [s.get("acc") for s in samples]}


def lamina(args, name, path, folder):
    out = folder / f"{name}.out.json"
    length = ["--max-length", str(args.max_length)] if args.max_length else []
    subprocess.run([args.lamina, "eval", "--model", args.model, "--task", name, "--data", path, "--threads", str(args.threads),
                    "--json", out, *length], check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())


def compare(name, ours, theirs):
    """One line of the table, and what misses a bar."""
    line = {"task": name, "n": ours["n"], "seconds": (ours["seconds"], theirs["seconds"])}
    missed = []
    if name == "wikitext":
        a, b = ours["word_perplexity"], theirs["metrics"]["word_perplexity"]
        line["values"] = f"word perplexity {a:.4f} / {b:.4f}"
        line["difference"] = f"{abs(a / b - 1):.1e} relative"
        if not abs(a / b - 1) <= 1e-3:
            missed.append(f"{name}: word perplexity {a}, lm-eval {b}")
        return line, missed
    worst, flags, winners = 0.0, 0, 0
    for mine, other in zip(ours["rows"], theirs["rows"], strict=True):
        for (p, greedy), (q, flag) in zip(mine, other, strict=True):
            worst = max(worst, abs(p - q))
            flags += greedy != flag
        best = lambda row: max(range(len(row)), key=lambda i: row[i][0])
        winners += best(mine) != best(other)
    a, b = ours["acc"], theirs["metrics"]["acc"]
    line["values"] = f"acc {a:.4f} / {b:.4f}, acc_norm {ours['acc_norm']:.4f} / {theirs['metrics']['acc_norm']:.4f}"
    line["difference"] = f"{worst:.1e} in log-probability, {winners} other winners, {flags} other greedy flags"
    if not worst <= 5e-3:
        missed.append(f"{name}: log-probabilities differ by {worst}")
    if not round(abs(a - b) * ours["n"]) <= 1:
        missed.append(f"{name}: acc {a}, lm-eval {b}")
    return line, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--model", required=True, help="what lamina runs")
    parser.add_argument("--reference", required=True, help="the same model as a Hugging Face directory")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--wikitext", type=pathlib.Path)
    parser.add_argument("--tasks", default=",".join(FILES))
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    work = {}
    for name in filter(None, args.tasks.split(",")):
        lines = (args.data / "eval" / f"{FILES[name]}.jsonl").read_text(encoding="utf-8").splitlines()[:args.limit]
        work[name] = [published(name, i, json.loads(line)) for i, line in enumerate(lines)]
    if args.wikitext:
        work["wikitext"] = pages(args.wikitext)
    reference = Reference(args.reference, args.threads, args.max_length)
    table, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, rows in work.items():
            path = folder / f"{name}.jsonl"
            path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
            line, wrong = compare(name, lamina(args, name, path, folder), reference.score(name, rows))
            table.append(line)
            missed += wrong
    text = "| task | n | lamina / lm-eval | difference | seconds lamina / lm-eval | ratio |\n|---|---|---|---|---|---|\n"
    for line in table:
        a, b = line["seconds"]
        text += f"| {line['task']} | {line['n']} | {line['values']} | {line['difference']} | {a:.1f} / {b:.1f} | {b / a:.2f} |\n"
    print(text)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    for m in missed:
        print("MISSED", m, file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
