#!/usr/bin/env python3
"""Makes what peft and torch compute of the tiny models in ../../testdata, and adapters that peft wrote.

Made with Python 3.11, torch 2.15.0, transformers 4.51.3, peft 0.21.0, safetensors 0.8.0.

    python gen_peft.py        run in this directory

Directories KIND-MODEL hold adapters before training, in peft's files, or for kinds that peft has not
(adapter: a bottleneck with ReLU behind attention and feed-forward part; bitfit: what has one axis) in
lamina's. golden.json has for each the logits of the last token of some rows, and where it is trained the
losses of ten steps of AdamW over these rows (learning rate 1e-2, no decay), before each step.
"""

import json
import pathlib

import peft
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

MODELS = {"opt": "opt-prenorm", "llama": "llama-gqa-tied", "gpt2": "gpt2-tied", "bloom": "bloom-tied"}
ROWS = [[2, 5, 11, 60, 7, 3, 41, 8, 9], [4, 4, 33, 12, 6, 19, 23, 54, 31], [7, 65, 2, 13, 28, 36, 40, 44, 1]]
STEPS, RATE = 10, 1e-2
BEHIND = {"opt": ("self_attn.out_proj", "fc2"), "llama": ("self_attn.o_proj", "mlp.down_proj")}
LAYERS = {"opt": "model.decoder.layers", "llama": "model.layers"}

golden = {"rows": ROWS, "rate": RATE, "cases": []}


def model_of(name):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(pathlib.Path("../../testdata") / MODELS[name], attn_implementation="eager")
    return model.requires_grad_(False).train()


def loss_of(model):
    logits = model(input_ids=torch.tensor(ROWS)).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), torch.tensor(ROWS)[:, 1:].reshape(-1))


def case(directory, name, model, train):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(ROWS)).logits[:, -1].tolist()
    losses = []
    if train:
        trained = [p for p in model.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=RATE, weight_decay=0)
        for _ in range(STEPS):
            loss = loss_of(model)
            losses.append(loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    golden["cases"].append({"dir": directory, "model": MODELS[name], "logits": logits, "losses": losses})


def stir(named):
    """Gives what begins with zeros or ones values that matter."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in sorted(named):
            if "lora_A" not in name:
                p += 0.1 * torch.randn(p.shape, generator=generator)


def of_peft(directory, name, config, train=False):
    model = peft.get_peft_model(model_of(name), config)
    stir([(n, p) for n, p in model.named_parameters() if p.requires_grad])
    model.save_pretrained(directory)
    pathlib.Path(directory, "README.md").unlink(missing_ok=True)
    case(directory, name, model, train)


class Bottleneck(torch.nn.Module):
    def __init__(self, layer, width):
        super().__init__()
        self.layer, out = layer, layer.out_features
        self.down, self.up = torch.nn.Linear(out, width), torch.nn.Linear(width, out)

    def forward(self, x):
        z = self.layer(x)
        return z + self.up(torch.relu(self.down(z)))


def own(directory, config, tensors):
    pathlib.Path(directory).mkdir(exist_ok=True)
    save_file(tensors, f"{directory}/peft.safetensors", metadata={"format": "pt"})
    text = json.dumps({"format": 1, "kind": "peft", "config": config, "tensors": sorted(tensors)}, indent=2)
    pathlib.Path(directory, "peft.json").write_text(text + "\n")


def of_adapter(directory, name, width):
    model, tensors = model_of(name), {}
    layers = model.get_submodule(LAYERS[name])
    for i, layer in enumerate(layers):
        for inner in BEHIND[name]:
            parent, _, last = inner.rpartition(".")
            owner = layer.get_submodule(parent) if parent else layer
            added = Bottleneck(getattr(owner, last), width)
            setattr(owner, last, added)
            added.up.requires_grad_(True), added.down.requires_grad_(True)
            stir([(n, p) for n, p in added.named_parameters() if n.startswith("up")])
            for part in ("down", "up"):
                for what, p in getattr(added, part).named_parameters():
                    tensors[f"{LAYERS[name]}.{i}.{inner}.adapter.{part}.{what}"] = p.detach().clone()
    own(directory, {"kind": "adapter", "width": width}, tensors)
    case(directory, name, model, True)


def of_bitfit(directory, name):
    model, tensors = model_of(name), {}
    for n, p in model.named_parameters():
        if n.startswith(LAYERS[name] + ".") and p.dim() == 1:
            p.requires_grad_(True)
            stir([(n, p)])
            tensors[n] = p.detach().clone()
    own(directory, {"kind": "bitfit"}, tensors)
    case(directory, name, model, True)


def lora(**more):
    return peft.LoraConfig(task_type="CAUSAL_LM", **{"r": 4, "lora_alpha": 6, "target_modules": "all-linear", **more})


of_peft("lora-opt", "opt", lora(), train=True)
of_peft("lora-llama", "llama", lora(use_rslora=True, target_modules=["q_proj", "v_proj", "gate_proj", "down_proj"]), train=True)
of_peft("lora-pattern", "llama", lora(rank_pattern={"k_proj": 2, "layers.1.mlp.up_proj": 3}, alpha_pattern={"o_proj": 1.5, ".*mlp.*": 2}))
of_peft("lora-layers", "llama", lora(target_modules=["q_proj", "mlp.up_proj"], layers_to_transform=[0, 2], layers_pattern="layers"))
of_peft("lora-gpt2", "gpt2", lora())
of_peft("lora-bloom", "bloom", lora(target_modules=["query_key_value", "dense_4h_to_h"]))
of_peft("ia3-opt", "opt", peft.IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj", "fc2"], feedforward_modules=["fc2"]), train=True)
of_peft("ia3-llama", "llama", peft.IA3Config(task_type="CAUSAL_LM"), train=True)
of_peft("ia3-gpt2", "gpt2", peft.IA3Config(task_type="CAUSAL_LM"))
of_adapter("adapter-opt", "opt", 8)
of_adapter("adapter-llama", "llama", 8)
of_bitfit("bitfit-opt", "opt")
of_bitfit("bitfit-llama", "llama")
pathlib.Path("golden.json").write_text(json.dumps(golden) + "\n")
