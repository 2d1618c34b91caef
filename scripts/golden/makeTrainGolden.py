"""Golden training runs, calculated by PyTorch in float64: what the kernels and the trainer are judged by.

Writes test/kernels/golden/{reference,deep}.{safetensors,json}. See README.md beside this file.
"""

import json
import platform
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.numpy import save_file
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "test" / "kernels" / "golden"
SAMPLES = 32  # positions of each tensor whose gradients are recorded at every step


class Ranker(nn.Module):
    """One logit for each row; the tensors are named as Nearrank names them (`model.0.weight`, …)."""

    def __init__(self, features, hidden, activations):
        super().__init__()
        layers, inputs = [], features
        for units, activation in zip(hidden, activations):
            layers.append(nn.Linear(inputs, units))
            if activation == "relu":
                layers.append(nn.ReLU())
            inputs = units
        self.model = nn.Sequential(*layers, nn.Linear(inputs, 1))  # uniform in ±1/√fan_in, weights and biases

    def forward(self, x):
        return self.model(x).squeeze(1)


def make_batches(generator, user_features, restaurant_features, batch_rows):
    """Rows that look like the reference job's: clustered features, clicks drawn from the product of some of them."""

    def clustered(rows, width):
        centres = 2 * torch.randn(10, width, generator=generator)
        members = torch.randint(10, (rows,), generator=generator)
        return centres[members] + 0.1 * torch.randn(rows, width, generator=generator)

    rows = sum(batch_rows)
    users, restaurants = clustered(rows, user_features), clustered(rows, restaurant_features)
    shared = min(user_features, restaurant_features, 10)
    score = (users[:, :shared] * restaurants[:, :shared]).sum(1) + 0.1 * torch.randn(rows, generator=generator)
    clicks = (torch.rand(rows, generator=generator) < torch.sigmoid(score)).float()
    features = torch.cat([users, restaurants], 1)
    return list(zip(features.split(batch_rows), clicks.split(batch_rows)))


def smallest_pre_activation(model, x):
    """The least |input| of any ReLU: how far float32 may be off before it takes another branch than float64."""
    smallest = float("inf")
    for layer in model.model:
        if isinstance(layer, nn.ReLU):
            smallest = min(smallest, x.abs().min().item())
        x = layer(x)
    return smallest


def as_float32(tensor):
    return np.ascontiguousarray(tensor.detach().to(torch.float32).numpy())


def make_golden(name, *, seed, user_features, restaurant_features, hidden, activations, batch_rows, steps, learning_rate):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    batches = make_batches(generator, user_features, restaurant_features, batch_rows)
    model = Ranker(user_features + restaurant_features, hidden, activations)  # float32 …
    tensors = {f"initial/{key}": as_float32(value) for key, value in model.state_dict().items()}
    for i, (features, clicks) in enumerate(batches):
        tensors[f"batch{i}/features"] = as_float32(features)
        tensors[f"batch{i}/clicks"] = as_float32(clicks)

    model = model.double()  # … and from the same values on in float64
    adam = torch.optim.Adam(model.parameters(), lr=learning_rate, betas=(0.9, 0.999), eps=1e-8)
    positions = {
        key: sorted(torch.randperm(value.numel(), generator=generator)[:SAMPLES].tolist())
        for key, value in model.named_parameters()
    }
    history, margin = [], float("inf")
    for step in range(steps):
        features, clicks = (part.double() for part in batches[step % len(batches)])
        with torch.no_grad():
            margin = min(margin, smallest_pre_activation(model, features))
        adam.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(features), clicks)
        loss.backward()
        gradients = {}
        for key, value in model.named_parameters():
            if step == 0:
                tensors[f"gradient/{key}"] = as_float32(value.grad)
            flat = value.grad.flatten()
            gradients[key] = {"norm": flat.norm().item(), "sample": flat[positions[key]].tolist()}
        history.append({"batch": step % len(batches), "loss": loss.item(), "gradients": gradients})
        adam.step()
    tensors |= {f"final/{key}": as_float32(value) for key, value in model.state_dict().items()}

    description = {
        "madeBy": {
            "script": "scripts/golden/makeTrainGolden.py",
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
        },
        "seed": seed,
        "network": {
            "userFeatures": user_features,
            "restaurantFeatures": restaurant_features,
            "hidden": hidden,
            "activations": activations,
        },
        "adam": {"learningRate": learning_rate, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0},
        "batchRows": batch_rows,
        "smallestPreActivation": margin,
        "samplePositions": positions,
        "steps": history,
    }
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(tensors, OUT / f"{name}.safetensors")
    (OUT / f"{name}.json").write_text(json.dumps(description) + "\n")
    print(f"{name}: loss {history[0]['loss']:.6f} to {history[-1]['loss']:.6f}, smallest pre-activation {margin:.2e}")


torch.set_num_threads(1)
make_golden(
    "reference",
    seed=6,  # of 1 … 6 the one whose ReLU inputs stay farthest from 0
    user_features=30,
    restaurant_features=10,
    hidden=[256, 128],
    activations=["none", "relu"],
    batch_rows=[64, 64, 64, 17],
    steps=10,
    learning_rate=1e-3,
)
make_golden(
    "deep",
    seed=2,
    user_features=7,
    restaurant_features=5,
    hidden=[24, 10, 6],
    activations=["relu", "none", "relu"],
    batch_rows=[33],
    steps=5,
    learning_rate=1e-2,
)
