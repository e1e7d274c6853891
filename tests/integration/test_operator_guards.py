"""Looks between the checkpoints, by an operator process on real servers."""

from datetime import timedelta
from typing import Any, Final

import pytest

from driftreview.api.values import parse_duration
from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.integration.test_operator_chain import proved
from tests.support.cluster import Raw
from tests.support.stage import SOURCE, Stage, ago, assert_chained, condition, steady, stepping, verdicts, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
_WINDOW: Final = {"checkpoints": ["6m", "3h"], "rollback": "3h"}


def guarded(stage: Stage, *signals: Raw, **spec: Any) -> None:
    """A review of half an hour ago whose next checkpoint is hours away, guarded every minute."""
    stage.release("1", "2")
    window = _WINDOW | {"t0": wire(ago(minutes=30))}
    stage.review(window=window, guards={"every": "1m"}, signals=[*signals, steady("other")], **spec)


def test_a_drift_between_two_checkpoints_is_found_and_taken_back_hours_before_the_next(stage: Stage) -> None:
    guarded(stage, stepping(ago(minutes=18)))
    status = stage.ended(60)
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Pass", "Drift", None])
    assert stage.version() == "1"
    first, found, last = status["checkpoints"]
    assert (found["guard"], status["decision"]["by"]) == (True, f"guard {found['name']}")
    assert "guard" not in first | last
    assert first["due"] < found["due"] == status["guardedUntil"] < last["due"]
    assert timedelta(minutes=12) < parse_duration(found["name"]) < timedelta(minutes=20), "soon after it began"
    assert (status["progress"], condition(status, "Guarded")["status"]) == ("1/2", "True")
    snapshots = stage.snapshots()
    assert [each.spec.checkpoint for each in snapshots] == ["T0", "6m", found["name"]]
    assert_chained(snapshots)
    (guard,) = (each.spec for each in snapshots if each.spec.guard)
    assert guard.facts is not None
    assert proved(stage) == []


def test_guards_that_find_nothing_keep_nothing_and_tell_when_they_are_blind(
    stage: Stage, operator: OperatorProcess
) -> None:
    guarded(stage, steady())
    now = ago(minutes=0)
    stage.until(lambda found: found.get("guardedUntil", "") >= wire(now - timedelta(minutes=2)), "it has caught up", 60)
    status = stage.status()
    assert (status["phase"], verdicts(status)) == ("Watching", ["Pass", None])
    assert [each.spec.checkpoint for each in stage.snapshots()] == ["T0", "6m"]
    said = condition(status, "Guarded")
    assert (said["status"], said["reason"], said["message"]) == ("True", "Guarding", "every 1m since T0")
    lines = Client(operator.url).request("GET", "/metrics")[1].splitlines()
    counted = dict(line.rsplit(" ", 1) for line in lines if line.startswith("driftreview_guards_total"))
    assert float(counted['driftreview_guards_total{found="nothing"}']) > 0
    stage.api.delete("MetricSource", SOURCE, stage.namespace)

    def is_blind(found: Raw) -> bool:
        return bool(condition(found, "Guarded")["status"] == "False")

    blind = stage.until(is_blind, "the next guard is not answered", 90)
    said = condition(blind, "Guarded")
    assert said["reason"] == "SourceNotFound"
    assert said["message"].startswith(f"blind since {blind['guardedUntil']}: spec.metrics.sourceRef: there is no ")
    assert (blind["phase"], verdicts(blind)) == ("Watching", ["Pass", None])

    def told() -> bool:
        return any(each["reason"] == "GuardsBlind" for each in stage.api.list("Event", stage.namespace))

    wait_until(told, "an Event tells it")
