"""lm-eval 0.4.8 on the documents: what gen_lmeval.py runs in a process that imports this version."""

import gen_lmeval
import datasets
from lm_eval import evaluator
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager, get_task_dict

NAMES = {"storycloze": "storycloze_2016"}  # where lm-eval's name is not ours
# The default of 256 is more than the models' positions, which lm-eval refuses.
GEN_KWARGS = "max_gen_toks=16"


def race_documents(rows):
    """Rows of HF's race as EleutherAI/race has them: one document an article, problems as a Python literal."""
    problems = {}
    for row in rows:
        problems.setdefault(row["article"], []).append({k: row[k] for k in ("question", "answer", "options")})
    return [{"article": article, "problems": str(p)} for article, p in problems.items()]


def load_dataset(path=None, name=None, **_):
    """Stands for datasets.load_dataset: the documents of the task whose yaml names this data set."""
    task = gen_lmeval.DATASETS[path.split("/")[-1], name]
    splits = gen_lmeval.splits(task)
    if task == "race":
        splits = {"test": race_documents(splits["test"])}
    return datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in splits.items() if v})


datasets.load_dataset = load_dataset


class Tasks:
    """Builds tasks from the yaml files that come with lm-eval."""

    def __init__(self):
        self.manager = TaskManager()

    def build(self, name):
        name = NAMES.get(name, name)
        return get_task_dict([name], self.manager)[name]


def model(directory, length=None):
    return HFLM(pretrained=str(directory), dtype="float32", batch_size=1, device="cpu", max_length=length)


def gold(task, doc):
    """Index of the right choice as process_results takes it; None where there is no such index."""
    if task.OUTPUT_TYPE != "multiple_choice":
        return None
    target = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
    if isinstance(target, list):
        return None
    return target if isinstance(target, int) else task.doc_to_choice(doc).index(target)


def pair(arguments, kind):
    """Context and continuation of a request."""
    if kind == "loglikelihood_rolling":
        return "", arguments[0]
    return arguments[0], "" if kind == "generate_until" else arguments[1]


def run(lm, tasks, name, shots, limit=None):
    """One evaluation as gen_lmeval's golden has it, and its requests as texts."""
    task = tasks.build(name)
    out = evaluator.simple_evaluate(
        lm, tasks=[task], num_fewshot=shots, bootstrap_iters=gen_lmeval.BOOTSTRAP, task_manager=tasks.manager, limit=limit,
        gen_kwargs=GEN_KWARGS if task.OUTPUT_TYPE == "generate_until" else None)
    lm_name = NAMES.get(name, name)
    samples = sorted(out["samples"][lm_name], key=lambda s: s["doc_id"])
    rows, texts, golds = [], [], []
    for sample in samples:
        first = [r[0] for r in sample["resps"]]
        rows.append([list(r) if isinstance(r, tuple) else r for r in first])
        texts.append([pair(a, task.OUTPUT_TYPE) for a in sample["arguments"]])
        golds.append(gold(task, sample["doc"]))
    metrics = {k: v for k, v in out["results"][lm_name].items() if k != "alias"}
    per_doc = {m: [s[m] for s in samples] for m in samples[0]["metrics"]}
    return metrics, rows, texts, golds, per_doc


def training_texts(tasks):
    """Prompt and right answer of every other document, as the tasks put them, without shots and with two; and whether
    the prompt is to be learnt too."""
    texts = []
    for name, shots in [(n, s) for n in gen_lmeval.TASKS if n != "wikitext" for s in (0, 2)]:
        task = tasks.build(name)
        task.set_config("num_fewshot", shots)
        task.set_fewshot_seed(1234)
        task.build_all_requests()
        for instance in task.instances:
            context, continuation = pair(instance.args, task.OUTPUT_TYPE)
            if name == "triviaqa":
                continuation = " " + instance.doc["answer"]["value"]
            if instance.doc_id % 2 == 0 and instance.idx == (gold(task, instance.doc) or 0):
                texts.append((context, continuation, shots == 0))
    return texts
