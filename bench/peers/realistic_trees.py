"""Realistic clicks as one table, as trees want them: a column a feature, lists as a column a value."""

import argparse

import numpy as np
import pyarrow as pa
from realistic_data import Clicks, Data

CATEGORIES = ("gender", "opened_month", "weekday", "device", "companion")
IDS = ("user_id", "restaurant_id")


def lightgbm_settings(options: argparse.Namespace) -> dict:
    """What LightGBM is told beside its objective."""
    return {
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        # Ten times the defaults: with those, ids are learned by heart.
        "cat_l2": 100,
        "cat_smooth": 100,
        "num_threads": options.threads,
        "seed": options.seed,
        "verbosity": -1,
    }


def category_names(ids: bool) -> list[str]:
    """The columns that are categories. The hour is a number: what is true at ten is mostly true at eleven."""
    return [*CATEGORIES, *(IDS if ids else ())]


def table_of(data: Data, clicks: Clicks, ids: bool) -> pa.Table:
    """A row a click."""
    columns: dict[str, np.ndarray] = {}
    for side, rows in ((data.users, clicks.users), (data.restaurants, clicks.restaurants)):
        columns |= {name: values[rows] for name, values in (side.numbers | side.categories).items()}
        for name, lists in side.lists.items():
            held = held_values(lists, data.sizes[name])
            columns |= {f"{name}_{code}": held[rows, code] for code in range(1, data.sizes[name])}
    columns |= clicks.numbers | clicks.categories
    del columns["distance_bucket"]  # trees cut the distance where they like
    if ids:
        columns |= dict(zip(IDS, (clicks.users, clicks.restaurants), strict=True))
    return pa.table(columns)


def held_values(lists: np.ndarray, size: int) -> np.ndarray:
    """Which codes each list holds, int8 [rows, size]."""
    held = np.zeros((len(lists), size), dtype=np.int8)
    held[np.arange(len(lists))[:, None], lists] = 1
    return held
