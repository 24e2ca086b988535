"""Makes torch.tfevents: what SummaryWriter of torch 2.15.0 with tensorboard 2.21.0 writes,
and torch.json, what tensorboard's EventAccumulator reads of it. Run it here:

    python gen_tfevents.py

With a directory as its argument it prints what EventAccumulator reads there instead, as
{tag: [[step, value], …]}.
"""
import glob
import json
import os
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    a = EventAccumulator(path, size_guidance={"scalars": 0})
    a.Reload()
    return {tag: [[e.step, e.value] for e in a.Scalars(tag)] for tag in sorted(a.Tags()["scalars"])}


if len(sys.argv) > 1:
    json.dump(read(sys.argv[1]), sys.stdout)
    sys.exit()

from torch.utils.tensorboard import SummaryWriter

with tempfile.TemporaryDirectory() as tmp:
    w = SummaryWriter(tmp)
    for step in range(5):
        w.add_scalar("train/loss", 3.5 / (step + 1), step)
        w.add_scalar("train/learning_rate", 1e-4 * step, step)
    w.add_scalar("eval/loss", 2.25, 4)
    w.close()
    [path] = glob.glob(os.path.join(tmp, "*tfevents*"))
    os.replace(path, os.path.join(HERE, "torch.tfevents"))
with open(os.path.join(HERE, "torch.json"), "w") as f:
    json.dump(read(os.path.join(HERE, "torch.tfevents")), f)
    f.write("\n")
