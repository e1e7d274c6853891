"""What a report says in every state of a review, and that each sentence of it can be proved."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.facts import ContractFact, FactProblem, Facts
from driftreview.api.phases import Phase
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.difference import Difference
from driftreview.domain.evidence import seal
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from driftreview.domain.report.build import report, slimmer
from driftreview.domain.report.model import Block, Entries, Plots, Reference, Report, Sentence, Sentences, Table
from tests.builders import HOUR, MINUTE, T0, around, evidence, limit, presence, series, signal, snapshot
from tests.builders import review as review_of
from tests.reportdata import GOLDEN, STATES, after, large, stored, taken, written


@cache
def goldens() -> dict[str, str]:
    return dict(written())


@pytest.mark.parametrize("name", sorted(f"report-{state}.{kind}" for state in STATES for kind in ("md", "json")))
def test_a_report_of_every_state_is_as_it_was_when_it_was_looked_at(name: str) -> None:
    assert goldens()[name] == (GOLDEN / name).read_text("utf-8"), "run `python -m tests.reportdata`, look at it"


def blocks(made: Report, *sections: str) -> Iterator[Block]:
    return (block for each in made.sections if not sections or each.id in sections for block in each.blocks)


def references(made: Report) -> Iterator[Reference]:
    for block in blocks(made):
        match block:
            case Entries() | Table():
                yield from (ref for row in block.rows for ref in row.evidence)
            case Sentences():
                yield from (ref for each in block.items for ref in each.evidence)
            case Plots():
                yield from (ref for each in block.plots for ref in each.evidence)
            case _:
                yield from block.evidence


def said(made: Report, section: str, title: str = "") -> list[str]:
    found = (each for each in blocks(made, section) if isinstance(each, Sentences) and title in each.title)
    return [with_command(each) for block in found for each in block.items]


def with_command(each: Sentence) -> str:
    return f"{each.text}: {each.command}" if each.command else each.text


def rows(made: Report, section: str) -> list[list[str]]:
    found = [block for block in blocks(made, section) if isinstance(block, Table)]
    return [[cell.text for cell in row.cells] for block in found for row in block.rows]


@pytest.mark.parametrize("state", STATES)
def test_every_reference_leads_to_a_frozen_snapshot_or_a_field_of_the_review(state: str) -> None:
    review, snapshots, approvals = taken(STATES[state]())
    frozen = {each.metadata.name: each.spec for each in snapshots}
    for ref in references(report(review, snapshots, approvals)):
        if ref.snapshot:
            assert frozen[ref.snapshot].hash == ref.hash
            assert not ref.signal or any(each.name == ref.signal for each in frozen[ref.snapshot].signals)
        else:
            assert ref.field.split(".")[0] in {"spec", "status", "metadata"}


def found(
    review: DriftReview, snapshots: Sequence[DriftSnapshot], approvals: Sequence[DriftApproval]
) -> list[Difference]:
    looks = looked(review, snapshots)
    after = looked_after(review, looks, snapshots)
    return list(differences(review, looks, earlier(review, snapshots), approvals, after))


@pytest.mark.parametrize("state", STATES)
def test_status_and_evidence_agree_in_every_state_an_operator_leaves_behind(state: str) -> None:
    review, snapshots, approvals = taken(STATES[state]())
    assert found(review, snapshots, approvals) == []


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("state", "recorded"),
    [("watching", "no act and no decision"), ("waits-for-people", "no act"), ("t0", "no act and")],
)
def test_a_promotion_of_which_nothing_is_recorded_is_found(state: str, recorded: str, *, whole: bool) -> None:
    review, snapshots, approvals = taken(STATES[state]())
    forged = review.model_copy(update={"status": review.status.model_copy(update={"phase": Phase.PROMOTED})})
    told = said(report(forged, snapshots if whole else [], approvals), "evidence")
    assert any(
        each.startswith(f"status.phase: stored is Promoted, the evidence says {recorded}")
        and each.endswith(" recorded")
        for each in told
    )
    (risk,) = (each for each in said(report(forged, snapshots, approvals), "outlook", "Risks") if "disagree" in each)
    assert risk.startswith("status and evidence disagree in ")


def test_it_is_a_function_of_its_arguments_in_any_order() -> None:
    review, snapshots, approvals = taken(STATES["approved"]())
    assert report(review, snapshots, approvals) == report(review, snapshots[::-1], approvals[::-1])


def test_sections_come_in_the_order_of_the_hand_written_reviews() -> None:
    order = ["context", "baseline", "drift", "outlook", "recommendation", "evidence"]
    made = [each.id for each in report(*taken(STATES["rolled-back"]())).sections]
    assert [each for each in made if each in order] == order


def test_the_rows_are_the_judges_and_not_those_of_the_status() -> None:
    review, snapshots, approvals = taken(STATES["watching"]())
    row = review.status.checkpoints[0]
    lied = row.signals[0].model_copy(update={"current": "1 ms"})
    forged = row.model_copy(update={"signals": [lied, *row.signals[1:]], "verdict": Verdict.DRIFT})
    status = review.status.model_copy(update={"checkpoints": [forged, *review.status.checkpoints[1:]]})
    made = report(review.model_copy(update={"status": status}), snapshots, approvals)
    assert ["latency", "100 ms (99.8-100 ms)", "100 ms (99.8-100 ms)", "+0.0%", "Stable"] in rows(made, "drift")
    told = said(made, "evidence")
    assert "status.checkpoints[0].verdict: stored is Drift, the evidence says Pass" in told
    assert any(each.startswith("status.checkpoints[0].signals[latency].current: stored is 1 ms") for each in told)
    assert said(made, "outlook", "Risks")[0] == "status and evidence disagree in 3 places, see Evidence"


class TestWhatIsFoundToDiffer:
    """Whatever is altered afterwards, in the evidence or in the review."""

    def paths(
        self, review: DriftReview, snapshots: list[DriftSnapshot], approvals: Sequence[DriftApproval] = ()
    ) -> list[str]:
        return [each.path for each in found(review, snapshots, approvals)]

    def test_a_spec_that_changed_since_t0(self) -> None:
        review, snapshots, _ = taken(STATES["watching"]())
        policy = review.spec.policy.model_copy(update={"mode": PolicyMode.OBSERVE})
        changed = review.model_copy(update={"spec": review.spec.model_copy(update={"policy": policy})})
        assert self.paths(changed, snapshots) == ["spec"]
        suspended = review.model_copy(update={"spec": review.spec.model_copy(update={"suspend": True})})
        assert self.paths(suspended, snapshots) == []

    def test_a_snapshot_that_is_gone(self) -> None:
        review, snapshots, _ = taken(STATES["promoted"]())
        assert self.paths(review, snapshots[1:])[0] == "status.baseline"
        assert self.paths(review, [*snapshots[:2], *snapshots[3:]])[0] == "status.checkpoints[1].snapshot"

    def test_samples_that_were_altered_and_samples_that_were_sealed_anew(self) -> None:
        review, snapshots, _ = taken(STATES["promoted"]())
        last = snapshots[-1].spec
        signals = [each.model_copy(update={"unit": "s"}) for each in last.signals]
        altered = last.model_copy(update={"signals": signals})
        for spec, path in (
            (altered, f"snapshots/{snapshots[-1].metadata.name}: spec.hash"),
            (seal(altered), "status.checkpoints[2].snapshot.hash"),
        ):
            assert self.paths(review, [*snapshots[:-1], stored(snapshots[-1].metadata.name, spec)])[0] == path

    def test_a_snapshot_of_another_review(self) -> None:
        review, snapshots, _ = taken(STATES["t0"]())
        other = review.model_copy(update={"metadata": review.metadata.model_copy(update={"uid": "other"})})
        assert self.paths(other, snapshots)[0].endswith("spec.reviewRef.uid")

    def test_a_decision_that_the_evidence_does_not_lead_to(self) -> None:
        review, snapshots, _ = taken(STATES["rolled-back"]())
        assert review.status.decision is not None
        decision = review.status.decision.model_copy(update={"recommendation": Recommendation.APPROVE})
        for changed, more in ((decision, "status.act.type"), (None, "status.act")):
            status = review.status.model_copy(update={"decision": changed})
            found = self.paths(review.model_copy(update={"status": status}), snapshots)
            assert found[:2] == ["status.decision", more]

    def test_a_look_that_was_frozen_but_not_judged_yet_is_no_difference(self) -> None:
        review, *_ = taken(after(65 * MINUTE))
        _, snapshots, _ = taken(after(125 * MINUTE, 90 * MINUTE))
        assert self.paths(review, snapshots) == []


class TestNextSteps:
    """The times of what is due."""

    def test_they_name_every_look_to_come(self) -> None:
        steps = said(report(*taken(STATES["watching"]())), "outlook", "Next")
        assert steps[:2] == [
            "T0+2h checkpoint: 2026-07-31T14:00:00Z",
            "T0+4h checkpoint: 2026-07-31T16:00:00Z, the last look, which decides",
        ]

    def test_what_is_left_to_a_person_is_said(self) -> None:
        made = report(*taken(after(5 * HOUR, 90 * MINUTE, policy={"mode": "Advise"})))
        assert "Decide by hand: REJECT was not carried out (policy.mode Advise)" in said(made, "outlook", "Next")

    def test_suspending_is_said(self) -> None:
        simulator = after(65 * MINUTE)
        simulator.suspend(suspended=True)
        assert any("spec.suspend" in each for each in said(report(*taken(simulator)), "outlook", "Next"))


def with_contracts(at_t0: Facts, now: Facts) -> Report:
    contract = {"name": "store", "from": {"configMap": {"name": "schema", "key": "v1"}}}
    review = review_of(contracts=[contract])
    looks = [evidence("latency", series(around(100, count, seed=count))) for count in (144, 36)]
    first = snapshot(looks[0], facts=at_t0)
    last = snapshot(looks[1], checkpoint="1h", hours=6, facts=now, previous_hash=first.hash)
    return report(review, [stored("t0", first), stored("1h", last)])


def test_contracts_are_shown_with_their_hashes_and_what_is_said_of_them() -> None:
    old, new = (Facts(taken_at=T0, contracts=[ContractFact(name="store", hash="sha256:" + each * 64)]) for each in "ab")
    broken = rows(with_contracts(old, new), "integration")[0]
    assert broken[:5] == ["store", "configmaps/schema/v1", "a" * 12, "b" * 12, "Broken"]
    assert "has changed since T0" in said(with_contracts(old, new), "outlook", "Risks")[-1]
    assert rows(with_contracts(old, old), "integration")[0][4] == "Held"


def test_what_could_not_be_read_is_a_limitation_with_its_reason() -> None:
    problem = FactProblem(about="contracts/store", reason=Reason.FORBIDDEN, message="the operator may not read it")
    made = with_contracts(Facts(taken_at=T0), Facts(taken_at=T0, problems=[problem]))
    assert ["contracts/store: the operator may not read it", "Warning", "unknown, which never passes"] in [
        row[:3] for row in rows(made, "limitations")
    ]


class TestValues:
    """T0's table: a range where a metric varied."""

    def value(self, *sides: list[float | None], **fields: object) -> list[list[str]]:
        found = [series(each, labels={"symbol": f"s{index}"}) for index, each in enumerate(sides)]
        declared = signal(unit="ms", **fields)
        return [
            row[:2] for row in rows(report(review_of(signals=[declared]), [stored("t0", self.at(found))]), "baseline")
        ]

    @staticmethod
    def at(found: object) -> object:
        return snapshot(evidence("latency", *found))  # type: ignore[misc]

    def test_it_is_a_range_of_most_blocks(self) -> None:
        assert self.value([12.0, 13.0] * 72) == [["latency", "12-13 ms"]]

    def test_it_is_one_value_where_it_did_not_vary(self) -> None:
        assert self.value([12.0] * 144) == [["latency", "12 ms"]]

    def test_each_series_has_its_row(self) -> None:
        assert self.value([12.0] * 144, [14.0] * 144, each="symbol") == [
            ["latency s0", "12 ms"],
            ["latency s1", "14 ms"],
        ]

    def test_what_has_no_samples_says_why(self) -> None:
        frozen = snapshot(evidence("latency", problem=Reason.EMPTY))
        made = report(review_of(), [stored("t0", frozen)])
        assert rows(made, "baseline") == [["latency", "-", "ClusterMetricSource/prometheus", "because of Empty"]]
        assert rows(made, "limitations")[0][0] == "latency has no data at T0: because of Empty"


