"""A network with embeddings on realistic rows in memory, its step compiled. A round is an epoch."""

import copy
import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from realistic_data import Clicks, Data, Side, parser, report
from torch import Tensor, nn
from torch._inductor import config as inductor_config
from torch.nn import functional

BATCH = 2048
EVALUATION_BATCH = 16_384
WARM_UP_STEPS = 100
DIM = 8
HIDDEN = (256, 128)
# What an id adds to the logit: one number with a normal prior, whose precision is shared by the id's clicks.
# Embeddings of ids, with this prior or without, were less accurate here (README.md). The rate of these numbers is
# a multiple of the others', since few steps touch one.
ID_PRECISION = 3.3
ID_RATE = 5


@dataclass(frozen=True)
class Rows:
    """Clicks as tensors."""

    users: Tensor  # int32 [rows]
    restaurants: Tensor  # int32 [rows]
    numbers: Tensor  # float32 [rows, numbers], scaled
    codes: Tensor  # int32 [rows, categories], of the one table
    clicks: Tensor  # float32 [rows]

    def __len__(self) -> int:
        return len(self.clicks)

    def take(self, rows: Tensor | slice) -> tuple[Tensor, ...]:
        """Users, restaurants, numbers, codes and clicks of these rows."""
        return tuple(
            column[rows]
            for column in (self.users, self.restaurants, self.numbers, self.codes, self.clicks)
        )


