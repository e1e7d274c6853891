"""Whatever people do, in whatever order it is seen: the same end, and the way back is never longer for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.approvals import extended, noted
from driftreview.domain.conclusion import BY_PEOPLE
from driftreview.domain.consent import consent, is_held, rejection
from driftreview.domain.room import MOST_ACTS
from tests.builders import HOUR, MINUTE, T0, approval, review, signal
from tests.simulator import Metrics, Simulator

KINDS = ["Approve", "Approve", "SignOff", "Note", "Reject", "Rebaseline", "Extend", "Override"]
CONSENT = ["Approve", "SignOff", "Note"]
CHECKLIST = [{"name": "backup"}]
POLICIES = st.fixed_dictionaries({
    "onDrift": st.sampled_from(["Rollback", "Hold"]),
    "onInconclusive": st.sampled_from(["Hold", "Promote", "Rollback"]),
    "onWindowEnd": st.sampled_from(["Notify", "Promote", "Rollback"]),
    "approval": st.fixed_dictionaries({
        "type": st.sampled_from(["Automatic", "Manual"]), "approvals": st.integers(1, 3), "notByAuthor": st.booleans(),
        "expiresAfter": st.sampled_from([None, "10m", "45m", "3h"]),
    }),
    "freezes": st.lists(
        st.fixed_dictionaries({
            "name": st.sampled_from(["a", "b", "c"]),
            "start": st.sampled_from(["2026-01-01T00:00", "2026-07-31T12:50", "2026-07-31T14:30", "2026-02-30T00:00"]),
            "duration": st.sampled_from(["10m", "2h", "30d"]),
            "recurrence": st.sampled_from([None, "FREQ=DAILY", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"]),
        }), max_size=2, unique_by=lambda each: each["name"],
    ),
})  # fmt: skip


@st.composite
def acts(draw: st.DrawFn, kinds: Sequence[str] = KINDS, latest: int = 40) -> list[DriftApproval]:
    """Some of them, made within some minutes after T0."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(kinds))
        fields: dict[str, Any] = {"SignOff": {"item": "backup"}, "Extend": {"for": "1h"}}.get(kind, {})
        by = draw(st.sampled_from(["ann", "joe", "jane"]))
        at = T0 + draw(st.integers(1, latest)) * MINUTE
        found.append(approval(kind, by, at, f"{number}-{kind}", **fields))
    return found


def begun(policy: dict[str, Any], shift: float = 1.0) -> Simulator:
    declared = review(
        signals=[signal()], policy=policy, author="jane", checklist=CHECKLIST,
        window={"checkpoints": ["1h", "2h"], "rollback": "4h"},
    )  # fmt: skip
    simulator = Simulator(declared, metrics=Metrics([(T0 + 30 * MINUTE, shift)]), sleepy=True)
    simulator.run()
    return simulator


def stored(simulator: Simulator) -> DriftReview:
    return extended(simulator.stored())


def ends(simulator: Simulator) -> tuple[Any, ...]:
    simulator.pass_time(12 * HOUR)
    decision = simulator.status.get("decision", {})
    return simulator.phase, simulator.acts, decision.get("recommendation"), decision.get("reason"), decision.get("by")


@given(found=acts(), policy=POLICIES, data=st.data())
@settings(deadline=None, max_examples=60)
def test_what_is_seen_at_once_has_no_order_and_counts_once(
    found: list[DriftApproval], policy: dict[str, Any], data: st.DataObject
) -> None:
    simulator = begun(policy)
    now = T0 + 45 * MINUTE
    doubled = found + (data.draw(st.lists(st.sampled_from(found), max_size=6)) if found else [])
    again = data.draw(st.permutations(doubled))
    once, twice = noted(stored(simulator), found, now), noted(stored(simulator), again, now)
    assert once == twice
    if once is not None:
        after = stored(simulator).model_copy(update={"status": once})
        assert noted(after, again, now) is None, "what is written down is not written down again"


@given(found=acts(CONSENT), policy=POLICIES, shift=st.sampled_from([1.0, 1.0, 1.5]), data=st.data())
@settings(deadline=None, max_examples=60)
def test_consent_comes_to_the_same_whenever_it_is_seen(
    found: list[DriftApproval], policy: dict[str, Any], shift: float, data: st.DataObject
) -> None:
    whole, pieces = begun(policy, shift), begun(policy, shift)
    whole.pass_time(45 * MINUTE)
    whole.approvals = found
    pieces.pass_time(45 * MINUTE)
    for each in data.draw(st.permutations(found)):
        pieces.approvals.append(each)
        pieces.run()
    assert ends(whole) == ends(pieces)
    assert whole.status == pieces.status


@given(found=acts(CONSENT, latest=200), policy=POLICIES, shift=st.sampled_from([1.0, 1.5]))
@settings(deadline=None, max_examples=30)
def test_whose_approval_a_decision_takes_back_is_named(
    found: list[DriftApproval], policy: dict[str, Any], shift: float
) -> None:
    simulator = begun(policy, shift)
    for _ in range(8):
        counted = consent(stored(simulator), stored(simulator).status).by
        simulator.pass_time(30 * MINUTE)
        simulator.approvals = [each for each in found if (each.metadata.creation_timestamp or T0) <= simulator.now]
        simulator.run()
        review = stored(simulator)
        given, decision = consent(review, review.status), review.status.decision
        if decision is None or decision.reason not in BY_PEOPLE:  # nobody is asked to give it again once others did
            assert all(each in given.by or each in given.early for each in counted)
        if is_held(review, review.status) and review.status.phase == Phase.HOLDING:
            assert given.early.partition(":")[0] in (review.status.summary or "")


