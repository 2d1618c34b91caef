"""Golden order measures of random groups with ties, by scikit-learn and by enumeration.

Writes test/metrics/golden/orderMeasures.json. See README.md beside this file.
"""

import itertools
import json
import math
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

OUT = Path(__file__).resolve().parents[2] / "test" / "metrics" / "golden"
GROUPS = 120
SEED = 11
ORDERS_MAX = 3000  # of tied rows, so that all of them can be tried


def orders(scores):
    """Every order of the rows, highest score first, that differs in how ties are broken."""
    tied = [np.flatnonzero(scores == score) for score in sorted(set(scores), reverse=True)]
    for parts in itertools.product(*(itertools.permutations(rows) for rows in tied)):
        yield [row for part in parts for row in part]


def count_orders(scores):
    _, counts = np.unique(scores, return_counts=True)
    return math.prod(math.factorial(n) for n in counts)


def by_enumeration(clicks, scores):
    """Reciprocal rank, average precision at 10 and hit rates: plain definitions, mean over all orders."""
    found = []
    for order in orders(scores):
        clicked = np.array(clicks)[order]
        first = int(np.argmax(clicked))
        top = clicked[:10]
        precisions = np.cumsum(top) / np.arange(1, len(top) + 1)
        found.append(
            [
                1 / (first + 1),
                float((precisions * top).sum()) / min(clicked.sum(), 10),
                first < 1,
                first < 5,
                first < 10,
            ]
        )
    return np.mean(found, axis=0)


def measures(clicks, scores):
    mrr, map10, *hits = by_enumeration(clicks, scores)
    if len(scores) <= 10 and len(set(scores)) == len(scores):
        assert abs(map10 - average_precision_score(clicks, scores)) < 1e-12
    # ndcg_score averages over ties, too; it refuses a group of one row, whose order is the best.
    ndcg = [ndcg_score([clicks], [scores], k=k) if len(clicks) > 1 else 1.0 for k in (5, 10)]
    auc = roc_auc_score(clicks, scores) if sum(clicks) < len(clicks) else None
    return dict(
        ndcg5=ndcg[0], ndcg10=ndcg[1], mrr=mrr, map10=map10,
        hitRate1=hits[0], hitRate5=hits[1], hitRate10=hits[2], auc=auc,
    )  # fmt: skip


def main():
    random = np.random.default_rng(SEED)
    groups = []
    while len(groups) < GROUPS:
        rows = int(random.integers(1, 26))
        levels = int(random.integers(1, 60))
        # Quarters: float32 holds them exactly.
        scores = (random.integers(0, levels, rows) / 4 - levels / 8).tolist()
        clicks = (random.random(rows) < random.choice([0.1, 0.3, 0.9])).astype(int).tolist()
        if count_orders(scores) > ORDERS_MAX:
            continue
        own = measures(clicks, np.array(scores)) if sum(clicks) > 0 else None
        groups.append(dict(scores=scores, clicks=clicks, measures=own))
    clicked = [group["measures"] for group in groups if group["measures"]]
    means = {key: float(np.mean([own[key] for own in clicked])) for key in clicked[0] if key != "auc"}
    mixed = [group for group in groups if group["measures"] and group["measures"]["auc"] is not None]
    weights = [len(group["clicks"]) for group in mixed]
    means["gauc"] = float(np.average([group["measures"]["auc"] for group in mixed], weights=weights))
    made_by = f"CPython {platform.python_version()}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}"
    OUT.mkdir(parents=True, exist_ok=True)
    golden = dict(madeBy=made_by, seed=SEED, means=means, groups=groups)
    (OUT / "orderMeasures.json").write_text(json.dumps(golden, default=float) + "\n")


main()
