#!/usr/bin/env python3
"""Writes taskfile.json: what lm-eval makes of the task files in this folder over rows of its own.

Made with Python 3.11, lm-eval 0.4.8 (its ConfigurableTask, utils.load_yaml_config and utils.apply_template), datasets 3.6.0,
transformers 4.51.3, Jinja2 3.1.6. Run in this folder; deterministic; needs no network: datasets.load_dataset is replaced by the rows
below. braces.yaml is our own form: its twin for lm-eval stands below.

Each entry of "tasks" has: yaml, the text of the file where it is one that comes with lm-eval ("" if it lies here); rows;
requests: for 0 and for 2 examples, per row the [context, continuation] of each request (of generate_until: [context, until…]);
gold: per row the index of the right choice, or the answers of generate_until; targets: per row what is logged as the target.
"""

import json
import pathlib
import random

import datasets
import lm_eval
from lm_eval import utils
from lm_eval.api.task import ConfigurableTask

HERE = pathlib.Path(__file__).resolve().parent
TASKS = pathlib.Path(lm_eval.__file__).parent / "tasks"
WORDS = ["it's", 'say "hi"', "both ' and \"", "naïve – 日本", "tab\tand\\slash", "0", "12", "{brace}", "[list]", " lead", "trail ", "Ünder\u00a0space"]
TWINS = {"braces": {
    "doc_to_text": "{{place}} in {{month}}, {{hours}} hours {not a field} {} {1}:\n{{question}}Answer:",
    "doc_to_choice": "{{choices.text}}", "doc_to_target": "right"}}
OWN = ["weather", "braces", "colours", "gaps", "lastword", "pages", "capitals", "sums", "truth", "solved", "drawn", "sub/above"]
THEIRS = ["arc/arc_easy", "openbookqa/openbookqa", "piqa/piqa", "sciq/sciq", "lambada/lambada_openai", "super_glue/boolq/default",
          "triviaqa/default"]


def rows(name, rng):
    """Six rows for a task."""
    w = lambda: rng.choice(WORDS)
    some = lambda n: rng.sample(WORDS, n)
    out = []
    for i in range(6):
        words = some(4)
        label = list("ABCD")
        at = rng.randrange(4)
        choices = {"text": words, "label": label}
        out.append({
            "weather": {"place": w(), "month": w(), "wet": bool(i % 2), "hours": [2.5, 3.0, 1e-5, 1e22, 0.1, 7.25][i], "question": f" {w()}?\n", "choices": choices, "key": " " + label[at]},
            "braces": {"place": w(), "month": w(), "hours": i, "question": f" {w()}?\n", "choices": choices, "right": at},
            "colours": {"thing": f"{w()} {i}", "colour": ["red", "it's green", "blue\tgrey"][i % 3]},
            "gaps": {"sentence": f"The {w()} was _ {w()} {i}.", "option1": w(), "option2": w(), "answer": str(1 + i % 2)},
            "lastword": {"text": f"{w()} and {w()} or {i}"},
            "pages": {"title": w(), "text": f"{w()}\n\n{w()}  {w()}\n"},
            "capitals": {"country": f"{w()} {i}", "names": some(1 + i % 3)},
            "sums": {"a": i, "b": 10 * i, "c": None, "sum": 11 * i},
            "solved": {"question": w() + str(i), "answer": f"{w()} #### {i} "},
            "drawn": {"question": w() + str(i), "options": words, "right": at, "word": ["", w(), "so:"][i % 3]},
            "above": {"text": f"{w()} and {w()} or {i}"},
            "truth": {"claim": f"{w()} is {i}", "holds": bool(i % 2)},
            "arc_easy": {"id": str(i), "question": f"{w()}?", "choices": choices, "answerKey": label[at]},
            "openbookqa": {"id": str(i), "question_stem": f"{w()} {i}", "choices": choices, "answerKey": " " + label[at]},
            "piqa": {"goal": w() + str(i), "sol1": words[0], "sol2": words[1], "label": i % 2},
            "sciq": {"question": w() + str(i), "distractor1": words[0], "distractor2": words[1], "distractor3": words[2], "correct_answer": words[3], "support": ["", "  two spaces. "][i % 2] + w()},
            "lambada_openai": {"text": f"{w()} and {w()} or {i}"},
            "boolq": {"passage": w(), "question": w() + str(i), "idx": i, "label": i % 2},
            "triviaqa": {"question": w() + str(i), "answer": {"aliases": some(1 + i % 3), "value": "x"}},
        }[name])
    return out


def main():
    out = []
    for path in [HERE / (n + ".yaml") for n in OWN] + [TASKS / (n + ".yaml") for n in THEIRS]:
        config = utils.load_yaml_config(str(path), mode="simple") if path.stem != "braces" else {
            "task": "braces", "output_type": "multiple_choice", "metric_list": [{"metric": "acc"}], **TWINS["braces"]}
        name = config["task"]
        data = rows(name, random.Random(name))
        datasets.load_dataset = lambda **_: datasets.DatasetDict({s: datasets.Dataset.from_list(data) for s in ("train", "validation", "test")})
        if name == "braces":
            config["test_split"] = "test"
            config["fewshot_split"] = "test"  # the file has neither
        config.pop("dataset_path", None)
        task = ConfigurableTask(config={"dataset_path": "none", **config})
        entry = {"task": name, "yaml": "" if path.is_relative_to(HERE) else path.read_text(), "rows": data, "requests": [], "gold": [], "targets": []}
        for shots in (0, 2):
            task.set_fewshot_seed(1234)
            requests = []
            for doc in task.eval_docs:
                context = task.fewshot_context(doc, 0 if task.OUTPUT_TYPE == "loglikelihood_rolling" else shots, gen_prefix=task.doc_to_prefix(doc))
                made = task.construct_requests(doc, context)
                made = made if isinstance(made, list) else [made]
                if task.OUTPUT_TYPE == "generate_until":
                    requests.append([[r.args[0], *r.args[1]["until"]] for r in made])
                else:
                    requests.append([[""] * (len(r.args) == 1) + list(r.args) for r in made])
            entry["requests"].append(requests)
        for doc in task.eval_docs:
            entry["targets"].append(str(task.doc_to_target(doc)))  # what EvaluationTracker logs
            gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
            if task.OUTPUT_TYPE == "multiple_choice":
                gold = int(gold) if isinstance(gold, int) else task.doc_to_choice(doc).index(gold)
            elif task.OUTPUT_TYPE == "generate_until":
                gold = gold if isinstance(gold, list) else [str(gold)]
            else:
                gold = None
            entry["gold"].append(gold)
        out.append(entry)
    (HERE / "taskfile.json").write_text(json.dumps({"tasks": out}, ensure_ascii=True, indent=0) + "\n")


main()
