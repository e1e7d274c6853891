"""The status: bounded, readable by kstatus, and written only when something has changed."""

import json
from datetime import timedelta

import pytest

from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.preflight import MOST_FINDINGS, FindingSeverity, PreflightFinding
from driftreview.api.reasons import Reason
from driftreview.api.status import ContainerImage, DriftReviewStatus, Member, Revision, TargetStatus
from driftreview.api.target import MOST_WITH, TargetKind
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.api.wayback import MOST_HINDRANCES, MOST_RISKS, Hindrance, WayBackCheck
from driftreview.domain import decide, schedule
from driftreview.domain.foresight import Foresight, foresight
from driftreview.domain.result import CheckpointResult, SignalResult
from driftreview.domain.rules import Finding
from driftreview.domain.status import Stuck, bounded, condition, finished, moved, with_condition
from driftreview.domain.workload import Rollout
from tests.builders import HOUR, MINUTE, T0, evidence, limit, review, revision, series, signal, snapshot, target

CT = ConditionType
MOST_BYTES = 64 * 1024
NOTHING = Foresight()
REF = SnapshotRef(name="release-0123456789abcdef-1h", hash="sha256:" + "0" * 64)


def truths(status: DriftReviewStatus) -> dict[str, str]:
    return {each.type: each.status for each in status.conditions}


def messages(status: DriftReviewStatus) -> dict[str, str]:
    return {each.type: each.message for each in status.conditions}


class TestConditions:
    @pytest.mark.parametrize("phase", Phase)
    def test_kstatus_can_read_every_phase(self, phase: Phase) -> None:
        status = moved(DriftReviewStatus(), phase, Reason.ACTING, "why", T0)
        assert truths(status) == {
            CT.READY: str(phase is Phase.PROMOTED),
            CT.RECONCILING: str(phase not in TERMINAL),
            CT.STALLED: str(phase is Phase.FAILED),
        }

    def test_each_condition_says_what_it_is_about(self) -> None:
        status = moved(DriftReviewStatus(), Phase.WATCHING, Reason.BETWEEN_CHECKPOINTS, "first look at noon", T0)
        assert messages(status) == {
            CT.READY: "not promoted yet",
            CT.RECONCILING: "first look at noon",
            CT.STALLED: "nothing holds the review up",
        }
        ended = moved(status, Phase.ROLLED_BACK, Reason.SIGNAL_DEGRADED, "rolled back to web-old", T0)
        assert messages(ended) == {
            CT.READY: "rolled back to web-old",
            CT.RECONCILING: "the review has ended",
            CT.STALLED: "nothing holds the review up",
        }
        assert ended.summary == "rolled back to web-old"

    def test_what_is_stuck_says_what_to_mend(self) -> None:
        stuck = moved(
            DriftReviewStatus(), Phase.HOLDING, Reason.ACTING, "waits", T0, Stuck(Reason.TARGET_PAUSED, "resume it")
        )
        assert messages(stuck)[CT.STALLED] == "resume it"
        failed = moved(stuck, Phase.FAILED, Reason.ACT_REFUSED, "no right to patch", T0)
        assert messages(failed)[CT.STALLED] == messages(failed)[CT.READY] == "no right to patch"
        assert {each.reason for each in failed.conditions} == {Reason.ACT_REFUSED}

    def test_a_transition_is_when_the_truth_changed_not_the_words(self) -> None:
        status = with_condition(DriftReviewStatus(), CT.ACCEPTED, "True", Reason.ACCEPTED, "a", T0)
        status = with_condition(status, CT.ACCEPTED, "True", Reason.ACCEPTED, "b", T0 + HOUR)
        kept = condition(status, CT.ACCEPTED)
        assert kept is not None
        assert (kept.message, kept.last_transition_time) == ("b", T0)
        changed = condition(with_condition(status, CT.ACCEPTED, "False", Reason.EMPTY, "c", T0 + HOUR), CT.ACCEPTED)
        assert changed is not None
        assert changed.last_transition_time == T0 + HOUR

    def test_what_is_stuck_and_stays_stuck_is_the_same_status(self) -> None:
        stuck = Stuck(Reason.TARGET_PAUSED, "resume it")
        once = moved(DriftReviewStatus(), Phase.HOLDING, Reason.TARGET_PAUSED, "why", T0, stuck)
        again = moved(once, Phase.HOLDING, Reason.TARGET_PAUSED, "why", T0 + HOUR, stuck)
        assert truths(once)[CT.STALLED] == "True"
        assert again == once

    def test_what_is_no_longer_stuck_is_not_stalled(self) -> None:
        stuck = moved(DriftReviewStatus(), Phase.PENDING, Reason.EMPTY, "w", T0, Stuck(Reason.EMPTY, "m"))
        assert truths(moved(stuck, Phase.PENDING, Reason.WAITING_FOR_T0, "w", T0))[CT.STALLED] == "False"

    def test_conditions_stand_in_one_order_and_once(self) -> None:
        status = DriftReviewStatus()
        for kind in (CT.STALLED, CT.ACCEPTED, CT.READY, CT.ACCEPTED):
            status = with_condition(status, kind, "True", Reason.ACCEPTED, "", T0)
        assert [each.type for each in status.conditions] == ["Accepted", "Ready", "Stalled"]

    def test_long_words_are_cut_to_what_the_schema_takes(self) -> None:
        status = moved(DriftReviewStatus(), Phase.FAILED, Reason.EMPTY, "µ" * 9000, T0)
        DriftReviewStatus.model_validate(status.to_wire())
        assert status.summary is not None
        assert len(status.summary) == 512

    def test_all_conditions_are_about_the_observed_generation(self) -> None:
        status = finished(review(), moved(DriftReviewStatus(), Phase.PENDING, Reason.EMPTY, "why", T0))
        assert {each.observed_generation for each in status.conditions} == {1}
        assert status.observed_generation == 1


