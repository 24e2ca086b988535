#!/usr/bin/env python3
"""What PyTorch makes of the works in plan.json, which cuda-bench wrote: plain modules, no transformers.

    python3 torch_bench.py --plan DIR/plan.json --out DIR/torch-eager.json --mode eager
    python3 torch_bench.py --plan DIR/plan.json --out DIR/torch-compile.json --mode compile

Needs torch 2.5 or later alone. Training is autocast to bfloat16 over float32 weights, AdamW fused, clipped at 1;
of fine-tuning, frozen weights are bfloat16. Decoding and prompts run in bfloat16, decoding over keys and values of
fixed size. With compile the blocks of training and prompts are compiled one by one (of one code), and a step of decoding
as a whole, in mode reduce-overhead, which is a CUDA graph. A row is written as soon as it is measured, so that what ends
this early leaves the rows before it. --device cpu rehearses.
"""

import argparse
import gc
import json
import os
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def split(self, x):
        b, t, width = x.shape
        return (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).split(width, dim=2))

    def rest(self, x, attended):
        x = x + self.out(attended.transpose(1, 2).reshape(x.shape))
        return x + self.fc2(F.relu(self.fc1(self.norm2(x))))

    def forward(self, x):
        q, k, v = self.split(x)
        return self.rest(x, F.scaled_dot_product_attention(q, k, v, is_causal=True))

    def step(self, x, keys, values, at, mask):
        q, k, v = self.split(x)
        keys.index_copy_(2, at, k)
        values.index_copy_(2, at, v)
        return self.rest(x, F.scaled_dot_product_attention(q, keys, values, attn_mask=mask))


class OPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(c["vocab"], c["width"]), nn.Embedding(c["positions"] + 2, c["width"])
        self.blocks = nn.ModuleList(Block(c["width"], c["heads"], c["inner"]) for _ in range(c["layers"]))
        self.norm = nn.LayerNorm(c["width"])

    def embed(self, ids, at):
        return self.tokens(ids) + self.positions(at + 2)

    def head(self, x):
        return F.linear(self.norm(x), self.tokens.weight)

    def forward(self, ids):
        x = self.embed(ids, torch.arange(ids.shape[1], device=ids.device))
        if self.training:
            x = x.float()
        for block in self.blocks:
            x = block(x)
        return x

    def step(self, ids, cache, at):
        """The next id of each sequence [B 1], whose keys and values before the position at are in the cache."""
        x = self.embed(ids, at)
        mask = (torch.arange(cache[0][0].shape[2], device=ids.device) <= at)[None, None, None, :]
        for block, (keys, values) in zip(self.blocks, cache):
            x = block.step(x, keys, values, at, mask)
        return self.head(x).argmax(-1)


