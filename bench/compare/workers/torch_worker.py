"""Measures PyTorch: products, operators, and steps of the standard decoders.

The decoders are written as one writes them in plain PyTorch, with the variants
  eager    scores, softmax and values as single operations
  sdpa     scaled_dot_product_attention
  compile  the same through torch.compile
and AdamW in its fused form, which is its fastest on a processor. Decoding keeps
its keys and values in tensors made beforehand; variant mv sends products through
torch.mv, linear through F.linear.

Behind a variant stands the arithmetic of its products:
  f32       as it is
  high      torch.set_float32_matmul_precision("high")
  medium    the same with "medium": oneDNN rounds operands to bfloat16 where it has
            an instruction for it
  autocast  torch.autocast("cpu", torch.bfloat16)
  bf16      tensors of bfloat16
"""

import contextlib
import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from wire import median_time, serve

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.manual_seed(1)

# family, layers, width, heads, key heads, feed-forward, vocabulary, sequences, tokens of each
SHAPES = {
    "tiny": ("opt", 4, 128, 4, 4, 512, 512, 8, 64),
    "opt-125m": ("opt", 12, 768, 12, 12, 3072, 50272, 4, 128),
    "smollm2-135m": ("llama", 30, 576, 9, 3, 1536, 49152, 4, 128),
}
POSITIONS = 2048


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


class Block(nn.Module):
    def __init__(self, family, width, heads, groups, inner):
        super().__init__()
        self.opt, self.heads, self.groups, self.head = family == "opt", heads, groups, width // heads
        norm = nn.LayerNorm if self.opt else RMSNorm
        kv = groups * self.head
        self.before, self.between = norm(width), norm(width)
        self.q, self.o = (nn.Linear(width, width, bias=self.opt) for _ in range(2))
        self.k, self.v = (nn.Linear(width, kv, bias=self.opt) for _ in range(2))
        self.up, self.down = nn.Linear(width, inner, bias=self.opt), nn.Linear(inner, width, bias=self.opt)
        if not self.opt:
            self.gate = nn.Linear(width, inner, bias=False)

    def feed(self, x, linear):
        if self.opt:
            return linear(self.down, F.relu(linear(self.up, x)))
        return linear(self.down, F.silu(linear(self.gate, x)) * linear(self.up, x))

    def forward(self, x, angles, attend, linear):
        rows, length, width = x.shape
        h = self.before(x)
        q = linear(self.q, h).view(rows, length, self.heads, self.head).transpose(1, 2)
        k, v = (linear(w, h).view(rows, length, self.groups, self.head).transpose(1, 2) for w in (self.k, self.v))
        if angles is not None:
            q, k = rotate(q, *angles), rotate(k, *angles)
        y = attend(q, k, v).transpose(1, 2).reshape(rows, length, width)
        x = x + linear(self.o, y)
        return x + self.feed(self.between(x), linear)


def rotate(x, cos, sin):
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)


def matrix(layer, x):
    return layer(x)


def vector(layer, x):
    """A product with one row, through the routine made for it."""
    y = torch.mv(layer.weight, x.reshape(-1))
    return (y if layer.bias is None else y + layer.bias).view(*x.shape[:-1], -1)


def explicit(q, k, v):
    """Causal attention in single operations."""
    if k.shape[1] != q.shape[1]:
        times = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if q.shape[2] > 1:
        scores = scores.masked_fill(torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).triu(1), float("-inf"))
    return scores.softmax(-1) @ v


def fused(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1, enable_gqa=k.shape[1] != q.shape[1])


class Decoder(nn.Module):
    def __init__(self, name):
        super().__init__()
        family, layers, width, heads, groups, inner, vocabulary, self.rows, self.length = SHAPES[name]
        self.opt = family == "opt"
        self.groups, self.head = groups, width // heads
        self.tokens = nn.Embedding(vocabulary, width)
        if self.opt:
            self.positions = nn.Embedding(POSITIONS, width)
        self.blocks = nn.ModuleList(Block(family, width, heads, groups, inner) for _ in range(layers))
        self.norm = nn.LayerNorm(width) if self.opt else RMSNorm(width)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
        inverse = 100000.0 ** (-torch.arange(0, self.head, 2) / self.head)
        angle = torch.outer(torch.arange(POSITIONS).float(), inverse)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def states(self, ids, start, attend, linear):
        x, end = self.tokens(ids), start + ids.shape[1]
        if self.opt:
            x = x + self.positions.weight[start:end]
        angles = None if self.opt else (self.cos[start:end], self.sin[start:end])
        for i, block in enumerate(self.blocks):
            x = block(x, angles, attend(i), linear)
        return self.norm(x)

    def logits(self, ids, attention):
        return F.linear(self.states(ids, 0, lambda _: attention, matrix), self.tokens.weight)


