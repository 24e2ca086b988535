"""Writes torch.json: results of torch that the ref backend must agree with.

    python gen_torch.py

Made with torch 2.15 on the CPU, in float64 except where a name ends in _f32.
Arrays are flat lists; shapes stand in ref's torch_test.go.
"""

import json
import math

import torch
import torch.nn.functional as F

torch.manual_seed(1)
out = {}


def put(name, t):
    # Twelve digits: the test's bar for float64, and exact for float32.
    out[name] = [float(f"{v:.12g}") for v in t.detach().double().flatten().tolist()]
    return t


def draw(name, *shape, scale=1.0, dtype=torch.float64):
    x = (torch.randn(*shape) * scale).float()  # values both types hold
    out[name] = x.double().flatten().tolist()
    return x.to(dtype).requires_grad_()


def grads(prefix, y, dy, **inputs):
    for (name, x), g in zip(inputs.items(), torch.autograd.grad(y, list(inputs.values()), dy)):
        put(f"{prefix}.d{name}", g)


# functions of one number
x = draw("unary.x", 24, scale=2)
dy = draw("unary.dy", 24)
functions = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "exp": torch.exp,
    "square": torch.square,
    "neg": torch.neg,
}
for name, f in functions.items():
    y = put(f"unary.{name}.y", f(x))
    grads(f"unary.{name}", y, dy, x=x)

# norms
x, gain, bias, dy = draw("norm.x", 5, 12), draw("norm.gain", 12), draw("norm.bias", 12), draw("norm.dy", 5, 12)
y = put("layernorm.y", F.layer_norm(x, (12,), gain, bias, 1e-5))
grads("layernorm", y, dy, x=x, gain=gain, bias=bias)
y = put("rmsnorm.y", F.rms_norm(x, (12,), gain, 1e-5))
grads("rmsnorm", y, dy, x=x, gain=gain)

# softmax and loss
x, dy = draw("softmax.x", 4, 9, scale=3), draw("softmax.dy", 4, 9)
y = put("softmax.y", F.softmax(x, -1))
grads("softmax", y, dy, x=x)
targets = torch.tensor([3, 0, 8, 3])
dloss = draw("loss.dloss", 4)
loss = put("loss.loss", F.cross_entropy(x, targets, reduction="none"))
put("loss.lse", torch.logsumexp(x, -1))
grads("loss", loss, dloss, x=x)

# rotary embedding as transformers' apply_rotary_pos_emb
heads, kv_heads, width, rows = 4, 2, 6, 7
x, angles = draw("rope.x", 5, 2, 8), draw("rope.angles", 5, 3)
cos, sin = torch.cat([angles.cos()] * 2, -1)[:, None], torch.cat([angles.sin()] * 2, -1)[:, None]
turned, kept = x[..., :6], x[..., 6:]
half = torch.cat([-turned[..., 3:], turned[..., :3]], -1)
put("rope.cos", angles.cos())
put("rope.sin", angles.sin())
put("rope.y", torch.cat([turned * cos + half * sin, kept], -1))

# grouped causal attention of one sequence, and of its last rows after a prefix
q, k, v = draw("attn.q", rows, heads, width), draw("attn.k", rows, kv_heads, width), draw("attn.v", rows, kv_heads, width)
dy = draw("attn.dy", rows, heads, width)
y = F.scaled_dot_product_attention(
    q.transpose(0, 1)[None], k.transpose(0, 1)[None], v.transpose(0, 1)[None], is_causal=True, enable_gqa=True, scale=0.3
)[0].transpose(0, 1)
put("attn.y", y)
grads("attn", y, dy, q=q, k=k, v=v)

# three steps of AdamW with clipped gradients, in both types
for dtype, tag in ((torch.float64, "f64"), (torch.float32, "f32")):
    torch.manual_seed(2)
    w = torch.nn.Parameter(torch.randn(17).to(dtype))
    put(f"adamw_{tag}.w0", w)
    opt = torch.optim.AdamW([w], lr=3e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1, foreach=False)
    for step in range(1, 4):
        w.grad = torch.randn(17).to(dtype)
        put(f"adamw_{tag}.grad{step}", w.grad)
        put(f"adamw_{tag}.norm{step}", torch.nn.utils.clip_grad_norm_([w], 1.0))
        opt.step()
        put(f"adamw_{tag}.w{step}", w)

with open("torch.json", "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
