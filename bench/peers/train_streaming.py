"""PyTorch as it comes, a file at a time: what a careful engineer writes first."""

import sys
import time

import torch
from clicks import BATCH, Tables, evaluate, parser, rank_net, report, train_paths
from torch import nn


def main() -> None:
    """Trains, evaluates, prints one line of JSON."""
    options = parser(__doc__, epochs=5, learning_rate=1e-8).parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    paths = train_paths(options)
    tables = Tables.read(options.data)
    model = rank_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    loss_of = nn.BCEWithLogitsLoss()
    rows = steps = 0
    epoch_seconds = []
    for epoch in range(options.epochs):
        started = time.perf_counter()
        rows = 0
        for path in paths:
            clicks = tables.read_clicks(path)
            for batch in clicks.slices(BATCH):
                optimizer.zero_grad()
                loss = loss_of(model(tables.gather(batch)).squeeze(1), batch.clicks)
                loss.backward()
                optimizer.step()
                steps += 1
            rows += len(clicks)
        epoch_seconds.append(time.perf_counter() - started)
        print(f"epoch {epoch + 1}: {epoch_seconds[-1]:.2f} s", file=sys.stderr)
    quality = evaluate(options.data, tables, lambda features: model(features).squeeze(1))
    report(
        "streaming",
        options,
        quality,
        ("torch", "numpy", "polars"),
        rows=rows,
        steps=steps,
        epochSeconds=epoch_seconds,
    )


if __name__ == "__main__":
    main()
