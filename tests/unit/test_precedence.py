"""Which of several reviews of one target goes first, and that none waits for ever for one that cannot start."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.errors import ChangedError
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import RESYNC, Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.precedence import UNSEEN, Claim, claim, first
from driftreview.runtime.claims import Claims
from tests.builders import HOUR, MINUTE, T0, review, target

SECOND = timedelta(seconds=1)


def stored(
    name: str = "a",
    t0: datetime | None = None,
    closes: datetime | None = None,
    created: datetime = T0,
    *,
    accepted: str = "True",
    stalled: str = "False",
    mode: str = "Enforce",
    suspend: bool = False,
    seen: bool = True,
    at: datetime | None = None,
    **status: Any,
) -> dict[str, Any]:
    conditions = [{"type": "Accepted", "status": accepted}, {"type": "Stalled", "status": stalled}] if seen else []
    given: dict[str, Any] = {"conditions": conditions} | status
    if t0 is not None:
        given["t0"] = format_time(t0)
    if closes is not None:
        given["rollback"] = {"closesAt": format_time(closes)}
    return {
        "metadata": {
            "uid": f"uid-{name}",
            "name": name,
            "namespace": "shop",
            "creationTimestamp": format_time(created),
        },
        "spec": {
            "target": {"kind": "Deployment", "name": "web"},
            "window": {"t0": format_time(at)} if at else {},
            "policy": {"mode": mode},
            "suspend": suspend,
        },
        "status": given,
    }


def known(*args: Any, **fields: Any) -> Claim:
    found = claim(stored(*args, **fields))
    assert found is not None
    return found


OWN = known("m", created=T0)
CLAIMS = st.builds(
    Claim,
    uid=st.sampled_from("abcdefgh"),
    name=st.sampled_from("xyz"),
    created=st.sampled_from([T0, T0 + SECOND]),
    since=st.sampled_from([T0 - HOUR, T0, T0 + SECOND]),
    t0=st.sampled_from([None, None, T0]),
    closes_at=st.sampled_from([None, T0 - HOUR, T0 + HOUR]),
    retaken=st.sampled_from([0, 0, 1]),
    ready=st.booleans(),
    seen=st.booleans(),
)


class TestWhoClaimsATarget:
    @pytest.mark.parametrize("mode", ["Advise", "Observe"])
    def test_who_acts_on_nothing_excludes_nobody(self, mode: str) -> None:
        assert claim(stored(mode=mode)) is None

    def test_without_a_policy_it_is_enforced(self) -> None:
        raw = stored()
        del raw["spec"]["policy"]
        assert claim(raw) is not None

    @pytest.mark.parametrize("phase", ["Promoted", "RolledBack", "Failed", "Superseded", "Inconclusive", "Decided"])
    def test_what_has_ended_or_is_being_deleted_excludes_nobody(self, phase: str) -> None:
        assert claim(stored(t0=T0, phase=phase)) is None
        raw = stored(t0=T0)
        raw["metadata"]["deletionTimestamp"] = format_time(T0)
        assert claim(raw) is None

    def test_one_without_a_status_was_not_looked_at(self) -> None:
        raw = stored()
        del raw["status"]
        found = claim(raw)
        assert found is not None
        assert (found.seen, found.ready, found.t0, found.closes_at) == (False, False, None, None)

    @pytest.mark.parametrize(
        "kept", [{"accepted": "False"}, {"accepted": "Unknown"}, {"stalled": "True"}, {"suspend": True}]
    )
    def test_before_t0_what_cannot_start_holds_up_nobody(self, kept: dict[str, Any]) -> None:
        assert not known(**kept).excludes(T0)
        assert known().excludes(T0)

    @pytest.mark.parametrize("kept", [{"accepted": "False"}, {"stalled": "True"}, {"suspend": True}, {}])
    def test_with_its_t0_it_goes_first_until_its_window_closes_whatever_becomes_of_it(
        self, kept: dict[str, Any]
    ) -> None:
        found = known(t0=T0, closes=T0 + HOUR, **kept)
        assert found.excludes(T0 + HOUR)
        assert not found.excludes(T0 + HOUR + SECOND)

    def test_what_was_not_looked_at_yet_is_given_a_minute(self) -> None:
        found = known(seen=False)
        assert found.excludes(T0 + UNSEEN - SECOND)
        assert not found.excludes(T0 + UNSEEN)


class TestWhoGoesFirst:
    @pytest.mark.parametrize(
        ("others", "expected"),
        [
            ([], None),
            ([known("z", created=T0)], None),
            ([known("b", created=T0)], "b"),
            ([known("z", created=T0 - SECOND), known("b")], "z"),
            ([known("b", created=T0 - HOUR), known("z", T0, T0 + HOUR, T0 + HOUR)], "z"),
            ([known("z", T0, T0 - HOUR, T0 - HOUR)], None),
            ([known("z", retaken=1, created=T0 + HOUR), known("b")], "z"),
            ([known("b", stalled="True"), known("c")], "c"),
            ([known("m", created=T0)], None),
            ([known("b", created=T0 - HOUR, at=T0 + 24 * HOUR)], None),
            ([known("z", created=T0 + HOUR, at=T0 - 24 * HOUR)], "z"),
        ],
    )
    def test_by_t0_then_by_age_then_by_name(self, others: list[Claim], expected: str | None) -> None:
        found = first(OWN, others, T0)
        assert (found.name if found else None) == expected

    @given(st.lists(CLAIMS, max_size=6, unique_by=lambda each: each.uid))
    def test_there_is_always_one_that_waits_for_nobody(self, claims: list[Claim]) -> None:
        waiting = [each for each in claims if each.t0 is None and first(each, claims, T0) is not None]
        assert len(waiting) < len(claims) or not claims
        assert all(first(each, claims, T0) is None for each in sorted(claims, key=lambda each: each.rank)[:1])

    @given(st.lists(CLAIMS, max_size=6, unique_by=lambda each: each.uid))
    def test_beside_an_open_review_none_begins(self, claims: list[Claim]) -> None:
        is_open = any(each.t0 is not None and each.excludes(T0) for each in claims)
        begin = [each for each in claims if each.t0 is None and first(each, claims, T0) is None]
        assert not (is_open and begin)


class TestWaiting:
    def test_it_is_accepted_and_pending_and_names_the_first_and_until_when(self) -> None:
        ahead = known("other", T0 - HOUR, T0 + HOUR)
        settled = plan(review(), Observed(target(), first=ahead), T0)
        assert isinstance(settled, Settle)
        conditions = {each.type: (each.status, each.reason) for each in settled.status.conditions}
        assert conditions["Accepted"] == ("True", Reason.ACCEPTED)
        assert conditions["Reconciling"] == ("True", Reason.ANOTHER_REVIEW)
        assert conditions["Stalled"] == ("False", Reason.ANOTHER_REVIEW)
        assert settled.status.summary == (
            "waits for review other of Deployment web, which has its T0 since 2026-07-31T11:00:00Z: it goes on when "
            "that one has ended or is deleted, at 2026-07-31T13:00:00Z at the latest"
        )
        assert settled.again is not None
        assert settled.again <= T0 + RESYNC
        assert settled.status.t0 is None

    def test_of_an_older_one_without_t0_it_says_what_can_be_done(self) -> None:
        assert known("other").said("Deployment web") == (
            "waits for review other of Deployment web, which is older and has not begun yet: it goes on when that "
            "one has ended, or is suspended or deleted"
        )

    def test_it_goes_on_by_itself(self) -> None:
        held = plan(review(), Observed(target(), first=known("other")), T0)
        assert isinstance(held, Settle)
        begun = plan(review(held.status), Observed(target()), T0 + HOUR)
        assert isinstance(begun, Settle)
        assert begun.status.t0 == T0


class Server:
    """Stands for the API server: what is stored, by name."""

    def __init__(self, *raws: Mapping[str, Any]) -> None:
        self.stored = {each["metadata"]["name"]: each for each in raws}
        self.reads = 0

    def read(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        assert namespace == "shop"
        self.reads += 1
        return self.stored.get(name)


class TestWhatIsKnownOfThem:
    def claims(self, server: Server, *seen: Mapping[str, Any]) -> Claims:
        found = Claims(server.read)
        for each in seen:
            found.see(each)
        return found

    def test_who_is_waited_for_is_read_anew(self) -> None:
        own, other = stored("m"), stored("b")
        assert self.claims(Server(other), other, own).first(own, T0) == claim(other)
        assert self.claims(Server(other | {"status": {"phase": "Promoted"}}), other).first(own, T0) is None

    def test_what_was_deleted_unseen_or_made_anew_holds_up_nobody_for_long(self) -> None:
        own, other, next_one = stored("m"), stored("b"), stored("c")
        gone = self.claims(Server(next_one), other, next_one)
        assert gone.first(own, T0) == claim(next_one)
        anew = other | {"metadata": other["metadata"] | {"uid": "another"}}
        assert self.claims(Server(anew), other).first(own, T0) is None

    def test_other_targets_and_namespaces_are_none_of_its_business(self) -> None:
        own, other, third = stored("m"), stored("b"), stored("c")
        other["spec"]["target"] = {"kind": "Deployment", "name": "api"}
        third["metadata"]["namespace"] = "else"
        server = Server()
        assert self.claims(server, other, third).first(own, T0) is None
        assert server.reads == 0

    def test_one_workload_in_common_is_enough(self) -> None:
        own, other, third = stored("m"), stored("b"), stored("c")
        other["spec"]["target"] = {"name": "api", "with": [{"kind": "StatefulSet", "name": "cart"}, {"name": "web"}]}
        third["spec"]["target"] = {"name": "cart", "with": [{"name": "mail"}]}
        claims = self.claims(Server(other, third), other, third, own)
        assert claims.first(own, T0) == claim(other)
        assert claims.first(third, T0) is None, "a Deployment is no StatefulSet of its name"
        assert claims.freed(other, deleted=True) == ["m"]

    def test_what_a_review_is_not_about_any_more_is_free(self) -> None:
        own, other = stored("m"), stored("b")
        other["spec"]["target"] = {"name": "api", "with": [{"name": "web"}]}
        claims = self.claims(Server(other), other, own)
        assert claims.first(own, T0) == claim(other)
        other["spec"]["target"] = {"name": "api"}
        claims.see(other)
        assert claims.first(own, T0) is None

    def test_who_excludes_nobody_waits_for_nobody(self) -> None:
        own, other = stored("m", mode="Observe"), stored("b", T0, T0 + HOUR)
        assert self.claims(Server(other), other).first(own, T0) is None

    def test_an_event_that_comes_late_takes_no_t0_back(self) -> None:
        late, begun = stored("z"), stored("z", T0, T0 + HOUR)
        assert self.claims(Server(begun), begun, late).first(stored("m"), T0) == claim(begun)
        retaken = stored("z", retaken=1)
        assert self.claims(Server(retaken), begun, retaken).first(stored("m"), T0) == claim(retaken)

    def test_what_ended_or_was_deleted_is_forgotten(self) -> None:
        begun = stored("z", T0, T0 + HOUR)
        for end in ("see", "forget"):
            server = Server(begun)
            claims = self.claims(server, begun)
            getattr(claims, end)(begun | {"status": begun["status"] | {"phase": "Promoted"}})
            claims.forget(begun)
            assert claims.first(stored("m"), T0) is None
            assert server.reads == 0


class TestGoingOn:
    def test_when_one_is_over_or_deleted_those_that_wait_are_looked_at(self) -> None:
        begun, waits, other = stored("a", T0, T0 + HOUR), stored("b"), stored("c")
        other["spec"]["target"] = {"kind": "Deployment", "name": "api"}
        claims = Claims(lambda *_: None)
        for each in (begun, waits, other):
            claims.see(each)
        assert claims.freed(begun) == []
        assert claims.freed(begun, deleted=True) == ["b"]
        assert claims.freed(stored("a", T0, phase="Promoted")) == ["b"]
        assert claims.freed(waits, deleted=True) == []


class TestBeginning:
    def begun(self) -> DriftReviewStatus:
        settled = plan(review(), Observed(target()), T0)
        assert isinstance(settled, Settle)
        assert settled.status.t0 is not None
        return settled.status

    def test_of_two_at_once_only_one_begins(self) -> None:
        begun, claims, began = self.begun(), Claims(lambda *_: None), list[str]()
        start = threading.Barrier(2)

        def begin(raw: dict[str, Any]) -> None:
            start.wait(5)
            try:
                with claims.begins(review(), begun, raw, T0):
                    began.append(raw["metadata"]["name"])
                    claims.see(raw | {"status": {"t0": format_time(T0)}})
            except ChangedError as error:
                assert "of the same target came first" in str(error)  # noqa: PT017 - in a thread

        threads = [threading.Thread(target=begin, args=(stored(name),)) for name in "ab"]
        for each in threads:
            each.start()
        for each in threads:
            each.join(5)
        assert len(began) == 1

    def test_only_what_gives_a_t0_is_held_up(self) -> None:
        claims = Claims(lambda *_: None)
        claims.see(stored("z", T0, T0 + HOUR))
        waiting, begun = DriftReviewStatus(), self.begun()
        for before, after in product([waiting, begun], repeat=2):
            subject: DriftReview = review(before)
            if before is waiting and after is begun:
                with pytest.raises(ChangedError), claims.begins(subject, after, stored("m"), T0 + MINUTE):
                    pass
            else:
                with claims.begins(subject, after, stored("m"), T0 + MINUTE):
                    pass
