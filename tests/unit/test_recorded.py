"""What a review remembers of people agrees with what they did; whatever was altered of either is found and named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import _FIXED, DriftReview
from driftreview.api.status import DriftReviewStatus
from driftreview.bundle.contents import write
from driftreview.bundle.errors import BundleError
from driftreview.bundle.verify import prove
from driftreview.domain.approvals import added
from driftreview.domain.evidence import spec_hash
from driftreview.domain.heard import HEARD, MOST_KEPT
from driftreview.domain.judge import judge_looks
from driftreview.domain.naming import earlier_names, evidence_names, look_names, stored_name
from driftreview.domain.recheck import differences, earlier, frozen, looked, looked_after
from driftreview.domain.recorded import MOST_NAMED, SEEN_WITHIN, remarks
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Sentences, Table
from tests.builders import HOUR, MINUTE, approval
from tests.builders import review as review_of
from tests.reportdata import ASKED, STATES, Taken, after, does, passes, taken
from tests.support.bundles import Raw, objects
from tests.unit.test_report import with_command


def paths(state: Taken) -> list[str]:
    review, snapshots, approvals = state
    looks = looked(review, snapshots)
    found = differences(review, looks, earlier(review, snapshots), approvals, looked_after(review, looks, snapshots))
    return [each.path for each in found]


def altered(state: Taken, what: Callable[[Raw], Any]) -> Taken:
    """The same with another status."""
    review, *others = state
    wire = review.status.to_wire()
    what(wire)
    return review.model_copy(update={"status": DriftReviewStatus.model_validate(wire)}), *others


def acted(state: Taken, index: int, **fields: Any) -> Taken:
    """The same with one DriftApproval altered."""
    review, snapshots, approvals = state
    wire = approvals[index].to_wire()
    wire["spec"] |= fields
    return review, snapshots, [*approvals[:index], DriftApproval.model_validate(wire), *approvals[index + 1 :]]


def blocks(state: Taken, section: str) -> list[Any]:
    return [block for each in report(*state).sections if each.id == section for block in each.blocks]


def said(state: Taken, section: str, title: str = "") -> list[str]:
    found = (each for each in blocks(state, section) if isinstance(each, Sentences) and title in each.title)
    return [with_command(each) for block in found for each in block.items]


def rows(state: Taken, title: str) -> list[list[str]]:
    found = (each for each in blocks(state, "approvals") if isinstance(each, Table) and title in each.title)
    return [[cell.text for cell in row.cells] for block in found for row in block.rows]


class TestNames:
    """Under which names the evidence of a review stands."""

    def test_every_t0_has_its_own_and_looks_are_those_of_the_last(self) -> None:
        review, snapshots, _ = taken(STATES["retaken"]())
        assert earlier_names(review) == ("release-review-u-t0", "release-review-u-t0-2")
        assert stored_name(review, "1h") == "release-review-u-1h-3"
        assert set(evidence_names(review)) == {each.metadata.name for each in snapshots}

    def test_looks_that_people_added_come_last_and_the_last_of_them_decides(self) -> None:
        review, snapshots, _ = taken(STATES["extended"]())
        assert look_names(review) == ("T0", "1h", "2h", "4h", "6h", "7h")
        assert [each.name for each in looked(review, snapshots)] == list(look_names(review))
        assert review.status.decision is not None
        assert review.status.decision.by == "checkpoint 7h"


class TestChain:
    """It begins at the very first T0."""

    def test_it_goes_back_over_every_t0(self) -> None:
        review, snapshots, _ = taken(STATES["retaken"]())
        old = earlier(review, snapshots[::-1])
        assert [each.metadata.name for each in old] == list(earlier_names(review))
        assert frozen(review, snapshots)[0].evidence.spec.previous_hash == old[-1].spec.hash

    @pytest.mark.parametrize(
        ("lost", "path"),
        [
            (0, "snapshots/release-review-u-t0-2: spec.previousHash"),
            (1, "status.earlier"),
            (2, "status.baseline"),
            (3, "status.checkpoints[0].snapshot"),
        ],
    )
    def test_whatever_is_gone_of_it_is_found(self, lost: int, path: str) -> None:
        review, snapshots, approvals = taken(STATES["retaken"]())
        assert paths((review, [*snapshots[:lost], *snapshots[lost + 1 :]], approvals))[0] == path

    @pytest.mark.parametrize("index", range(4))
    def test_whatever_is_altered_of_it_is_found(self, index: int) -> None:
        review, snapshots, approvals = taken(STATES["retaken"]())
        one = snapshots[index]
        forged = one.model_copy(update={"spec": one.spec.model_copy(update={"source": "elsewhere"})})
        changed = [*snapshots[:index], forged, *snapshots[index + 1 :]]
        assert paths((review, changed, approvals))[0] == f"snapshots/{one.metadata.name}: spec.hash"

    def test_an_old_t0_never_stands_in_for_the_present_one(self) -> None:
        review, snapshots, approvals = taken(STATES["retaken"]())
        assert frozen(review, snapshots[:2]) == ()
        assert paths((review, snapshots[:2], approvals))[0] == "status.baseline"

    def test_between_a_rebaseline_and_its_t0_there_is_the_old_one_and_that_is_reported(self) -> None:
        simulator = after(20 * MINUTE)
        simulator.metrics.mode = "down"
        does(simulator, "Rebaseline")
        passes(simulator, MINUTE)
        state = taken(simulator)
        assert state[0].status.baseline is None
        assert paths(state) == []
        assert said(state, "evidence")[0] == (
            "T0 was taken anew by people (1 of at most 4 times); the chain has 1 frozen T0 before the present one"
        )

    def test_a_t0_that_was_frozen_and_never_written_down_is_no_part_of_it(self) -> None:
        review, snapshots, approvals = taken(STATES["retaken"]())
        orphan = snapshots[1]
        first = review.status.earlier
        assert first is not None
        ref = {"name": snapshots[0].metadata.name, "hash": snapshots[0].spec.hash}
        skipped, *_ = altered((review, snapshots, approvals), lambda status: status.update(earlier=ref))
        assert orphan not in earlier(skipped, snapshots)


class TestJudgedAnew:
    """With the share of the budget that the look had when it was judged."""

    def test_looks_that_people_added_are_judged_as_such(self) -> None:
        review, snapshots, _ = taken(STATES["extended"]())
        first, *others = (each.evidence.spec for each in frozen(review, snapshots))
        results = list(judge_looks(review.spec, first, others, added(review)))
        assert [each.result for each in looked(review, snapshots)[1:]] == results
        assert added(review) == ("6h", "7h")

    def test_a_drift_at_an_added_look_is_the_decision(self) -> None:
        simulator = after(65 * MINUTE, 5 * HOUR)
        does(simulator, "Extend", **{"for": "2h"})
        passes(simulator, 6 * HOUR)
        state = taken(simulator)
        assert state[0].status.decision is not None
        assert state[0].status.decision.by == "checkpoint 6h"
        assert paths(state) == []


class TestSpecHash:
    """All that is fixed since T0 stands in it, and nothing else."""

    def test_what_may_change_leaves_it_as_it_is(self) -> None:
        plain = review_of().spec
        for approval_rule in ({"type": "Manual"}, {"type": "Manual", "approvals": 3}):
            assert spec_hash(review_of(policy={"approval": approval_rule}).spec) == spec_hash(plain)
        assert spec_hash(review_of(suspend=True).spec) == spec_hash(plain)
        strict = {"falseAlarmBudget": "1%"}
        assert spec_hash(review_of(policy=strict).spec) == spec_hash(
            review_of(policy=strict | {"approval": {"type": "Manual"}}).spec
        )

    def test_whatever_else_changes_is_another(self) -> None:
        others: dict[str, Any] = {
            "target": {"name": "other"},
            "context": {"owner": "somebody"},
            "metrics": {"sourceRef": {"name": "other"}},
            "window": {"checkpoints": ["1h", "2h", "4h"], "rollback": "5h"},
            "baseline": {"length": "2d"},
            "guards": {},
            "signals": [{"name": "other", "query": "up", "margin": {"relative": "5%"}}],
            "signalSetRefs": [{"name": "http"}],
            "contracts": [{"name": "c", "from": {"service": "s"}}],
            "flags": [{"name": "F", "from": {"env": {}}}],
            "evidence": [{"name": "e", "baseline": 1, "current": 1}],
            "inventory": {},
            "preflight": {"require": ["ClockSkew"]},
            "alerts": {"heartbeat": "Watchdog"},
            "observability": {"dashboards": [{"name": "shop", "url": "https://grafana.example.org/d/shop"}]},
            "checklist": [{"name": "backup"}],
            "variables": {"a": "b"},
            "author": "joe",
            "rollout": {"gitOps": "Override"},
            "policy.mode": {"mode": "Advise"},
            "policy.falseAlarmBudget": {"falseAlarmBudget": "1%"},
            "policy.onDrift": {"onDrift": "Hold"},
            "policy.onInconclusive": {"onInconclusive": "Promote"},
            "policy.onWindowEnd": {"onWindowEnd": "Promote"},
            "policy.onNewRevision": {"onNewRevision": "Chain"},
        }
        assert others.keys() >= set(_FIXED), "a new field has to be here too"
        hashes = {spec_hash(review_of(**{name.split(".")[0]: each}).spec) for name, each in others.items()}
        assert len(hashes | {spec_hash(review_of().spec)}) == len(others) + 1


class TestRecords:
    """status.approvals against the DriftApprovals."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("by", "mallory"),
            ("at", "2026-07-31T16:04:00Z"),
            ("name", "other"),
            ("message", "something else"),
            ("type", "Note"),
        ],
    )
    def test_a_record_that_was_altered(self, field: str, value: str) -> None:
        state = taken(STATES["rejected"]())
        name = value if field == "name" else state[0].status.approvals[1].name
        found = paths(altered(state, lambda status: status["approvals"][1].update({field: value})))
        assert f"status.approvals[{name}].{field}" in found

    @pytest.mark.parametrize(("field", "value"), [("by", "mallory"), ("type", "Extend"), ("message", "all is well")])
    def test_an_act_that_was_altered(self, field: str, value: str) -> None:
        state = taken(STATES["rejected"]())
        more = {"for": "1h"} if value == "Extend" else {}
        found = paths(acted(state, 1, **{field: value}, **more))
        assert f"status.approvals[{state[2][1].metadata.name}].{field}" in found

    def test_a_sign_off_of_another_item(self) -> None:
        state = taken(STATES["waits-for-people"]())
        found = paths(acted(state, 3, item="backup-workflow-unchanged"))
        assert [each.rpartition(".")[2] for each in found] == ["item"]

    def test_one_for_another_review_is_no_part_of_a_bundle(self) -> None:
        review, snapshots, approvals = objects(STATES["rejected"]())
        approvals[0]["spec"]["reviewRef"]["uid"] = "other"
        with pytest.raises(BundleError, match=r"approvals/0000\.json: spec\.reviewRef\.uid: stored is other"):
            prove(write(review, snapshots, approvals))

    def test_one_that_was_deleted_in_the_cluster_is_no_difference_and_said(self) -> None:
        review, snapshots, approvals = state = taken(STATES["approved"]())
        assert paths(state) == []
        assert list(remarks(review, approvals)) == [said(state, "approvals")[1]]
        assert said(state, "approvals")[1].startswith("recorded, but nothing proves it, as there is")
        proof = prove(write(*objects(STATES["approved"]())))
        assert any("(Approve by ann)" in each for each in proof.notes)
        assert paths((review, snapshots, [])) == []

    def test_a_record_that_was_removed_from_a_review_that_ended_is_found(self) -> None:
        state = taken(STATES["rejected"]())
        for index in (0, 1):
            assert "status.approvals" in paths(altered(state, lambda status, i=index: status["approvals"].pop(i)))

    @pytest.mark.parametrize(("before", "found"), [(SEEN_WITHIN, True), (timedelta(0), False), (-HOUR, False)])
    def test_what_came_too_late_is_no_difference_and_said(self, before: timedelta, *, found: bool) -> None:
        review, snapshots, approvals = taken(STATES["rejected"]())
        ended = next(each.last_transition_time for each in review.status.conditions if each.type == "Reconciling")
        state = review, snapshots, [*approvals, approval("Note", "late", ended - before)]
        assert ("status.approvals" in paths(state)) is found
        assert any(each.startswith("not recorded, and nothing followed") for each in said(state, "approvals"))

    def test_what_waits_while_a_review_is_suspended_is_no_difference(self) -> None:
        simulator = after(65 * MINUTE)
        simulator.suspend(suspended=True)
        does(simulator, "Approve")
        assert simulator.stored().status.approvals == []
        assert paths(taken(simulator)) == []

    def test_of_many_only_some_are_named(self) -> None:
        review, _, approvals = taken(STATES["rejected"]())
        many = [*approvals, *(approval("Note", f"bot-{number}") for number in range(50))]
        (line,) = remarks(review, many)
        assert line.count("bot-") == 2 * MOST_NAMED
        assert "and 40 more" in line
        assert "counts none" not in line
        many += [approval("Note", f"bot-{number}") for number in range(50, HEARD)]
        (line,) = remarks(review, many)
        assert line.endswith(f"there was no room for it; beyond {MOST_KEPT} the operator counts none")


