"""What time it is at the API server."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from driftreview.adapters.kubernetes import Cluster

DATE = "Sat, 01 Aug 2026 12:00:05 GMT"


class Dated(Cluster):
    """An API server whose answers have these headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers, self.asked = headers, list[str]()

    def _answer(self, _: str, path: str, *__: Any) -> tuple[bytes, Mapping[str, str]]:
        self.asked.append(path)
        return b"{}", self.headers


@pytest.mark.parametrize("said", [DATE, f"{DATE}, Sat, 01 Aug 2026 13:00:00 GMT"])
def test_it_is_read_to_the_second_and_the_servers_before_a_proxys(said: str) -> None:
    server = Dated({"Date": said})
    assert server.time() == datetime(2026, 8, 1, 12, 0, 5, tzinfo=UTC)
    assert server.asked == ["/version"]


@pytest.mark.parametrize(
    "headers", [{}, {"Date": ""}, {"Date": "yesterday"}, {"Date": "Sat, 01 Aug 2026 12:00:05 -0000"}]
)
def test_one_that_does_not_say_is_not_known(headers: dict[str, str]) -> None:
    assert Dated(headers).time() is None