held = {}  # the one thing that is kept ready, under what was asked for


def ready(key, make):
    if key not in held:
        held.clear()
        held[key] = make()
    return held[key]


def arithmetic(mode):
    """Sets the arithmetic of F32 products and returns the context to compute in."""
    torch.set_float32_matmul_precision(mode if mode in ("high", "medium") else "highest")
    return torch.autocast("cpu", torch.bfloat16) if mode == "autocast" else contextlib.nullcontext()


def forward_of(model, variant):
    attention = explicit if variant == "eager" else fused
    run = lambda ids: model.logits(ids, attention)
    return torch.compile(run) if variant == "compile" else run


def time_steps(step, steps):
    times = []
    for _ in range(int(steps)):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    times.sort()
    return times[len(times) // 2]


def train(name, variant, mode, steps):
    context = arithmetic(mode)

    def make():
        model = Decoder(name)
        run = forward_of(model, variant)
        ids = torch.randint(0, SHAPES[name][6], (model.rows, model.length + 1))
        x, y = ids[:, :-1].contiguous(), ids[:, 1:].reshape(-1)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0, fused=True)

        def step():
            optimiser.zero_grad(set_to_none=True)
            with context:
                logits = run(x)
                loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

        step(), step()
        return step

    return time_steps(ready(("train", name, variant, mode), make), steps)


def forward(name, variant, mode, steps):
    context = arithmetic(mode)

    def make():
        model = Decoder(name)
        run = forward_of(model, variant)
        ids = torch.randint(0, SHAPES[name][6], (model.rows, model.length))

        def step():
            with torch.inference_mode(), context:
                run(ids)

        step(), step()
        return step

    return time_steps(ready(("forward", name, variant, mode), make), steps)


def prefill(name, dtype, mode, length):
    """Seconds for the logits of the last of so many tokens, keys and values kept."""
    context = arithmetic(mode)

    def make():
        model = Decoder(name).to(torch.bfloat16 if dtype == "BF16" else torch.float32)
        ids = torch.randint(0, SHAPES[name][6], (1, int(length)))

        def step():
            kept = []

            def attend(_):
                def attention(q, k, v):
                    kept.append((k, v))
                    return fused(q, k, v)

                return attention

            with torch.inference_mode(), context:
                F.linear(model.states(ids, 0, attend, matrix)[:, -1], model.tokens.weight)

        step(), step()
        return step

    return time_steps(ready(("prefill", name, dtype, mode), make), 1)


def decode(name, dtype, variant, prompt, count):
    """Seconds for count tokens, one after another, of one sequence."""
    prompt, count = int(prompt), int(count)
    arithmetic("f32")

    def make():
        model = Decoder(name).to(torch.bfloat16 if dtype == "BF16" else torch.float32)
        shape = (1, model.groups, prompt + count, model.head)
        cache = [tuple(torch.zeros(shape, dtype=model.tokens.weight.dtype) for _ in "kv") for _ in model.blocks]
        return model, cache

    model, cache = ready(("decode", name, dtype, variant), make)

    def run(ids, start, linear):
        end = start + ids.shape[1]

        def attend(i):
            keys, values = cache[i]

            def attention(q, k, v):
                keys[:, :, start:end], values[:, :, start:end] = k, v
                return fused(q, keys[:, :, :end], values[:, :, :end])

            return attention

        x = model.states(ids, start, attend, linear)[:, -1]
        if linear is vector:
            return torch.mv(model.tokens.weight, x.reshape(-1))
        return F.linear(x, model.tokens.weight)

    with torch.inference_mode():
        run(torch.zeros(1, prompt, dtype=torch.long), 0, matrix)
        one, linear = torch.full((1, 1), 5), vector if variant == "mv" else matrix
        begin = time.perf_counter()
        for i in range(count):
            run(one, prompt + i, linear)
        return time.perf_counter() - begin