class TestProgress:
    def test_it_counts_the_judged_and_names_the_next(self) -> None:
        rows = [Checkpoint(name="1h", due=T0 + HOUR, verdict=Verdict.PASS), Checkpoint(name="2h", due=T0 + 2 * HOUR)]
        status = finished(review(), DriftReviewStatus(checkpoints=rows, phase=Phase.WATCHING))
        assert status.progress == "1/3"
        assert status.next_checkpoint is not None
        assert status.next_checkpoint.name == "2h"

    def test_a_review_that_has_ended_has_no_next(self) -> None:
        rows = [Checkpoint(name="1h", due=T0 + HOUR)]
        assert finished(review(), DriftReviewStatus(checkpoints=rows, phase=Phase.FAILED)).next_checkpoint is None


def big(signals: int, looks: int) -> DriftReview:
    """A started review with as much of everything as the CRD allows."""
    offsets = [f"{i + 1}h" for i in range(looks)]
    declared = [signal(f"{'a-long-name-' * 5}{i:02}"[:63]) for i in range(signals)]
    started = review(window={"checkpoints": offsets, "rollback": "48h"}, signals=declared)
    rows = [Checkpoint(name=due.name, due=due.at) for due in schedule.checkpoints(started.spec.window, T0)]
    status = DriftReviewStatus(
        t0=T0, checkpoints=rows, judged=revision("new"), previous=revision("old"), phase=Phase.WATCHING, baseline=REF
    )
    return started.model_copy(update={"status": status})


def judged(started: DriftReview, index: int, verdict: SignalVerdict, cell: str) -> DriftReview:
    found = Finding(verdict, None, "because " * 200, cell, cell, cell)
    results = tuple(SignalResult(each, found) for each in started.spec.signals)
    outcome = Verdict.HOLD if verdict is SignalVerdict.SUSPECT else Verdict.PASS
    result = CheckpointResult(outcome, results, "because " * 200)
    due = started.status.checkpoints[index].due
    status = decide.checkpoint_judged(started, index, result, REF, target(), due + 3 * MINUTE)
    return started.model_copy(update={"status": DriftReviewStatus.model_validate(status.to_wire())})


