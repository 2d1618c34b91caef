"""POST /recommend/{user_id} by FastAPI and ONNX Runtime, with all features in NumPy arrays."""

import argparse
import os
from pathlib import Path

import numpy as np
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray
from pyarrow.parquet import ParquetFile

from ranking import (
    Places,
    RowLookup,
    Scorer,
    UserId,
    answer,
    integer_of,
    new_app,
    read_body,
    serve,
    unknown_user,
)


def create_app() -> FastAPI:
    """The app of one worker, with the data of PEER_DATA and the model of PEER_MODEL."""
    data = Path(os.environ["PEER_DATA"])
    scorer = Scorer(Path(os.environ["PEER_MODEL"]))
    users = ParquetFile(data / "user_features.parquet")
    user_rows = RowLookup(column(users, "user_id"))
    user_features = feature_matrix(users, 30)
    restaurants = ParquetFile(data / "restaurant_features.parquet")
    order = np.argsort(column(restaurants, "restaurant_id"))
    restaurant_features = feature_matrix(restaurants, 10)[order]
    places = Places(
        column(restaurants, "restaurant_id")[order],
        column(restaurants, "latitude")[order],
        column(restaurants, "longitude")[order],
    )
    app = new_app()

    # async: nothing here waits, and a thread pool's hand-over would take a quarter more CPU.
    @app.post("/recommend/{user_id}")
    async def recommend(user_id: UserId, request: Request) -> Response:
        body = await read_body(request)
        row = user_rows.row(integer_of(user_id))
        if row < 0:
            raise unknown_user(user_id)
        rows, distances = places.within_reach(body)
        scores = scorer.scores(user_features[row], restaurant_features[rows])
        return answer(body, places.ids[rows], scores, distances)

    return app


def column(table: ParquetFile, name: str) -> NDArray:
    """One column as an array."""
    return table.read(columns=[name]).column(0).to_numpy()


def feature_matrix(table: ParquetFile, count: int) -> NDArray[np.float32]:
    """The columns f00, f01, … side by side, [rows, count]; one at a time, to save memory."""
    matrix = np.empty((table.metadata.num_rows, count), dtype=np.float32)
    for feature in range(count):
        matrix[:, feature] = column(table, f"f{feature:02}")
    return matrix


def main() -> None:
    """Starts the workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    os.environ["PEER_DATA"] = arguments.data
    os.environ["PEER_MODEL"] = arguments.model
    serve("serve_memory:create_app", port=arguments.port, workers=arguments.workers)


if __name__ == "__main__":
    main()
