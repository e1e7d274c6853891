"""What is there as the operator starts is read whole, however often it takes."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from driftreview.adapters.errors import ChangedError, ClusterError, ForbiddenError, UnavailableError
from driftreview.adapters.kubernetes import APPROVALS, CLUSTER_METRIC_SOURCES, REVIEWS, Cluster, Kind
from driftreview.runtime.index import WATCHED
from driftreview.runtime.listing import Listing


@dataclass
class Pages:
    """An API server whose every list has two pages; it fails after the first of them, so often."""

    failures: list[ClusterError] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def objects(
        self, kind: Kind, namespace: str, _: Mapping[str, str], reduce: Callable[[dict[str, Any]], None]
    ) -> Iterator[list[None]]:
        self.asked.append((kind.plural, namespace))
        yield [reduce({"name": f"{kind.plural}-1"})]
        if self.failures:
            raise self.failures.pop(0)
        yield [reduce({"name": f"{kind.plural}-2"})]


@dataclass
class Seen:
    names: list[str] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def __call__(self, kind: Kind, body: Mapping[str, Any]) -> None:
        assert body["name"].startswith(kind.plural)
        self.names.append(body["name"])
        self.then()


def listing(pages: Pages, pause: float = 0) -> Listing:
    return Listing(cast(Cluster, pages), [pause])


def test_every_object_of_every_kind_is_seen_in_the_order_of_the_kinds() -> None:
    pages, seen = Pages(), Seen()
    assert listing(pages).read(WATCHED, (), seen)
    assert pages.asked == [(kind.plural, "") for kind in WATCHED]
    assert seen.names == [f"{kind.plural}-{number}" for kind in WATCHED for number in (1, 2)]


def test_reviews_are_seen_before_the_acts_that_name_them() -> None:
    assert WATCHED.index(REVIEWS) < WATCHED.index(APPROVALS)


def test_some_namespaces_are_read_one_by_one_and_what_has_none_once() -> None:
    pages = Pages()
    assert listing(pages).read((REVIEWS, CLUSTER_METRIC_SOURCES), ("shop", "bank"), Seen())
    assert pages.asked == [("driftreviews", "shop"), ("driftreviews", "bank"), ("clustermetricsources", "")]


@pytest.mark.parametrize("error", [UnavailableError("503"), ForbiddenError("403"), ChangedError("410")])
def test_what_fails_halfway_is_said_and_read_again_from_the_start(
    error: ClusterError, caplog: pytest.LogCaptureFixture
) -> None:
    pages, seen = Pages([error] * 3), Seen()
    assert listing(pages).read((APPROVALS,), (), seen)
    assert pages.asked == [("driftapprovals", "")] * 4
    assert set(seen.names) == {"driftapprovals-1", "driftapprovals-2"}
    assert caplog.messages == [f"cannot start yet, tried again in 0 s: {error}"] * 3


def test_the_pauses_grow_and_the_last_one_stays(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages([UnavailableError("503")] * 4)
    assert Listing(cast(Cluster, pages), [0, 0.001, 0.002]).read((REVIEWS,), (), Seen())
    assert [each.split()[6] for each in caplog.messages] == ["0", "0.001", "0.002", "0.002"]


class TestToldToStop:
    def test_nothing_is_asked_any_more(self) -> None:
        pages = Pages()
        one = listing(pages)
        one.stop()
        assert not one.read(WATCHED, (), Seen())
        assert pages.asked == []

    def test_between_two_pages_it_ends(self) -> None:
        pages, seen = Pages(), Seen()
        one = listing(pages)
        seen.then = one.stop
        assert not one.read(WATCHED, (), seen)
        assert seen.names == ["driftreviews-1"]

    def test_it_does_not_wait_for_its_next_attempt(self, caplog: pytest.LogCaptureFixture) -> None:
        pages = Pages([UnavailableError("503")])
        one = listing(pages, pause=3600)
        answers = list[bool]()
        reading = threading.Thread(target=lambda: answers.append(one.read(WATCHED, (), Seen())))
        reading.start()
        while not caplog.messages:
            reading.join(0.01)
        one.stop()
        reading.join(30)
        assert answers == [False]
