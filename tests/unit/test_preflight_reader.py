"""What preflight reads is kept for a while, asked in turns, and read anew for another spec or revision."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.errors import ForbiddenError, UnavailableError
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.api.driftreview import DriftReview
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.preflight import PreflightFinding
from driftreview.domain.samples import Samples, Series, Window
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import TurnOverError
from driftreview.runtime.preflight import PreflightReader
from tests.builders import HOUR, MINUTE, T0, around, review, signal, target

HASHED = {"pod-template-hash": "new"}
NEVER, AT_ONCE = float("inf"), 0.0
POD: dict[str, Any] = {
    "metadata": {"name": "web-new-abcde", "ownerReferences": [{"uid": "rs-new"}], "labels": HASHED},
    "spec": {"containers": [{"name": "web", "args": ["--dry-run"]}]},
}


class World:
    """Stands for the API server and the source."""

    spec = MetricSourceSpec(url="http://prometheus:9090", resolution="60s")

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self.no_time: Exception | None = None
        self.behind = timedelta(0)
        self.now, self.noise = T0, 0.001
        self.reader = PreflightReader(cast(Cluster, self), cast(MetricSources, self), lambda: self.now)

    def hide(self, text: str) -> str:
        return text

    def find(self, _: DriftReview) -> FoundSource:
        return FoundSource(cast(Any, self), "MetricSource/prometheus")

    def objects(self, _: Any, namespace: str, selectors: dict[str, str], reduce: Any) -> Any:
        self.asked.append(f"pods of {namespace} {selectors['labelSelector']}")
        if self.fails:
            raise self.fails
        yield [reduce(POD), reduce(POD | {"metadata": {"name": "other"}})]

    def time(self) -> datetime:
        self.asked.append("the time")
        if self.no_time:
            raise self.no_time
        return self.now - self.behind

    def instant(self, query: str, at: datetime) -> Rows:
        self.asked.append(query)
        return Rows(at, (Row({"pod": "web-new-abcde"}, 1.0),))

    def data(self, path: str, _: Any) -> Any:
        self.asked.append(path)
        if path == "query":
            return {"resultType": "scalar", "result": [self.now.timestamp(), "1"]}
        return {"groups": []} if path == "rules" else {"storageRetention": "15d"}

    def range(self, query: str, window: Window) -> Samples:
        self.asked.append(query)
        return Samples(window, (Series({}, tuple(around(1.0, window.points, share=self.noise))),))

    def look(self, until: float = NEVER, view: TargetView | None = None, **preflight: Any) -> list[PreflightFinding]:
        signals = [signal("latency", query="latency # of all"), signal("orders", kind="Info", margin=None)]
        subject = review(signals=signals, preflight=preflight)
        return self.reader.findings(subject, view or target(), (), self.now, until)


@pytest.fixture
def world() -> World:
    return World()


def test_by_default_everything_is_read_once_but_the_history(world: World) -> None:
    assert world.look() == []
    assert world.asked == [
        "pods of shop pod-template-hash=new",
        'max by (pod) (up{namespace=~"shop|",pod=~"web-new-abcde"})',
        "count(last_over_time(up[3600s]))",
        "status/runtimeinfo",
        "the time",
        "query",
    ]


def test_what_was_read_holds_for_a_moment_and_later_for_a_minute(world: World) -> None:
    world.look()
    world.look()
    assert len(world.asked) == 6
    world.now += HOUR
    world.look()
    assert len(world.asked) == 12
    world.now += MINUTE / 2
    world.look()
    assert len(world.asked) == 12
    world.now += MINUTE
    world.look()
    assert len(world.asked) == 18


def test_only_what_is_declared_is_read(world: World) -> None:
    assert world.look(warnOnly=[]) == []
    assert world.asked == []
    world.reader.forget("review-uid")
    (said,) = world.look(warnOnly=[], forbid=[{"arg": "--dry-run"}])
    assert said.name == "ForbiddenArgument"
    assert world.asked == ["pods of shop pod-template-hash=new"]


def test_it_takes_as_many_turns_as_it_needs_and_asks_nothing_twice(world: World) -> None:
    for count in (1, 2, 3):
        with pytest.raises(TurnOverError, match=f"^preflight: {count} of 4"):
            world.look(AT_ONCE)
    assert world.look(AT_ONCE) == []
    assert len(world.asked) == 6


def test_a_first_release_is_told_of_what_has_no_limit_but_not_with_a_backdated_t0_or_without_history(
    world: World,
) -> None:
    first = target(previous=None, is_first=True)
    found = world.look(view=first, warnOnly=[])
    assert [each.name for each in found] == ["FirstRelease"]
    assert "spec.signals[0] (latency)" in found[0].message
    for spec in ({"window": {"t0": T0, "backdated": True}}, {"baseline": {"from": "Declared"}}):
        subject = review(signals=[signal("latency")], preflight={"warnOnly": []}, **spec)
        assert world.reader.findings(subject, first, (), world.now, NEVER) == []


def test_another_revision_is_read_anew_and_so_is_what_was_forgotten(world: World) -> None:
    world.look()
    world.look(view=target("other", previous=None))
    world.reader.forget("review-uid")
    world.look(view=target("other"))
    assert [each for each in world.asked if each.startswith("pods")] == [
        "pods of shop pod-template-hash=new",
        *["pods of shop pod-template-hash=other"] * 2,
    ]


def test_a_missing_right_is_a_finding_and_a_silent_api_server_is_not(world: World) -> None:
    world.fails = ForbiddenError("pods is forbidden")
    assert {each.name for each in world.look()} == {"ContinuousOperation", "MetricsScraped"}
    world.fails, world.now = UnavailableError("no answer"), T0 + HOUR
    with pytest.raises(UnavailableError):
        world.look()


def test_an_api_server_that_does_not_tell_its_time_is_a_finding(world: World) -> None:
    world.no_time = ForbiddenError("no right")
    (said,) = world.look()
    assert said.message == "the time of the API server could not be found out: no right"
    world.no_time, world.now, world.behind = None, T0 + HOUR, MINUTE
    (said,) = world.look()
    assert said.message == "the clock of the API server is 59s behind the operator's"


def test_rules_are_read_where_alerts_are_declared(world: World) -> None:
    subject = review(alerts={}, preflight={"warnOnly": ["AlertRulesLoaded"]})
    (said,) = world.reader.findings(subject, target(), (), T0, NEVER)
    assert (said.name, said.message) == ("AlertRulesLoaded", "no alert rule is loaded")
    assert world.asked == ["rules"]


def test_the_history_is_looked_at_where_it_is_required_and_by_block(world: World) -> None:
    assert world.look(require=["Resolution"], warnOnly=[]) == []
    assert world.asked == ["quantile_over_time(0.5, (latency )[600s:60s])"]
    world.now, world.noise = T0 + MINUTE, 0.5
    assert world.look(require=["Resolution"], warnOnly=[]) == [], "for some minutes it holds"
    world.now = T0 + HOUR
    (said,) = world.look(require=["Resolution"], warnOnly=[])
    assert (said.name, said.severity) == ("Resolution", "Blocker")
    assert said.message.startswith("too noisy for their margin: latency (its noise lets a change of ")


def test_what_is_measured_after_t0_cannot_be_required_before(world: World) -> None:
    subject = review(
        preflight={"require": ["Resolution"], "warnOnly": []}, baseline={"from": "Snapshot", "length": "30m"}
    )
    assert world.reader.findings(subject, target(), (), T0, NEVER) == []
    assert world.asked == []
