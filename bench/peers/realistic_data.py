"""Realistic clicks as arrays, with the features that Nearrank makes of them; and what the peers print."""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

EARTH_RADIUS_M = 6_371_008.8
FIRST_EDGE_M = 100  # of the second bucket; each further one is √2 times as far away
DISTANCE_BUCKETS = 32


@dataclass(frozen=True)
class Side:
    """What is known of users, or of restaurants; a row each."""

    ids: pl.Series
    numbers: dict[str, np.ndarray]  # float32 [rows], NaN: missing
    categories: dict[str, np.ndarray]  # int32 [rows], codes of `sizes`; 0: missing
    lists: dict[str, np.ndarray]  # int32 [rows, longest], codes; 0: no more
    places: np.ndarray  # float64 [rows, 2] degrees


@dataclass(frozen=True)
class Clicks:
    """Clicks as row numbers of the two sides, and what belongs to the click itself or to the pair."""

    users: np.ndarray  # int32 [rows]
    restaurants: np.ndarray  # int32 [rows]
    numbers: dict[str, np.ndarray]  # float32 [rows]
    categories: dict[str, np.ndarray]  # int32 [rows], codes; 0: missing
    clicks: np.ndarray  # float32 [rows]

    def __len__(self) -> int:
        return len(self.clicks)

    def take(self, rows: np.ndarray) -> "Clicks":
        """The clicks of these rows: numbers, or a mask."""
        return Clicks(
            self.users[rows],
            self.restaurants[rows],
            {name: values[rows] for name, values in self.numbers.items()},
            {name: values[rows] for name, values in self.categories.items()},
            self.clicks[rows],
        )


