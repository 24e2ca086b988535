#!/usr/bin/env python3
"""Writes what lm-eval makes of every task file that it brings and that has no Python, over rows made up for each.

    python3 gen_all.py all.jsonl [FIRST]      # only the first so many files, one of each folder first
    LAMINA_TASKFILES=all.jsonl go test -run TestAllOfHarness -v ./eval/taskfile

Made with Python 3.11, lm-eval 0.4.8, Jinja2 3.1.6; needs no network, and no data set: rows are tried until the file's templates
take them, with fields of many kinds, so that some make little sense; where 400 tries find none the file is left out. A line has:
path; rows; requests for 0 and 2 examples; answers, made up too; metrics, per row. Not committed: 30 MB.
"""

import json
import logging
import os
import random
import re
import sys
import warnings

import datasets
import jinja2
import jinja2.meta
import lm_eval
import yaml
from lm_eval import utils
from lm_eval.api.task import ConfigurableTask

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
ROOT = os.path.join(os.path.dirname(lm_eval.__file__), "tasks")
WORDS = ["it's", 'say "hi"', "naïve – 日本", "(A)", "The answer is 12.", "B", "42", " lead", "yes", "Ünder\u00a0space", "A. one", "no"]


class Function:
    pass


class Loader(yaml.FullLoader):
    pass


Loader.add_constructor("!function", lambda loader, node: Function())


def python(x):
    return isinstance(x, Function) or isinstance(x, dict) and any(map(python, x.values())) or isinstance(x, list) and any(map(python, x))


def load(path):
    """A file with what it includes, as utils.load_yaml_config reads it, but for functions."""
    config = yaml.load(open(path, encoding="utf-8"), Loader)
    names = config.pop("include", [])
    out = {}
    for name in reversed([names] if isinstance(names, str) else names):
        out.update(load(os.path.join(os.path.dirname(path), name)))
    return out | config


def files():
    """The paths of tasks without Python, the first of each folder first."""
    paths, seen, order = [], {}, []
    for folder, _, names in os.walk(ROOT):
        for name in names:
            if name.endswith(".yaml"):
                path = os.path.join(folder, name)
                c = load(path)
                if isinstance(c.get("task"), str) and not python(c) and "class" not in c and "custom_dataset" not in c:
                    paths.append(path)
    for p in sorted(paths):
        folder = os.path.dirname(p)
        seen[folder] = seen.get(folder, 0) + 1
        order.append((seen[folder], p))
    return [p for _, p in sorted(order)]


class Rows(list):
    """As much of a data set as ConfigurableTask asks for."""

    @property
    def features(self):
        return dict.fromkeys(self[0])


def fields(config):
    names, env = {"choices"}, jinja2.Environment()
    for part in (config, config.get("fewshot_config") or {}):
        for key in ("doc_to_text", "doc_to_target", "doc_to_choice", "gen_prefix"):
            text = part.get(key)
            if isinstance(text, str) and re.fullmatch(r"\w+", text):
                names.add(text)
            elif isinstance(text, str):
                names |= jinja2.meta.find_undeclared_variables(env.parse(text))
    return sorted(names - {"range"})


def value(rng, kind):
    w = lambda: rng.choice(WORDS) + str(rng.randrange(9))
    some = lambda: [w() for _ in range(4)]
    return {"text": w, "int": lambda: rng.randrange(3), "texts": some, "choices": lambda: {"text": some(), "label": list("ABCD")},
            "letter": lambda: rng.choice("ABCD"), "digit": lambda: str(rng.randrange(3)), "bool": lambda: rng.random() < .5,
            "one": lambda: str(1 + rng.randrange(2)), "question": lambda: {"question": w(), "stem": w(), "choices": some()},
            "labelled": lambda: [{"text": w(), "label": x} for x in "ABCD"], "ints": lambda: [rng.randrange(3) for _ in range(4)]}[kind]()