class Bench:
    def __init__(self, a):
        self.a, self.plan = a, json.load(open(a.plan))
        self.sizes = self.plan["model"]
        self.device = torch.device(a.device)
        self.gpu = self.device.type == "cuda"
        name = torch.cuda.get_device_name(self.device) if self.gpu else "cpu"
        self.result = {"engine": a.mode, "device": f"{name}, torch {torch.__version__}", "rows": [], "notes": []}

    def sync(self):
        if self.gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, call):
        """The mean of as many calls as fill the time, two at least, after three that warm up."""
        for _ in range(3):
            call()
        self.sync()
        begin, n = time.perf_counter(), 0
        while n < 2 or time.perf_counter() - begin < self.a.seconds:
            call()
            self.sync()
            n += 1
        return (time.perf_counter() - begin) / n

    def write(self):
        part = self.a.out + ".part"
        with open(part, "w") as f:
            json.dump(self.result, f, indent=2)
        os.replace(part, self.a.out)

    def add(self, w, value, unit, rate=0.0, roof=""):
        row = {"work": w["work"], "shape": w["shape"], "unit": unit, "value": value}
        if roof:
            row |= {"rate": rate, "roof": roof}
        if self.gpu:
            row["memory"] = torch.cuda.max_memory_reserved(self.device)
        self.result["rows"].append(row)
        print(f"{w['work']} {w['shape']}: {value:.1f} {unit}", flush=True)

    def run(self):
        for w in self.plan["works"]:
            if self.a.mode == "compile" and w["work"] in ("copy", "gemm"):
                continue
            if self.gpu:
                torch.cuda.reset_peak_memory_stats(self.device)
            try:
                getattr(self, w["work"])(w)
            except Exception as e:
                text = f"{w['work']} {w['shape']}: {type(e).__name__}: {str(e).strip().splitlines()[0] if str(e).strip() else ''}"
                self.result["notes"].append(text)
                print("failed:", text, flush=True)
            self.write()
            gc.collect()
            if self.gpu:
                torch.cuda.empty_cache()

    def copy(self, w):
        x = torch.ones(w["size"] // 4, device=self.device)
        y = torch.empty_like(x)
        rate = 2 * w["size"] / self.seconds(lambda: y.copy_(x))
        self.add(w, rate / 1e9, "GB/s", rate, "copy")

    def gemm(self, w):
        n = w["size"]
        a, b = (torch.randn(n, n, device=self.device, dtype=torch.bfloat16) for _ in range(2))
        rate = 2 * n**3 / self.seconds(lambda: a @ b)
        self.add(w, rate / 1e12, "TFLOP/s", rate, "gemm")

    def model(self, dtype, train):
        torch.manual_seed(1)
        with torch.device(self.device):
            m = OPT(self.sizes)
        m = m.to(dtype).train(train)
        if self.a.mode == "compile":
            for block in m.blocks:
                block.compile(dynamic=False)
        return m

    def train(self, w):
        self.steps(w, self.model(torch.float32, True))

    def finetune(self, w):
        m = self.model(torch.bfloat16, True).requires_grad_(False)
        for i in w["places"]:
            m.blocks[i].float().requires_grad_(True)
        for norm in (n for n in m.modules() if isinstance(n, nn.LayerNorm)):
            norm.float()
        self.steps(w, m)

    def steps(self, w, m):
        params = [p for p in m.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(params, lr=1e-5, weight_decay=0, fused=True)
        ids = torch.randint(self.sizes["vocab"], (w["sequences"], w["length"] + 1), device=self.device)

        def step():
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                logits = m.head(m(ids[:, :-1]))
            loss = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

        tokens = w["sequences"] * w["length"]
        self.add(w, tokens / self.seconds(step), "tokens/s")

    @torch.inference_mode()
    def decode(self, w):
        c, b, rows = self.sizes, w["sequences"], w["length"] + w["count"]
        m = self.model(torch.bfloat16, False)
        shape = (b, c["heads"], rows, c["width"] // c["heads"])
        cache = [tuple(torch.randn(shape, device=self.device, dtype=torch.bfloat16) for _ in range(2)) for _ in m.blocks]
        step = m.step
        if self.a.mode == "compile":
            torch._dynamo.reset()
            step = torch.compile(m.step, mode="reduce-overhead" if self.gpu else "default", dynamic=False)
        at = [torch.tensor([w["length"] + i], device=self.device) for i in range(w["count"])]
        first = torch.full((b, 1), 5, device=self.device)

        def run():
            ids = first
            for i in at:
                if self.a.mode == "compile" and self.gpu:
                    torch.compiler.cudagraph_mark_step_begin()
                ids = step(ids, cache, i).clone()

        self.add(w, b * w["count"] / self.seconds(run), "tokens/s")

    @torch.inference_mode()
    def prefill(self, w):
        m = self.model(torch.bfloat16, False)
        ids = torch.randint(self.sizes["vocab"], (1, w["length"]), device=self.device)
        self.add(w, w["length"] / self.seconds(lambda: m.head(m(ids)[:, -1:])), "tokens/s")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--plan", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--mode", choices=["eager", "compile"], required=True)
    p.add_argument("--device", default="cuda")
    p.add_argument("--seconds", type=float, default=3.0)
    Bench(p.parse_args()).run()


if __name__ == "__main__":
    main()
