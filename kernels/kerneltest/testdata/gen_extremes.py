"""Writes extremes.json: operations of torch at all magnitudes and special values.

    python gen_extremes.py

Made with torch 2.15 and mpmath 1.3 on the CPU, one thread. Of every result two columns
stand in the file: the exact one of the float32 inputs, and torch's in float32 ("="
where it is the first one rounded), whose distance from the first is the bar that a
backend's result is held to. The exact one is torch's in float64, but for functions of
one finite number, whose tails torch's float64 loses.
"""

import json
import math

import mpmath as mp
import torch
import torch.nn.functional as F

mp.mp.dps = 60

torch.set_num_threads(1)
torch.manual_seed(7)
INF, NAN = math.inf, math.nan
SIZES = [
    0.0, 1e-45, 1e-40, 1.3e-38, 1e-30, 1e-20, 1e-10, 1e-5, 1e-3, 0.0625, 0.1, 0.3, 0.5, 0.62, 0.63, 0.75, 1, 1.25,
    1.28, 1.5, 2, 3, 4, 5, 5.5, 6, 8, 9, 9.1, 10, 13, 14, 15, 17, 20, 30, 40, 60, 80, 86, 87, 87.4, 88, 88.7, 89, 100,
    103, 104, 150, 1e3, 1e4, 1e6, 1e10, 1e15, 1.8e19, 1.9e19, 1e20, 1e30, 1e38, 3.4e38, INF,
]
GRID = [s * v for v in SIZES for s in (1, -1)] + [NAN]
groups = []


def text(t):
    return " ".join("%.9g" % v for v in t.detach().double().flatten().tolist())


def column(exact, single):
    same = (exact.float() == single) | exact.isnan() & single.isnan()
    return " ".join("=" if e else "%.9g" % v for e, v in zip(same.flatten().tolist(), single.flatten().tolist()))


def group(name, inputs, compute, cols=1, formula=None):
    """compute takes the inputs as tensors of one type and returns named results; formula,
    if there is one, does the same with numbers, exactly."""
    inputs = {k: torch.as_tensor(v).float() for k, v in inputs.items()}
    exact = compute(**{k: v.double().requires_grad_() for k, v in inputs.items()})
    if formula:
        exact = {k: v.detach().clone() for k, v in exact.items()}
        for i, row in enumerate(zip(*[v.tolist() for v in inputs.values()])):
            for k, v in formula(*map(mp.mpf, row)).items():
                exact[k][i] = float(v)
    single = compute(**{k: v.clone().requires_grad_() for k, v in inputs.items()})
    groups.append({
        "name": name, "cols": cols,
        "in": {k: text(v) for k, v in inputs.items()},
        "out": {k: {"exact": text(exact[k]), "torch": column(exact[k], single[k])} for k in exact},
    })


def cycle(values, n, step):
    return [values[i * step % len(values)] for i in range(n)]


def with_grads(y, dy, **inputs):
    grads = torch.autograd.grad(y, list(inputs.values()), dy)
    return {"y": y, **{"d" + k: g for k, g in zip(inputs, grads)}}


FUNCTIONS = {
    "relu": F.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
    "square": lambda x: x * x, "neg": lambda x: -x,
}


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def gelu_tanh(x, slope):
    c = 2 * mp.sqrt(2 / mp.pi)
    s, t = logistic(c * (x + mp.mpf("0.044715") * x**3)), logistic(-c * (x + mp.mpf("0.044715") * x**3))
    return s + x * s * t * c * (1 + 3 * mp.mpf("0.044715") * x * x) if slope else x * s


# each function and its derivative
EXACT = {
    "relu": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0)),
    "gelu": (lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x)),
    "gelu_tanh": (lambda x: gelu_tanh(x, False), lambda x: gelu_tanh(x, True)),
    "silu": (lambda x: x * logistic(x), lambda x: logistic(x) * (1 + x * logistic(-x))),
    "tanh": (mp.tanh, lambda x: 4 * logistic(2 * x) * logistic(-2 * x)),
    "sigmoid": (logistic, lambda x: logistic(x) * logistic(-x)),
    "exp": (mp.exp, mp.exp),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "neg": (lambda x: -x, lambda x: mp.mpf(-1)),
}


def exactly(name, x):
    """Returns the function and its derivative at x; at no finite x, what torch has."""
    if mp.isfinite(x):
        return [f(x) for f in EXACT[name]]
    t = torch.tensor(float(x), dtype=torch.float64, requires_grad=True)
    y = FUNCTIONS[name](t)
    return mp.mpf(y.item()), mp.mpf(torch.autograd.grad(y, t)[0].item())


def unary_formula(name):
    def formula(x, dy):
        f, slope = exactly(name, x)
        return {"y": f, "dx": dy * slope}
    return formula


def gated_formula(name):
    def formula(gate, up, dy):
        f, slope = exactly(name, gate)
        return {"y": f * up, "dgate": dy * up * slope, "dup": dy * f}
    return formula


