"""POST /recommend/{user_id} by FastAPI and ONNX Runtime, features fetched from Redis each time."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ranking import (
    Places,
    RecommendBody,
    Scorer,
    UserId,
    answer,
    integer_of,
    new_app,
    read_body,
    serve,
    unknown_user,
)

USER = "nearrank:user:"
RESTAURANT = "nearrank:restaurant:"
FETCH_ROWS = """
local rows = {}
for index, key in ipairs(KEYS) do
  rows[index] = redis.call("HMGET", key, "latitude", "longitude", "features")
end
return rows
"""
SCAN_COUNT = 10_000
TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Reachable:
    """The restaurants within reach, ids ascending."""

    ids: NDArray[np.int64]
    distances: NDArray[np.float64]  # metres
    features: list[bytes]  # of each, ten little-endian float32


# The user's features, None where there is no such user, and what is within reach.
Fetch = Callable[[AsyncRedis, str, RecommendBody], Awaitable[tuple[bytes | None, Reachable]]]


def create_app() -> FastAPI:
    """The app of one worker, with the server of PEER_REDIS and the model of PEER_MODEL."""
    url = os.environ["PEER_REDIS"]
    scorer = Scorer(Path(os.environ["PEER_MODEL"]))
    is_in_memory = os.environ["PEER_LOCATIONS"] == "memory"
    fetch = fetch_features(read_places(url)) if is_in_memory else fetch_rows
    # One timeout for all replies of a request, below: the client's own, one for each reply, costs
    # 1.6 times the CPU.
    redis = AsyncRedis.from_url(url, socket_timeout=None)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await redis.aclose()

    app = new_app(lifespan=lifespan)

    @app.post("/recommend/{user_id}")
    async def recommend(user_id: UserId, request: Request) -> Response:
        body = await read_body(request)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            user, near = await fetch(redis, f"{USER}{integer_of(user_id)}", body)
        if user is None:
            raise unknown_user(user_id)
        restaurants = np.frombuffer(b"".join(near.features), dtype="<f4").reshape(-1, 10)
        scores = scorer.scores(np.frombuffer(user, dtype="<f4"), restaurants)
        return answer(body, near.ids, scores, near.distances)

    return app


def fetch_features(places: Places) -> Fetch:
    """Fetches features only; where the restaurants are is known."""

    async def fetch(redis: AsyncRedis, user_key: str, body: RecommendBody) -> tuple[bytes | None, Reachable]:
        rows, distances = places.within_reach(body)
        ids = places.ids[rows]
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.hget(user_key, "features")
            for identifier in ids.tolist():
                pipeline.hget(f"{RESTAURANT}{identifier}", "features")
            user, *features = await pipeline.execute()
        if None in features:  # taken out since the places were read
            is_there = [value is not None for value in features]
            ids, distances = ids[is_there], distances[is_there]
            features = [value for value in features if value is not None]
        return user, Reachable(ids, distances, features)

    return fetch


async def fetch_rows(redis: AsyncRedis, user_key: str, body: RecommendBody) -> tuple[bytes | None, Reachable]:
    """Fetches the places of all candidates, too: every change counts at once."""
    candidates = np.unique(body.candidate_restaurant_ids)
    keys = [f"{RESTAURANT}{identifier}" for identifier in candidates.tolist()]
    # A pipeline of 1,001 commands takes 8 ms of this process, the script 1.
    (_, _, user), *rows = await redis.eval(FETCH_ROWS, len(keys) + 1, user_key, *keys)
    is_there = [None not in row for row in rows]
    rows = [row for row in rows if None not in row]
    if not rows:
        return user, Reachable(candidates[:0], np.empty(0), [])
    latitude, longitude = np.array([row[:2] for row in rows]).astype(float).T
    places = Places(candidates[is_there], latitude, longitude)
    reached, distances = places.within_reach(body)
    return user, Reachable(places.ids[reached], distances, [rows[row][2] for row in reached])


def read_places(url: str) -> Places:
    """Where the restaurants are, once for the life of a worker.

    Restaurants seldom move, and who knows their places fetches about 45 of 1,000 candidates:
    0.5 ms in place of 12.
    """
    places = []
    with Redis.from_url(url) as redis:
        cursor = None
        while cursor != 0:
            cursor, keys = redis.scan(cursor or 0, match=f"{RESTAURANT}*", count=SCAN_COUNT)
            pipeline = redis.pipeline(transaction=False)
            for key in keys:
                pipeline.hmget(key, "latitude", "longitude")
            for key, place in zip(keys, pipeline.execute(), strict=True):
                identifier = int(key.removeprefix(RESTAURANT.encode()))
                places.append((identifier, float(place[0]), float(place[1])))
    ids, first = np.unique([place[0] for place in places], return_index=True)
    latitude, longitude = np.array([place[1:] for place in places])[first].T
    return Places(ids, latitude, longitude)


def main() -> None:
    """Starts the workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--locations", choices=("memory", "redis"), default="memory")
    arguments = parser.parse_args()
    os.environ["PEER_REDIS"] = arguments.redis
    os.environ["PEER_MODEL"] = arguments.model
    os.environ["PEER_LOCATIONS"] = arguments.locations
    serve("serve_redis:create_app", port=arguments.port, workers=arguments.workers)


if __name__ == "__main__":
    main()
