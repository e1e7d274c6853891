"""However many acts somebody creates: a bounded number is looked at, and nobody else is kept from being heard by it."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.approval import ApprovalType, DriftApproval
from driftreview.domain.approvals import extended, noted
from driftreview.domain.consent import counted, rejection
from driftreview.domain.heard import HEARD, heard
from tests.builders import MINUTE, T0, approval
from tests.property.test_approvals_properties import KINDS, begun

OURS = "review-uid"
NOW = T0 + 45 * MINUTE
FIELDS: dict[str, dict[str, Any]] = {"SignOff": {"item": "backup"}, "Extend": {"for": "1h"}}
FLOODS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(["dev", "bot"]),
        st.sampled_from([OURS, "of an earlier one"]),
        st.integers(1, 250),
    ),
    max_size=4,
)


def made(kind: str, by: str, uid: str, at: int = 0, about: str = OURS) -> DriftApproval:
    return approval(kind, by, T0 + at * timedelta(seconds=1), uid, review_uid=about, **FIELDS.get(kind, {}))


def poured(flood: list[tuple[str, str, str, int]]) -> list[DriftApproval]:
    """Acts by a few people who never stop."""
    return [
        made(kind, by, f"{turn}-{number}", number, about)
        for turn, (kind, by, about, count) in enumerate(flood)
        for number in range(count)
    ]


@given(flood=FLOODS, data=st.data())
@settings(deadline=None, max_examples=60)
def test_it_is_bounded_has_no_order_and_what_is_written_down_stays(
    flood: list[tuple[str, str, str, int]], data: st.DataObject
) -> None:
    acts = poured(flood)
    uids = [each.metadata.uid for each in acts]
    recorded = set(data.draw(st.lists(st.sampled_from(uids), max_size=95)) if uids else [])
    found = heard(acts, OURS, recorded)
    assert len(found) == min(len(acts), HEARD)
    assert heard(reversed(acts), OURS, recorded) == found
    assert recorded <= {each.metadata.uid for each in found}


@given(
    flood=FLOODS,
    others=st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["ann", "joe", "zoe"])), max_size=8),
    known=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_who_is_not_of_the_flood_is_heard(
    flood: list[tuple[str, str, str, int]], others: list[tuple[str, str]], *, known: bool
) -> None:
    """Also where the review itself was not seen yet."""
    last = [made(kind, by, f"{number}-{by}", 10_000 + number) for number, (kind, by) in enumerate(others)]
    found = heard([*poured(flood), *last], OURS if known else "", set())
    assert {each.metadata.uid for each in last} <= {each.metadata.uid for each in found}


@given(flood=FLOODS, names=st.integers(1, 500), about=st.sampled_from([OURS, "of an earlier one"]))
@settings(deadline=None, max_examples=40)
def test_a_reject_comes_before_whatever_names_were_made_up(
    flood: list[tuple[str, str, str, int]], names: int, about: str
) -> None:
    """Without the admission policy `by` is only a claim: each act of a flood may have another one."""
    crowd = [made("Approve", f"{number}", f"crowd-{number}", number, about) for number in range(names)]
    crowd += [made("Reject", f"{number}", f"reject-{number}", number, "of an earlier one") for number in range(names)]
    mine = made("Reject", "zoe", "mine", 10_000)
    found = heard([*poured(flood), *crowd, mine], OURS, set())
    assert mine in found[:3], "before it at most the first of each who pours"


def test_who_rejects_again_comes_before_all_else_when_the_first_is_written_down() -> None:
    """As it was before T0, when nothing followed from it."""
    crowd = [made("Approve", f"{number}", f"{number}", number) for number in range(2 * HEARD)]
    first, second = made("Reject", "zoe", "first", 1), made("Reject", "zoe", "second", 10_000)
    assert heard([*crowd, second, first], OURS, {"first"})[:2] == [first, second]


@given(flood=FLOODS)
@settings(deadline=None, max_examples=30)
def test_what_is_left_of_a_flood_leads_to_what_all_of_it_does(flood: list[tuple[str, str, str, int]]) -> None:
    """Whether the release is rejected, and whose approvals count."""
    review = extended(begun({"approval": {"type": "Manual", "approvals": 2}}).stored())
    acts = [*poured(flood), made("Approve", "ann", "ann", 10_000)]
    whole, part = (noted(review, each, NOW) for each in (acts, heard(acts, OURS, set())))
    assert whole is not None
    assert part is not None
    assert (rejection(whole) is None) == (rejection(part) is None)
    names = [{each.by for each in counted(status, ApprovalType.APPROVE)} for status in (whole, part)]
    assert names[0] == names[1]