class TestSize:
    @pytest.mark.parametrize("verdict", [SignalVerdict.STABLE, SignalVerdict.SUSPECT])
    @pytest.mark.parametrize("cell", ["72.8 ms", "µ" * 64])
    def test_fifty_signals_at_sixteen_looks_fit(self, verdict: SignalVerdict, cell: str) -> None:
        started = big(50, 16)
        for index in range(16):
            started = judged(started, index, verdict, cell)
            wire = json.dumps(started.status.to_wire(), ensure_ascii=False).encode()
            assert len(wire) <= MOST_BYTES
            assert len(started.status.checkpoints[index].signals) == 50, "the latest look is whole"
        for row in started.status.checkpoints:
            assert row.verdict is not None
            assert row.message is not None
            assert row.snapshot == REF

    def test_images_are_kept_whole_and_a_status_stays_far_below_what_an_object_may_have(self) -> None:
        of_one = Revision(name="r" * 253, uid="u" * 36, template_hash="sha256:" + "0" * 64)
        images = [ContainerImage(container=f"{number:063}", image="i" * 512) for number in range(64)]
        whole = of_one.model_copy(update={"images": images})
        hindrances = [Hindrance(reason=Reason.TARGET_PAUSED, message="h" * 512)] * MOST_HINDRANCES
        member = Member(
            kind=TargetKind.DEPLOYMENT,
            name="",
            target=TargetStatus(uid="u" * 36, rolled_out_at=T0, history_ends_at=T0, break_glass="b" * 120),
            judged=whole,
            previous=of_one,
            kept=[of_one] * 2,
            check=WayBackCheck(
                at=T0, generation=9, held=Reason.TARGET_PAUSED, hindrances=hindrances, risks=["r" * 256] * MOST_RISKS
            ),
        )
        risk = PreflightFinding(
            name="Resolution", severity=FindingSeverity.WARNING, message="m" * 512, impact="i" * 256, fix="f" * 256
        )
        status = judged(big(50, 16), 0, SignalVerdict.SUSPECT, "x" * 64).status
        for kind in CT:
            status = with_condition(status, kind, "True", Reason.ACCEPTED, "m" * 2000, T0)
        most = {
            "judged": whole,
            "previous": whole,
            "members": [member.model_copy(update={"name": f"{number:0253}"}) for number in range(MOST_WITH)],
            "preflight": [risk] * MOST_FINDINGS,
        }
        kept = bounded(status.model_copy(update=most))
        assert (kept.judged, kept.previous) == (whole, whole), "promoteTo and a policy of the cluster go by them"
        wire = DriftReviewStatus.model_validate(kept.to_wire()).to_wire()
        assert MOST_BYTES < len(json.dumps(wire).encode()) < 320 * 1024

    def test_what_fits_is_kept_whole(self) -> None:
        started = big(10, 4)
        for index in range(4):
            started = judged(started, index, SignalVerdict.STABLE, "72.8 ms")
        assert [len(row.signals) for row in started.status.checkpoints] == [10] * 4

    def test_rows_that_tell_of_trouble_are_kept_before_those_that_do_not(self) -> None:
        started = big(50, 16)
        found = [SignalVerdict.STABLE] * 15
        found[2] = SignalVerdict.SUSPECT
        for index, verdict in enumerate(found):
            started = judged(started, index, verdict, "72.8 ms")
        kept = [len(row.signals) for row in started.status.checkpoints]
        assert kept[2] == 50
        assert 0 in kept

    def test_a_cell_is_cut_to_its_size(self) -> None:
        started = judged(big(1, 1), 0, SignalVerdict.STABLE, "x" * 100)
        assert started.status.checkpoints[0].signals[0].current == "x" * 64


