#!/usr/bin/env python3
"""Writes options.json: losses of ten steps with each option of a training, by transformers and torch.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, of transformer/testdata/llama-gqa-tied.

    python gen_options.py [--out FILE]

Everything is trained, in float64, by torch.optim.AdamW (0.9, 0.999, 1e-8), the gradient's norm clipped at 1, on
batches of three of six rows in order, of which the tokens from `context` on are learned; loss[i] is the mean over the
learned tokens of step i, before the update, with what the option adds. Runs:

smoothing: torch.nn.functional.cross_entropy(label_smoothing=); transformers' LabelSmoother gives the same and is asserted.
layers:    the rate of block i of n is lr·decay^(n-i), that of the embedding, which is the head too, lr·decay^(n+1), that of
           the final norm lr, as BEiT's LayerDecayValueAssigner has it; weight decay on everything whose name has "mlp".
proximal:  lambda times the squared distance from the start is added to the loss.
ema:       averages are decay·average + (1-decay)·weights after each step, decay = min(ema, (1+n)/(10+n)), n from 0;
           valid[i] is the mean loss of all rows with the average after step i.
"""

import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM
from transformers.trainer_pt_utils import LabelSmoother

MODEL = pathlib.Path(__file__).parents[3] / "transformer" / "testdata" / "llama-gqa-tied"
STEPS, BATCH, CONTEXT, LR = 10, 3, 3, 2e-3


def rows(vocab):
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, vocab, (6, 9), generator=generator)


def losses(model, batch, smoothing=0.0):
    logits = model(batch[:, :-1]).logits[:, CONTEXT - 1:]
    targets = batch[:, CONTEXT:]
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), label_smoothing=smoothing)
    if smoothing:
        other = LabelSmoother(epsilon=smoothing)({"logits": logits}, targets)
        assert abs(other.item() - loss.item()) < 1e-5  # it sums in float32
    return loss


def train(groups, smoothing=0.0, proximal=0.0, ema=0.0):
    model = AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype=torch.float32, attn_implementation="eager").double()
    data = rows(model.config.vocab_size)
    start = [p.detach().clone() for p in model.parameters()]
    average = [w.clone() for w in start]
    optimiser = torch.optim.AdamW(groups(model), lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, foreach=False)
    result = {"loss": []}
    for step in range(STEPS):
        batch = data[step * BATCH % len(data):][:BATCH]
        loss = losses(model, batch, smoothing)
        if proximal:
            loss = loss + proximal * sum(((p - w) ** 2).sum() for p, w in zip(model.parameters(), start))
        result["loss"].append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=False)
        optimiser.step()
        if not ema:
            continue
        decay = min(ema, (1 + step) / (10 + step))
        with torch.no_grad():
            own = [p.clone() for p in model.parameters()]
            for a, p in zip(average, model.parameters()):
                a.mul_(decay).add_((1 - decay) * p)
                p.copy_(a)
            result.setdefault("valid", []).append(losses(model, data).item())
            for p, w in zip(model.parameters(), own):
                p.copy_(w)
    return result


def by_layer(decay, weight_decay):
    def groups(model):
        n = model.config.num_hidden_layers
        for name, p in model.named_parameters():
            depth = n + 1  # what follows the blocks
            if "embed_tokens" in name:
                depth = 0
            elif ".layers." in name:
                depth = 1 + int(name.split(".layers.")[1].split(".")[0])
            yield {"params": [p], "lr": LR * decay ** (n + 1 - depth), "weight_decay": weight_decay if "mlp" in name else 0.0}
    return lambda model: list(groups(model))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "options.json")
    args = parser.parse_args()
    everything = lambda model: [{"params": list(model.parameters())}]
    data = {
        "rows": rows(AutoModelForCausalLM.from_pretrained(MODEL).config.vocab_size).tolist(), "context": CONTEXT, "batch": BATCH, "lr": LR,
        "plain": train(everything),
        "smoothing": {"epsilon": 0.2, **train(everything, smoothing=0.2)},
        "layers": {"decay": 0.5, "weight_decay": 5.0, **train(by_layer(0.5, 5.0))},
        "proximal": {"lambda": 0.5, **train(everything, proximal=0.5)},
        "ema": {"decay": 0.7, **train(everything, ema=0.7)},
    }
    args.out.write_text(json.dumps(data, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
