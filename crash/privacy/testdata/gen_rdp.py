"""Writes rdp.json: Rényi divergences and ε of the Poisson-subsampled Gaussian mechanism.

By three programs that have nothing in common but Opacus's descent from TF-privacy:
opacus 1.6.0 (opacus/accountants/analysis/rdp.py, loaded by itself, since the rest wants
torch), dp-accounting 0.4.4 (google/differential-privacy), and the integral itself in 40
digits by mpmath 1.3.0. With numpy 2.4.6 and scipy 1.17.1.

    pip install --no-deps opacus==1.6.0 dp-accounting==0.4.4
    pip install absl-py attrs mpmath==1.3.0 scipy numpy dm-tree
    python gen_rdp.py
"""
import importlib.util
import json
import pathlib

import mpmath
from dp_accounting import dp_event
from dp_accounting.rdp import RdpAccountant

here = pathlib.Path(__file__).parent


def load_opacus():
    root = pathlib.Path(importlib.util.find_spec("opacus").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("rdp", root / "accountants/analysis/rdp.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


opacus = load_opacus()
mpmath.mp.dps = 40


def integral(q, sigma, alpha):
    """log E_{z ~ N(0,σ²)} (1-q + q·exp((2z-1)/(2σ²)))^α / (α-1)"""
    q, sigma, alpha = mpmath.mpf(q), mpmath.mpf(sigma), mpmath.mpf(alpha)
    f = lambda z: mpmath.npdf(z, 0, sigma) * (1 - q + q * mpmath.exp((2 * z - 1) / (2 * sigma**2))) ** alpha
    low, high = -14 * sigma, alpha + 14 * sigma  # the mass lies around 0 and around α
    points = [low + (high - low) * i / 60 for i in range(61)]
    return float(mpmath.log(mpmath.quad(f, points)) / (alpha - 1))


def opacus_orders():
    return [1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))


rdp = []
for q, sigma in [(0.01, 4), (256 / 60000, 1.3), (256 / 60000, 0.7), (0.05, 1), (0.001, 0.5), (0.3, 2), (0.9, 3), (1, 2), (1e-5, 0.8)]:
    for alpha in [1.1, 1.5, 2, 2.5, 3, 5.7, 8, 10.9, 17, 32, 63]:
        rdp.append({
            "rate": q, "noise": sigma, "order": alpha,
            "integral": integral(q, sigma, alpha),
            "opacus": float(opacus.compute_rdp(q=q, noise_multiplier=sigma, steps=1, orders=[alpha])[0]),
        })

epsilon = []
for q, sigma, steps, delta in [
    (0.01, 4, 10000, 1e-5), (256 / 60000, 1.3, 4688, 1e-5), (256 / 60000, 0.7, 16407, 1e-5),
    (16 / 2000, 1.1, 375, 1e-5), (16 / 2000, 0.6, 375, 1e-5), (0.5, 10, 50, 1e-6), (1, 20, 3, 1e-3), (1e-4, 1, 1, 1e-5),
]:
    orders = opacus_orders()
    r = opacus.compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=orders)
    accountant = RdpAccountant()
    event = dp_event.GaussianDpEvent(sigma)
    accountant.compose(dp_event.PoissonSampledDpEvent(q, event) if q < 1 else event, steps)
    epsilon.append({
        "rate": q, "noise": sigma, "steps": steps, "delta": delta,
        "opacus": float(opacus.get_privacy_spent(orders=orders, rdp=r, delta=delta)[0]),
        "dp_accounting": float(accountant.get_epsilon(delta)),
    })

with open(here / "rdp.json", "w") as f:
    json.dump({"versions": "opacus 1.6.0, dp-accounting 0.4.4, mpmath 1.3.0", "rdp": rdp, "epsilon": epsilon}, f, indent=1)
