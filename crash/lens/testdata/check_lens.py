"""Holds a lens that Lamina wrote against the tuned-lens library: it opens there without a warning, hash and
all, and says of some rows what the library's own lens of the same weights says.

python check_lens.py    needs torch, transformers and tuned-lens
(run with torch 2.15.0, transformers 4.51.3, tuned-lens 0.2.0)

Without flags: written/, which is library/ as Lamina writes it again; the Go test wants these bytes of it.
With --lens DIR --model DIR --rows ROWS.json: any lens, rows of one length, whose mean KL by entry is printed.
"""
import argparse
import json
import logging
import pathlib

import torch
from transformers import AutoModelForCausalLM
from tuned_lens import TunedLens

from gen_lens import HERE, MODEL, divergence

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--model", default=str(MODEL))
parser.add_argument("--lens", default=str(HERE / "written"))
parser.add_argument("--rows")
args = parser.parse_args()

warned = []
logging.getLogger().addHandler(type("Told", (logging.Handler,), {"emit": lambda self, r: warned.append(r.getMessage())})())
model = AutoModelForCausalLM.from_pretrained(args.model, torch_dtype=torch.float32).eval()
ours = TunedLens.from_model_and_pretrained(model, args.lens, weights_only=True)
told = [w for w in warned if "hash" in w or "config key" in w]
assert not told, told
golden = json.loads((HERE / "lens.json").read_text())
rows = json.loads(pathlib.Path(args.rows).read_text()) if args.rows else golden["rows"]
kl = divergence(model, ours, rows)
print("KL by entry:", kl)
if not args.rows:
    assert all(abs(a - b) <= 1e-6 * b for a, b in zip(kl, golden["after"])), golden["after"]
    theirs = TunedLens.from_model_and_pretrained(model, str(HERE / "library"))
    for a, b in zip(ours.layer_translators.state_dict().items(), theirs.layer_translators.state_dict().items()):
        assert a[0] == b[0] and torch.equal(a[1], b[1]), a[0]
    print("written/: the library reads", len(ours), "translators as its own")
