"""CatBoost on realistic rows, with its native categories. A round is a tree."""

import time

from catboost import CatBoostClassifier, Pool
from realistic_data import Clicks, Data, parser, report
from realistic_trees import category_names, table_of

PATIENCE = 20  # trees without a lower validation loss


def main() -> None:
    """Trains, evaluates, prints one line of JSON."""
    options = parser(__doc__, rounds=150, rate=0.3).parse_args()
    data = Data.read(options.data, options.seed)
    names = category_names(options.ids)

    def pool_of(clicks: Clicks) -> Pool:
        return Pool(table_of(data, clicks, options.ids).to_pandas(), clicks.clicks, cat_features=names)

    started = time.perf_counter()
    model = CatBoostClassifier(
        iterations=options.rounds,
        learning_rate=options.learning_rate,
        depth=6,
        # Small categories as they are, and no pairs of categories: as accurate on these rows, and faster.
        one_hot_max_size=32,
        max_ctr_complexity=1,
        border_count=128,
        early_stopping_rounds=PATIENCE,
        thread_count=options.threads,
        random_seed=options.seed,
        allow_writing_files=False,
        verbose=False,
    )
    model.fit(pool_of(data.train), eval_set=pool_of(data.validation), use_best_model=True)
    seconds = time.perf_counter() - started
    logits = model.predict(
        pool_of(data.test), prediction_type="RawFormulaVal", thread_count=options.threads
    )
    rounds = len(model.get_evals_result()["learn"]["Logloss"])
    report("catboost", options, data, logits, rounds=rounds, kept=model.tree_count_, trainSeconds=seconds)


if __name__ == "__main__":
    main()
