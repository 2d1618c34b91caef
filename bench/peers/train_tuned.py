"""What else PyTorch offers on a CPU: gather, forward, backward and Adam of several steps compiled into one graph."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from clicks import (
    BATCH,
    Clicks,
    Tables,
    evaluate,
    parser,
    rank_net,
    report,
    train_paths,
)
from torch import Tensor
from torch._inductor import config as inductor_config
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

Network = Callable[[Sequence[Tensor], Tensor], Tensor]

# Steps in one call of the compiled graph, each of them made: 8 hide what a call costs (0.13 ms).
CALL_ROWS = 8 * BATCH
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def logits(parameters: Sequence[Tensor], features: Tensor) -> Tensor:
    """The reference network as it stands: features [rows, 40] to logits [rows]."""
    w1, b1, w2, b2, w3, b3 = parameters
    hidden = functional.linear(functional.linear(features, w1, b1), w2, b2).relu()
    return (hidden * w3).sum(1) + b3  # a product with one column is slower than this sum


class Trainer:
    """Adam on one flat vector of parameters, several steps a call."""

    def __init__(self, network: Network, tables: Tables, learning_rate: float) -> None:
        module = rank_net()
        self.shapes = [parameter.shape for parameter in module.parameters()]
        self.parameters = parameters_to_vector(module.parameters()).detach()
        self.first_moment = torch.zeros_like(self.parameters)
        self.second_moment = torch.zeros_like(self.parameters)
        self.network = network
        self.tables = tables
        self.learning_rate = learning_rate
        self.steps = 0
        self.gradient = torch.func.grad(self.loss)
        self.compiled = torch.compile(self.run, fullgraph=True, dynamic=False)

    def views(self, parameters: Tensor) -> list[Tensor]:
        """The layers' weights and biases within the flat vector."""
        pieces = parameters.split([shape.numel() for shape in self.shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def loss(self, parameters: Tensor, features: Tensor, clicks: Tensor) -> Tensor:
        """Mean binary cross-entropy of a batch."""
        outputs = self.network(self.views(parameters), features)
        return functional.binary_cross_entropy_with_logits(outputs, clicks)

    def run(self, state: Sequence[Tensor], rates: Tensor, corrections: Tensor, clicks: Clicks) -> None:
        """Makes one Adam step for every batch of the clicks."""
        parameters, first, second = state
        for index, batch in enumerate(clicks.slices(BATCH)):
            gradient = self.gradient(parameters, self.tables.gather(batch), batch.clicks)
            first.lerp_(gradient, 1 - BETA_1)
            second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
            parameters.sub_(rates[index] * first / (second.sqrt() * corrections[index] + EPSILON))

    def train(self, clicks: Clicks) -> None:
        """Trains on clicks in order, in batches."""
        state = (self.parameters, self.first_moment, self.second_moment)
        for part in clicks.slices(CALL_ROWS):
            count = -(-len(part) // BATCH)
            numbers = torch.arange(self.steps + 1, self.steps + count + 1, dtype=torch.float64)
            rates = (self.learning_rate / (1 - BETA_1**numbers)).float()
            corrections = (1 - BETA_2**numbers).rsqrt().float()
            self.compiled(state, rates, corrections, part)
            self.steps += count

    def warm_up(self, clicks: Clicks) -> None:
        """Compiles for a full and for the last call of a file, and puts everything back."""
        before = self.parameters.clone()
        rest = len(clicks) % CALL_ROWS
        columns = (clicks.users, clicks.restaurants, clicks.clicks)
        self.train(Clicks(*(column[: CALL_ROWS + rest] for column in columns)))
        self.parameters.copy_(before)
        self.first_moment.zero_()
        self.second_moment.zero_()
        self.steps = 0


def read_ahead(tables: Tables, paths: Sequence[Path]) -> Iterator[Clicks]:
    """The files' clicks in order, the next file read while one is trained on."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(tables.read_clicks, paths[0])
        for path in paths[1:]:
            clicks = following.result()
            following = reader.submit(tables.read_clicks, path)
            yield clicks
        yield following.result()


@torch.no_grad()
def main(name: str, description: str, network: Network) -> None:
    """Trains, evaluates, prints one line of JSON."""
    options = parser(description, epochs=5, learning_rate=1e-8).parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    inductor_config.compile_threads = 1  # no pool of compiling processes, whose memory would count
    paths = train_paths(options)
    tables = Tables.read(options.data)
    trainer = Trainer(network, tables, options.learning_rate)
    started = time.perf_counter()
    trainer.warm_up(tables.read_clicks(paths[0]))
    compile_seconds = time.perf_counter() - started
    rows = 0
    epoch_seconds = []
    for epoch in range(options.epochs):
        started = time.perf_counter()
        rows = 0
        for clicks in read_ahead(tables, paths):
            trainer.train(clicks)
            rows += len(clicks)
        epoch_seconds.append(time.perf_counter() - started)
        print(f"epoch {epoch + 1}: {epoch_seconds[-1]:.2f} s", file=sys.stderr)
    layers = trainer.views(trainer.parameters)
    quality = evaluate(options.data, tables, lambda features: network(layers, features))
    report(
        name,
        options,
        quality,
        ("torch", "numpy", "polars"),
        rows=rows,
        steps=trainer.steps,
        epochSeconds=epoch_seconds,
        compileSeconds=compile_seconds,
    )


if __name__ == "__main__":
    main("tuned", __doc__, logits)
