"""Measures what people do with a Hugging Face model on a processor: fine-tuning
an emulator, scoring with lm-evaluation-harness, the similarity of its layers,
loading it. All of it in float32.

Fine-tuning comes twice:
  best     a loop of its own: rows of like length share a batch, the head runs at
           the targets only, frozen blocks below the lowest trained one record
           nothing
  trainer  transformers.Trainer with its defaults: rows in random order, padded to
           the longest of their batch, the loss from the logits of all positions

All computing is done by the main thread, whose OpenMP threads are the pinned ones;
another one reads the requests. So the Trainer can wait in a callback for the next
request without knowing of it.
"""

import json
import os
import queue
import random
import threading
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
import torch.nn.functional as F
import transformers

from wire import serve

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.manual_seed(1)
BATCH = 16
RATE = 1e-5

held = {}
main_thread = queue.Queue()  # of calls


def on_main(call):
    """The same call, made by the main thread."""

    def wrapped(*arguments):
        done = queue.Queue()

        def job():
            try:
                done.put((call(*arguments), None))
            except Exception as e:
                done.put((None, e))

        main_thread.put(job)
        result, error = done.get()
        if error:
            raise error
        return result

    return wrapped



def ready(key, make):
    if key not in held:
        held.clear()
        held[key] = make()
    return held[key]


def load_model(path):
    return transformers.AutoModelForCausalLM.from_pretrained(path, torch_dtype=torch.float32, attn_implementation="sdpa")


def trained_model(path, trained):
    """The model, with everything frozen but the blocks of the comma-separated list."""
    model = load_model(path)
    model.config.use_cache = False
    if trained:
        model.requires_grad_(False)
        for i in trained.split(","):
            model.model.layers[int(i)].requires_grad_(True)
    return model.train()


def batches_of_like_length(rows):
    """Batches of an epoch, in random order; lengths differ little within one."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["context"]) + len(rows[i]["target"]))
    batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    random.Random(1).shuffle(batches)
    return batches


class Best:
    def __init__(self, path, data, trained):
        self.model = trained_model(path, trained)
        self.rows = json.load(open(data))
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=RATE, weight_decay=0, fused=True)
        self.batches = batches_of_like_length(self.rows)
        self.at = 0
        self.steps(2)

    def steps(self, count):
        tokens = 0
        for _ in range(count):
            tokens += self.step(self.batches[self.at % len(self.batches)])
            self.at += 1
        return tokens

    def step(self, ids):
        rows = [self.rows[i] for i in ids]
        inputs = [r["context"] + r["target"][:-1] for r in rows]
        longest = max(map(len, inputs))
        tokens = torch.tensor([t + [0] * (longest - len(t)) for t in inputs])
        where = [(i, len(r["context"]) - 1 + j) for i, r in enumerate(rows) for j in range(len(r["target"]))]
        wanted = torch.tensor([t for r in rows for t in r["target"]])
        # Padding stands on the right, so a causal model needs no mask for it.
        states = self.model.model(input_ids=tokens).last_hidden_state
        index = torch.tensor(where)
        loss = F.cross_entropy(self.model.lm_head(states[index[:, 0], index[:, 1]]), wanted)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        return sum(map(len, inputs))


class Rows(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        context, target = self.rows[i]["context"], self.rows[i]["target"]
        return {"input_ids": context + target, "labels": [-100] * len(context) + target}


class Trainer:
    """transformers.Trainer, which takes as many steps as it is asked for."""

    def __init__(self, path, data, trained):
        self.asked, self.done = queue.Queue(), queue.Queue()
        self.tokens = 0
        main_thread.put(lambda: self.run(path, data, trained))
        self.steps(2)

    def steps(self, count):
        self.tokens = 0
        self.asked.put(count)
        result = self.done.get()
        if isinstance(result, Exception):
            raise result
        return self.tokens

    def run(self, path, data, trained):
        try:
            self.train(path, data, trained)
        except Exception as e:
            self.done.put(e)

    def train(self, path, data, trained):
        outer = self

        class Gate(transformers.TrainerCallback):
            left = None

            def on_step_begin(self, *_, **__):
                if self.left is None:
                    self.left = outer.asked.get()

            def on_step_end(self, *_, **__):
                self.left -= 1
                if self.left == 0:
                    self.left = None
                    outer.done.put(None)
                    self.left = outer.asked.get()

        pad = 0

        def collate(rows):
            longest = max(len(r["input_ids"]) for r in rows)
            outer.tokens += sum(len(r["input_ids"]) - 1 for r in rows)
            fill = lambda key, value: torch.tensor([r[key] + [value] * (longest - len(r[key])) for r in rows])
            mask = torch.tensor([[1] * len(r["input_ids"]) + [0] * (longest - len(r["input_ids"])) for r in rows])
            return {"input_ids": fill("input_ids", pad), "labels": fill("labels", -100), "attention_mask": mask}

        arguments = transformers.TrainingArguments(
            output_dir=os.path.join(os.environ.get("TMPDIR", "/tmp"), "trainer"), per_device_train_batch_size=BATCH, learning_rate=RATE,
            num_train_epochs=1000, save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=1)
        transformers.Trainer(
            model=trained_model(path, trained), args=arguments, data_collator=collate, train_dataset=Rows(json.load(open(data))),
            callbacks=[Gate()]).train()


@on_main
def best_steps(path, data, trained, steps):
    run = ready(("best", path, trained), lambda: Best(path, data, trained))
    begin = time.perf_counter()
    tokens = run.steps(steps)
    return time.perf_counter() - begin, tokens


def epoch(path, data, trained, how, steps):
    if how == "best":
        return best_steps(path, data, trained, int(steps))
    run = ready(("trainer", path, trained), lambda: Trainer(path, data, trained))
    begin = time.perf_counter()
    tokens = run.steps(int(steps))
    return time.perf_counter() - begin, tokens


@on_main
def zeroshot(path, data):
    """lm-evaluation-harness's HFLM at batch 16 on requests of [context, continuation]."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = ready(("zeroshot", path), lambda: HFLM(pretrained=path, dtype="float32", device="cpu", batch_size=16))
    documents = json.load(open(data))
    requests = [
        Instance("loglikelihood", {}, (context, continuation), i)
        for document in documents for i, (context, continuation) in enumerate(document)]
    begin = time.perf_counter()
    lm.loglikelihood(requests, disable_tqdm=True)
    return time.perf_counter() - begin


