"""LightGBM on realistic rows, with its native categories. A round is a tree."""

import time

import lightgbm
import numpy as np
from realistic_data import Data, parser, report
from realistic_trees import category_names, lightgbm_settings, table_of

PATIENCE = 20  # trees without a lower validation loss


def main() -> None:
    """Trains, evaluates, prints one line of JSON."""
    arguments = parser(__doc__, rounds=300, rate=0.15)
    arguments.add_argument("--leaves", type=int, default=63)
    options = arguments.parse_args()
    data = Data.read(options.data, options.seed)
    started = time.perf_counter()
    settings = {
        "objective": "binary",
        "metric": "binary_logloss",
        **lightgbm_settings(options),
    }
    names = category_names(options.ids)
    train = lightgbm.Dataset(
        table_of(data, data.train, options.ids),
        data.train.clicks,
        params=settings,
        categorical_feature=names,
    )
    validation = lightgbm.Dataset(
        table_of(data, data.validation, options.ids), data.validation.clicks, reference=train
    )
    history: dict = {}
    booster = lightgbm.train(
        settings,
        train,
        num_boost_round=options.rounds,
        valid_sets=[validation],
        callbacks=[
            lightgbm.early_stopping(PATIENCE, verbose=False),
            lightgbm.record_evaluation(history),
        ],
    )
    seconds = time.perf_counter() - started
    test = table_of(data, data.test, options.ids)
    logits = booster.predict(test, raw_score=True, num_iteration=booster.best_iteration)
    report(
        "lightgbm",
        options,
        data,
        np.asarray(logits),
        rounds=len(history["valid_0"]["binary_logloss"]),
        kept=booster.best_iteration,
        trainSeconds=seconds,
    )


if __name__ == "__main__":
    main()