slopes = [1.0, -0.7, 3e-20, 1e10, 0.0, -1e30, INF, NAN]
for name, f in FUNCTIONS.items():
    x = GRID + GRID
    dy = [1.0] * len(GRID) + cycle(slopes, len(GRID), 3)
    group("unary " + name, {"x": x, "dy": dy}, lambda x, dy, f=f: with_grads(f(x), dy, x=x),
          formula=unary_formula(name) if name in EXACT else None)
for name in ["silu", "gelu", "gelu_tanh", "relu", "sigmoid"]:
    f, n = FUNCTIONS[name], 2 * len(GRID)
    group("gated " + name, {
        "gate": GRID + GRID, "up": cycle([1.0, -2.5, 1e-20, 1e20, 3.0, 0.5, INF], n, 5),
        "dy": [1.0] * len(GRID) + cycle(slopes, len(GRID), 3),
    }, lambda gate, up, dy, f=f: with_grads(f(gate) * up, dy, gate=gate, up=up), formula=gated_formula(name))


# rows of 8
def rows(*scales, offset=0.0):
    return torch.cat([torch.randn(1, 8) * s + offset for s in scales])


def sick(row, *values):
    row = row.clone()
    for i, v in enumerate(values):
        row[0, 2 * i + 1] = v
    return row


SCALES = [0.0, 1e-40, 1e-30, 1e-10, 1e-3, 1, 10, 100, 1e4, 1e10, 1e18, 1e20, 1e30, 1e38]
plain = torch.randn(1, 8)
X = torch.cat([
    rows(*SCALES), rows(1, 1, offset=100.0), rows(1, 1e-2, offset=1e3), rows(1, 10, offset=1e5), rows(1, offset=-1e5),
    rows(1, offset=1e7), torch.full((1, 8), 3.4e38), torch.tensor([[3.4e38, -3.4e38] * 4]),
    sick(plain, 1e38), sick(plain, -1e38), sick(plain, 1e30, -1e30), sick(plain, 60.0), sick(plain, 90.0, 90.0),
    sick(plain, INF), sick(plain, -INF), sick(plain, NAN), sick(plain, INF, -INF), torch.full((1, 8), -INF), torch.full((1, 8), NAN),
])
n = len(X)
DY = torch.randn(n, 8)
DY[3] *= 1e20
DY[5] *= 1e-20
target = torch.arange(n) * 3 % 8
group("softmax", {"x": X, "dy": DY}, lambda x, dy: with_grads(torch.softmax(x, -1), dy, x=x), 8)
group("log_softmax", {"x": X, "dy": DY}, lambda x, dy: with_grads(torch.log_softmax(x, -1), dy, x=x), 8)


def cross_entropy(logits, dloss):
    y = F.cross_entropy(logits, target, reduction="none")
    return with_grads(y, dloss, logits=logits)


group("cross_entropy", {"logits": X, "dloss": torch.randn(n)}, cross_entropy, 8)
gain, bias = torch.randn(8), torch.randn(8)
X = torch.cat([X[:22], X[23:]])  # where all are 3.4e38 torch's variance is not 0, in float64 neither
DY = DY[1:]
group("layer_norm", {"x": X, "dy": DY, "gain": gain, "bias": bias},
      lambda x, dy, gain, bias: with_grads(F.layer_norm(x, (8,), gain, bias, 1e-5), dy, x=x), 8)
group("rms_norm", {"x": X, "dy": DY, "gain": gain}, lambda x, dy, gain: with_grads(
    x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain, dy, x=x), 8)


# causal attention, one head; the largest score is about size
def attention(q, k, v, dy):
    t, d = q.shape
    scores = q @ k.T / math.sqrt(d) + torch.full((t, t), -INF).triu(1).to(q.dtype)
    return with_grads(torch.softmax(scores, -1) @ v, dy, q=q, k=k, v=v)


for size in [1, 42, 400, 4000, 13000, 42000, 1e6]:
    q, k = torch.randn(20, 8), torch.randn(20, 8)
    q, k = (x * math.sqrt(size / (q @ k.T / math.sqrt(8)).abs().max()) for x in (q, k))
    group("attention %g" % size, {"q": q, "k": k, "v": torch.randn(20, 8), "dy": torch.randn(20, 8)}, attention, 8)

# one step of AdamW, the second
G = GRID + GRID
m = cycle([0.0, 1e-3, -1.0, 1e10], len(G), 3)
v = cycle([0.0, 1e-6, 1.0, 1e25], len(G), 5)


def adamw(w, grad, m, v):
    p = torch.nn.Parameter(w.detach().clone())
    opt = torch.optim.AdamW([p], lr=1e-2, weight_decay=0.1, foreach=False, fused=False)
    opt.state[p] = {"step": torch.tensor(1.0), "exp_avg": m.detach().clone(), "exp_avg_sq": v.detach().clone()}
    p.grad = grad.detach().clone()
    opt.step()
    return {"w": p, "m": opt.state[p]["exp_avg"], "v": opt.state[p]["exp_avg_sq"]}


group("adamw", {"w": cycle([1.0, -0.5, 1e10, 1e-10], len(G), 7), "grad": G, "m": m, "v": v}, adamw)

with open("extremes.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(g) for g in groups) + "\n]\n")
