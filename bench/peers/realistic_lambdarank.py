"""LightGBM's lambdarank on realistic rows, judged by the order of each request. Prints one line of JSON."""

import json
import resource
import time

import lightgbm
import numpy as np
from realistic_data import Clicks, Data, parser
from realistic_trees import category_names, lightgbm_settings, table_of

SHOWN = 20  # rows of a request, one after the other; the last one of a split may be cut off
DEPTH = 10
PATIENCE = 20  # trees without a higher validation NDCG@10


def main() -> None:
    """Trains, evaluates, prints."""
    arguments = parser(__doc__, rounds=300, rate=0.15)
    arguments.add_argument("--leaves", type=int, default=63)
    options = arguments.parse_args()
    data = Data.read(options.data, options.seed, together=SHOWN)
    started = time.perf_counter()
    settings = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [DEPTH],
        "lambdarank_truncation_level": DEPTH + 3,  # a little more than the depth, as its documentation advises
        **lightgbm_settings(options),
    }
    train = dataset_of(data, data.train, options.ids, settings)
    validation = dataset_of(data, data.validation, options.ids, settings, train)
    booster = lightgbm.train(
        settings,
        train,
        num_boost_round=options.rounds,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    seconds = time.perf_counter() - started
    scores = booster.predict(table_of(data, data.test, options.ids), num_iteration=booster.best_iteration)
    print(
        json.dumps(
            {
                "ndcg10": ndcg(np.asarray(scores), data.test.clicks),
                "trees": booster.best_iteration,
                "trainSeconds": seconds,
                "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )


def dataset_of(
    data: Data, clicks: Clicks, ids: bool, settings: dict, reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    """The rows with their requests."""
    return lightgbm.Dataset(
        table_of(data, clicks, ids),
        clicks.clicks,
        group=sizes_of(len(clicks)),
        params=settings,
        categorical_feature=category_names(ids),
        reference=reference,
    )


def sizes_of(rows: int) -> np.ndarray:
    """Rows of each request."""
    return np.diff(np.append(np.arange(0, rows, SHOWN), rows))


def ndcg(scores: np.ndarray, clicks: np.ndarray) -> float:
    """Mean NDCG@10 of the requests with a click."""
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    values = []
    for start in range(0, len(scores), SHOWN):
        own = clicks[start : start + SHOWN]
        if own.sum() == 0:
            continue
        top = own[np.argsort(-scores[start : start + SHOWN], kind="stable")][:DEPTH]
        best = discounts[: int(min(own.sum(), DEPTH))].sum()
        values.append((top * discounts[: len(top)]).sum() / best)
    return float(np.mean(values))


if __name__ == "__main__":
    main()