@dataclass(frozen=True)
class Data:
    """Both sides; clicks to learn from, to stop early by, and to be judged by."""

    users: Side
    restaurants: Side
    train: Clicks
    validation: Clicks
    test: Clicks
    sizes: dict[str, int]  # codes of each category and list, 0 counted

    @classmethod
    def read(cls, folder: Path, seed: int, together: int = 1) -> "Data":
        """Reads a data folder. A tenth of the training rows, by a hash of their numbers, is held out;
        of each `together` rows all or none."""
        paths = [sorted((folder / split).glob("*.parquet")) for split in ("train", "test")]
        columns = "user_id restaurant_id time device companion position latitude longitude click"
        train, test = (pl.read_parquet(path, columns=columns.split()) for path in paths)
        users = pl.read_parquet(folder / "user_features.parquet")
        restaurants = pl.read_parquet(folder / "restaurant_features.parquet")
        cuisines = vocabulary(users["liked_cuisines"].explode(), restaurants["cuisines"].explode())
        values = {
            "gender": vocabulary(users["gender"]),
            "device": vocabulary(train["device"]),
            "companion": vocabulary(train["companion"]),
        }
        sizes = {name: len(known) + 1 for name, known in values.items()}
        sizes |= {"liked_cuisines": len(cuisines) + 1, "cuisines": len(cuisines) + 1}
        sizes |= {"opened_month": 13, "hour": 25, "weekday": 8, "distance_bucket": DISTANCE_BUCKETS + 1}
        user_side = side_of_users(users, values["gender"], cuisines)
        restaurant_side = side_of_restaurants(restaurants, cuisines)
        learned, judged = (clicks_of(frame, user_side, restaurant_side, values) for frame in (train, test))
        hashes = hashed(-(-len(learned) // together), seed)
        held_out = np.repeat(hashes % np.uint64(10) == 0, together)[: len(learned)]
        return cls(
            user_side, restaurant_side, learned.take(~held_out), learned.take(held_out), judged, sizes
        )


def side_of_users(frame: pl.DataFrame, genders: pl.Series, cuisines: pl.Series) -> Side:
    """Age, gender, home and liked cuisines."""
    return Side(
        frame["user_id"],
        {name: floats(frame[name]) for name in ("age", "home_latitude", "home_longitude")},
        {"gender": codes(frame["gender"], genders)},
        {"liked_cuisines": list_codes(frame["liked_cuisines"], cuisines)},
        frame.select("home_latitude", "home_longitude").to_numpy(),
    )


def side_of_restaurants(frame: pl.DataFrame, cuisines: pl.Series) -> Side:
    """Cuisines, price level, rating, opening date. Nearrank leaves out names too: nearly all differ."""
    opened = frame["opened"]
    return Side(
        frame["restaurant_id"],
        {
            "price_level": floats(frame["price_level"]),
            "rating": floats(frame["rating"]),
            "opened_days": floats(opened.cast(pl.Int32)),
        },
        {"opened_month": opened.dt.month().cast(pl.Int32).fill_null(0).to_numpy(writable=True)},
        {"cuisines": list_codes(frame["cuisines"], cuisines)},
        frame.select("latitude", "longitude").to_numpy(),
    )


def clicks_of(frame: pl.DataFrame, users: Side, restaurants: Side, values: dict[str, pl.Series]) -> Clicks:
    """Clicks in the order of the frame, with context, distance and overlap."""
    user_rows = rows_of(frame["user_id"], users.ids)
    restaurant_rows = rows_of(frame["restaurant_id"], restaurants.ids)
    metres = distance_m(frame.select("latitude", "longitude").to_numpy(), restaurants.places, restaurant_rows)
    shared, share = overlap(
        users.lists["liked_cuisines"], user_rows, restaurants.lists["cuisines"], restaurant_rows
    )
    time = frame["time"].dt
    return Clicks(
        user_rows,
        restaurant_rows,
        {
            "position": floats(frame["position"]),
            "log_distance": np.log1p(metres).astype(np.float32),
            "shared_cuisines": shared,
            "share_of_cuisines": share,
        },
        {
            "hour": time.hour().cast(pl.Int32).to_numpy() + 1,
            "weekday": time.weekday().cast(pl.Int32).to_numpy(writable=True),
            "device": codes(frame["device"], values["device"]),
            "companion": codes(frame["companion"], values["companion"]),
            "distance_bucket": bucket_of(metres),
        },
        floats(frame["click"]),
    )


def vocabulary(*columns: pl.Series) -> pl.Series:
    """The different values of text columns, sorted."""
    return pl.concat([column.rename("value") for column in columns]).drop_nulls().unique().sort()


def floats(column: pl.Series) -> np.ndarray:
    """Numbers as float32, NaN where one is missing."""
    return column.cast(pl.Float32).fill_null(float("nan")).to_numpy(writable=True)


def codes(column: pl.Series, values: pl.Series) -> np.ndarray:
    """Place of each text in the vocabulary, from 1 on; 0: missing or not in it."""
    numbers = pl.Series(range(1, len(values) + 1), dtype=pl.Int32)
    places = column.replace_strict(values, numbers, default=0, return_dtype=pl.Int32)
    return places.fill_null(0).to_numpy(writable=True)


def list_codes(column: pl.Series, values: pl.Series) -> np.ndarray:
    """Codes of the texts of each list, [rows, longest], filled up with zeros."""
    longest = column.list.len().max()
    places = [codes(column.list.get(i, null_on_oob=True), values) for i in range(longest)]
    return np.stack(places, axis=1)


def rows_of(ids: pl.Series, known: pl.Series) -> np.ndarray:
    """Row number of each id, int32; polars raises where one is unknown."""
    numbers = pl.Series(range(len(known)), dtype=pl.Int32)
    return ids.replace_strict(known, numbers, return_dtype=pl.Int32).to_numpy(writable=True)


def distance_m(here: np.ndarray, places: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Great-circle distance of each place [n, 2] to `places[rows]`, metres."""
    latitude, longitude = np.radians(here).T
    to_latitude, to_longitude = np.radians(places).T[:, rows]
    half_chord = (
        np.sin((to_latitude - latitude) / 2) ** 2
        + np.cos(latitude) * np.cos(to_latitude) * np.sin((to_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half_chord))


def bucket_of(metres: np.ndarray) -> np.ndarray:
    """Bucket of a distance, 1 to 32, int32."""
    above = 1 + np.floor(2 * np.log2(np.maximum(metres, FIRST_EDGE_M) / FIRST_EDGE_M))
    bucket = np.where(metres < FIRST_EDGE_M, 0, np.minimum(above, DISTANCE_BUCKETS - 1))
    return bucket.astype(np.int32) + 1


def overlap(
    own: np.ndarray, own_rows: np.ndarray, other: np.ndarray, other_rows: np.ndarray
) -> Sequence[np.ndarray]:
    """How many codes two lists share, and their share of all that either has; float32 [rows] each."""
    a, b = bits(own)[own_rows], bits(other)[other_rows]
    shared = np.bitwise_count(a & b).astype(np.float32)
    return shared, shared / np.maximum(np.bitwise_count(a | b), 1)


def bits(lists: np.ndarray) -> np.ndarray:
    """The codes of each list as one number: bit k is code k, uint64."""
    set_bits = np.where(lists > 0, np.uint64(1) << lists.astype(np.uint64), np.uint64(0))
    return np.bitwise_or.reduce(set_bits, axis=1)


def hashed(count: int, seed: int) -> np.ndarray:
    """SplitMix64 of the numbers 0 … count − 1, uint64."""
    x = np.arange(count, dtype=np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def parser(description: str, rounds: int, rate: float) -> argparse.ArgumentParser:
    """The arguments that every peer takes; what a round is, the peer says."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--ids", action="store_true", help="ids of users and restaurants are features too")
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument("--learning-rate", type=float, default=rate)
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments.add_argument("--seed", type=int, default=1)
    return arguments


def auc_of(logits: np.ndarray, clicks: np.ndarray) -> float:
    """Area under the ROC curve; equal logits count half."""
    _, places, counts = np.unique(logits, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = int(clicks.sum())
    return (ranks[clicks > 0].sum() - positives * (positives + 1) / 2) / (
        positives * (len(clicks) - positives)
    )


def report(name: str, options: argparse.Namespace, data: Data, logits: np.ndarray, **figures: object) -> None:
    """Judges the logits of the test clicks and prints the one line of a run."""
    clicks = data.test.clicks.astype(np.float64)
    loss = np.logaddexp(0, logits.astype(np.float64)) - clicks * logits
    line = {
        "name": name,
        "rows": len(data.train),
        **figures,
        "auc": auc_of(logits, clicks),
        "logLoss": loss.mean(),
        "threads": options.threads,
    }
    print(json.dumps(line))