@given(found=acts(CONSENT, latest=200), policy=POLICIES)
@settings(deadline=None, max_examples=60)
def test_no_consent_keeps_a_drift_from_being_rolled_back_at_once(
    found: list[DriftApproval], policy: dict[str, Any]
) -> None:
    alone, consented = (begun(policy | {"onDrift": "Rollback"}, 1.5) for _ in range(2))
    consented.approvals = found
    for simulator in (alone, consented):
        simulator.pass_time(3 * HOUR)
        assert simulator.acts == [ActType.ROLL_BACK]
    assert alone.status["act"] == consented.status["act"], "at the same moment"
    assert alone.status["decision"] == consented.status["decision"]


@given(found=acts([*CONSENT, "Override"], latest=200), policy=POLICIES)
@settings(deadline=None, max_examples=40)
def test_no_freeze_no_approval_and_no_expiry_lengthens_the_time_to_a_rollback(
    found: list[DriftApproval], policy: dict[str, Any]
) -> None:
    free = {"onDrift": "Rollback", "approval": {}, "freezes": []}
    alone, slowed = begun(policy | free, 1.5), begun(policy | {"onDrift": "Rollback"}, 1.5)
    slowed.approvals = found
    for simulator in (alone, slowed):
        simulator.pass_time(3 * HOUR)
        assert simulator.acts == [ActType.ROLL_BACK]
    assert alone.status["act"] == slowed.status["act"], "at the same moment"
    assert alone.status["decision"] == slowed.status["decision"]


@given(found=acts([*CONSENT, "Override"], latest=30), policy=POLICIES, when=st.integers(31, 300))
@settings(deadline=None, max_examples=30)
def test_nor_that_of_a_reject(found: list[DriftApproval], policy: dict[str, Any], when: int) -> None:
    simulator = begun(policy)
    simulator.approvals = list(found)
    simulator.pass_time(when * MINUTE)
    if simulator.status.get("act") or simulator.phase in TERMINAL:
        return
    simulator.approvals.append(approval("Reject", "zoe", simulator.now, "last"))
    simulator.run()
    assert simulator.acts == [ActType.ROLL_BACK]


@given(found=acts(latest=30), policy=POLICIES, after=st.integers(31, 50))
@settings(deadline=None, max_examples=60)
def test_whatever_else_was_done_a_reject_takes_the_release_back(
    found: list[DriftApproval], policy: dict[str, Any], after: int
) -> None:
    simulator = begun(policy)
    simulator.approvals = list(found)
    simulator.pass_time(after * MINUTE)
    assert simulator.status["t0"], "T0 is taken anew at once where nothing has to be waited for"
    simulator.approvals.append(approval("Reject", "zoe", simulator.now, "last"))
    simulator.pass_time(10 * MINUTE)
    assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])


@given(
    many=st.lists(
        st.tuples(
            st.sampled_from([*KINDS, "Earlier"]), st.sampled_from(["ann", "joe", "\u00fc" * 253]), st.integers(1, 130)
        ),
        max_size=8,
    ),
    names=st.integers(1, 200),
    at_once=st.booleans(),
    policy=POLICIES,
)
@settings(deadline=None, max_examples=25)
def test_however_many_there_are_the_status_is_valid_and_a_reject_is_recorded_and_counts(
    many: list[tuple[str, str, int]], names: int, policy: dict[str, Any], *, at_once: bool
) -> None:
    review, seen = stored(begun(policy)), list[DriftApproval]()
    now = T0 + 45 * MINUTE
    of_kind: dict[str, dict[str, Any]] = {
        "SignOff": {"item": "backup"}, "Extend": {"for": "1h"}, "Earlier": {"review_uid": "of another"}
    }  # fmt: skip
    for turn, (what, by, count) in enumerate(many):
        fields, kind = of_kind.get(what, {}), "Approve" if what == "Earlier" else what
        users = [f"{by[:250]}{number % names}" for number in range(count)]
        new = [approval(kind, user, now, f"{turn}-{number}-{kind}", **fields) for number, user in enumerate(users)]
        for some in [new] if at_once else [new[::2], new[1::2]]:
            seen += some
            review = after(review, seen, now)
    assert len(review.status.approvals) <= MOST_ACTS + 25
    if review.status.judged is not None and rejection(review.status) is None:
        review = after(review, [*seen, approval("Reject", "zoe", now, "last")], now)
        rejected = rejection(review.status)
        assert rejected is not None
        assert rejected.by == "zoe"


def after(review: DriftReview, found: Sequence[DriftApproval], now: datetime) -> DriftReview:
    """The review once these were seen, as the API server keeps it: it refuses a status that is not valid."""
    status = noted(review, found, now)
    if status is None:
        return review
    valid = DriftReviewStatus.model_validate(status.to_wire())
    return extended(review.model_copy(update={"status": valid}))


@given(found=acts(["Extend", "Note", "Approve"]), policy=POLICIES)
@settings(deadline=None, max_examples=40)
def test_no_due_time_moves_and_the_window_never_gets_shorter(
    found: list[DriftApproval], policy: dict[str, Any]
) -> None:
    simulator = begun(policy)
    dues = [each["due"] for each in simulator.status["checkpoints"]]
    closes = simulator.status["rollback"]["closesAt"]
    for each in found:
        simulator.approvals.append(each)
        simulator.pass_time(timedelta(minutes=1))
        rows = simulator.status["checkpoints"]
        assert [row["due"] for row in rows[: len(dues)]] == dues
        assert simulator.status["rollback"]["closesAt"] >= closes
        dues, closes = [row["due"] for row in rows], simulator.status["rollback"]["closesAt"]
