"""WHY, read by whoever was woken: what is amiss, what to mend, what comes next, and what follows if nobody acts."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.base import format_time
from driftreview.api.phases import Phase
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict
from driftreview.domain.checks import CheckResult
from driftreview.domain.display import fitted
from driftreview.domain.finding import Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import WORST_FIRST, CheckpointResult, SignalResult
from tests.builders import HOUR, MINUTE, T0, around, evidence, review, series, signal, snapshot, spec
from tests.reportdata import does
from tests.simulator import Metrics, Simulator

V = SignalVerdict
CRASHED = "Pod/a, container web (Error, exit code 3, 10 restarts in all)"
NOTHING = "the review ends, nothing is done and nobody is told (policy.onWindowEnd is Notify)"


def judged(name: str, verdict: SignalVerdict, since: datetime | None = None, **fields: Any) -> SignalResult:
    return SignalResult(signal(name, **fields), Finding(verdict, None, f"{name} told", since=since))


def check(name: str, verdict: CheckVerdict) -> CheckResult:
    return CheckResult("flags", name, verdict, f"{name} told")


class TestWhatIsAmiss:
    """The names of all that does not pass, before the numbers of the worst: they are cut off last."""

    def test_every_signal_that_does_not_pass_is_named_by_its_verdict(self) -> None:
        verdicts = {"latency": V.SUSPECT, "errors": V.DEGRADED, "orders": V.SUSPECT, "lag": V.MISSING, "rps": V.STABLE}
        result = CheckpointResult.of([judged(*each) for each in verdicts.items()])
        assert result.message == "errors is Degraded (also Suspect: latency, orders; Missing: lag): errors told"

    def test_what_does_not_count_is_not_named(self) -> None:
        shadow = judged("b", V.DEGRADED, mode="Shadow")
        ignored = judged("c", V.MISSING, onMissing="Ignore")
        result = CheckpointResult.of([judged("a", V.SUSPECT), shadow, ignored])
        assert result.message == "a is Suspect: a told; 1 without data is ignored"

    def test_what_is_broken_is_told_as_well_as_named(self) -> None:
        checks = [check("a", CheckVerdict.BROKEN), check("b", CheckVerdict.UNKNOWN), check("c", CheckVerdict.HELD)]
        result = CheckpointResult.of([judged("errors", V.DEGRADED)], checks)
        assert result.message == (
            "errors is Degraded (also Broken: flags/a; Unknown: flags/b): errors told; flags/a is Broken: a told"
        )

    @given(st.lists(st.sampled_from(WORST_FIRST[:-1]), min_size=1, max_size=5))
    def test_no_signal_is_left_out_and_none_is_named_that_passes(self, verdicts: list[SignalVerdict]) -> None:
        results = [judged(f"s{number}", each) for number, each in enumerate(verdicts)]
        result = CheckpointResult.of(results)
        told = f"all enforced signals ({len(verdicts)}) are Missing"
        if result.verdict is not Verdict.PASS and not result.message.startswith(told):
            head = result.message.partition(" told")[0]
            amiss = {each.name for each in results if each.finding.verdict not in (V.STABLE, V.ACCEPTABLE, V.IMPROVED)}
            assert {each.name for each in results if each.name in head} == amiss


class TestAllSilent:
    def test_it_is_said_once_with_since_when_there_was_nothing_of_any(self) -> None:
        results = [judged("a", V.MISSING, T0 + HOUR), judged("b", V.MISSING, T0 + 2 * HOUR)]
        assert CheckpointResult.of(results).message == (
            f"all enforced signals (2) are Missing, since {format_time(T0 + 2 * HOUR)}: a: a told"
        )

    def test_a_time_that_is_not_known_of_each_is_not_told(self) -> None:
        results = [judged("a", V.MISSING, T0 + HOUR), judged("b", V.MISSING)]
        assert CheckpointResult.of(results).message == "all enforced signals (2) are Missing: a: a told"

    @pytest.mark.parametrize(
        ("values", "silent", "told"),
        [([*around(100, 30), *[None] * 6], 60, True), ([*[None] * 6, *around(100, 30)], 1, False)],
    )
    def test_the_time_is_that_of_the_last_sample_of_what_was_silent_at_the_end(
        self, values: list[float | None], silent: int, *, told: bool
    ) -> None:
        """Not of what lacks earlier samples, be the very last one late as well."""
        names, gone = ("a", "b"), series(values, silent=silent)
        before = [evidence(name, series(around(100, 144))) for name in names]
        after = [evidence(name, gone) for name in names]
        frozen = snapshot(*after, checkpoint="6h", hours=6)
        result = judge_checkpoint(spec([signal(name) for name in names]), snapshot(*before), frozen)
        head = "all enforced signals (2) are Missing"
        since = format_time(T0 + 6 * HOUR - silent * MINUTE)
        assert result.message.startswith(f"{head}, since {since}: a: ") == told
        assert result.message.startswith(f"{head}: a: ") != told


class TestWhatEnded:
    @pytest.mark.parametrize("verdict", [V.MISSING, V.INCONCLUSIVE])
    def test_what_a_person_can_mend_comes_before_what_could_not_be_measured(self, verdict: SignalVerdict) -> None:
        found = CheckpointResult.of([judged("a", verdict)], ended=CRASHED)
        assert found.message == f"containers ended meanwhile: {CRASHED}; a is {verdict}: a told"

    def test_and_after_what_was(self) -> None:
        found = CheckpointResult.of([judged("a", V.DEGRADED)], ended=CRASHED)
        assert found.message == f"a is Degraded: a told; containers ended meanwhile: {CRASHED}"

    def test_a_check_that_decides_stays_first(self) -> None:
        broken = [check("cli", CheckVerdict.BROKEN)]
        found = CheckpointResult.of([judged("a", V.MISSING)], broken, ended=CRASHED)
        assert found.message == (
            f"flags/cli is Broken: cli told; containers ended meanwhile: {CRASHED}; a is Missing: a told"
        )


def held(length: timedelta = 65 * MINUTE, **policy: Any) -> Simulator:
    """A review whose looks have no samples."""
    simulator = Simulator(review(policy=policy))
    simulator.pass_time(MINUTE)
    simulator.metrics.mode = "empty"
    simulator.pass_time(length)
    return simulator


class TestWhatComes:
    def test_which_look_judges_anew_and_what_follows_without_one(self) -> None:
        assert held().status["summary"] == (
            "Inconclusive at T0+1h: latency is Missing: latency has no series; T0+2h judges it anew at "
            "2026-07-31T14:00:00Z, the last look, T0+4h, at 2026-07-31T16:00:00Z; if still undecided at "
            f"2026-07-31T16:15:00Z, {NOTHING}"
        )

    @pytest.mark.parametrize(
        ("policy", "told"),
        [
            (
                {"onWindowEnd": "Rollback"},
                "at 2026-07-31T16:15:00Z, it is rolled back (policy.onWindowEnd is Rollback)",
            ),
            ({"onInconclusive": "Promote"}, "then, it is promoted (policy.onInconclusive is Promote)"),
            ({"mode": "Advise"}, "nothing is done and nobody is told (policy.mode is Advise)"),
        ],
    )
    def test_by_the_policy(self, policy: dict[str, str], told: str) -> None:
        summary = held(2 * HOUR + 5 * MINUTE, **policy).status["summary"]
        assert "; T0+4h judges it anew at 2026-07-31T16:00:00Z and is the last look; if still undecided " in summary
        assert summary.endswith(told)

    def test_what_people_moved_is_told_at_once(self) -> None:
        simulator = held()
        does(simulator, "Extend", **{"for": "2h"})
        assert (
            "T0+2h judges it anew at 2026-07-31T14:00:00Z, the last look, T0+6h, at 2026-07-31T18:00:00Z; if still "
            "undecided at 2026-07-31T18:15:00Z, "
        ) in simulator.status["summary"]

    def test_a_pass_says_nothing_of_it(self) -> None:
        simulator = Simulator(review())
        simulator.pass_time(65 * MINUTE)
        assert simulator.status["summary"].startswith("Pass at T0+1h: ")
        assert "judges it anew" not in simulator.status["summary"]

    def test_what_held_a_review_up_leaves_the_reason_why_it_holds(self) -> None:
        simulator = held()
        before = simulator.status["summary"]
        simulator.suspend(suspended=True)
        simulator.pass_time(MINUTE)
        assert simulator.status["summary"].startswith("suspended")
        simulator.suspend(suspended=False)
        simulator.pass_time(MINUTE)
        assert simulator.status["summary"] == before

    def test_a_decision_that_waits_says_what_follows_if_nobody_acts(self) -> None:
        simulator = held(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.HOLDING
        assert simulator.status["summary"].endswith(f"; waits for a person until 2026-07-31T16:15:00Z, then {NOTHING}")
        simulator.pass_time(15 * MINUTE)
        assert simulator.status["summary"] == (
            "undecided at the last safe moment: nothing was done, decide by hand; "
            "T0+4h: latency is Missing: latency has no series"
        )

    def test_what_is_rejected_is_not_said_to_be_promoted_at_the_end(self) -> None:
        simulator = Simulator(
            review(policy={"onDrift": "Hold", "onWindowEnd": "Promote"}), metrics=Metrics([(T0 - HOUR, 1.0), (T0, 1.5)])
        )
        simulator.pass_time(65 * MINUTE)
        assert simulator.status["summary"].endswith(
            ", then the review ends, nothing is done and nobody is told (policy.onWindowEnd is Promote)"
        )


class TestASourceThatDoesNotAnswer:
    def waiting(self, length: timedelta) -> str:
        simulator = Simulator(review())
        simulator.pass_time(HOUR + 5 * MINUTE)
        simulator.metrics.mode = "down"
        simulator.pass_time(length)
        return str(simulator.status["summary"])

    def test_since_when_which_look_waits_and_until_when(self) -> None:
        told = (
            "waits for the metric source since 2026-07-31T14:02:00Z: 1 of 1 queries went unanswered: connection "
            "refused; T0+2h, due at 2026-07-31T14:00:00Z, is judged by its own window once there are answers, and from "
            "2026-07-31T16:00:00Z on without what is unanswered"
        )
        assert self.waiting(57 * MINUTE) == self.waiting(HOUR + 30 * MINUTE) == told

    def test_before_a_baseline_it_is_t0_that_waits(self) -> None:
        simulator = Simulator(review(), metrics=Metrics(mode="down"))
        simulator.run()
        assert simulator.status["summary"].endswith(
            "; T0 is frozen by its own window once there are answers, and from 2026-07-31T16:15:00Z on without what is "
            "unanswered"
        )


@given(st.text(max_size=900), st.text(max_size=250))
def test_what_has_to_be_read_at_the_end_is_never_cut_off(sentence: str, end: str) -> None:
    found = fitted(sentence, end)
    assert found.endswith(end)
    assert len(found) <= 512
    assert found == sentence + end or len(found) == 512
