"""Writes golden.safetensors and golden.json (its values) with the reference library.

python gen_golden.py    needs torch and safetensors
"""
import json
import torch
from safetensors.torch import save_file

torch.manual_seed(0)
x = torch.randn(3, 5)
tensors = {
    "f32": x, "f64": x.double()[:2].contiguous(), "f16": x.half(), "bf16": x.bfloat16(),
    "i64": torch.tensor([-2**63, 2**63 - 1]), "i32": torch.tensor([-5], dtype=torch.int32),
    "u8": torch.tensor([0, 255, 7], dtype=torch.uint8), "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(2.5), "none": torch.zeros(4, 0), "é\"\\": torch.ones(1),
}
save_file(tensors, "golden.safetensors", metadata={"note": "golden \u2603"})
floats = ("f32", "f64", "f16", "bf16", "scalar")
json.dump({k: tensors[k].double().flatten().tolist() for k in floats}, open("golden.json", "w"))