KINDS = ["text", "int", "texts", "choices", "letter", "digit", "bool", "one", "question", "labelled", "ints"]


def requests(task, docs, shots):
    task.set_fewshot_seed(1234)
    out = []
    for i, doc in enumerate(docs):
        context = task.fewshot_context(doc, shots, gen_prefix=task.doc_to_prefix(doc))
        made = task.construct_requests(doc=doc, ctx=context, metadata=("x", i, 1))
        out.append(made if isinstance(made, list) else [made])
    return out


def sensible(task, doc):
    """A row that has one right choice, or no choices."""
    if task.OUTPUT_TYPE != "multiple_choice":
        return True
    gold, choices = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc), task.doc_to_choice(doc)
    if len(choices) < 2 or not all(isinstance(c, str) and c for c in choices):
        return False
    return gold in choices if isinstance(gold, str) else isinstance(gold, int) and 0 <= gold < len(choices)


def answer(task, doc, rng, made):
    """Made-up responses to the requests of a row."""
    if task.OUTPUT_TYPE == "generate_until":
        gold = task.doc_to_target(doc)
        gold = str(gold[0]) if isinstance(gold, list) else gold
        if task.config.doc_to_choice is not None:
            gold = task.doc_to_choice(doc)[gold]
        gold = str(gold)
        return [rng.choice([gold, f" {gold}.", f"So #### {gold}", f"The answer is ({rng.choice('ABC')}).", f"the answer is {gold.upper()}.", "x", f"{gold} $", "(B) (C)"])]
    out = [(-rng.randrange(50) / 8 - 0.5, rng.random() < .5) for _ in made]
    return [a[0] for a in out] if task.OUTPUT_TYPE == "loglikelihood_rolling" else out


def held(path, config, rng, rows):
    splits = {"train", "validation", "test", "dev"} | {config.get(k) for k in ("test_split", "training_split", "validation_split", "fewshot_split")}
    datasets.load_dataset = lambda **_: {s: Rows(rows) for s in splits}
    task = ConfigurableTask(config={"dataset_path": "none", **config})
    docs = list(task.eval_docs)
    if not all(sensible(task, doc) for doc in docs):
        raise ValueError("no sensible rows")
    asked = {str(n): [[[a if isinstance(a, str) else None for a in r.arguments[:2]] for r in made] for made in requests(task, docs, n)] for n in (0, 2)}
    made, answers, metrics = requests(task, docs, 0), [], {}
    for doc, instances in zip(docs, made):
        answers.append(answer(task, doc, rng, instances))
        for instance, a in zip(instances, answers[-1]):
            instance.resps = [a]
    task._instances = [i for instances in made for i in instances]
    task.apply_filters()
    for f in task._filters:
        for doc, instances in zip(docs, made):
            for name, v in task.process_results(doc, [i.filtered_resps[f.name] for i in instances]).items():
                number = float(v) if isinstance(v, (int, float)) or hasattr(v, "dtype") else None
                metrics.setdefault(f"{name},{f.name}", []).append(number)
    return {"path": path, "rows": rows, "requests": asked, "answers": answers, "metrics": metrics}


def main():
    paths = files()
    print(len(paths), "task files without Python")
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for path in paths[:int(sys.argv[2]) if len(sys.argv) > 2 else None]:
            config = {k: v for k, v in utils.load_yaml_config(path).items() if k not in ("dataset_path", "dataset_kwargs", "group")}
            rng, names = random.Random(path), fields(config)
            for trial in range(400):
                kinds = {n: "texts" if n == "choices" and trial % 2 == 0 else rng.choice(KINDS) for n in names}
                rows = [{n: value(rng, k) for n, k in kinds.items()} | {"rowid": i} for i in range(5)]
                try:
                    out.write(json.dumps(held(path, config, rng, rows)) + "\n")
                    break
                except Exception:  # templates that do not take such rows fail in many ways
                    continue


if __name__ == "__main__":
    main()
