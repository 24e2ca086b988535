"""Writes golden.gguf (each readable type, each metadata type) and golden.json (the values).

python gen_golden.py    needs numpy and gguf (gguf-py of llama.cpp)
"""
import json
import numpy as np
import gguf
from gguf import GGMLQuantizationType as T, GGUFValueType as V, quants

rng = np.random.default_rng(0)
w = gguf.GGUFWriter("golden.gguf", "llama")
w.add_uint8("t.u8", 200); w.add_int8("t.i8", -100); w.add_uint16("t.u16", 60000); w.add_int16("t.i16", -30000)
w.add_uint32("t.u32", 4000000000); w.add_int32("t.i32", -2000000000)
w.add_uint64("t.u64", 2**64 - 1); w.add_int64("t.i64", -2**63)
w.add_float32("t.f32", 0.5); w.add_float64("t.f64", 0.1); w.add_bool("t.bool", True)
w.add_string("t.string", "snow \u2603")
w.add_array("t.strings", ["a", "", "\u00e9\n"]); w.add_array("t.ints", [1, -2, 3]); w.add_array("t.floats", [1.5, -2.5])
values = {}
for name, t in [("f32", T.F32), ("f16", T.F16), ("bf16", T.BF16), ("q4_0", T.Q4_0), ("q4_1", T.Q4_1), ("q5_0", T.Q5_0), ("q5_1", T.Q5_1), ("q8_0", T.Q8_0)]:
    x = rng.normal(size=(3, 64)).astype(np.float32)
    q = quants.quantize(x, t)
    if t in (T.F32, T.F16):
        w.add_tensor(name, q)
    else:
        w.add_tensor(name, q, raw_dtype=t)
    values[name] = quants.dequantize(q, t).astype(np.float64).flatten().tolist()
# gguf-py does not quantise to these: random codes and scales, with d and dmin that are finite.
blocks = np.random.default_rng(1)
for name, t, size, halves in [("q4_k", T.Q4_K, 144, [0, 2]), ("q5_k", T.Q5_K, 176, [0, 2]), ("q6_k", T.Q6_K, 210, [208])]:
    q = blocks.integers(0, 256, size=(2, size), dtype=np.uint8)
    for at in halves:
        q[:, at:at + 2] = blocks.normal(size=(2, 1)).astype(np.float16).view(np.uint8)
    w.add_tensor(name, q, raw_dtype=t)
    values[name] = quants.dequantize(q, t).astype(np.float64).flatten().tolist()
w.add_tensor("k", np.zeros((1, 84), np.uint8), raw_dtype=T.Q2_K)
w.add_tensor("i32", np.array([[1, -2], [3, 4]], np.int32))
w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
json.dump(values, open("golden.json", "w"))
