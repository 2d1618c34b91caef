"""What both servers share: the contract, places within reach, the model, the ranked answer."""

import math
from pathlib import Path as FilePath
from typing import Annotated, Any

import numpy as np
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

EARTH_RADIUS_M = 6_371_008.8

UserId = Annotated[str, Path(pattern=r"^u?\d{1,16}$")]


def int64_array(ids: list[int]) -> NDArray[np.int64]:
    """The ids as an array."""
    try:
        return np.array(ids, dtype=np.int64)
    except OverflowError as error:
        raise ValueError("ids must be integers of 64 bits") from error


class RecommendBody(BaseModel):
    """What to rank, from where; distances are metres."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # The bounds are those of int64: pydantic's own, checked for each item, take twice the time.
    candidate_restaurant_ids: Annotated[list[int], AfterValidator(int64_array)]
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    size: int = Field(default=20, ge=1)
    max_dist: float = Field(default=5000, ge=0)
    sort_dist: bool = False


async def read_body(request: Request) -> RecommendBody:
    """The body, parsed and checked in one pass: a tenth less CPU than as FastAPI's parameter."""
    try:
        return RecommendBody.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_context=False)) from error


def integer_of(user_id: str) -> int:
    """The integer behind `u00042` or `42`."""
    return int(user_id.removeprefix("u"))


def unknown_user(user_id: str) -> HTTPException:
    """The error of a user without features."""
    return HTTPException(404, f"There is no user {user_id}")


def new_app(**options: Any) -> FastAPI:
    """An app without what costs time in every request and nobody here asks for."""
    return FastAPI(
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        **options,
    )


def serve(app: str, *, port: int, workers: int) -> None:
    """Runs uvicorn with the app factory `module:function` in each worker."""
    uvicorn.run(
        app,
        factory=True,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )


class RowLookup:
    """From ids to rows of a table by one array; -1 stands for an id that is not there."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        # A place before the first id and one behind the last take what is out of range.
        self._rows = np.full(int(ids.max()) + 3, -1)
        self._rows[ids + 1] = np.arange(len(ids))

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of many ids."""
        return self._rows.take(ids + 1, mode="clip")

    def row(self, identifier: int) -> int:
        """The row of one id."""
        return int(self._rows.take(identifier + 1, mode="clip"))


class Places:
    """Where the restaurants are, by row; `ids` ascend, so that the order of rows is that of ids."""

    def __init__(
        self,
        ids: NDArray[np.int64],
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
    ) -> None:
        self.ids = ids
        self._lookup = RowLookup(ids)
        # Row -1, which unknown ids get, is nowhere: no distance to NaN is within reach.
        self._vectors = unit_vectors(np.append(latitude, np.nan), np.append(longitude, np.nan))

    def within_reach(self, body: RecommendBody) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows of the candidates within `max_dist`, ascending and distinct, and their metres."""
        rows = self._lookup.rows(body.candidate_restaurant_ids)
        chords = self._vectors.take(rows, axis=0)
        chords -= unit_vectors(body.latitude, body.longitude)
        squares = np.einsum("ij,ij->i", chords, chords)
        half_angle = min(body.max_dist / (2 * EARTH_RADIUS_M), math.pi / 2)
        near = np.flatnonzero(squares <= (2 * math.sin(half_angle)) ** 2)
        rows, first = np.unique(rows[near], return_index=True)
        half_chords = np.minimum(np.sqrt(squares[near[first]]) / 2, 1)
        return rows, 2 * EARTH_RADIUS_M * np.arcsin(half_chords)


def unit_vectors(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Points of the unit sphere, [..., 3]: a chord gives the great circle by one arcsine."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    return np.stack((np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)), axis=-1)


class Scorer:
    """A Nearrank model folder's `model.onnx`, on one thread: the workers are the parallelism.

    TorchScript, frozen and optimised, takes 1.27 times as long for 15 to 90 rows and 530 MB
    more a worker.
    """

    def __init__(self, model: FilePath) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model / "model.onnx", options, providers=["CPUExecutionProvider"])

    def scores(self, user: NDArray[np.float32], restaurants: NDArray[np.float32]) -> NDArray[np.float32]:
        """Click probabilities: `user` [30] with each row of `restaurants` [n, 10]."""
        features = np.empty((len(restaurants), 40), dtype=np.float32)
        features[:, :30] = user
        features[:, 30:] = restaurants
        return self._session.run(["score"], {"features": features})[0]


def answer(
    body: RecommendBody,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    distances: NDArray[np.float64],
) -> Response:
    """The ranked list; `ids` ascend, and a stable sort leaves equal ones so."""
    # No argpartition first: about 45 of 1,000 candidates are in reach, fewer than any `size` of
    # the load.
    keys = distances if body.sort_dist else -scores
    order = np.argsort(keys, kind="stable")[: body.size]
    restaurants = [
        {"id": identifier, "score": score, "displacement": displacement}
        for identifier, score, displacement in zip(
            ids[order].tolist(),
            scores[order].tolist(),
            distances[order].tolist(),
            strict=True,
        )
    ]
    return Response(orjson.dumps({"restaurants": restaurants}), media_type="application/json")