class TestWhatFollowed:
    """What only people may bring about needs their acts."""

    def test_a_decision_of_people_without_them(self) -> None:
        state = taken(STATES["rejected"]())
        assert paths(altered(state, lambda status: status["decision"].update(by="mallory"))) == ["status.decision"]
        assert "status.decision" in paths(altered(state, lambda status: status["decision"].update(reason="Approved")))

    def test_a_decision_that_is_said_to_be_of_people_needs_them_too(self) -> None:
        def lie(status: Raw) -> None:
            status["decision"] |= {"recommendation": "APPROVE", "reason": "Approved", "by": "jane"}

        assert "status.decision" in paths(altered(taken(STATES["rolled-back"]()), lie))

    def test_no_policy_overrules_a_drift(self) -> None:
        def lie(status: Raw) -> None:
            status["decision"] |= {"recommendation": "INCONCLUSIVE", "reason": "Policy", "by": "policy.onWindowEnd"}

        assert "status.decision" in paths(altered(taken(STATES["rolled-back"]()), lie))

    @pytest.mark.parametrize("answer", ["Approve", "Reject"])
    def test_people_may_decide_otherwise_than_the_looks(self, answer: str) -> None:
        simulator = after(125 * MINUTE, 90 * MINUTE, policy={"onDrift": "Hold"})
        passes(simulator, MINUTE)
        does(simulator, answer)
        passes(simulator, 10 * MINUTE)
        state = taken(simulator)
        assert paths(state) == []
        decided = said(state, "recommendation")[1]
        assert "by people, jane: approved by jane" in decided or "by a person, jane: rejected by jane" in decided

    def test_a_user_who_is_named_as_a_checkpoint_is_still_a_person(self) -> None:
        simulator = after(65 * MINUTE)
        does(simulator, "Reject", "checkpoint 1h")
        passes(simulator, 10 * MINUTE)
        assert paths(taken(simulator)) == []

    def test_looks_and_t0s_that_nobody_asked_for(self) -> None:
        def uncounted(status: Raw) -> None:
            status["approvals"][0]["counted"] = False

        assert paths(altered(taken(STATES["extended"]()), uncounted)) == ["status.checkpoints"]
        assert paths(altered(taken(STATES["retaken"]()), uncounted)) == ["status.retaken"]


