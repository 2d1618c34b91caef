"""Golden training runs of networks with embeddings, calculated by PyTorch in float64.

Writes test/kernels/golden/{embedded,embeddedAlone,embeddedDirect}.json. See README.md beside this file.
"""

import json
import platform
from pathlib import Path

import numpy as np
import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "test" / "kernels" / "golden"
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
DIRECT_DECAY = 100  # of the first layer's weights of direct embeddings
STEPS = 20


class Ranker(nn.Module):
    """Numbers, then the embeddings in their order, through the layers to one logit for each row."""

    def __init__(self, numbers, tables, hidden, activations):
        super().__init__()
        self.declared = tables
        # A single code is a lookup. A list is the mean of a bag of codes, of which `bag` chooses those that count.
        self.tables = nn.ModuleList(
            nn.Embedding(t["codes"], t["dim"], sparse=True)
            if t["slots"] == 1
            else nn.EmbeddingBag(t["codes"], t["dim"], mode="mean", sparse=True)
            for t in tables
        )
        layers, inputs = [], numbers + sum(t["dim"] for t in tables)
        for units, activation in zip(hidden, activations):
            layers.append(nn.Linear(inputs, units))
            if activation == "relu":
                layers.append(nn.ReLU())
            inputs = units
        self.model = nn.Sequential(*layers, nn.Linear(inputs, 1))

    def forward(self, numbers, codes):
        """`codes`: of each table, the codes of each row."""
        parts = [numbers]
        for table, rows in zip(self.tables, codes):
            if isinstance(table, nn.Embedding):
                parts.append(table(torch.tensor([row[0] for row in rows])))
            else:
                bags = [bag(row) for row in rows]
                starts = np.cumsum([0] + [len(one) for one in bags[:-1]])
                parts.append(table(torch.tensor(sum(bags, [])), torch.from_numpy(starts)))
        logit = self.model(torch.cat(parts, 1)).squeeze(1)
        for table, values in zip(self.declared, parts[1:]):
            if table.get("direct"):
                logit = logit + values.sum(1)
        return logit


def bag(codes):
    """0 stands for no code; a list without any is code 0, the row of what is missing."""
    return [code for code in codes if code != 0] or [0]


def draw_codes(generator, rows, codes, slots):
    """Codes of each row, those of a list with zeros anywhere in it; every fourth list is empty. The last code of
    a table is never drawn, so that its row has to stay as it is."""
    drawn = torch.randint(codes - 1, (rows, slots), generator=generator)
    if slots > 1:
        drawn[torch.rand(rows, slots, generator=generator) < 0.3] = 0
        drawn[torch.rand(rows, generator=generator) < 0.25] = 0
    return drawn.tolist()


def smallest_pre_activation(model, numbers, codes):
    """The least |input| of any ReLU: how far float32 may be off before it takes another branch than float64."""
    seen = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].abs().min().item()))
        for layer in model.model
        if isinstance(layer, nn.ReLU)
    ]
    with torch.no_grad():
        model(numbers, codes)
    for hook in hooks:
        hook.remove()
    return min(seen, default=float("inf"))


def decay_direct(model, tables, factor):
    """Decoupled decay, as AdamW's: the first layer's columns of direct embeddings, before the step."""
    weight = model.model[0].weight
    column = weight.shape[1] - sum(t["dim"] for t in tables)
    with torch.no_grad():
        for t in tables:
            if t.get("direct"):
                weight[:, column : column + t["dim"]] *= factor
            column += t["dim"]


def state_of(model, tables):
    """Float32 tensors by the names that Nearrank gives them, row by row."""
    named = {f"embedding.{t['name']}.weight": table.weight for t, table in zip(tables, model.tables)}
    named |= {f"model.{key}": value for key, value in model.model.state_dict().items()}
    return {
        key: {"shape": list(value.shape), "data": value.detach().to(torch.float32).double().flatten().tolist()}
        for key, value in named.items()
    }


