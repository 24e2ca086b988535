"""Writes what torch.save writes: golden.bin, two shards with their index, golden.json
(the values), and in the form before torch 1.6 golden-legacy.bin, of the same values,
and legacy.bin, of one row; float8.bin has types that are only listed.

python gen_golden.py    needs torch
"""
import json
from collections import OrderedDict
import torch

torch.manual_seed(0)
x = torch.randn(4, 6)
sd = OrderedDict()
sd["f32"] = x
sd["f16"] = x.half()
sd["bf16"] = x.bfloat16()
sd["f64"] = x.double()[:2]                 # a view of the first rows
sd["tied"] = x                             # the same storage as f32
sd["row"] = x[2]                           # a view inside it
sd["transposed"] = x.t()                   # not row-major
sd["column"] = x[:, 1]                     # neither
sd["parameter"] = torch.nn.Parameter(torch.arange(3.0))
sd["scalar"] = torch.tensor(7.0)
sd["none"] = torch.zeros(0, 3)
sd["i64"] = torch.tensor([-1, 2**62])
sd["bool"] = torch.tensor([True, False])
sd._metadata = OrderedDict({"": {"version": 1}})
torch.save(sd, "golden.bin")
torch.save({"w": x[0]}, "legacy.bin", _use_new_zipfile_serialization=False)
torch.save(sd, "golden-legacy.bin", _use_new_zipfile_serialization=False)
torch.save({"w": x[0], "e4m3": x[1].to(torch.float8_e4m3fn), "e5m2": x[2].to(torch.float8_e5m2), "complex": torch.ones(2, dtype=torch.complex64),
            "uint16": torch.ones(3, dtype=torch.uint16)}, "float8.bin")
torch.save(OrderedDict(a=x[0].clone(), b=x[1].clone()), "pytorch_model-00001-of-00002.bin")
torch.save({"c": x[2].clone().half()}, "pytorch_model-00002-of-00002.bin")
where = {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00001-of-00002.bin", "c": "pytorch_model-00002-of-00002.bin"}
json.dump({"metadata": {"total_size": 60}, "weight_map": where}, open("pytorch_model.bin.index.json", "w"), indent=2)
values = {k: v.detach().double().flatten().tolist() for k, v in sd.items() if v.is_floating_point()}
json.dump(values, open("golden.json", "w"))