class TestBaselineCaptured:
    def frozen(self, *problems: Reason) -> DriftReviewStatus:
        signals = [evidence(f"s{i}", problem=reason) for i, reason in enumerate(problems)]
        spec: DriftSnapshotSpec = snapshot(*signals)
        return decide.baseline_captured(big(1, 1), spec, REF, NOTHING, T0)

    def test_it_says_where_the_evidence_is(self) -> None:
        captured = condition(self.frozen(), CT.BASELINE_CAPTURED)
        assert captured is not None
        assert captured.message == f"frozen in DriftSnapshot {REF.name}"

    def test_it_says_what_is_missing(self) -> None:
        captured = condition(self.frozen(Reason.EMPTY, Reason.ONLY_NAN), CT.BASELINE_CAPTURED)
        assert captured is not None
        assert captured.message.endswith("; without data: s0 (because of Empty); s1 (because of OnlyNaN)")

    def test_what_it_tells_may_be_unknown(self) -> None:
        status = decide.baseline_captured(big(1, 1), snapshot(), REF, None, T0)
        captured = condition(status, CT.BASELINE_CAPTURED)
        assert captured is not None
        assert (status.phase, captured.status, status.baseline) == (Phase.WATCHING, "True", REF)
        assert captured.message == (
            f"frozen in DriftSnapshot {REF.name}; what it can be compared with and what was measured is not known: the "
            "operator failed to find it out, see its log for shop/release; the looks are judged all the same"
        )

    def test_it_says_what_was_measured_and_what_nothing_can_be_compared_with(self) -> None:
        names = ("fine", "few", "thin", "each", "limited")
        declared = [signal(name, unit="ms") for name in names[:3]]
        declared += [signal("each", unit="ms", each="pod"), limit(name="limited", unit="ms")]
        pods = [series([float(n)] * 6, labels={"pod": f"pod-{n}"}) for n in (3, 1, 2)]
        frozen = snapshot(
            evidence("fine", series([5.0] * 6)),
            evidence("few", series([7.0] * 5)),
            evidence("thin", series([9.0] * 6, expected=100)),
            evidence("each", *pods),
            evidence("limited", series([4.0] * 2)),
        )
        started = big(1, 1)
        spec = started.spec.model_copy(update={"signals": declared})
        foreseen = foresight(spec, frozen)
        status = decide.baseline_captured(started.model_copy(update={"spec": spec}), frozen, REF, foreseen, T0)
        captured = condition(status, CT.BASELINE_CAPTURED)
        assert captured is not None
        useless = (
            "few (the baseline has 5 blocks of samples, 6 are needed); "
            "thin (at T0: 60 of 100 samples (60%) are there, 90% are needed: "
            "spec.resolution of the source may be finer than its scrape interval)"
        )
        assert captured.message == (
            f"frozen in DriftSnapshot {REF.name}; cannot be compared: {useless}; "
            "measured: fine 5 ms; few 7 ms; thin 9 ms; each 1 ms to 3 ms; limited 4 ms, at worst 4 ms"
        )
        assert f"baseline frozen, but nothing can be compared with: {useless}; first look at" in status.summary

    def test_fifty_gaps_fit(self) -> None:
        status = self.frozen(*[Reason.EMPTY] * 50)
        assert DriftReviewStatus.model_validate(status.to_wire()) == status


class TestRollback:
    def test_the_end_is_there_only_while_a_rollback_is_possible(self) -> None:
        started = big(1, 1)
        possible = decide.with_rollback(started, started.status, target(), T0).rollback
        assert possible is not None
        assert possible.until == possible.closes_at
        for status, view, now in (
            (started.status, target(rollout=Rollout.PAUSED), T0),
            (started.status, target(), T0 + 99 * HOUR),
            (started.status.model_copy(update={"previous": None}), target(), T0),
        ):
            impossible = decide.with_rollback(started, status, view, now).rollback
            assert impossible is not None
            assert impossible.until is None
            assert "until" not in impossible.to_wire()
            assert impossible.closes_at == possible.closes_at

    def test_after_the_end_nothing_can_be_rolled_back(self) -> None:
        started = big(1, 1)
        status = decide.with_rollback(started, started.status, target(), T0)
        ended = moved(status, Phase.PROMOTED, Reason.SIGNALS_PASSED, "why", T0).rollback
        assert ended is not None
        assert (ended.possible, ended.until, ended.reason) == (False, None, Reason.ENDED)


def test_a_stored_time_is_the_computed_one() -> None:
    odd = T0 + timedelta(microseconds=1)
    started = judged(big(1, 1), 0, SignalVerdict.STABLE, "1")
    assert started.status.checkpoints[0].judged_at == schedule.whole_seconds(odd) + HOUR + 3 * MINUTE