def make_golden(name, *, seed, user_features, restaurant_features, tables, hidden, activations, batch_rows, learning_rate=1e-2):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    batches = [
        {
            "numbers": torch.randn(rows, user_features + restaurant_features, generator=generator),
            "codes": [draw_codes(generator, rows, t["codes"], t["slots"]) for t in tables],
            "clicks": torch.randint(2, (rows,), generator=generator).float(),
        }
        for rows in batch_rows
    ]
    model = Ranker(user_features + restaurant_features, tables, hidden, activations)  # float32 …
    initial = state_of(model, tables)
    model = model.double()  # … and from the same values on in float64

    betas = (BETA1, BETA2)
    dense = torch.optim.Adam(model.model.parameters(), lr=learning_rate, betas=betas, eps=EPSILON)
    sparse = torch.optim.SparseAdam(list(model.tables.parameters()), lr=learning_rate, betas=betas, eps=EPSILON)
    losses, margin = [], float("inf")
    for step in range(1, STEPS + 1):
        batch = batches[(step - 1) % len(batches)]
        numbers, clicks = batch["numbers"].double(), batch["clicks"].double()
        margin = min(margin, smallest_pre_activation(model, numbers, batch["codes"]))
        # Adam divides by √(v / (1 − β2^t)) + ε, SparseAdam by (√v + ε) / √(1 − β2^t): the same, if its ε is this one.
        for group in sparse.param_groups:
            group["eps"] = EPSILON * (1 - BETA2**step) ** 0.5
        dense.zero_grad()
        sparse.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(numbers, batch["codes"]), clicks)
        loss.backward()
        losses.append(loss.item())
        decay_direct(model, tables, 1 - learning_rate * DIRECT_DECAY)
        dense.step()
        sparse.step()

    description = {
        "madeBy": {
            "script": "scripts/golden/makeEmbeddingGolden.py",
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "seed": seed,
        "network": {
            "userFeatures": user_features,
            "restaurantFeatures": restaurant_features,
            "embeddings": tables,
            "hidden": hidden,
            "activations": activations,
        },
        "adam": {
            "learningRate": learning_rate,
            "beta1": BETA1,
            "beta2": BETA2,
            "epsilon": EPSILON,
            "weightDecay": 0,
        },
        "smallestPreActivation": margin,
        "batches": [
            {
                "numbers": batch["numbers"].double().tolist(),
                "codes": batch["codes"],
                "clicks": [int(click) for click in batch["clicks"]],
            }
            for batch in batches
        ],
        "losses": losses,
        "initial": initial,
        "final": state_of(model, tables),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(description) + "\n")
    print(f"{name}: loss {losses[0]:.6f} to {losses[-1]:.6f}, smallest pre-activation {margin:.2e}")


def table(name, codes, dim, slots, **more):
    side = "users" if name.startswith("user.") else "restaurants"
    return {"name": name, "side": side, "codes": codes, "dim": dim, "slots": slots, **more}


torch.set_num_threads(1)
make_golden(
    "embedded",
    seed=3,  # of 1 … 3 the one whose ReLU inputs stay farthest from 0
    user_features=2,
    restaurant_features=1,
    tables=[
        table("user.city", 7, 4, 1),
        table("user.likes", 9, 8, 3),
        table("restaurant.cuisine", 5, 4, 1),
        table("restaurant.tags", 6, 4, 2),
    ],
    hidden=[12, 6],
    activations=["none", "relu"],
    batch_rows=[24, 24, 24, 7],
)
make_golden(
    "embeddedAlone",
    seed=2,  # likewise
    user_features=0,
    restaurant_features=0,
    tables=[table("user.likes", 6, 4, 4), table("restaurant.cuisine", 8, 8, 1)],
    hidden=[8, 5],
    activations=["relu", "relu"],
    batch_rows=[20, 9],
)
make_golden(
    "embeddedDirect",
    seed=1,  # of 1 … 5 likewise
    user_features=2,
    restaurant_features=1,
    tables=[
        table("user.likes", 6, 4, 3),
        table("user.id", 9, 4, 1, direct=True),
        table("restaurant.id", 7, 8, 1, direct=True),
    ],
    hidden=[8, 6],
    activations=["none", "relu"],
    batch_rows=[24, 11],
    learning_rate=2e-3,
)
