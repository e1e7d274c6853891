"""Whether policy.onNewRevision: Block holds: what is said of it, and that no missing answer looks good."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.errors import ClusterError, UnavailableError, error_of
from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workload
from driftreview.api.base import Condition
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import ContainerImage, DriftReviewStatus
from driftreview.api.target import TargetKind
from driftreview.domain.action import Observed, Role, Settle
from driftreview.domain.blocking import SAYS, Tried, blocks, due, with_block
from driftreview.domain.display import plain
from driftreview.domain.plan import plan
from driftreview.domain.report import held
from driftreview.domain.report.material import Material
from driftreview.domain.status import condition, moved, without_condition
from driftreview.domain.wayback import HINDERED, PAUSE
from driftreview.runtime.blocking import BlockReader
from tests.builders import HOUR, MINUTE, T0, intent, target
from tests.builders import review as review_of

BLOCK: Mapping[str, Any] = {"onNewRevision": "Block"}
REFUSED = Tried(T0, refused=True)
PASSED = Tried(T0, refused=False)
AGAIN = Tried(T0, refused=False, often=2)
UNKNOWN = Tried(T0, refused=None, message="the API server was slow")
KIND = ConditionType.NEW_REVISION_REFUSED


def settled(subject: DriftReview, tried: Tried | None = None, now: datetime = T0) -> DriftReviewStatus:
    action = plan(subject, Observed(target(), tried=tried), now)
    assert isinstance(action, Settle), action
    return action.status


def watching(**spec: Any) -> DriftReview:
    """A review that has its T0 and its baseline."""
    subject = review_of(policy=spec.pop("policy", BLOCK), **spec)
    started = settled(subject.model_copy(update={"spec": subject.spec.model_copy(update={"suspend": False})}))
    ref = SnapshotRef(name="web-t0", hash="sha256:" + "0" * 64)
    return subject.model_copy(update={"status": started.model_copy(update={"baseline": ref})})


def told(status: DriftReviewStatus) -> Condition:
    found = condition(status, KIND)
    assert found is not None
    return found


def after(*tries: Tried | None) -> Condition:
    subject = watching()
    for each in tries:
        subject = subject.model_copy(update={"status": settled(subject, each, T0 + MINUTE)})
    return told(subject.status)


class TestSaid:
    def test_what_was_refused_when_it_was_tried_is_refused(self) -> None:
        found = after(REFUSED)
        assert (found.status, found.reason) == ("True", "Blocked")
        assert "was refused when it was last tried (a dry run" in found.message

    def test_what_would_pass_is_said_with_what_to_do(self) -> None:
        found = after(AGAIN)
        assert (found.status, found.reason) == ("False", "NotBlocked")
        assert found.message == (
            "another pod template would pass, and end this review: have charts/driftreview/block.yaml applied, with "
            "the validationActions [Deny] in its binding and this namespace among those it is for"
        )

    def test_what_could_not_be_found_out_is_said_with_how_to_find_out(self) -> None:
        found = after(UNKNOWN)
        assert (found.status, found.reason) == ("Unknown", "NotTried")
        assert found.message == (
            "whether the API server refuses another pod template is not known: the API server was slow; by hand: "
            "`kubectl set env deployment/web -n shop TRIED=1 --dry-run=server` must be refused"
        )

    def test_how_to_find_out_stays_readable_behind_a_long_answer(self) -> None:
        found = after(Tried(T0, refused=None, message="x" * 5000))
        assert len(found.message) <= 1024
        assert found.message.endswith("--dry-run=server` must be refused")

    def test_right_after_t0_one_that_would_pass_is_tried_again_before_it_is_believed(self) -> None:
        found = after(PASSED)
        assert (found.status, found.reason) == ("Unknown", "NotTried")
        assert "may not have heard of T0 yet: it is tried again" in found.message

    def test_what_is_known_to_pass_is_not_doubted_again_after_a_restart(self) -> None:
        assert after(AGAIN, PASSED).reason == "NotBlocked"

    @pytest.mark.parametrize("known", [REFUSED, AGAIN, UNKNOWN])
    def test_what_was_not_tried_stays_as_it_was_said(self, known: Tried) -> None:
        assert after(known, None) == after(known)

    def test_an_answer_that_is_missing_now_replaces_a_good_one(self) -> None:
        assert after(REFUSED, UNKNOWN).status == "Unknown"

    def test_it_holds_since_it_turned_and_not_since_it_was_last_tried(self) -> None:
        subject, since = watching(), T0 + MINUTE
        subject = subject.model_copy(update={"status": settled(subject, REFUSED, since)})
        assert told(settled(subject, REFUSED, since + MINUTE)).last_transition_time == since

    def test_a_release_with_the_images_from_before_is_told_to_be_let_past(self) -> None:
        subject = watching()
        previous = subject.status.previous
        assert previous is not None
        judged = previous.model_copy(update={"name": "web-new"})
        status = subject.status.model_copy(update={"judged": judged})
        found = told(with_block(subject.model_copy(update={"status": status}), status, AGAIN, T0))
        assert (found.status, found.reason) == ("False", "NotBlocked")
        assert "has the images of the previous revision" in found.message
        more = judged.model_copy(update={"images": [*judged.images, ContainerImage(container="side", image="side:1")]})
        status = subject.status.model_copy(update={"judged": more})
        assert (
            "block.yaml" in told(with_block(subject.model_copy(update={"status": status}), status, AGAIN, T0)).message
        )

    @given(st.lists(st.sampled_from([None, REFUSED, PASSED, AGAIN, UNKNOWN]), max_size=8))
    def test_it_holds_only_if_it_was_refused_when_it_was_last_tried(self, tries: list[Tried | None]) -> None:
        subject = watching()
        for each in tries:
            subject = subject.model_copy(update={"status": settled(subject, each, T0 + MINUTE)})
        last = next((each for each in reversed(tries) if each is not None), None)
        found = condition(subject.status, KIND)
        assert (found is not None and found.status == "True") is (last is REFUSED)
        assert (found is None) is (last is None)


class TestWhile:
    def test_it_is_to_be_refused_from_t0_until_the_window_closes(self) -> None:
        subject = watching()
        assert subject.status.rollback is not None
        closes = subject.status.rollback.closes_at
        assert blocks(subject, T0)
        assert blocks(subject, closes)
        assert not blocks(subject, closes + timedelta(seconds=1))
        assert not blocks(review_of(policy=BLOCK), T0)

    @pytest.mark.parametrize("other", ["Supersede", "Chain"])
    def test_only_with_block(self, other: str) -> None:
        subject = watching(policy={"onNewRevision": other})
        assert not blocks(subject, T0)
        assert condition(settled(subject, AGAIN), KIND) is None

    @pytest.mark.parametrize("phase", sorted(TERMINAL))
    def test_not_once_it_has_ended(self, phase: Phase) -> None:
        subject = watching()
        status = settled(subject, AGAIN)
        ended = moved(status, phase, Reason.NEW_REVISION, "it has ended", T0)
        assert condition(ended, KIND) is None
        assert not blocks(subject.model_copy(update={"status": ended}), T0)

    def test_not_once_an_act_is_begun(self) -> None:
        subject = watching()
        status = settled(subject, AGAIN).model_copy(update={"act": intent()})
        subject = subject.model_copy(update={"status": status})
        assert not blocks(subject, T0)
        assert condition(with_block(subject, status, None, T0), KIND) is None

    def test_a_suspended_review_says_that_it_blocks_nothing(self) -> None:
        subject = watching(suspend=True)
        assert not blocks(subject, T0)
        for status in (subject.status, with_block(watching(), subject.status, REFUSED, T0)):
            subject = subject.model_copy(update={"status": status})
            found = told(settled(subject, None))
            assert (found.status, found.reason) == ("False", "Suspended")
            assert "spec.suspend is true" in found.message
        on = watching().model_copy(update={"status": settled(subject, None)})
        assert told(settled(on, PASSED)).status == "Unknown", "it may not have heard of that either"
        assert told(settled(on, REFUSED)).status == "True"

    def test_it_belongs_to_one_t0(self) -> None:
        subject = watching()
        assert condition(settled(subject, REFUSED), KIND) is not None
        assert settled(subject, None) == without_condition(settled(subject, REFUSED), KIND)

    def test_a_judge_says_it_too(self) -> None:
        action = plan(watching(), Observed(target(), tried=UNKNOWN), T0, Role.JUDGE)
        assert isinstance(action, Settle)
        assert told(action.status).status == "Unknown"


class TestReport:
    def risks(self, tried: Tried) -> list[str]:
        subject = watching()
        subject = subject.model_copy(update={"status": settled(subject, tried)})
        material = cast(Material, _Material(subject))
        return [each.text for each in held.risks(material)]

    def test_a_block_that_does_not_hold_is_a_risk(self) -> None:
        assert self.risks(REFUSED) == []
        assert self.risks(AGAIN)[0].startswith("policy.onNewRevision is Block: another pod template would pass")
        assert "is not known: the API server was slow" in self.risks(UNKNOWN)[0]


class _Material:
    def __init__(self, subject: DriftReview) -> None:
        self.review = subject

    def of_review(self, field: str) -> Any:
        return {"kind": "DriftReview", "name": "web", "field": field}


class World:
    """Stands for the API server."""

    def __init__(self, answer: ClusterError | None = None) -> None:
        self.answer, self.patches = answer, list[Any]()

    def hurried(self, _: float) -> Any:
        return self

    def rehearse(self, _: Any, name: str, patch: Any, namespace: str) -> None:
        assert (name, namespace) == ("web", "shop")
        self.patches.append(patch)
        if self.answer is not None:
            raise self.answer


RAW = {"metadata": {"name": "web", "namespace": "shop"}}
WORKLOAD = Workload(TargetKind.DEPLOYMENT, RAW, target())
DENIED = (
    f"""deployments.apps "{"w" * 253}" is forbidden: ValidatingAdmissionPolicy 'driftreview-block' with binding """
    f"""'driftreview-block' denied request: review web-2 {SAYS} judges web-1 until tomorrow"""
)


class TestTried:
    def tried(self, answer: ClusterError | None, role: Role = Role.ALL) -> Tried:
        return WayBack(cast(Any, World(answer)), role).try_another(WORKLOAD, T0)

    def test_only_a_refusal_of_the_policy_is_one(self) -> None:
        assert self.tried(error_of(403, {"message": DENIED}, "PATCH /x: 403")) == Tried(T0, refused=True)
        assert self.tried(None) == Tried(T0, refused=False)

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (error_of(403, {"message": "may not patch"}, "PATCH /x: 403"), "may not patch"),
            (error_of(400, {"message": "does not support dry run"}, "PATCH /x: 400"), "does not support dry run"),
            (error_of(409, {"message": "it changed"}, "PATCH /x: 409"), "PATCH /x: 409 it changed"),
            (UnavailableError("no route\x1b[31m"), plain("no route\x1b[31m", 200)),
        ],
    )
    def test_whatever_else_stands_in_the_way_tells_nothing(self, answer: ClusterError, why: str) -> None:
        assert self.tried(answer) == Tried(T0, refused=None, message=why)

    def test_a_judge_may_not_even_try(self) -> None:
        world = World()
        found = WayBack(cast(Any, world), Role.JUDGE).try_another(WORKLOAD, T0)
        assert (found.refused, world.patches) == (None, [])
        assert "role judge" in found.message

    def test_it_changes_nothing_but_a_label_of_the_pod_template_of_the_very_object(self) -> None:
        world = World()
        WayBack(cast(Any, world)).try_another(WORKLOAD, T0)
        assert world.patches == [
            [
                {"op": "test", "path": "/metadata/uid", "value": target().uid},
                {"op": "test", "path": "/metadata/generation", "value": target().generation},
                {"op": "add", "path": "/spec/template/metadata/labels/driftreview.dev~1tried", "value": "true"},
            ]
        ]


class Asked:
    """Answers one after the other."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers, self.count = answers, 0

    def try_another(self, _: Workload, now: datetime) -> Tried:
        self.count += 1
        return Tried(now, self.answers[min(self.count, len(self.answers)) - 1])


