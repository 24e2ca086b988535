"""lm-eval 0.3.0 on the documents: what gen_lmeval.py runs in a process that imports this version."""

import pathlib
import random

import gen_lmeval
import datasets
import torch
import transformers
from lm_eval import base, evaluator
from lm_eval.tasks import TASK_REGISTRY
from lm_eval.tasks.storycloze import StoryCloze2016


def load_dataset(path=None, name=None, **_):
    """Stands for datasets.load_dataset: the documents of the task whose class names this data set."""
    splits = gen_lmeval.splits(gen_lmeval.DATASETS[pathlib.Path(path).stem, name])
    return datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in splits.items() if v})


datasets.load_dataset = load_dataset


class Wrapper(base.BaseLM):
    """A transformers model as the CRaSh authors hand it to lm-eval 0.3: no special tokens, all positions of the
    model or fewer, </s> where the context is empty, batches of one; in float32."""

    def __init__(self, directory, length):
        super().__init__()
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(directory, torch_dtype=torch.float32).eval()
        self.length = length or self.model.config.max_position_embeddings
        self.asked = []  # ((context, continuation), answer) of the latest evaluation, in the order of requests

    eot_token_id = property(lambda self: self.tokenizer.eos_token_id)
    max_length = property(lambda self: self.length)
    max_gen_toks = property(lambda self: 256)
    batch_size = property(lambda self: 1)
    device = property(lambda self: torch.device("cpu"))

    def tok_encode(self, string):
        return self.tokenizer.encode(string, add_special_tokens=False)

    def tok_decode(self, tokens):
        return self.tokenizer.decode(tokens)

    def _model_call(self, inps):
        with torch.no_grad():
            return self.model(inps).logits

    def _model_generate(self, context, max_length, eos_token_id):
        raise NotImplementedError("no task of 0.3 here generates")

    def greedy_until(self, requests):
        raise NotImplementedError("no task of 0.3 here generates")

    def loglikelihood(self, requests):
        answers = super().loglikelihood(requests)
        self.asked += [(tuple(r), list(a)) for r, a in zip(requests, answers)]
        return answers

    def loglikelihood_rolling(self, requests):
        answers = super().loglikelihood_rolling(requests)
        self.asked += [(("", r[0]), a) for r, a in zip(requests, answers)]
        return answers


class Tasks:
    def build(self, name):
        return StoryCloze2016(data_dir="") if name == "storycloze" else TASK_REGISTRY[name]()


def model(directory, length=None):
    return Wrapper(directory, length)


def gold(name, doc):
    """Index of the right choice among the requests of a document; None where any may be right or there is one."""
    if isinstance(doc, dict) and "gold" in doc:
        return doc["gold"]
    return {"race": lambda: "ABCD".index(doc["problems"][-1]["answer"]),
            "storycloze": lambda: doc["answer_right_ending"] - 1,
            "copa": lambda: doc["label"],
            "boolq": lambda: 1 - doc["label"],  # yes is asked before no
            "winogrande": lambda: int(doc["answer"]) - 1}.get(name, lambda: None)()


def run(lm, tasks, name, shots, limit=None):
    """One evaluation as gen_lmeval's golden has it, and its requests as texts; documents in file order, though
    lm-eval shuffles them, and takes those in front where there is a limit."""
    task, counts, golds, scored = tasks.build(name), [], [], []
    construct, process = task.construct_requests, task.process_results

    def constructed(doc, ctx):
        requests = construct(doc, ctx)
        kept = requests if isinstance(requests, (list, tuple)) else [requests]
        counts.append([r.index for r in kept])
        golds.append(gold(name, doc))
        return requests

    def processed(doc, results):
        scored.append(process(doc, results))
        return scored[-1]

    task.construct_requests, task.process_results = constructed, processed
    lm.asked = []
    random.seed(1234)
    out = evaluator.evaluate(lm=lm, task_dict={name: task}, num_fewshot=shots, bootstrap_iters=gen_lmeval.BOOTSTRAP, limit=limit)
    order = list(range(len(list(task.test_docs() if task.has_test_docs() else task.validation_docs()))))
    random.Random(42).shuffle(order)  # as evaluate shuffles the documents
    order, rows, texts, answers = order[:limit], {}, {}, iter(lm.asked)
    for place, indices in zip(order, counts):
        asked = [next(answers) for _ in indices]
        if name == "lambada_openai":  # asks the same twice, once for each part of the answer
            asked = asked[:1]
        texts[place], rows[place] = [a[0] for a in asked], [a[1] for a in asked]
    back = lambda values: [v for _, v in sorted(zip(order, values), key=lambda p: p[0])]
    per_doc = {m: back([float(s[m]) if not isinstance(s[m], tuple) else s[m] for s in scored]) for m in scored[0]}
    in_order = lambda values: [values[place] for place in sorted(order)]
    return out["results"][name], in_order(rows), in_order(texts), back(golds), per_doc
