"""Writes attacks.json: AUC with DeLong's variance, TPR at a false positive rate, and LiRA
scores, with numpy 2.4.6, scipy 1.17.1 and scikit-learn 1.9.1.

    python gen_attacks.py
"""
import json
import pathlib

import numpy as np
import scipy.stats
from sklearn.metrics import roc_auc_score, roc_curve

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(14)


def delong(members, others):
    """DeLong et al. (1988), equations 2 and 3, in all m·n pairs."""
    psi = (members[:, None] > others[None, :]) + 0.5 * (members[:, None] == others[None, :])
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    return float(v10.var(ddof=1) / len(members) + v01.var(ddof=1) / len(others))


def tpr_at(members, others, fpr):
    labels = np.r_[np.ones(len(members)), np.zeros(len(others))]
    f, t, _ = roc_curve(labels, np.r_[members, others], drop_intermediate=False)
    return float(t[f <= fpr].max())


auc = []
for m, n, shift, digits in [(40, 60, 0.0, 6), (200, 100, 0.7, 6), (150, 300, 1.5, 1), (5, 7, 0.3, 0), (120, 130, 6.0, 6)]:
    members = np.round(rng.normal(shift, 1, m), digits)  # few digits: ties
    others = np.round(rng.normal(0, 1, n), digits)
    labels = np.r_[np.ones(m), np.zeros(n)]
    auc.append({
        "members": members.tolist(), "others": others.tolist(),
        "auc": float(roc_auc_score(labels, np.r_[members, others])),
        "mannwhitney": float(scipy.stats.mannwhitneyu(members, others).statistic / (m * n)),
        "variance": delong(members, others),
        "tpr1": tpr_at(members, others, 0.01), "tpr10": tpr_at(members, others, 0.10),
    })


def confidence(loss):
    p = np.exp(-loss)
    return np.log(p / (1 - p))


lira = []
for shadows, rows, online in [(6, 5, False), (8, 5, True), (140, 4, True), (70, 3, False)]:
    losses = rng.gamma(2, 0.6, rows)
    shadow = rng.gamma(2, 0.6, (shadows, rows))
    inside = np.array([rng.permutation(np.arange(shadows) % 2) for _ in range(rows)]).T == 1 if online else np.zeros((shadows, rows), bool)
    phi, observed = confidence(shadow), confidence(losses)
    scores = []

    def fit(mask):
        mean = np.array([phi[mask[:, i], i].mean() for i in range(rows)])
        var = np.array([phi[mask[:, i], i].var(ddof=1) for i in range(rows)])
        if mask.sum(axis=0).min() < 64:
            var[:] = var.mean()
        return mean, np.sqrt(var)

    mu_out, sd_out = fit(~inside)
    if online:
        mu_in, sd_in = fit(inside)
        scores = scipy.stats.norm.logpdf(observed, mu_in, sd_in) - scipy.stats.norm.logpdf(observed, mu_out, sd_out)
    else:
        scores = scipy.stats.norm.ppf(scipy.stats.norm.cdf(observed, mu_out, sd_out))
    lira.append({"online": online, "losses": losses.tolist(), "shadows": shadow.tolist(), "in": inside.tolist(), "scores": scores.tolist()})

with open(here / "attacks.json", "w") as f:
    json.dump({"versions": "numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1", "auc": auc, "lira": lira}, f)
