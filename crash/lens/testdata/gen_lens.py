"""Trains a tuned lens with the tuned-lens library on a small model of transformer/testdata and writes
what Lamina is held against: library/ (config.json, params.pt, as TunedLens.save writes them) and
lens.json (the rows, the mean KL of each entry before and after, the loss of each step, and the
model's and the lens's logits of the first row).

python gen_lens.py    needs torch, transformers and tuned-lens
(made with torch 2.15.0, transformers 4.51.3, tuned-lens 0.2.0, numpy 2.4.6)

The loop is that of tuned_lens/scripts/train_loop.py with its default recipe; its dataloader, which asks
for a torchdata that is no longer, and its autocast to bfloat16 are left out: rows come in turn, in float32.
"""
import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup
from tuned_lens import TunedLens

HERE = pathlib.Path(__file__).parent
MODEL = HERE / "../../../transformer/testdata/llama-gqa-tied"


def divergence(model, lens, rows):
    """Mean over tokens of KL(final || lens), by entry."""
    sums, tokens = [0.0] * len(lens), 0
    with torch.no_grad():
        for row in rows:
            out = model(torch.tensor([row]), output_hidden_states=True)
            log_p = out.logits.double().log_softmax(-1)
            for i, h in enumerate(out.hidden_states[:-1]):
                log_q = lens(h, idx=i).double().log_softmax(-1)
                sums[i] += (log_p.exp() * (log_p - log_q)).sum().item()
            tokens += len(row)
    return [s / tokens for s in sums]


def train(model, lens, rows, steps, batch):
    params = [p for p in lens.parameters() if p.requires_grad]
    beta = 0.9
    opt = torch.optim.SGD(params, lr=1.0 * (1 - beta), momentum=beta, nesterov=True, weight_decay=1e-3)
    plan = get_linear_schedule_with_warmup(opt, 0, steps)
    losses, at = [], 0
    for _ in range(steps):
        ids = torch.tensor([rows[(at + k) % len(rows)] for k in range(batch)])
        at += batch
        with torch.no_grad():
            out = model(ids, output_hidden_states=True)
        labels, total = out.logits.float().log_softmax(-1), 0.0
        for i, h in enumerate(out.hidden_states[:-1]):
            loss = torch.sum(labels.exp() * (labels - lens(h, idx=i).log_softmax(-1)), dim=-1).mean()
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(lens.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=False)
        plan.step()
        losses.append(total)
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(MODEL))
    parser.add_argument("--rows", help="JSON: array of token rows of one length; default: random ones")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(args.model, torch_dtype=torch.float32).eval()
    for p in model.parameters():
        p.requires_grad_(False)
    if args.rows:
        rows = json.loads(pathlib.Path(args.rows).read_text())
    else:
        rows = torch.randint(3, model.config.vocab_size, (24, 12), generator=torch.Generator().manual_seed(1)).tolist()
    model.config.name_or_path = model.config._name_or_path = "llama-gqa-tied"
    lens = TunedLens.from_model(model)
    before = divergence(model, lens, rows)
    losses = train(model, lens, rows, args.steps, args.batch)
    after = divergence(model, lens, rows)
    lens.save(args.out / "library")
    with torch.no_grad():
        out = model(torch.tensor([rows[0]]), output_hidden_states=True)
        logits = [lens(h, idx=i)[0].tolist() for i, h in enumerate(out.hidden_states[:-1])] + [out.logits[0].tolist()]
    (args.out / "lens.json").write_text(json.dumps({"rows": rows, "steps": args.steps, "batch": args.batch, "before": before, "after": after,
                                                    "losses": losses, "logits": logits}, separators=(",", ":")) + "\n")
    print("before", before, "after", after)


if __name__ == "__main__":
    main()
