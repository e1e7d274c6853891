"""What has happened in a review: told from its status, each in its order, with the sentence of why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.preflight import FindingSeverity, PreflightFinding
from driftreview.domain.status import condition
from driftreview.domain.stop import Stop
from driftreview.domain.story import Happening, Severity, story
from tests.builders import HOUR, MINUTE, T0, approval, review, signal
from tests.simulator import Deployment, Metrics, Simulator

BEFORE = ["Accepted", "BaselineCaptured"]
DRIFTED = [*BEFORE, "CheckpointJudged", "Decided"]


def lived(script: Callable[[Simulator], None], shift_at: timedelta | None = None, **spec: Any) -> Simulator:
    """A review that lived through a script, of a release that is worse from a time on."""
    shifts = [] if shift_at is None else [(T0 + shift_at, 1.5)]
    simulator = Simulator(review(**spec), now=T0 - 12 * MINUTE, metrics=Metrics(shifts))
    simulator.pass_time(14 * MINUTE)  # what is waited for before T0 has no date
    simulator.sleepy = True
    script(simulator)
    return simulator


def passing(length: timedelta) -> Callable[[Simulator], None]:
    return lambda simulator: simulator.pass_time(length)


def words(simulator: Simulator) -> list[str]:
    """All that was ever told, in the order of time."""
    return [each.what for each in sorted(simulator.told.values(), key=lambda each: each.place)]


def last(simulator: Simulator, what: str) -> Happening:
    return [each for each in simulator.told.values() if each.what == what][-1]


def test_a_promotion_from_the_spec_to_the_end() -> None:
    simulator = lived(passing(6 * HOUR))
    looks = ["CheckpointJudged"] * 3
    assert words(simulator) == [*BEFORE, *looks, "Decided", "PromotionBegun", "Promoted"]
    assert [each.what for each in story(simulator.stored())] == words(simulator)
    assert {each.severity for each in simulator.told.values()} == {Severity.NORMAL}


def test_every_note_is_a_sentence_that_the_status_has() -> None:
    simulator = lived(passing(6 * HOUR), timedelta(0))
    status = simulator.stored().status
    assert status.decision is not None
    assert status.recovery is not None
    said = {each.what: each.note for each in story(simulator.stored())}
    told = {kind: condition(status, kind) for kind in ("Accepted", "BaselineCaptured", "Ready", "StaysBack")}  # type: ignore[arg-type]
    assert said == {
        "Accepted": told["Accepted"] and told["Accepted"].message,
        "BaselineCaptured": told["BaselineCaptured"] and told["BaselineCaptured"].message,
        "CheckpointJudged": f"Drift at T0+1h: {status.checkpoints[0].message}",
        "Decided": f"REJECT: {status.decision.message}",
        "RollbackBegun": f"REJECT: {status.decision.message}",
        "RolledBack": told["Ready"] and told["Ready"].message,
        "NotRecovered": status.recovery.message,
        "WatchEnded": told["StaysBack"] and told["StaysBack"].message,
    }


def test_a_rollback_and_what_came_of_it() -> None:
    def back_again(simulator: Simulator) -> None:
        simulator.pass_time(90 * MINUTE)
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(5 * HOUR)

    found = words(lived(back_again, timedelta(0)))
    assert found == [*DRIFTED, "RollbackBegun", "RolledBack", "RecoveryUnknown", "Returned", "WatchEnded"]


def test_a_decision_that_is_left_to_people_is_held_and_warned_of_at_each_hour() -> None:
    def awake(simulator: Simulator) -> None:
        simulator.pass_time(3 * HOUR)
        simulator.sleepy = False
        simulator.pass_time(2 * HOUR)

    simulator = lived(awake, timedelta(0), policy={"onDrift": "Hold"})
    near = [each for each in simulator.told.values() if each.what == "LastSafeMomentNear"]
    warned = ["LastSafeMomentNear"] * 2
    assert words(simulator) == [*DRIFTED, "Held", "CheckpointJudged", *warned, "CheckpointJudged", "Advised"]
    safe = T0 + 4 * HOUR + 15 * MINUTE
    assert [(each.because, each.at) for each in near] == [
        ("OneHourLeft", safe - HOUR),
        ("FifteenMinutesLeft", safe - 15 * MINUTE),
    ]
    assert "waits for a person until 2026-07-31T16:15:00Z" in last(simulator, "Held").note
    assert last(simulator, "Advised").severity is Severity.WARNING


def test_what_people_do_is_told_with_their_words() -> None:
    def rejected(simulator: Simulator) -> None:
        simulator.pass_time(30 * MINUTE)
        simulator.approvals += [approval("Approve", at=T0 - MINUTE), approval("Reject", "ann", T0 + 10 * MINUTE)]
        simulator.pass_time(5 * HOUR)

    simulator = lived(rejected, window={"checkpoints": ["1h"], "rollback": "1h", "recovery": "0s"})
    assert words(simulator)[1:] == [
        *("PersonActed", "BaselineCaptured", "PersonActed", "Decided", "RollbackBegun", "RolledBack", "WatchEnded"),
    ]
    early, reject = (each for each in simulator.told.values() if each.what == "PersonActed")
    assert (early.note, early.severity) == ("Approve by jane", Severity.NORMAL)
    assert (reject.note, reject.severity) == ("Reject by ann: ann says so", Severity.WARNING)


def test_what_stands_is_told_once_and_leaves_the_story_when_it_is_mended() -> None:
    def down(simulator: Simulator) -> None:
        simulator.pass_time(50 * MINUTE)
        simulator.metrics.mode = "down"
        simulator.pass_time(20 * MINUTE)
        stalled = [each for each in story(simulator.stored()) if each.what == "Stalled"]
        assert [(each.because, each.severity) for each in stalled] == [("Unreachable", Severity.WARNING)]
        simulator.metrics.mode = "up"
        simulator.pass_time(20 * MINUTE)

    simulator = lived(down)
    assert words(simulator) == [*BEFORE, "Stalled", "CheckpointJudged"]
    assert [each.what for each in story(simulator.stored())] == [*BEFORE, "CheckpointJudged"]


def test_guards_that_are_not_answered_are_told_until_they_are() -> None:
    def down(simulator: Simulator) -> None:
        simulator.pass_time(15 * MINUTE)
        simulator.metrics.mode = "down"
        simulator.pass_time(20 * MINUTE)

    def up_again(simulator: Simulator) -> None:
        down(simulator)
        simulator.metrics.mode = "up"
        simulator.pass_time(10 * MINUTE)

    blind = last(lived(down, guards={}), "GuardsBlind")
    assert (blind.severity, blind.note) == (Severity.WARNING, "blind since 2026-07-31T12:10:00Z: connection refused")
    assert "GuardsBlind" not in {each.what for each in story(lived(up_again, guards={}).stored())}


def test_a_way_back_that_is_lost_and_found_again() -> None:
    def paused(simulator: Simulator) -> None:
        assert simulator.target is not None
        for is_paused in (False, True, False):
            simulator.target.paused = is_paused
            simulator.target.generation += 1
            simulator.pass_time(30 * MINUTE)

    simulator = lived(paused)
    assert words(simulator) == [*BEFORE, "RollbackImpossible", "CheckpointJudged", "RollbackPossible"]
    assert last(simulator, "RollbackImpossible").because == "TargetPaused"
    assert "kubectl rollout resume" in last(simulator, "RollbackImpossible").note


def test_preflight_that_blocks_is_told_once_and_not_again_as_a_stall() -> None:
    finding = PreflightFinding(name="RollbackPossible", severity=FindingSeverity.BLOCKER, message="no", fix="mend it")

    simulator = Simulator(review(), now=T0 - 12 * MINUTE, preflight=(finding,))
    simulator.pass_time(20 * MINUTE)
    simulator.preflight = ()
    simulator.pass_time(20 * MINUTE)
    assert words(simulator) == ["Accepted", "PreflightBlocked", "PreflightPassed", "BaselineCaptured"]
    assert last(simulator, "PreflightBlocked").note == "RollbackPossible: no (fix: mend it)"


def test_a_spec_that_is_not_accepted_is_told_with_its_reason_and_not_again_as_a_stall() -> None:
    simulator = Simulator(review(), now=T0, target=None)
    simulator.run()
    assert [(each.what, each.because) for each in simulator.told.values()] == [("NotAccepted", "TargetNotFound")]


def test_an_act_that_is_stopped_is_told_as_well() -> None:
    def stopped(simulator: Simulator) -> None:
        simulator.stop = Stop("all acts were stopped")
        simulator.pass_time(80 * MINUTE)

    simulator = lived(stopped, timedelta(0))
    assert words(simulator) == [*BEFORE, "ActsStopped", "CheckpointJudged", "Decided", "Held"]


@pytest.mark.parametrize(
    ("target", "end", "severity"),
    [
        (None, ("Superseded", "TargetReplaced"), Severity.NORMAL),
        (Deployment("newer"), ("Superseded", "NewRevision"), Severity.NORMAL),
    ],
)
def test_what_others_do_ends_it(target: Deployment | None, end: tuple[str, str], severity: Severity) -> None:
    def changed(simulator: Simulator) -> None:
        simulator.pass_time(30 * MINUTE)
        simulator.target = target
        simulator.pass_time(30 * MINUTE)

    found = story(lived(changed).stored())[-1]
    assert (found.what, found.because, found.severity) == (*end, severity)


def test_a_chain_tells_which_revision_was_followed_and_by_whom() -> None:
    def chained(simulator: Simulator) -> None:
        simulator.pass_time(90 * MINUTE)
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(90 * MINUTE)

    simulator = lived(chained, policy={"onNewRevision": "Chain"})
    assert words(simulator)[:4] == [*BEFORE, "CheckpointJudged", "Chained"]
    assert words(simulator).count("BaselineCaptured") == 2
    assert last(simulator, "Chained").note == (
        "web-new (T0 2026-07-31T12:00:00Z) was followed by another revision, applied by whom its managed fields do "
        "not tell"
    )
    assert [each.what for each in story(simulator.stored())][:3] == ["Accepted", "Chained", "BaselineCaptured"]


def test_a_rollback_that_fails_ends_in_a_warning() -> None:
    def failing(simulator: Simulator) -> None:
        assert simulator.target is not None
        simulator.pass_time(30 * MINUTE)
        simulator.target.fails = True
        simulator.pass_time(4 * HOUR)

    simulator = lived(failing, timedelta(0))
    assert words(simulator)[:6] == [*DRIFTED, "RollbackBegun", "Failed"]
    assert (last(simulator, "Failed").because, last(simulator, "Failed").severity) == ("RollbackIncomplete", "Warning")


def test_a_look_that_holds_is_told_with_what_comes() -> None:
    simulator = lived(passing(80 * MINUTE), signals=[signal(), signal("none", query="none", limits={"alert": "1"})])
    looked = last(simulator, "CheckpointJudged")
    assert looked.severity is Severity.WARNING
    assert looked.id == "2026-07-31T13:02:00Z/CheckpointJudged/1h"