class TestSection:
    """Who did what and when, what counted, and what is open."""

    def test_it_is_left_out_where_nothing_is_asked_and_nothing_was_done(self) -> None:
        assert blocks(taken(STATES["promoted"]()), "approvals") == []

    def test_each_item_has_who_signed_it_off_or_is_open(self) -> None:
        assert [row[:4] for row in rows(taken(STATES["waits-for-people"]()), "Checklist")] == [
            ["backup-workflow-unchanged", "for a promotion", "open", "-"],
            ["support-was-told", "no", "signed off", "jane"],
        ]

    def test_each_act_says_what_counted_or_why_not(self) -> None:
        found = rows(taken(STATES["waits-for-people"]()), "What people did")
        assert [(row[1], row[2], row[5]) for row in found] == [
            ("jane", "Approve", "yes"),
            (
                "joe@example.org",
                "Approve",
                "no: the author of the review does not count (policy.approval.notByAuthor)",
            ),
            ("jane", "Approve", "no: jane approved it before"),
            ("jane", "SignOff support-was-told", "yes"),
        ]

    def test_what_lacks_is_a_risk_and_a_next_step_until_it_is_there(self) -> None:
        waits, done = (taken(STATES[state]()) for state in ("waits-for-people", "approved"))
        assert said(waits, "outlook", "Risks") == [
            "checklist item backup-workflow-unchanged is not signed off",
            "1 of 2 approvals is missing, not by the author joe@example.org",
        ]
        steps = said(waits, "outlook", "Next")
        assert any(each.endswith("sign-off release -n shop --item backup-workflow-unchanged") for each in steps)
        assert any(each.startswith("1 more to approve until 2026-07-31T18:15:00Z") for each in steps)
        assert said(done, "outlook", "Risks") == []

    def test_what_nobody_approved_in_time_is_left_to_be_decided(self) -> None:
        simulator = passes(STATES["waits-for-people"](), 5 * HOUR)
        assert simulator.phase == "Decided"
        state = taken(simulator)
        assert said(state, "outlook", "Next")[0].startswith(
            "Decide by hand: APPROVE was not carried out (the promotion"
        )
        assert len(said(state, "outlook", "Risks")) == 2

    def test_who_only_advises_is_told_that_approvals_count_for_nothing(self) -> None:
        asked = ASKED | {"policy": ASKED["policy"] | {"mode": "Advise"}}  # type: ignore[operator]
        state = taken(after(65 * MINUTE, **asked))
        assert said(state, "approvals") == [
            "policy.mode is Advise: the operator promotes nothing, so approvals count for nothing",
            "A promotion lacks the sign-off of backup-workflow-unchanged",
        ]
        assert said(state, "outlook", "Risks") == ["checklist item backup-workflow-unchanged is not signed off"]
        (step,) = (each for each in said(state, "outlook", "Next") if each.startswith("Sign off"))
        assert step.startswith("Sign off backup-workflow-unchanged until 2026-07-31T16:00:00Z: "), "the last look"

    def test_who_only_observes_has_a_checklist_that_nothing_needs(self) -> None:
        asked = ASKED | {"policy": {"mode": "Observe"}}
        simulator = after(65 * MINUTE, **asked)
        does(simulator, "SignOff", item="support-was-told")
        state = taken(simulator)
        assert said(state, "approvals") == [
            "policy.mode is Observe: nobody promotes anything by it; approvals count for nothing, sign-offs are kept"
        ]
        assert [row[:3] for row in rows(state, "Checklist")] == [
            ["backup-workflow-unchanged", "no: policy.mode is Observe", "open"],
            ["support-was-told", "no", "signed off"],
        ]
        assert said(state, "outlook", "Risks") == []

    def test_notes_stand_whole_in_the_incident_review(self) -> None:
        (note,) = said(taken(STATES["extended"]()), "incidents", "What people added")
        assert note.startswith("jane at 2026-07-31T13:05:00Z: provider outage 14:00 to 14:20")
        assert len(note) > 200
        review, snapshots, _ = taken(STATES["extended"]())
        (short,) = said((review, snapshots, []), "incidents", "What people added")
        assert short.endswith("…"), "of one that was deleted, what the review kept"

    def test_the_recommendation_says_who_decided_and_who_let_it(self) -> None:
        assert (
            "by a person, jane: rejected by jane: customers cannot pay"
            in said(taken(STATES["rejected"]()), "recommendation")[-1]
        )
        assert said(taken(STATES["approved"]()), "recommendation")[-1].endswith(
            "by checkpoint 4h; the promotion has 2 of 2 approvals (jane, ann)"
        )

    def test_the_author_stands_in_the_head(self) -> None:
        assert report(*taken(STATES["rejected"]())).author == "joe@example.org"
        assert report(*taken(STATES["promoted"]())).author == ""

    def test_acts_on_an_earlier_review_of_the_name_are_not_its_own(self) -> None:
        review, snapshots, approvals = taken(STATES["rejected"]())
        other = approval("Note", "old", review_uid="earlier")
        assert report(review, snapshots, [*approvals, other]) == report(review, snapshots, approvals)
        assert isinstance(review, DriftReview)