def test_of_a_heartbeat_its_longest_silence_is_shown_and_no_value() -> None:
    made = report(*taken(after(62 * MINUTE, signals=[presence()])))
    assert [row[1] for row in rows(made, "baseline")] == ["absent for 0s at most"]
    (plot,) = (each for block in blocks(made) if isinstance(block, Plots) for each in block.plots)
    assert plot.summary == "heartbeat: baseline 0s, since T0 0s, Stable"


class TestPlots:
    """Few enough points, and the margin as a band."""

    def test_they_have_at_most_a_hundred_points_a_side_and_finite_values(self) -> None:
        made = report(*large(signals=3, each=2, looks=("1h", "48h")))
        plots = [each for block in blocks(made, "drift") if isinstance(block, Plots) for each in block.plots]
        assert len(plots) == 3
        for each in plots:
            assert 50 < len(each.baseline) <= 100
            assert 50 < len(each.current) <= 100

    def test_the_band_goes_from_what_is_expected_to_the_margin_on_the_bad_side(self) -> None:
        for worse, low, high in (("Higher", 100, 105), ("Lower", 95, 100), ("Either", 95, 105)):
            looks = [evidence("latency", series([100.0, 100.2] * count)) for count in (72, 18)]
            frozen = [stored("t0", snapshot(looks[0])), stored("1h", snapshot(looks[1], checkpoint="1h", hours=6))]
            made = report(review_of(signals=[signal(worse=worse)]), frozen)
            (plot,) = (each for block in blocks(made) if isinstance(block, Plots) for each in block.plots)
            assert plot.low == pytest.approx(low, abs=0.5)
            assert plot.high == pytest.approx(high, abs=0.5)


