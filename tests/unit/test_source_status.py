"""The status of a metric source: what it is, whether it answers, whether its clock is ours; and no needless writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from driftreview.adapters.errors import ChangedError
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.prometheus import BusyError
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import MetricSource, MetricSourceStatus
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.sourcestatus import answered, introduced
from driftreview.runtime.sourcecheck import AGAIN, EVERY, INTRODUCED_EVERY, SourceCheck

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
DOWN = Problem(reason=Reason.UNREACHABLE, message="no connection")
SKEWED = (
    "the source's clock is 45 s ahead of the operator's; looks ask for times whose samples are missing, or that do not"
    " belong to them: synchronise the clocks (NTP) of the machines of operator and source"
)


def said(status: MetricSourceStatus) -> dict[str, tuple[str, str, str]]:
    return {each.type: (each.status, each.reason, each.message) for each in status.conditions}


def test_a_source_that_answers_is_ready_and_keeps_what_it_said_of_itself_while_it_is_down() -> None:
    up = introduced(answered(MetricSourceStatus(), 1, None, NOW), "3.5.0", "15d", timedelta(0), NOW)
    assert said(up) == {
        "ClockInSync": ("True", "InSync", "the source's clock agrees with the operator's"),
        "Ready": ("True", "Available", "answers queries"),
    }
    later = NOW + timedelta(minutes=5)
    down = answered(up, 2, DOWN, later)
    assert said(down)["Ready"] == ("False", "Unreachable", "no connection")
    assert (down.version, down.retention, down.clock_skew_seconds) == ("3.5.0", "15d", 0)
    assert [each.last_transition_time for each in down.conditions] == [NOW, later]
    assert down.observed_generation == 2
    assert answered(down, 2, DOWN, later + timedelta(minutes=5)) == down, "since when it is down does not move"


@pytest.mark.parametrize(
    ("seconds", "skew", "condition"),
    [
        (45.4, 45, ("False", "ClockSkew", SKEWED)),
        (-45, -45, ("False", "ClockSkew", SKEWED.replace("ahead of", "behind"))),
        (30, 30, ("True", "InSync", "the source's clock agrees with the operator's")),
        (-0.4, 0, ("True", "InSync", "the source's clock agrees with the operator's")),
    ],
)
def test_a_clock_that_is_wrong_is_said_with_what_to_do(
    seconds: float, skew: int, condition: tuple[str, str, str]
) -> None:
    status = introduced(MetricSourceStatus(), None, None, timedelta(seconds=seconds), NOW)
    assert status.clock_skew_seconds == skew
    assert said(status)["ClockInSync"] == condition


def test_a_clock_that_wobbles_is_no_news_until_it_matters() -> None:
    status = introduced(MetricSourceStatus(), None, None, timedelta(seconds=28), NOW)
    for seconds, shown in ((26, 28), (30, 28), (31, 31), (34, 31), (30.4, 30), (24, 24)):
        after = introduced(status, None, None, timedelta(seconds=seconds), NOW + timedelta(hours=1))
        assert after.clock_skew_seconds == shown, seconds
        assert (after == status) == (shown == status.clock_skew_seconds)
        status = after


def test_a_source_that_does_not_say_what_time_it_has_has_no_such_condition() -> None:
    status = introduced(MetricSourceStatus(), None, None, timedelta(minutes=1), NOW)
    assert said(introduced(status, None, None, None, NOW)) == {}


class World:
    """A source, and what is written of it."""

    def __init__(self) -> None:
        self.now, self.answer, self.busy = NOW, cast(Any, NoData("Empty", "nothing")), False
        self.time = timedelta(0)
        self.asked, self.written = list[str](), list[MetricSourceStatus]()
        self.says: dict[str, Any] = {
            "status/buildinfo": {"version": "3.5.0"},
            "status/runtimeinfo": {"storageRetention": "15d"},
        }
        self.changed = False
        self.check = SourceCheck(cast(MetricSources, self), lambda: self.now)
        self.raw: dict[str, Any] = {
            "kind": "MetricSource",
            "metadata": {"name": "prometheus", "namespace": "shop", "generation": 3},
            "spec": {"url": "http://prometheus:9090"},
        }

    def connect(self, _: MetricSource) -> FoundSource:
        return FoundSource(cast(Any, self), "label")

    def instant(self, *_: Any) -> Any:
        self.asked.append("simplest")
        if self.busy:
            raise BusyError
        return self.answer

    def data(self, path: str, _: Any) -> Any:
        self.asked.append(path)
        if path == "query":
            return {"resultType": "scalar", "result": [0, ""]} | {
                "result": [(self.now + self.time).timestamp(), "1"],
            }
        return self.says[path]

    def hide(self, text: str) -> str:
        return text.replace("s3cret", "[hidden]")

    def write_status(self, _: MetricSource, status: MetricSourceStatus) -> None:
        if self.changed:
            raise ChangedError("changed")
        self.written.append(status)
        self.raw["status"] = status.to_wire()

    def run(self, after: timedelta = EVERY) -> datetime:
        self.now += after
        return self.check.run(self.raw)


def test_a_status_is_written_once_and_then_when_something_changed() -> None:
    world = World()
    for _ in range(30):
        world.run()
    (status,) = world.written
    assert (status.version, status.retention, status.clock_skew_seconds) == ("3.5.0", "15d", 0)
    assert status.observed_generation == 3
    assert world.asked.count("simplest") == 30
    assert world.asked.count("status/buildinfo") == 3, "about itself it is asked every ten minutes"
    world.says["status/buildinfo"] = {"version": "3.6.0"}
    world.time = timedelta(seconds=50)
    world.run(INTRODUCED_EVERY)
    assert [each.version for each in world.written] == ["3.5.0", "3.6.0"]
    assert world.written[-1].clock_skew_seconds == 50


def test_a_source_that_is_down_is_not_asked_about_itself() -> None:
    world = World()
    world.answer = Failed(Reason.TIMEOUT, "no answer", retryable=True)
    for _ in range(3):
        world.run()
    assert world.asked == ["simplest"] * 3
    assert len(world.written) == 1
    world.answer = NoData("Empty", "nothing")
    world.says["status/runtimeinfo"] = Failed(Reason.TIMEOUT, "no answer", retryable=True)
    world.run()
    assert [each.version for each in world.written] == [None, None], "what could not be asked now is asked next time"
    world.says["status/runtimeinfo"] = Failed(Reason.NOT_FOUND, "no such page", retryable=False)
    world.run()
    assert (world.written[-1].version, world.written[-1].retention) == ("3.5.0", None)


def test_a_busy_or_edited_source_is_asked_again() -> None:
    world = World()
    world.busy = True
    assert world.run() == world.now + EVERY
    assert world.written == []
    world.busy, world.changed = False, True
    assert world.run() == world.now + AGAIN


@pytest.mark.parametrize(
    ("buildinfo", "version"),
    [
        ({"version": "3.5.0", "revision": "8be3a9560fbdd18a94dedec4b747c35178177202"}, "3.5.0"),
        ({"application": "Grafana Mimir", "version": "2.17.0", "features": {}}, "Grafana Mimir 2.17.0"),
        ({"version": "s3cret\n" + "x" * 200}, "[hidden] " + "x" * 110 + "…"),
        ({"version": 3}, None),
        ([], None),
        (Failed(Reason.FORBIDDEN, "no", retryable=False), None),
    ],
)
def test_what_a_server_says_it_is_is_shown_as_far_as_it_can_be(buildinfo: Any, version: str | None) -> None:
    world = World()
    world.says["status/buildinfo"] = buildinfo
    world.run()
    assert world.written[-1].version == version