class TestWhenItIsTried:
    def test_often_until_it_is_refused_and_seldom_from_then_on(self) -> None:
        assert not due(REFUSED, T0 + PAUSE - MINUTE)
        assert due(REFUSED, T0 + PAUSE)
        for each in (PASSED, UNKNOWN):
            assert not due(each, T0 + HINDERED / 2)
            assert due(each, T0 + HINDERED)

    def test_what_was_found_is_kept_and_counted_until_it_is_due_again(self) -> None:
        asked, subject = Asked(False, False, True), watching()
        reader = BlockReader(cast(WayBack, asked))
        found = [reader.seen(subject, WORKLOAD, T0 + each * HINDERED / 2) for each in range(7)]
        assert [each and (each.refused, each.often) for each in found] == [
            *[(False, 1)] * 2,
            *[(False, 2)] * 2,
            *[(True, 3)] * 3,
        ]
        assert asked.count == 3

    def test_nothing_is_tried_where_nothing_is_to_be_refused_and_it_begins_anew_after_that(self) -> None:
        asked = Asked(False)
        reader = BlockReader(cast(WayBack, asked))
        assert reader.seen(review_of(policy=BLOCK), WORKLOAD, T0) is None
        assert asked.count == 0
        subject = watching()
        reader.seen(subject, WORKLOAD, T0)
        assert reader.seen(watching(suspend=True), WORKLOAD, T0 + HOUR) is None
        again = reader.seen(subject, WORKLOAD, T0 + HOUR)
        assert again is not None
        assert again.often == 1

    def test_nothing_is_kept_of_a_review_that_is_gone(self) -> None:
        asked, subject = Asked(True), watching()
        reader = BlockReader(cast(WayBack, asked))
        reader.seen(subject, WORKLOAD, T0)
        reader.forget(subject.metadata.uid)
        reader.seen(subject, WORKLOAD, T0)
        assert asked.count == 2

    def test_no_step_waits_for_a_failure_of_ours(self, caplog: pytest.LogCaptureFixture) -> None:
        found = BlockReader(cast(WayBack, None)).seen(watching(), WORKLOAD, T0)
        assert found is not None
        assert (found.refused, found.message) == (None, "the operator failed to try it, see its log")
        assert "another pod template could not be tried" in caplog.text