def gemm(m, n, k, batch, a, b, mode, seconds):
    m, n, k, batch = (int(v) for v in (m, n, k, batch))
    context = arithmetic(mode)

    def make():
        dtype = torch.bfloat16 if mode == "bf16" else torch.float32
        left = torch.randn(batch, *((k, m) if a == "t" else (m, k)), dtype=dtype)
        right = torch.randn(batch, *((n, k) if b == "t" else (k, n)), dtype=dtype)
        left = left.transpose(1, 2) if a == "t" else left
        right = right.transpose(1, 2) if b == "t" else right
        if mode == "autocast":  # casts its operands, and knows no out
            return lambda: torch.mm(left[0], right[0]) if batch == 1 else torch.bmm(left, right)
        out = torch.empty(batch, m, n, dtype=dtype)
        if batch == 1:
            return lambda: torch.mm(left[0], right[0], out=out[0])
        return lambda: torch.bmm(left, right, out=out)

    with torch.inference_mode(), context:
        return median_time(float(seconds), ready(("gemm", m, n, k, batch, a, b, mode), make))


ROWS, WIDTH, INNER, VOCABULARY = 512, 768, 3072, 50272


def both_ways(make, *inputs):
    """A call that computes make() of inputs and the gradients of all of them."""
    state = {}

    def call():
        for x in inputs:
            x.grad = None
        y = make()
        if "gradient" not in state:
            state["gradient"] = torch.ones_like(y)
        y.backward(state["gradient"])

    return call


def operator(name):
    x = torch.randn(ROWS, INNER)
    simple = {
        "relu": F.relu, "silu": F.silu, "gelu": F.gelu, "exp": torch.exp,
        "gelu_tanh": lambda t: F.gelu(t, approximate="tanh"),
        "sum_rows": lambda t: t.sum(0), "transpose": lambda t: t.t().contiguous(),
    }
    if name in simple:
        return lambda: simple[name](x)
    if name == "add":
        y = torch.randn(ROWS, INNER)
        return lambda: x + y
    if name == "swiglu_both_ways":
        gate, up = (torch.randn(ROWS, INNER, requires_grad=True) for _ in range(2))
        return both_ways(lambda: F.silu(gate) * up, gate, up)
    if name in ("layer_norm", "layer_norm_both_ways", "rms_norm"):
        x = torch.randn(ROWS, WIDTH)
        w, b = torch.ones(WIDTH), torch.zeros(WIDTH)
        if name == "rms_norm":
            return lambda: F.rms_norm(x, (WIDTH,), w, 1e-5)
        if name == "layer_norm":
            return lambda: F.layer_norm(x, (WIDTH,), w, b)
        for t in (x, w, b):
            t.requires_grad_(True)
        return both_ways(lambda: F.layer_norm(x, (WIDTH,), w, b), x, w, b)
    if name in ("cross_entropy", "cross_entropy_both_ways"):
        logits = torch.randn(ROWS, VOCABULARY, requires_grad=name.endswith("ways"))
        targets = torch.arange(ROWS) * 7919 % VOCABULARY
        loss = lambda: F.cross_entropy(logits, targets)
        return both_ways(loss, logits) if name.endswith("ways") else loss
    if name in ("embedding", "embedding_backward"):
        table = torch.randn(VOCABULARY, WIDTH, requires_grad=name.endswith("backward"))
        ids = torch.arange(ROWS) * 7919 % VOCABULARY
        if name == "embedding":
            return lambda: F.embedding(ids, table)
        table.grad = torch.zeros_like(table)  # adding to what is there, as ours does
        gradient = torch.ones(ROWS, WIDTH)
        return lambda: table.grad.index_add_(0, ids, gradient)
    if name == "adamw":
        w = torch.randn(VOCABULARY * WIDTH, requires_grad=True)
        w.grad = torch.randn_like(w)
        return torch.optim.AdamW([w], lr=1e-4, weight_decay=0, fused=True).step
    raise KeyError(name)


def op(name, sizes, seconds):
    def make():
        if name == "softmax":
            x = torch.randn(*(int(v) for v in sizes.split("x")))
            return lambda: torch.softmax(x, -1)
        return operator(name)

    return median_time(float(seconds), ready(("op", name, sizes), make))


if __name__ == "__main__":
    serve(f"PyTorch {torch.__version__}", dict(gemm=gemm, op=op, train=train, forward=forward, decode=decode, prefill=prefill))
