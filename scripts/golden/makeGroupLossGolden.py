"""Golden losses of groups and their gradients, calculated by PyTorch's autograd in float64.

Writes test/kernels/golden/groupLosses.json. See README.md beside this file.
"""

import json
import platform
from pathlib import Path

import torch
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[2] / "test" / "kernels" / "golden"
K, WEIGHT = 5, 0.3
SIZES = [20, 7, 1, 2, 33, 20, 12, 5]


def pairs(z, y):
    """z of every click minus z of every other row of the group: [clicks, others]."""
    return z[y > 0][:, None] - z[y == 0][None, :]


def pairwise(z, y, w):
    return (w[y > 0][:, None] * F.softplus(-pairs(z, y))).mean()


def lambdarank(z, y, w):
    order = torch.argsort(z, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(z))
    discount = torch.where(rank < K, 1 / torch.log2(rank + 2.0), torch.zeros(len(z), dtype=torch.float64))
    best = sum(1 / torch.log2(torch.tensor(i + 2.0, dtype=torch.float64)) for i in range(min(K, int(y.sum()))))
    delta = (discount[y > 0][:, None] - discount[y == 0][None, :]).abs() / best
    return (w[y > 0][:, None] * delta.detach() * F.softplus(-pairs(z, y))).sum()


def softmax(z, y, w):
    return -(w * F.log_softmax(z, 0))[y > 0].mean()


def total(name, logits, groups, clicks, weights):
    """Every group counts as often as it has rows; one without an order not at all.

    Weights have the mean 1: of all rows for the cross-entropy, of the clicked ones for the order.
    """
    of_rows, of_clicks = weights / weights.mean(), weights / weights[clicks > 0].mean()
    loss = torch.zeros((), dtype=torch.float64)
    for group in groups.unique():
        own = groups == group
        z, y, w = logits[own], clicks[own], of_clicks[own]
        has_order = 0 < y.sum() < len(y)
        if name == "logistic+pairwise":
            loss = loss + (1 - WEIGHT) * F.binary_cross_entropy_with_logits(
                z, y, weight=of_rows[own], reduction="sum"
            )
            if has_order:
                loss = loss + WEIGHT * len(z) * pairwise(z, y, w)
        elif has_order:
            loss = loss + len(z) * {"pairwise": pairwise, "lambdarank": lambdarank, "softmax": softmax}[name](z, y, w)
    return loss


torch.set_num_threads(1)
generator = torch.Generator().manual_seed(1)
groups = torch.cat([torch.full((size,), i + 1) for i, size in enumerate(SIZES)])
logits = (2 * torch.randn(len(groups), generator=generator)).float()
clicks = (torch.rand(len(groups), generator=generator) < 0.25).double()
clicks[groups == 2] = 0  # without a click
clicks[groups == 4] = 1  # with nothing else
weights = torch.tensor([0, 0.25, 1, 5, 20])[torch.randint(5, (len(groups),), generator=generator)].double()


def losses_of(weights):
    losses = {}
    for name in ("pairwise", "lambdarank", "softmax", "logistic+pairwise"):
        z = logits.double().requires_grad_()
        loss = total(name, z, groups, clicks, weights)
        loss.backward()
        losses[name] = {"loss": loss.item(), "gradient": z.grad.tolist()}
        print(f"{name}: {loss.item():.6f}")
    return losses


description = {
    "madeBy": {
        "script": "scripts/golden/makeGroupLossGolden.py",
        "python": platform.python_version(),
        "torch": torch.__version__,
    },
    "rows": {
        "logits": logits.double().tolist(),
        "clicks": [int(click) for click in clicks],
        "groups": groups.tolist(),
    },
    "k": K,
    "weight": WEIGHT,
    "losses": losses_of(torch.ones_like(weights)),
    "weighted": {
        "weights": weights.tolist(),
        "rowMean": weights.mean().item(),
        "clickMean": weights[clicks > 0].mean().item(),
        "losses": losses_of(weights),
    },
}
(OUT / "groupLosses.json").write_text(json.dumps(description) + "\n")
