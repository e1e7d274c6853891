"""What other reviews came to counts for the next one: what was rejected is no baseline, and nothing to go back to."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.api.phases import Phase
from driftreview.api.target import Target, TargetKind
from driftreview.api.verdicts import Recommendation
from driftreview.domain.rulings import Ruling, rejected, remembered, rulings
from driftreview.runtime.rulings import Rulings
from tests.builders import HOUR, MINUTE, T0, target
from tests.simulator import Simulator
from tests.unit.test_handover import bad, revert
from tests.unit.test_life_of_a_review import release

WEB = Target(name="web")
BEGAN = T0 - 12 * MINUTE
"""When the rollout of the target of `builders` began."""


def stored(simulator: Simulator) -> dict[str, Any]:
    return {"spec": {"target": {"name": "web"}}, "status": simulator.status}


def ruling(review: dict[str, Any]) -> Ruling | None:
    return rulings(review).get((TargetKind.DEPLOYMENT, "web"))


def made(template: str, *, is_rejected: bool = True, at: datetime = T0, until: datetime | None = None) -> Ruling:
    return Ruling(template, is_rejected, at, at - HOUR, until)


class TestReading:
    @pytest.mark.parametrize("policy", [{"onDrift": "Hold"}, {"mode": "Advise"}, {"mode": "Observe"}])
    def test_a_rejection_that_rolled_nothing_back_is_one(self, policy: dict[str, str]) -> None:
        simulator = release(-10 * MINUTE, policy=policy)()
        simulator.pass_time(HOUR + 5 * MINUTE)
        found = ruling(stored(simulator))
        assert found is not None
        assert found.rejected
        assert found.template_hash == simulator.status["judged"]["templateHash"]
        assert found.since == datetime.fromisoformat(simulator.status["target"]["historyEndsAt"])
        assert found.until is None

    def test_it_lasts_until_the_review_has_ended(self) -> None:
        simulator = release(-10 * MINUTE, policy={"onDrift": "Hold"})()
        simulator.pass_time(2 * HOUR)
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(5 * MINUTE)
        assert simulator.phase == Phase.SUPERSEDED
        found = ruling(stored(simulator))
        assert found is not None
        assert found.until is not None
        assert timedelta(0) <= found.until - (T0 + 2 * HOUR) <= 2 * MINUTE

    def test_an_approval_is_a_ruling_too(self) -> None:
        simulator = release()()
        simulator.pass_time(5 * HOUR)
        found = ruling(stored(simulator))
        assert found is not None
        assert not found.rejected

    def test_what_came_to_nothing_is_none(self) -> None:
        waiting, undecided = release()(), release()()
        waiting.pass_time(30 * MINUTE)
        undecided.metrics.mode = "empty"
        undecided.pass_time(5 * HOUR)
        assert undecided.status["decision"]["recommendation"] == Recommendation.INCONCLUSIVE
        assert [ruling(each) for each in (stored(waiting), stored(undecided), {}, {"status": None})] == [None] * 4

    @pytest.mark.parametrize("policy", [{}, {"onInconclusive": "Rollback"}])
    def test_what_people_took_back_as_was_decided_is_rejected(self, policy: dict[str, str]) -> None:
        simulator = bad(**policy)
        if policy:
            simulator.metrics.mode = "empty"
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        body = stored(simulator) | {"metadata": {"name": "release"}}
        before = ruling(body)
        assert (before is not None and before.rejected, before.taken_back if before else "") == (not policy, "")
        revert(simulator)
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])
        found = ruling(stored(simulator) | {"metadata": {"name": "release"}})
        assert found is not None
        assert (found.rejected, found.taken_back, found.uid) == (True, "release", "target-uid")

    def test_what_the_operator_took_back_is_noted_on_the_target_instead(self) -> None:
        simulator = bad(None)
        simulator.pass_time(HOUR + 10 * MINUTE)
        found = ruling(stored(simulator))
        assert found is not None
        assert (simulator.phase, found.rejected, found.taken_back) == (Phase.ROLLED_BACK, True, "")

    def test_what_cannot_be_read_is_none(self) -> None:
        assert ruling({"status": {"decision": {"recommendation": "PERHAPS"}}}) is None


class TestRejected:
    def test_the_last_word_on_a_template_counts(self) -> None:
        later = T0 + HOUR
        rulings = [
            made("mended", is_rejected=False, at=later),
            made("mended"),
            made("worse", is_rejected=False),
            made("worse", at=later),
            made("good", is_rejected=False),
        ]
        assert rejected(rulings) == {"worse"}

    def test_at_the_same_second_the_rejection_counts(self) -> None:
        assert rejected([made("a"), made("a", is_rejected=False)]) == {"a"}


class TestRemembered:
    def during(self, *rulings: Ruling, **fields: Any) -> tuple[tuple[datetime, datetime], ...]:
        return remembered(target(**fields), rulings).rejected_during

    def test_a_rejected_release_ran_until_the_present_rollout_at_most(self) -> None:
        seen_gone = made("bad", at=T0 - 5 * HOUR, until=T0 - 2 * HOUR)
        still_there, seen_late = made("worse", at=T0 - HOUR), made("late", at=T0 - HOUR, until=T0 + MINUTE)
        assert self.during(still_there, seen_gone, seen_late) == (
            (T0 - 6 * HOUR, T0 - 2 * HOUR),
            (T0 - 2 * HOUR, BEGAN),
            (T0 - 2 * HOUR, BEGAN),
        )

    def test_what_a_rollback_noted_is_kept(self) -> None:
        noted = (T0 - 3 * HOUR, T0 - HOUR)
        assert self.during(made("bad"), rejected_during=(noted,))[0] == noted

    def test_an_approval_and_the_template_that_runs_are_no_such_time(self) -> None:
        running = target().template_hash
        assert self.during(made("good", is_rejected=False), made(running), made("after", at=T0 + 2 * HOUR)) == ()

    def test_without_a_known_beginning_nothing_is_remembered(self) -> None:
        assert self.during(made("bad"), rollout_started_at=None) == ()


class TestTakenBackByPeople:
    def after(self, *rulings: Ruling, **fields: Any) -> str:
        return remembered(target(**fields), rulings).taken_back_after

    def ruled(self, at: datetime = T0 - HOUR, **fields: Any) -> Ruling:
        running = made(target().template_hash, at=at)
        return replace(running, **{"taken_back": "release", "uid": "target-uid"} | fields)

    def test_the_template_is_known_again_on_the_same_object(self) -> None:
        assert self.after(self.ruled()) == "release"
        assert self.after(self.ruled(), rollout_started_at=None) == "release"
        assert self.after(self.ruled(), uid="another") == ""
        assert self.after(self.ruled(template_hash="other")) == ""

    def test_the_last_word_on_it_counts(self) -> None:
        approved = self.ruled(at=T0, rejected=False, taken_back="")
        assert self.after(approved, self.ruled()) == ""
        assert self.after(self.ruled(at=T0 + HOUR), approved) == "release"


class TestWhatIsKept:
    def body(self, uid: str, name: str = "web") -> dict[str, Any]:
        simulator = release(-10 * MINUTE, policy={"onDrift": "Hold"})()
        simulator.pass_time(HOUR + 5 * MINUTE)
        metadata = {"namespace": "shop", "name": uid, "uid": uid}
        return stored(simulator) | {"metadata": metadata, "spec": {"target": {"name": name}}}

    def test_it_is_kept_by_target_until_the_review_is_deleted(self) -> None:
        kept, first, second = Rulings(), self.body("first"), self.body("second")
        for each in (first, second, first):
            kept.see(each)
        assert len(kept.of("shop", WEB)) == 2
        assert kept.of("shop", Target(name="other")) == kept.of("else", WEB) == ()
        assert kept.of("shop", Target(kind=TargetKind.STATEFUL_SET, name="web")) == ()
        kept.forget(first)
        assert kept.of("shop", WEB) == (ruling(second),)
        kept.forget(second)
        kept.forget(second)
        assert kept.of("shop", WEB) == ()

    def test_a_review_that_has_come_to_nothing_leaves_nothing(self) -> None:
        kept = Rulings()
        kept.see(self.body("first") | {"status": {}})
        assert kept.of("shop", WEB) == ()