@on_main
def cka(path, data):
    """Linear CKA of all hidden states, as one writes it: all states of a padded
    batch, weighted means over positions, centred Gram matrices, all pairs."""

    def make():
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        return load_model(path).eval(), tokenizer

    model, tokenizer = ready(("cka", path), make)
    texts = json.load(open(data))
    begin = time.perf_counter()
    states = None
    with torch.no_grad():
        for i in range(0, len(texts), BATCH):
            batch = tokenizer(texts[i : i + BATCH], return_tensors="pt", padding=True)
            mask = batch["attention_mask"]
            weights = (mask.cumsum(1) * mask).float()
            weights = (weights / weights.sum(1, keepdim=True)).unsqueeze(-1)
            hidden = model(**batch, output_hidden_states=True).hidden_states
            pooled = [(h * weights).sum(1).numpy() for h in hidden]
            states = pooled if states is None else [np.concatenate(pair) for pair in zip(states, pooled)]
    n = len(texts)
    centre = np.eye(n) - 1 / n
    grams = [centre @ (x.astype(np.float64) @ x.astype(np.float64).T) @ centre for x in states]
    similarity = np.array([[(a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()) for b in grams] for a in grams])
    assert similarity.shape == (len(states), len(states))
    return time.perf_counter() - begin


@on_main
def load(path):
    """From a directory to the logits of one token."""
    begin = time.perf_counter()
    model = load_model(path)
    with torch.inference_mode():
        model(input_ids=torch.tensor([[1]])).logits
    return time.perf_counter() - begin


def answer():
    try:
        serve(
            f"PyTorch {torch.__version__}, transformers {transformers.__version__}",
            dict(epoch=epoch, zeroshot=zeroshot, cka=cka, load=load))
    finally:
        os._exit(0)  # the main thread may wait for ever


if __name__ == "__main__":
    threading.Thread(target=answer, daemon=True).start()
    while True:
        main_thread.get()()
