"""Gradient-boosted trees on the same rows and the same 40 raw features: what many would pick instead."""

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import lightgbm
import numpy as np
import torch
from clicks import Clicks, Tables, evaluate, parser, report, train_paths
from torch import Tensor


class FileOfClicks(lightgbm.Sequence):
    """One file's features as LightGBM wants them: float64, a row or a range of rows at a time."""

    batch_size = 65_536

    def __init__(self, tables: Tables, read: Callable[[Path], Clicks], path: Path, rows: int) -> None:
        self.tables = tables
        self.read = read
        self.path = path
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int | slice) -> np.ndarray:
        clicks = self.read(self.path)
        one = not isinstance(index, slice)
        wanted = slice(index, index + 1) if one else index
        columns = (clicks.users, clicks.restaurants, clicks.clicks)
        features = self.tables.gather(Clicks(*(column[wanted] for column in columns))).double().numpy()
        return features[0] if one else features


def main() -> None:
    """Trains, evaluates, prints one line of JSON. An epoch is a boosting round: a pass over all rows."""
    arguments = parser(__doc__, epochs=40, learning_rate=0.2)
    arguments.add_argument("--leaves", type=int, default=127)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    tables = Tables.read(options.data)
    started = time.perf_counter()
    # LightGBM goes through the files in order, so that one in memory is enough.
    read = lru_cache(maxsize=1)(tables.read_clicks)
    files = []
    labels = []
    for path in train_paths(options):
        clicks = read(path)
        labels.append(clicks.clicks.numpy())
        files.append(FileOfClicks(tables, read, path, len(clicks)))
    settings = {
        "objective": "binary",
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "num_threads": options.threads,
        "seed": options.seed,
        "verbosity": -1,
    }
    rows = lightgbm.Dataset(files, np.concatenate(labels), params=settings)
    booster = lightgbm.train(settings, rows, num_boost_round=options.epochs)
    seconds = time.perf_counter() - started

    def logits(features: Tensor) -> Tensor:
        scores = booster.predict(features.numpy(), raw_score=True, num_threads=options.threads)
        return torch.from_numpy(scores.astype(np.float32))

    report(
        "lightgbm",
        options,
        evaluate(options.data, tables, logits),
        ("lightgbm", "numpy", "polars", "torch"),
        rows=rows.num_data(),
        steps=booster.current_iteration(),
        epochSeconds=[seconds],
    )


if __name__ == "__main__":
    main()
