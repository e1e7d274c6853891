"""Whatever others do after a rollback, and whenever the operator is away: it is told, it ends, and nothing is done."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.domain import aftermath
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from tests.builders import HOUR, MINUTE, T0, review, signal
from tests.reportdata import stored
from tests.simulator import Deployment, Metrics, Simulator

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["old", "new", "newer", "gone", "made anew", "down", "up", "empty", "suspend", "go on", "away"]
        ),
        st.integers(1, 50),
    ),
    max_size=8,
)


def rolled_back() -> Simulator:
    shifts = [(T0 - 10 * MINUTE, 1.5), (T0 + 66 * MINUTE, 1.0)]
    simulator = Simulator(review(signals=[signal()]), metrics=Metrics(shifts), sleepy=True)
    simulator.pass_time(HOUR + 10 * MINUTE)
    assert simulator.phase == "RolledBack"
    return simulator


def happens(simulator: Simulator, event: str) -> None:
    target = simulator.target
    if event in ("down", "up", "empty"):
        simulator.metrics.mode = event
    elif event in ("suspend", "go on"):
        simulator.suspend(suspended=event == "suspend")
    elif event in ("gone", "made anew"):
        simulator.target = None if event == "gone" else Deployment(uid="another")
    elif target is not None and event not in ("away", target.version):
        target.roll_out(event, simulator.now)


def truths(status: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in status["conditions"]}


@given(EVENTS)
@settings(max_examples=25, deadline=None)
def test_nothing_is_done_the_verdict_is_final_and_it_ends(events: list[tuple[str, int]]) -> None:
    simulator = rolled_back()
    verdict = None
    for event, minutes in events:
        happens(simulator, event)
        if event == "away":
            simulator.now += minutes * MINUTE
        else:
            simulator.pass_time(minutes * MINUTE)
        if not aftermath.is_over(simulator.stored().status):
            assert simulator.target is not None
            runs = {"new": ("False",), "old": ("True", "Unknown")}[simulator.target.version]  # its pods may be to come
            assert truths(simulator.status)["StaysBack"] in runs or event == "away"
        now = simulator.status["recovery"].get("verdict")
        assert verdict in (None, now), "judged once"
        verdict = now
    simulator.pass_time(timedelta(days=1))
    simulator.pass_time(MINUTE)
    assert simulator.acts == [ActType.ROLL_BACK]
    assert simulator.phase == "RolledBack"
    assert aftermath.is_over(simulator.stored().status)
    assert simulator.again is None
    recovery = simulator.status["recovery"]
    assert recovery["verdict"] in {"Recovered", "Unknown"}
    truth = {"Recovered": "True", "Unknown": "Unknown"}[recovery["verdict"]]
    assert truths(simulator.status)["Recovered"] == truth
    assert recovery["verdict"] == "Unknown" or "snapshot" in recovery, "never Recovered without evidence"
    frozen = [stored(name, spec) for name, spec in simulator.snapshots.items()]
    subject = simulator.stored()
    looks = looked(subject, frozen)
    after = looked_after(subject, looks, frozen)
    assert list(differences(subject, looks, earlier(subject, frozen), [], after)) == []
