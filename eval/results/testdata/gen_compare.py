#!/usr/bin/env python3
"""Writes runs/a and runs/b, two runs as lm-eval leaves them, and compare.json, numbers to hold a comparison of them against.

Made with Python 3.11, lm-eval 0.4.8 (simple_evaluate and EvaluationTracker, which write the files), datasets 3.6.0,
transformers 4.51.3. Run in this folder; deterministic; no network: the data sets are the rows below, the model draws its scores from
a hash of the request. Run b has one document less and one that differs. What changes from machine to machine is fixed or left out.

compare.json:
  exact      small sets of pairs with the whole distribution of the bootstrap: all n^n samples (no random numbers). Per case: how,
             a, b (values, or [log-probability, weight]), and of the differences B - A over all samples: the share <= 0, the
             share >= 0, mean, deviation, and the middle 95 % (both ends interpolated as numpy does).
  both       per task and metric, the values of a and b over the documents that both have
"""

import hashlib
import itertools
import json
import math
import pathlib
import shutil
import tempfile

import datasets
from lm_eval import evaluator
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

HERE = pathlib.Path(__file__).resolve().parent
DATE = "2026-01-02T03-04-05.678901"
TASKS = {
    "choices": {"output_type": "multiple_choice", "doc_to_text": "{{q}}", "doc_to_choice": "{{c}}", "doc_to_target": "{{g}}"},
    "words": {"output_type": "loglikelihood", "doc_to_text": "{{q}}", "doc_to_target": "{{c[0]}}"},
    "pages": {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{q}} {{c}}"},
    "spoken": {"output_type": "generate_until", "doc_to_text": "{{q}}", "doc_to_target": "{{c[0]}}", "generation_kwargs": {"until": ["\n"], "do_sample": False},
               "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
               "filter_list": [{"name": "front", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]}]},
}


class Drawn(LM):
    """A model whose scores are drawn from a hash; the better it is, the higher they are where the choice ends in 0."""

    def __init__(self, seed, better):
        super().__init__()
        self.seed, self.better = seed, better

    def draw(self, *args):
        return int.from_bytes(hashlib.sha256(repr((self.seed, args)).encode()).digest()[:6], "big") / 2**48

    def loglikelihood(self, requests):
        return [(-20 * self.draw(*r.args) + self.better * r.args[1].endswith("0"), self.draw("greedy", *r.args) < 0.5) for r in requests]

    def loglikelihood_rolling(self, requests):
        return [-3.0 * len(r.args[0]) * (self.draw(*r.args) + 0.2) for r in requests]

    def generate_until(self, requests):
        return [" answer 0" if self.draw(r.args[0]) < 0.5 + self.better / 20 else "something else" for r in requests]


def rows():
    return [{"q": f"Question {i}?", "c": [f"answer {j}" for j in range(3)], "g": 0} for i in range(12)]


def run(name, model, data, folder):
    datasets.load_dataset = lambda **_: datasets.DatasetDict({"test": datasets.Dataset.from_list(data)})
    tracker = EvaluationTracker(output_path=str(folder))
    for k, v in TASKS.items():  # JSON is YAML
        task = {"task": k, "dataset_path": "none", "test_split": "test", "metadata": {"version": 1.0}, **v}
        (folder / (k + ".yaml")).write_text(json.dumps(task))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    results = evaluator.simple_evaluate(model=model, tasks=list(TASKS), task_manager=manager, log_samples=True, bootstrap_iters=200)
    samples = results.pop("samples")
    for key in ("pretty_env_info", "git_hash", "transformers_version", "upper_git_hash"):
        results.pop(key, None)
    tracker.general_config_tracker.model_name = tracker.general_config_tracker.model_name_sanitized = name
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in TASKS:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    out = HERE / "runs" / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for path in sorted((folder / name).iterdir()):
        text = path.read_text()
        if path.suffix == ".json":
            got = json.loads(text)
            for key in ("date", "start_time", "end_time", "total_evaluation_time_seconds", "lamina"):
                got.pop(key, None)
            got["config"].pop("model", None)
            text = json.dumps(got, indent=1) + "\n"
        (out / path.name.replace(tracker.date_id, DATE)).write_text(text)
    return samples


HOW = {
    "mean": lambda m: m, "perplexity": lambda m: math.exp(-m), "weighted_perplexity": lambda m: math.exp(-m),
    "bits_per_byte": lambda m: -m / math.log(2),
}


def total(how, values):
    values = [v if isinstance(v, (list, tuple)) else (v, 1) for v in values]
    return HOW[how](sum(v[0] for v in values) / sum(v[1] for v in values))


def quantile(values, q):
    at = q * (len(values) - 1)
    i = int(at)
    return values[-1] if i + 1 >= len(values) else values[i] + (at - i) * (values[i + 1] - values[i])


def exact(how, a, b):
    n = len(a)
    d = sorted(total(how, [b[i] for i in s]) - total(how, [a[i] for i in s]) for s in itertools.product(range(n), repeat=n))
    mean = sum(d) / len(d)
    return {"how": how, "a": a, "b": b, "below": sum(x <= 0 for x in d) / len(d), "above": sum(x >= 0 for x in d) / len(d), "mean": mean,
            "deviation": math.sqrt(sum((x - mean) ** 2 for x in d) / len(d)), "low": quantile(d, 0.025), "high": quantile(d, 0.975)}


def main():
    data = rows()
    other = [dict(r) for r in data[:-1]]
    other[3] = {**other[3], "q": "Another question?"}
    with tempfile.TemporaryDirectory() as folder:
        a = run("a", Drawn(1, 4), data, pathlib.Path(folder))
        b = run("b", Drawn(2, 12), other, pathlib.Path(folder))
    shared = {}
    for task in TASKS:
        right = {s["doc_hash"]: s for s in b[task]}
        two = [(s, right[s["doc_hash"]]) for s in a[task] if s["doc_hash"] in right]
        for metric in a[task][0]["metrics"]:
            how = {"perplexity": "perplexity", "bits_per_byte": "bits_per_byte"}.get(metric, "weighted_perplexity" if metric.endswith("perplexity") else "mean")
            shared[f"{task}/{metric}"] = [total(how, [x[metric] for x, _ in two]), total(how, [y[metric] for _, y in two]), len(two)]
    cases = [
        exact("mean", [0, 1, 0], [1, 1, 0]), exact("mean", [0, 1, 1, 0], [1, 0, 1, 1]), exact("mean", [0.1, 0.7, 0.2, 0.9], [0.4, 0.65, 0.8, 0.75]),
        exact("mean", [1, 0, 1], [1, 0, 1]), exact("perplexity", [-1.5, -2.0, -0.5, -3.0], [-1.25, -2.25, -0.375, -2.0]),
        exact("weighted_perplexity", [[-10, 4], [-30, 9], [-4, 2], [-50, 11]], [[-9, 4], [-33, 9], [-4.5, 2], [-41, 11]]),
        exact("bits_per_byte", [[-10, 4], [-30, 9], [-4, 2]], [[-9, 4], [-33, 9], [-4.5, 2]]),
    ]
    (HERE / "compare.json").write_text(json.dumps({"exact": cases, "both": shared}, indent=0) + "\n")


main()
