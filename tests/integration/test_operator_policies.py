"""What each policy leads to, and who is kept from acting by it."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.support.stage import APPROVED, NAME, Stage, ago, condition, ending, on_grid, steady, stepping, verdicts, wire

_METRIC: Final = "driftreview_last_safe_moment_timestamp_seconds"

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]


def degraded(**policy: str) -> dict[str, Any]:
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0)], "policy": policy}


def silent(**policy: str) -> dict[str, Any]:
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [ending(t0)], "policy": policy}


@pytest.mark.parametrize("mode", ["Advise", "Observe"])
@pytest.mark.parametrize("outcome", ["good", "degraded", "silent"])
def test_who_only_advises_or_observes_never_touches_the_deployment(stage: Stage, mode: str, outcome: str) -> None:
    before = stage.release("1", "2")
    spec = {"good": {"policy": {"mode": mode}}, "degraded": degraded(mode=mode), "silent": silent(mode=mode)}
    stage.review(**spec[outcome])
    status = stage.ended()
    recommended = {"good": "APPROVE", "degraded": "REJECT", "silent": "INCONCLUSIVE"}
    assert (status["phase"], status["decision"]["recommendation"]) == ("Decided", recommended[outcome])
    assert "act" not in status
    assert stage.deployment()["metadata"] == before["metadata"]
    assert stage.deployment()["spec"] == before["spec"]


def test_on_drift_hold_waits_for_a_person_and_does_nothing(stage: Stage) -> None:
    before = stage.release("1", "2")
    stage.review(**degraded(onDrift="Hold"))
    status = stage.until(lambda found: found.get("progress") == "3/3", "all looks")
    assert (status["phase"], status["decision"]["recommendation"]) == ("Holding", "REJECT")
    assert "waits for a person" in status["summary"]
    assert stage.deployment()["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_snapshot_baseline_finds_drift_since_t0(stage: Stage) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=40)
    baseline = {"from": "Snapshot", "length": "6m"}
    window = {"t0": wire(t0), "checkpoints": ["12m", "18m", "30m"]}
    stage.review(window=window, baseline=baseline, signals=[stepping(t0 + timedelta(minutes=12))])
    status = stage.ended()
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Pass", "Drift", None])
    spec = stage.snapshots()[0].spec
    assert spec.window is not None
    assert (spec.window.start, spec.window.end) == (on_grid(t0, 30), on_grid(t0, 30) + timedelta(minutes=6))


@pytest.mark.parametrize(("alert", "phase"), [("150", "Promoted"), ("90", "RolledBack")])
def test_a_declared_baseline_judges_by_limits_alone(stage: Stage, alert: str, phase: str) -> None:
    stage.release("1", "2")
    signal = steady() | {"limits": {"alert": alert}}
    del signal["margin"]
    stage.review(baseline={"from": "Declared", "length": None}, signals=[signal])
    assert stage.ended()["phase"] == phase
    assert stage.snapshots()[0].spec.signals == []


@pytest.mark.parametrize(
    ("policy", "phase"), [("Hold", "Holding"), ("Promote", "Promoted"), ("Rollback", "RolledBack")]
)
def test_on_inconclusive_says_what_an_undecidable_last_look_leads_to(stage: Stage, policy: str, phase: str) -> None:
    stage.release("1", "2")
    stage.review(**silent(onInconclusive=policy))
    status = stage.until(lambda found: found.get("progress") == "3/3" and found["phase"] == phase, phase)
    assert verdicts(status) == ["Inconclusive"] * 3
    assert status["decision"]["recommendation"] == "INCONCLUSIVE"
    assert (stage.version(), APPROVED in stage.deployment()["metadata"]["annotations"]) == (
        "1" if policy == "Rollback" else "2",
        policy == "Promote",
    )


@pytest.mark.parametrize(
    ("policy", "phase"), [("Notify", "Inconclusive"), ("Promote", "Promoted"), ("Rollback", "RolledBack")]
)
def test_on_window_end_says_what_becomes_of_an_undecided_review_at_the_last_safe_moment(
    stage: Stage, operator: OperatorProcess, policy: str, phase: str
) -> None:
    stage.release("1", "2")
    # The last safe moment is two minutes (half the grace) after the last look, four seconds from now.
    t0 = ago(seconds=60 * 20 - 4)
    window = {"t0": wire(t0), "rollback": "18m", "grace": "4m"}
    stage.review(window=window, signals=[ending(t0)], policy={"onWindowEnd": policy})
    held = stage.until(lambda found: found.get("progress") == "3/3", "all looks")
    assert held["phase"] == "Holding"
    status = stage.ended()
    assert status["phase"] == phase
    assert operator.pid is not None


def test_who_is_needed_is_told_before_the_last_safe_moment_how_long_is_left(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=50)
    window = {"t0": wire(t0), "rollback": "50m", "grace": "20m"}
    stage.review(window=window, policy={"approval": {"type": "Manual"}})
    status = stage.until(lambda found: condition(found, "DecisionDue"), "a warning")
    due = condition(status, "DecisionDue")
    assert (due["status"], due["reason"]) == ("True", "FifteenMinutesLeft")
    assert "a promotion has 0 of 1 approvals; the last safe moment is" in due["message"]
    assert status["rollback"]["left"] in {"5m", "<5m"}
    safe = datetime.fromisoformat(status["rollback"]["lastSafeMoment"]).timestamp()
    known = {"namespace": stage.namespace, "review": NAME}

    def told() -> bool:
        families = text_string_to_metric_families(Client(operator.url).request("GET", "/metrics")[1])
        samples = [each for family in families for each in family.samples if each.labels == known]
        return [(each.name, each.value) for each in samples] == [(_METRIC, safe)]

    wait_until(told, "the metric tells until when", 10)
