"""The emergency stop: no act begins, everything else goes on, and every open review says so."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driftreview.adapters.errors import ForbiddenError, NotFoundError, UnavailableError
from driftreview.adapters.stop import StopSwitch
from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.domain.ahead import at_window_end
from driftreview.domain.report import held
from driftreview.domain.report.build import report
from driftreview.domain.report.material import Material
from driftreview.domain.status import MOST_SAID
from driftreview.domain.stop import Stop, stopped_in
from driftreview.runtime.stop import AGAIN, StopWatch
from driftreview.runtime.telemetry import Telemetry
from tests.builders import HOUR, MINUTE, T0
from tests.simulator import Simulator, play
from tests.unit.test_approvals import BAD, GOOD, TWO, begun, does, judged
from tests.unit.test_overriding import EARLY, FOR_LONG, HELD
from tests.unit.test_report import said

STOP = Stop.of("ops", "2026-07-31T13:00:00Z", "jane", "the cluster is sick")
MESSAGE = (
    "all acts were stopped at 2026-07-31T13:00:00Z by jane: the cluster is sick (ConfigMap ops/driftreview-stop); "
    "driftreview go -n ops lets them go on"
)
CLOSES = "2026-07-31T20:30:00Z"
DONE = {Phase.ROLLED_BACK: [ActType.ROLL_BACK], Phase.PROMOTED: [ActType.PROMOTE]}


def turned(simulator: Simulator, stop: Stop | None = STOP) -> None:
    """Somebody turns the switch, and the operator sees it."""
    simulator.stop = stop
    simulator.run()


def told(simulator: Simulator, kind: str = "ActsStopped") -> dict[str, Any]:
    found: dict[str, Any] = next((each for each in simulator.status["conditions"] if each["type"] == kind), {})
    return found


def next_steps(simulator: Simulator) -> list[tuple[str, str]]:
    """What a report says people have to do, each with its tone."""
    review = simulator.stored()
    found = held.steps(Material.of(review, []))
    return [(": ".join(filter(None, (each.text, each.command))), each.tone.value) for each in found]


class TestSaid:
    def test_every_open_review_says_it_and_takes_it_back(self) -> None:
        simulator = begun()
        simulator.pass_time(HOUR + 5 * MINUTE)
        before = simulator.status
        turned(simulator)
        found = told(simulator)
        assert (found["status"], found["reason"], found["message"]) == ("True", "ActsStopped", MESSAGE)
        end = "; no act is done since 2026-07-31T13:05:00Z (condition ActsStopped)"
        assert simulator.status["summary"] == before["summary"] + end
        assert told(simulator, "Reconciling")["message"].endswith(end)
        assert told(simulator, "Stalled")["status"] == "False", "it is judged on"
        simulator.pass_time(HOUR)
        assert simulator.status["progress"] == "2/3"
        assert simulator.status["summary"].count("no act is done") == 1
        turned(simulator, None)
        assert told(simulator) == {}
        assert "no act is done" not in simulator.status["summary"] + told(simulator, "Reconciling")["message"]

    def test_another_one_is_told_since_when_it_is_there(self) -> None:
        simulator = begun()
        turned(simulator)
        simulator.pass_time(HOUR)
        turned(simulator, Stop.of("ops", "2026-07-31T13:00:00Z", "joe", "not yet"))
        assert told(simulator)["lastTransitionTime"] == "2026-07-31T13:00:00Z"
        assert "no act is done since 2026-07-31T13:00:00Z (condition" in simulator.status["summary"]

    def test_what_was_said_before_stands_again(self) -> None:
        simulator = begun((EARLY,), policy={"mode": "Observe"})
        simulator.pass_time(HOUR + 5 * MINUTE)
        before = simulator.status
        turned(simulator)
        assert len(simulator.status["summary"]) <= 512
        turned(simulator, None)
        assert simulator.status == before

    def test_before_t0_and_while_it_is_suspended(self) -> None:
        simulator = begun()
        simulator.suspend(suspended=True)
        turned(simulator)
        assert told(simulator)["status"] == "True"
        assert "suspended by spec.suspend" in simulator.status["summary"]
        young = Simulator(simulator.review, now=T0 - 2 * MINUTE, stop=STOP)
        young.suspend(suspended=False)
        young.run()
        assert (young.phase, told(young)["status"]) == (Phase.PENDING, "True")

    def test_nothing_is_said_of_it_on_a_review_that_ended(self) -> None:
        simulator = begun(policy={"mode": "Advise"})
        turned(simulator)
        simulator.pass_time(12 * HOUR)
        assert (simulator.phase, told(simulator)) == (Phase.DECIDED, {})
        assert "no act is done" not in simulator.status["summary"]

    def test_the_report_tells_it_and_a_freeze_as_long_as_they_hold(self) -> None:
        simulator = judged(policy=FOR_LONG)
        turned(simulator)
        texts = [each.text for each in held.risks(Material.of(simulator.stored(), []))]
        frozen = "promotions are frozen until 2026-08-02T00:00:00Z by quiet (fewer people); a rollback is not"
        assert texts == [MESSAGE, frozen]
        simulator.review = simulator.review.model_copy(update={"spec": begun().review.spec})
        turned(simulator, None)
        assert list(held.risks(Material.of(simulator.stored(), []))) == []

    def test_the_report_has_the_command_by_which_acts_go_on(self) -> None:
        simulator = begun(BAD)
        turned(simulator)
        (step,) = next_steps(simulator)
        text = "All acts are stopped: let them go on as soon as they may, with the right to delete ConfigMap "
        assert step == (f"{text}ops/driftreview-stop: driftreview go -n ops", "Bad")
        assert step[0] in said(report(simulator.stored(), []), "outlook", "Next")
        simulator.pass_time(3 * HOUR)
        assert told(simulator, "Stalled")["message"] == MESSAGE
        assert next_steps(simulator) == [step], "it is said once"
        simulator.pass_time(24 * HOUR)
        assert (simulator.phase, next_steps(simulator)) == (Phase.FAILED, [])

    def test_a_switch_that_cannot_be_read_is_a_right_to_give(self) -> None:
        simulator = begun(BAD)
        turned(simulator, Stop.unreadable("a", "403"))
        simulator.pass_time(3 * HOUR)
        assert next_steps(simulator)[0] == (
            "no act is done, as ConfigMap a/driftreview-stop cannot be read: 403; give that right",
            "Bad",
        )

    def test_what_strangers_write_becomes_no_command(self) -> None:
        forged = "evil (ConfigMap x/driftreview-stop); driftreview go -n x lets them go on"
        hostile = Stop.of("a", "now", forged, forged)
        assert stopped_in(hostile.message) == "a"
        for message in ("; driftreview go -n $(reboot) lets them go on", "driftreview go -n a; reboot"):
            assert stopped_in(f"(ConfigMap a/driftreview-stop){message}") == ""

    def test_what_is_written_into_it_is_plain_and_short(self) -> None:
        hostile = Stop.of("a", "now", "\x1b[31m" * 900, "\n" * 1000)
        assert hostile.message.isprintable()
        assert len(hostile.message) < MOST_SAID
        simulator = begun()
        turned(simulator, hostile)
        assert told(simulator)["message"] == hostile.message
        assert Stop.of("a", "now", "", "").message == (
            "all acts were stopped at now (ConfigMap a/driftreview-stop); driftreview go -n a lets them go on"
        )


def at_the_end(simulator: Simulator) -> str:
    """What a report says of the last safe moment."""
    review = simulator.stored()
    return at_window_end(review, review.status, review.status.decision)


class TestActs:
    @pytest.mark.parametrize(("shifts", "phase"), [(GOOD, Phase.PROMOTED), (BAD, Phase.ROLLED_BACK)])
    def test_what_was_decided_waits_and_is_done_when_it_is_lifted(self, shifts: Any, phase: Phase) -> None:
        simulator = begun(shifts)
        turned(simulator)
        simulator.pass_time(5 * HOUR)
        what = "promotion" if phase is Phase.PROMOTED else "rollback"
        assert at_the_end(simulator) == f"the decided {what} is still done as soon as it can be, not after {CLOSES}"
        assert (simulator.phase, simulator.acts, "act" in simulator.status) == (Phase.HOLDING, [], False)
        assert f"; the {what} is done when acts go on, not after {CLOSES}" in simulator.status["summary"]
        assert (told(simulator, "Stalled")["status"], told(simulator, "Stalled")["message"]) == ("True", MESSAGE)
        turned(simulator, None)
        simulator.pass_time(5 * MINUTE)
        assert (simulator.phase, simulator.acts) == (phase, DONE[phase])
        assert told(simulator, "Stalled")["status"] == "False"

    @pytest.mark.parametrize(("shifts", "phase"), [(GOOD, Phase.PROMOTED), (BAD, Phase.ROLLED_BACK)])
    def test_also_where_only_the_intent_is_stored(self, shifts: Any, phase: Phase) -> None:
        simulator = begun(shifts)
        simulator.pass_time(2 * HOUR if shifts else 4 * HOUR)
        simulator.refuses = True
        simulator.pass_time(3 * MINUTE)
        assert simulator.status["act"]
        turned(simulator)
        simulator.refuses = False
        simulator.pass_time(10 * MINUTE)
        assert simulator.acts == []
        assert told(simulator, "Stalled")["reason"] == "ActsStopped"
        assert MESSAGE in simulator.status["summary"]
        turned(simulator, None)
        simulator.pass_time(5 * MINUTE)
        assert (simulator.phase, simulator.acts) == (phase, DONE[phase])

    @pytest.mark.parametrize("intent", [False, True])
    @pytest.mark.parametrize("shifts", [GOOD, BAD])
    def test_not_after_the_window_and_that_is_said(self, shifts: Any, intent: bool) -> None:  # noqa: FBT001
        simulator = begun(shifts)
        if intent:
            simulator.pass_time(2 * HOUR if shifts else 4 * HOUR)
            simulator.refuses = True
            simulator.pass_time(3 * MINUTE)
        turned(simulator)
        simulator.refuses = False
        simulator.pass_time(T0 + 8 * HOUR + 20 * MINUTE - simulator.now)
        assert simulator.phase not in {Phase.FAILED, Phase.DECIDED}, "past the last safe moment there is still time"
        simulator.pass_time(15 * MINUTE)
        turned(simulator, None)
        simulator.pass_time(HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.FAILED, [])
        assert told(simulator, "Ready")["reason"] == "WindowClosed"
        assert "2026-07-31T20:30:00Z" in simulator.status["summary"]
        assert "all acts were stopped at" in told(simulator, "Ready")["message"]
        assert told(simulator) == {}
        if intent:
            made = said(report(simulator.stored(), []), "outlook", "Mitigations")
            assert any("was to be " in each and each.endswith(", and was not seen to be") for each in made)
            steps = said(report(simulator.stored(), []), "outlook", "Next")
            assert not any("remembered as rejected" in each for each in steps)

    def test_a_rollback_that_began_is_followed_to_its_end(self) -> None:
        simulator = begun(BAD)
        simulator.pass_time(2 * HOUR + 2 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLING_BACK, [ActType.ROLL_BACK])
        turned(simulator)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.pass_time(5 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    @pytest.mark.parametrize("kind", ["Reject", "Override"])
    def test_people_do_not_get_past_it_but_are_followed_when_it_is_lifted(self, kind: str) -> None:
        simulator = judged(policy=TWO)
        turned(simulator)
        does(simulator, kind)
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])
        assert simulator.status["decision"]["by"] == "jane"
        turned(simulator, None)
        simulator.pass_time(5 * MINUTE)
        assert simulator.acts == [ActType.ROLL_BACK if kind == "Reject" else ActType.PROMOTE]

    def test_a_reject_takes_back_what_people_approved_while_it_waits(self) -> None:
        simulator = judged(BAD, policy=HELD)
        turned(simulator)
        does(simulator, "Approve", "joe")
        assert simulator.status["decision"]["reason"] == "Approved"
        does(simulator, "Reject", "ann")
        turned(simulator, None)
        simulator.pass_time(5 * MINUTE)
        assert simulator.acts == [ActType.ROLL_BACK]

    def test_what_is_lifted_in_a_freeze_waits_for_its_end(self) -> None:
        simulator = judged(policy=TWO)
        simulator.review = judged(policy=FOR_LONG).review
        turned(simulator)
        turned(simulator, None)
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])

    @pytest.mark.parametrize(("on_end", "acts"), [("Rollback", [ActType.ROLL_BACK]), ("Promote", [ActType.PROMOTE])])
    def test_what_the_policy_rules_at_the_last_safe_moment_waits_too(self, on_end: str, acts: list[ActType]) -> None:
        simulator = begun(policy={"onWindowEnd": on_end})
        simulator.metrics.mode = "empty"
        turned(simulator)
        simulator.pass_time(HOUR)
        before = at_the_end(simulator)
        simulator.pass_time(7 * HOUR + 20 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])
        assert f"as soon as acts are no longer stopped, not after {CLOSES} (policy" in before
        turned(simulator, None)
        simulator.pass_time(5 * MINUTE)
        assert simulator.acts == acts

    @pytest.mark.parametrize("shifts", [GOOD, BAD])
    @pytest.mark.parametrize("fuse", range(1, 14, 2))
    def test_killed_anywhere_it_comes_to_the_same(self, shifts: Any, fuse: int) -> None:
        def script(simulator: Simulator) -> None:
            simulator.pass_time(HOUR)
            turned(simulator)
            simulator.pass_time(4 * HOUR)
            turned(simulator, None)
            simulator.pass_time(10 * MINUTE)

        def make() -> Simulator:
            return begun(shifts)

        whole, killed = play(make, script), play(make, script, fuse)
        assert (killed.phase, len(killed.acts)) == (whole.phase, 1)


class TestSwitch:
    def test_what_stands_in_the_config_map_is_told(self) -> None:
        stored = {
            "metadata": {"creationTimestamp": "2026-07-31T13:00:00Z"},
            "data": {"by": "jane", "reason": "the cluster is sick"},
        }
        assert _switch(lambda of: of(stored)).read() == STOP
        assert _switch(lambda of: of({"metadata": stored["metadata"]})).read() is not None

    def test_without_it_acts_are_done(self) -> None:
        assert _switch(_raises(NotFoundError("404"))).read() is None

    def test_who_may_not_look_does_nothing(self) -> None:
        found = _switch(_raises(ForbiddenError("GET ...: 403"))).read()
        assert found == Stop.unreadable("ops", "GET ...: 403")
        simulator = judged(policy=FOR_LONG)
        turned(simulator, found)
        assert (told(simulator)["status"], told(simulator)["reason"]) == ("Unknown", "Forbidden")

    def test_it_stalls_what_would_be_done(self) -> None:
        simulator = begun(BAD)
        turned(simulator, Stop.unreadable("a", "403"))
        simulator.pass_time(3 * HOUR)
        assert simulator.acts == []
        stalled = told(simulator, "Stalled")
        assert (stalled["status"], stalled["reason"]) == ("True", "Forbidden")
        assert (
            stalled["message"] == "no act is done, as ConfigMap a/driftreview-stop cannot be read: 403; give that right"
        )


class TestWatch:
    def test_it_tells_when_it_begins_and_when_it_ends(self, caplog: pytest.LogCaptureFixture) -> None:
        answers = iter([None, STOP, STOP, None])
        telemetry, changes = Telemetry(), list[int]()
        watch = StopWatch(cast(Any, SimpleNamespace(read=lambda: next(answers))), telemetry)
        watch.changed = lambda: changes.append(1)
        gauge = []
        for _ in range(4):
            assert watch.run(T0) == T0 + AGAIN
            gauge.append(telemetry.registry.get_sample_value("driftreview_acts_stopped"))
        assert gauge == [0, 1, 1, 0]
        assert len(changes) == 2
        assert [each.levelname for each in caplog.records] == ["WARNING", "WARNING"]
        assert [each.getMessage() for each in caplog.records] == [MESSAGE, "acts are not stopped any more"]

    def test_it_is_read_before_anything_is_shown_and_not_anew_for_showing(self) -> None:
        answers = iter([STOP, None])
        watch = StopWatch(cast(Any, SimpleNamespace(read=lambda: next(answers))), Telemetry())
        assert [watch.seen(), watch.seen(), watch.anew(), watch.seen()] == [STOP, STOP, None, None]

    def test_without_an_answer_nothing_is_known_and_nothing_done(self) -> None:
        watch = StopWatch(_switch(_raises(UnavailableError("no answer"))), Telemetry())
        with pytest.raises(UnavailableError):
            watch.seen()
        with pytest.raises(UnavailableError):
            watch.anew()


def _switch(keep: Callable[[Any], Any]) -> StopSwitch:
    def answer(_kind: Any, name: str, namespace: str, of: Any) -> Any:
        assert (namespace, name) == ("ops", "driftreview-stop")
        return keep(of)

    return StopSwitch(cast(Any, SimpleNamespace(keep=answer)), "ops")


def _raises(error: Exception) -> Callable[[Any], Any]:
    def keep(_of: Any) -> Any:
        raise error

    return keep