class Network(nn.Module):
    """Numbers and embeddings through three layers; with ids, plus what each of the two says."""

    def __init__(self, data: Data, first_codes: dict[str, int], ids: bool) -> None:
        super().__init__()
        for name, side in (("user", data.users), ("restaurant", data.restaurants)):
            ((_, lists),) = side.lists.items()
            self.register_buffer(f"{name}_numbers", scaled(numbers_of(side.numbers)))
            self.register_buffer(f"{name}_codes", codes_of(side.categories, first_codes))
            self.register_buffer(f"{name}_lists", torch.from_numpy(lists))
        self.categories = nn.Embedding(sum(data.sizes.values()), DIM)
        self.liked = nn.Embedding(data.sizes["liked_cuisines"], DIM)
        self.cuisines = nn.Embedding(data.sizes["cuisines"], DIM)
        for table in (self.categories, self.liked, self.cuisines):
            nn.init.normal_(table.weight, std=0.1)
        click_numbers = len(data.train.numbers)
        click_codes = len(data.train.categories)
        width = self.user_numbers.shape[1] + self.restaurant_numbers.shape[1] + click_numbers
        width += DIM * (self.user_codes.shape[1] + self.restaurant_codes.shape[1] + click_codes + 2)
        layers: list[nn.Module] = []
        for units in HIDDEN:
            layers += [nn.Linear(width, units), nn.ReLU()]
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))
        rate = float(data.train.clicks.mean())
        nn.init.constant_(self.layers[-1].bias, math.log(rate / (1 - rate)))
        self.ids = nn.ModuleList()
        if ids:
            for count in (len(data.users.ids), len(data.restaurants.ids)):
                self.ids.append(nn.Embedding(count, 1))
                nn.init.zeros_(self.ids[-1].weight)

    def forward(self, users: Tensor, restaurants: Tensor, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits [rows]."""
        own_codes = (self.user_codes[users], self.restaurant_codes[restaurants], codes)
        x = torch.cat(
            (
                self.user_numbers[users],
                self.restaurant_numbers[restaurants],
                numbers,
                self.categories(torch.cat(own_codes, 1)).flatten(1),
                mean_of(self.liked, self.user_lists[users]),
                mean_of(self.cuisines, self.restaurant_lists[restaurants]),
            ),
            1,
        )
        return self.layers(x).squeeze(1) + self.said_by_ids(users, restaurants).sum(1)

    def said_by_ids(self, users: Tensor, restaurants: Tensor) -> Tensor:
        """What user and restaurant add to the logit, [rows, 2], or [rows, 0] without ids."""
        if not self.ids:
            return torch.zeros(len(users), 0)
        return torch.cat((self.ids[0](users), self.ids[1](restaurants)), 1)


def mean_of(table: nn.Embedding, lists: Tensor) -> Tensor:
    """What nn.EmbeddingBag does; compiled, this takes a third less time of a step, since it is fused."""
    held = (lists > 0).unsqueeze(2)
    return (table(lists) * held).sum(1) / held.sum(1).clamp(min=1)


def numbers_of(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Numbers with the mean where one is missing, and behind it whether it was; [rows, numbers]."""
    parts = []
    for values in columns.values():
        missing = np.isnan(values)
        parts.append(np.where(missing, np.nanmean(values), values))
        if missing.any():
            parts.append(missing.astype(np.float32))
    return np.stack(parts, axis=1)


def scaled(numbers: np.ndarray) -> Tensor:
    """Mean 0 and deviation 1, float32."""
    return torch.from_numpy(((numbers - numbers.mean(0)) / numbers.std(0)).astype(np.float32))


def codes_of(columns: dict[str, np.ndarray], first_codes: dict[str, int]) -> Tensor:
    """Codes in the one table of all categories, int32 [rows, categories]."""
    return torch.from_numpy(np.stack([codes + first_codes[name] for name, codes in columns.items()], axis=1))


def rows_of(data: Data, first_codes: dict[str, int], clicks: Clicks) -> Rows:
    """Tensors of clicks, with the scale of the training clicks."""
    columns = [
        (values - data.train.numbers[name].mean()) / data.train.numbers[name].std()
        for name, values in clicks.numbers.items()
    ]
    return Rows(
        torch.from_numpy(clicks.users),
        torch.from_numpy(clicks.restaurants),
        torch.from_numpy(np.stack(columns, axis=1)),
        codes_of(clicks.categories, first_codes),
        torch.from_numpy(clicks.clicks),
    )


class Trainer:
    """Adam with a warm-up and a cosine, in shuffled batches."""

    def __init__(self, network: Network, rows: Rows, rounds: int, rate: float) -> None:
        self.network = network
        self.rows = rows
        ids = list(network.ids.parameters())
        others = [p for name, p in network.named_parameters() if not name.startswith("ids.")]
        groups = [{"params": others}, *([{"params": ids, "lr": rate * ID_RATE}] if ids else [])]
        self.optimizer = torch.optim.Adam(groups, lr=rate, fused=True)
        steps = rounds * -(-len(rows) // BATCH)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: min(1, (step + 1) / WARM_UP_STEPS) * (1 + math.cos(math.pi * step / steps)) / 2,
        )
        shares = [
            ID_PRECISION / 2 / torch.bincount(ids_of, minlength=table.num_embeddings).clamp(min=1)
            for table, ids_of in zip(network.ids, (rows.users, rows.restaurants), strict=False)
        ]
        self.shares = shares  # of an id's prior, by row number: that of each of its clicks
        self.compiled = torch.compile(self.loss, fullgraph=True, dynamic=False)

    def loss(
        self, users: Tensor, restaurants: Tensor, numbers: Tensor, codes: Tensor, clicks: Tensor
    ) -> Tensor:
        """Mean binary cross-entropy of a batch, and its share of the prior."""
        logits = self.network(users, restaurants, numbers, codes)
        loss = functional.binary_cross_entropy_with_logits(logits, clicks)
        if not self.shares:
            return loss
        said = self.network.said_by_ids(users, restaurants)
        shares = torch.stack((self.shares[0][users], self.shares[1][restaurants]), 1)
        return loss + (said.square() * shares).sum(1).mean()

    def compile(self) -> None:
        """Compiles forward and backward without a step."""
        self.compiled(*self.rows.take(slice(0, BATCH))).backward()
        self.optimizer.zero_grad(set_to_none=True)

    def train(self) -> None:
        """One epoch over all rows in random order."""
        for batch in torch.randperm(len(self.rows)).split(BATCH):
            loss = self.compiled if len(batch) == BATCH else self.loss  # another size would be compiled anew
            loss(*self.rows.take(batch)).backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.schedule.step()


@torch.inference_mode()
def logits_of(network: Network, rows: Rows) -> Tensor:
    """Logits of all rows, [rows]."""
    starts = range(0, len(rows), EVALUATION_BATCH)
    return torch.cat([network(*rows.take(slice(at, at + EVALUATION_BATCH))[:-1]) for at in starts])


def main() -> None:
    """Trains, keeps the epoch of the lowest validation loss, evaluates, prints one line of JSON."""
    options = parser(__doc__, rounds=4, rate=4e-3).parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    inductor_config.compile_threads = 1  # no pool of compiling processes, whose memory would count
    data = Data.read(options.data, options.seed)
    names = [*data.users.categories, *data.restaurants.categories, *data.train.categories]
    starts = np.cumsum([0, *(data.sizes[name] for name in names)])
    first_codes = dict(zip(names, starts.tolist(), strict=False))
    train, validation, test = (
        rows_of(data, first_codes, clicks) for clicks in (data.train, data.validation, data.test)
    )
    network = Network(data, first_codes, options.ids)
    trainer = Trainer(network, train, options.rounds, options.learning_rate)
    trainer.compile()
    best, kept, kept_state = math.inf, 0, {}
    epoch_seconds = []
    for epoch in range(1, options.rounds + 1):
        started = time.perf_counter()
        trainer.train()
        epoch_seconds.append(time.perf_counter() - started)
        logits = logits_of(network, validation)
        loss = functional.binary_cross_entropy_with_logits(logits, validation.clicks).item()
        print(f"epoch {epoch}: {epoch_seconds[-1]:.2f} s, validation loss {loss:.4f}", file=sys.stderr)
        if loss < best:
            best, kept, kept_state = loss, epoch, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept_state)
    report(
        "torch",
        options,
        data,
        logits_of(network, test).numpy(),
        rounds=options.rounds,
        kept=kept,
        trainSeconds=sum(epoch_seconds),
    )


if __name__ == "__main__":
    main()
