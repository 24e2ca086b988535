"""Makes results/: the files and the table lm-eval 0.4.8's command writes, for their names, nesting, order of keys and
forms of numbers.

Called by gen_lmeval.py --results, whose docstring names the versions. One run of the command: --model opt,
arc_easy, lambada_openai, triviaqa and wikitext, 2 shots, --log_samples.

lm-eval names them OUTPUT/MODEL/results_DATE.json and OUTPUT/MODEL/samples_TASK_DATE.jsonl, DATE an ISO time in which
":" is "-", MODEL what stands behind pretrained= with every run of "<>:/\\|?*[] as "__".

  results.json            with fixed values for what differs from machine to machine or run to run, and no source text
  samples_<task>.jsonl    the first two documents
  table.md                what the command prints at the end
"""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile

import run04
from lm_eval.__main__ import cli_evaluate

TASKS = "arc_easy,lambada_openai,triviaqa,wikitext"
# key of results.json: what stands in its place
FIXED = {"pretty_env_info": "(environment)", "git_hash": None, "date": 1700000000.0, "start_time": 1.0, "end_time": 3.5,
         "total_evaluation_time_seconds": "2.5", "transformers_version": "4.51.3", "upper_git_hash": None}


def command(output):
    return ["lm_eval", "--model", "hf", "--model_args", "pretrained=opt,dtype=float32", "--tasks", TASKS, "--num_fewshot", "2",
            "--device", "cpu", "--batch_size", "1", "--gen_kwargs", run04.GEN_KWARGS, "--log_samples", "--output_path", output]


def table(printed):
    """The settings and the table, the last things printed."""
    lines = printed.splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith("hf (pretrained="))
    return "\n".join(lines[start:]) + "\n"


def fixed(results):
    """Takes out what is of this machine, and the source text of lm-eval's functions."""
    results.update({k: v for k, v in FIXED.items() if k in results})
    for config in results["configs"].values():
        config.update({k: "(source of a function)" for k, v in config.items() if isinstance(v, str) and v.startswith("def ")})
    return results


def make(models):
    out = models / "results"
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as d:
        os.chdir(models)  # so that the model's name is no path of this machine
        sys.argv, printed = command(d), io.StringIO()
        with contextlib.redirect_stdout(printed):
            cli_evaluate()
        found = pathlib.Path(d) / "opt"
        results = json.loads(next(found.glob("results_*.json")).read_text())
        (out / "results.json").write_text(json.dumps(fixed(results), indent=2, ensure_ascii=False))
        for task in TASKS.split(","):
            lines = next(found.glob(f"samples_{task}_*.jsonl")).read_text(encoding="utf-8").split("\n")
            (out / f"samples_{task}.jsonl").write_text("\n".join(lines[:2]) + "\n")
    (out / "table.md").write_text(table(printed.getvalue()))
