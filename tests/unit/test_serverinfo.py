"""What a metric source says of itself: its clock, how long it keeps samples, whose pods it scrapes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.serverinfo import ahead, certainly, has_samples, keeps, read_retention, scraped
from driftreview.api.reasons import Reason
from driftreview.domain.pods import Pod
from driftreview.domain.readings import Unknown
from driftreview.domain.samples import Failed, NoData
from tests.builders import HOUR, MINUTE, T0

DOWN = Failed(Reason.UNREACHABLE, "connection refused", retryable=True)
SECOND = timedelta(seconds=1)
PODS = [Pod("web-1", "10.0.0.1"), Pod("web-2", "fd00::2"), Pod("web-3")]


class Source:
    """Stands for a Prometheus."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def instant(self, query: str, _: datetime) -> Any:
        self.asked.append(query)
        return self.answers.pop(0)

    def data(self, path: str, params: dict[str, str]) -> Any:
        self.asked.append(path + "".join(params.values()))
        return self.answers.pop(0)


def at_once(question: Callable[[], Any]) -> Any:
    return question()


def made(*answers: Any) -> PrometheusSource:
    return cast(PrometheusSource, Source(*answers))


def up(label: str, **values: float) -> Rows:
    return Rows(T0, tuple(Row({label: name}, value) for name, value in values.items()))


def test_a_clock_is_ahead_by_what_the_way_does_not_explain() -> None:
    times = iter([T0, T0 + 4 * SECOND])
    assert (
        ahead(made({"resultType": "scalar", "result": [T0.timestamp() + 64, "1"]}), at_once, lambda: next(times))
        == MINUTE
    )
    assert certainly(T0 + SECOND, T0, T0 + 2 * SECOND) == timedelta(0)
    assert certainly(T0 - MINUTE, T0, T0 + SECOND) == -MINUTE


@pytest.mark.parametrize(
    "said", [DOWN, None, [], {"resultType": "scalar", "result": ["x", "1"]}, {"result": [1e30, "1"]}]
)
def test_a_clock_that_cannot_be_read_is_unknown(said: Any) -> None:
    assert isinstance(ahead(made(said), at_once, lambda: T0), Unknown)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("15d", timedelta(days=15)),
        ("15d or 512MB", timedelta(days=15)),
        ("512MiB", None),
        ("4w2d", timedelta(days=30)),
        ("90m", 90 * MINUTE),
        ("999999999y", timedelta(days=36_500)),
        ("0s", None),
    ],
)
def test_a_retention_is_read_as_the_server_writes_it(text: str, kept: timedelta | None) -> None:
    assert read_retention(text) == kept


@pytest.mark.parametrize("text", ["", "forever", "15", "d", "1" * 10_000 + "d"])
def test_a_retention_in_other_words_is_unknown(text: str) -> None:
    assert isinstance(read_retention(text), Unknown)


@pytest.mark.parametrize("said", [DOWN, [], {}, {"storageRetention": 15}])
def test_a_source_that_does_not_say_how_long_is_unknown(said: Any) -> None:
    assert isinstance(keeps(made(said), at_once), Unknown)
    assert keeps(made({"storageRetention": "15d"}), at_once) == timedelta(days=15)


def test_whether_there_was_anything_is_asked_over_the_stretch() -> None:
    source = Source(up("x", a=1), NoData(Reason.EMPTY, "none"), DOWN)
    said = [has_samples(cast(PrometheusSource, source), at_once, T0, HOUR) for _ in range(3)]
    assert said == [True, False, Unknown("connection refused")]
    assert source.asked[0] == "count(last_over_time(up[3600s]))"


def test_pods_are_found_by_their_name_and_only_ours() -> None:
    source = Source(up("pod", **{"web-1": 1.0, "web-2": 0.0, "other": 1.0}))
    assert scraped(cast(PrometheusSource, source), at_once, PODS, "shop", T0) == {"web-1": True, "web-2": False}
    assert source.asked == ['max by (pod) (up{namespace=~"shop|",pod=~"web-1|web-2|web-3"})']


def test_pods_are_found_by_their_address_where_no_target_has_their_name() -> None:
    addresses = up("instance", **{"10.0.0.1:8080": 0.0, "10.0.0.1:9090": 1.0, "[fd00::2]:9090": 0.0, "10.0.0.9:1": 1.0})
    source = Source(NoData(Reason.EMPTY, "none"), addresses)
    assert scraped(cast(PrometheusSource, source), at_once, PODS, "shop", T0) == {"web-1": True, "web-2": False}
    assert source.asked[1] == (r'max by (instance) (up{instance=~"(10\\.0\\.0\\.1|\\[fd00::2\\])(:[0-9]+)?"})')


def test_what_is_not_answered_is_unknown_and_no_pods_are_asked_for_nothing() -> None:
    assert scraped(made(DOWN), at_once, PODS, "shop", T0) == Unknown("connection refused")
    assert scraped(made(NoData(Reason.EMPTY, ""), DOWN), at_once, PODS, "shop", T0) == Unknown("connection refused")
    assert scraped(made(), at_once, [], "shop", T0) == {}
    assert scraped(made(NoData(Reason.EMPTY, "")), at_once, [Pod("web-3")], "shop", T0) == {}