def test_what_has_no_room_is_left_out_step_by_step_and_said() -> None:
    made = report(*large(signals=25, each=3))
    steps = list(slimmer(made))
    sizes = [len(each.model_dump_json()) for each in steps]
    assert steps[0] == made
    assert all(after < before for before, after in pairwise(sizes))
    assert [len(each.left_out) for each in steps] == list(range(len(steps)))
    assert [each.id for each in steps[-1].sections] == [each.id for each in made.sections]


def test_the_rollback_window_is_open_with_the_time_left_and_over_at_the_end() -> None:
    entries = {
        state: {
            row.cells[0].text: row.cells[1].text
            for block in blocks(report(*taken(STATES[state]())))
            if isinstance(block, Entries)
            for row in block.rows
        }
        for state in ("pending", "watching", "promoted")
    }
    left = timedelta(hours=4, minutes=30) - timedelta(hours=1, minutes=2)
    assert left == timedelta(hours=3, minutes=28)
    assert entries["watching"]["Rollback window"] == "Open until 2026-07-31T16:30:00Z (3h28m left)"
    assert entries["pending"]["Rollback window"] == "Not open yet: 4h from T0 on"
    assert entries["promoted"]["Rollback window"].startswith("Over")


@pytest.mark.parametrize("shift_at", [None, 10 * MINUTE])
def test_a_limit_has_no_side_before_t0_where_the_baseline_is_declared(shift_at: timedelta | None) -> None:
    simulator = after(5 * HOUR, shift_at, signals=[limit("120", name="latency")], baseline={"from": "Declared"})
    assert simulator.phase == (Phase.PROMOTED if shift_at is None else Phase.ROLLED_BACK)
    made = report(*taken(simulator))
    assert [row[0] for row in rows(made, "drift") if row[0] == "latency"], "every look has its row"
    assert made.recommendation is not None
