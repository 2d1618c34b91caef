"""Sends the same requests to two servers and compares their answers."""

import argparse
import http.client
import json
import sys
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow.parquet import ParquetFile

SCORE_TOLERANCE = 1e-4
DISPLACEMENT_TOLERANCE_M = 0.01
# Far tighter: most scores are near 0 or 1, where any order would pass for one of ties otherwise.
NEAR_TIE_SCORE = 1e-6

Restaurants = list[dict[str, float]]


class Server:
    """One connection to a server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def recommend(self, user_id: int, body: dict) -> Restaurants:
        """The ranked list; raises RuntimeError where the server answers with an error."""
        self._connection.request(
            "POST",
            f"/recommend/{user_id}",
            json.dumps(body),
            {"content-type": "application/json"},
        )
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"{self._url} answered user {user_id} with {response.status}: {text!r}")
        return json.loads(text)["restaurants"]


def read_requests(data: Path, count: int) -> list[dict]:
    """The first requests of requests.parquet."""
    batches = ParquetFile(data / "requests.parquet").iter_batches(batch_size=count)
    return list(islice((row for batch in batches for row in batch.to_pylist()), count))


def largest_difference(a: Restaurants, b: Restaurants, field: str) -> float:
    """Of the restaurants that are in both lists."""
    values = {restaurant["id"]: restaurant[field] for restaurant in b}
    return max(
        (abs(restaurant[field] - values[restaurant["id"]]) for restaurant in a if restaurant["id"] in values),
        default=0.0,
    )


def differ_only_by_near_ties(a: Restaurants, b: Restaurants, *, sort_dist: bool) -> bool:
    """Whether restaurants differ only where what orders them is all but equal."""
    field, tolerance = ("displacement", DISPLACEMENT_TOLERANCE_M) if sort_dist else ("score", NEAR_TIE_SCORE)
    return len(a) == len(b) and all(
        one["id"] == other["id"] or abs(one[field] - other[field]) <= tolerance for one, other in zip(a, b, strict=True)
    )


def main() -> None:
    """Prints one JSON line; exit code 1 where the answers disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--a", required=True, help="address of a server")
    parser.add_argument("--b", required=True, help="address of the other one")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    server_a, server_b = Server(arguments.a), Server(arguments.b)
    requests = read_requests(arguments.data, arguments.requests)
    same_ids = 0
    score_difference = displacement_difference = 0.0
    agrees = True
    for request in requests:
        user_id = request.pop("user_id")
        a = server_a.recommend(user_id, request)
        b = server_b.recommend(user_id, request)
        same_ids += [one["id"] for one in a] == [other["id"] for other in b]
        agrees &= differ_only_by_near_ties(a, b, sort_dist=request["sort_dist"])
        score_difference = max(score_difference, largest_difference(a, b, "score"))
        displacement_difference = max(displacement_difference, largest_difference(a, b, "displacement"))
    print(
        json.dumps(
            {
                "requests": len(requests),
                "sameIds": same_ids,
                "maxScoreDifference": score_difference,
                "maxDisplacementDifference": displacement_difference,
            }
        )
    )
    agrees &= score_difference <= SCORE_TOLERANCE
    agrees &= displacement_difference <= DISPLACEMENT_TOLERANCE_M
    sys.exit(0 if agrees else 1)


if __name__ == "__main__":
    main()
