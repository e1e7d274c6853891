"""Services that ship together: one T0 and one decision for all, and what is true of one counts for all."""

from collections.abc import Callable
from typing import Any

import pytest

from driftreview.api.act import ActType, Do
from driftreview.api.aftermath import Aftermath
from driftreview.api.approval import ApprovalType
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.target import TargetKind
from driftreview.api.wayback import Hindrance, WayBackCheck
from driftreview.domain.acting import left_to_the_actor
from driftreview.domain.fixing import all_kept
from driftreview.domain.members import alone, apart, index_of, joined, members
from driftreview.domain.report.build import report
from driftreview.domain.reporting import owed
from driftreview.domain.rulings import rulings
from driftreview.domain.schedule import last_safe_moment
from driftreview.domain.stop import Stop
from driftreview.domain.subject import Subject
from driftreview.domain.trouble import evidence_altered
from driftreview.domain.ways import is_asked_for, judged_names, went_back_to
from tests import builders
from tests.builders import HOUR, MINUTE, T0, approval, review, revision, signal
from tests.reportdata import taken as reported
from tests.simulator import ROLLOUT, Deployment, Metrics, Simulator
from tests.unit.test_handover import ARGO, unproved
from tests.unit.test_report import said as sentences

NAMES = ("api", "jobs", "mail", "shop")
WINDOW = {"checkpoints": ["1h", "2h"], "rollback": "2h"}
DRIFTS = T0 + 90 * MINUTE
SECOND = MINUTE / 60
LIFE = 2 * HOUR + 20 * MINUTE


def group(count: int = 2, *, bad: bool = False, **spec: Any) -> Simulator:
    """A release of web and of others that ship with it, at T0; bad from the second hour on, if so."""
    shifts = [(DRIFTS, 1.5)] if bad else []
    beside = [{"name": each} for each in NAMES[:count]]
    given = {"target": {"name": "web", "with": beside}, "signals": [signal()], "window": WINDOW} | spec
    subject = Simulator(review(**given), metrics=Metrics(shifts))
    subject.members = [Deployment(uid=f"{each}-uid") for each in NAMES[:count]]
    return subject


def member(subject: Simulator, index: int) -> Deployment:
    found = subject.members[index]
    assert found is not None
    return found


def versions(subject: Simulator) -> list[str]:
    assert subject.target is not None
    return [subject.target.version, *(each.version for each in subject.members if each)]


def summary(subject: Simulator) -> str:
    told = subject.stored().status.summary
    assert told is not None
    return told


def said(subject: Simulator, kind: str) -> tuple[str, str, str]:
    found = next(each for each in subject.status["conditions"] if each["type"] == kind)
    return found["status"], found["reason"], found["message"]


def next_steps(subject: Simulator) -> list[str]:
    return sentences(report(*reported(subject)), "outlook", "Next")


def taken(subject: Simulator) -> list[str]:
    return [f"{each.do} {each.name}" for each in subject.taken]


class TestBeforeT0:
    def test_one_that_is_not_there_is_named_by_its_field(self) -> None:
        subject = group()
        subject.members[1] = None
        subject.pass_time(MINUTE)
        status, reason, message = said(subject, "Accepted")
        assert (status, reason) == ("False", Reason.TARGET_NOT_FOUND)
        assert message.startswith("spec.target.with[1].name: there is no Deployment 'jobs' in namespace 'shop'")
        subject.members[1] = Deployment(uid="jobs-uid")
        subject.pass_time(2 * MINUTE)
        assert subject.phase == Phase.WATCHING

    def test_t0_comes_when_the_last_is_rolled_out(self) -> None:
        subject = group()
        member(subject, 1).takes = HOUR
        subject.pass_time(MINUTE)
        assert summary(subject).startswith("waits for jobs: its rollout is Progressing")
        subject.pass_time(HOUR)
        ended = member(subject, 1).began + HOUR
        assert subject.stored().status.t0 == ended + 10 * MINUTE

    def test_each_has_to_be_released_anew(self) -> None:
        subject = group()
        metadata = subject.review.metadata.model_copy(update={"creation_timestamp": T0})
        subject.review = subject.review.model_copy(update={"metadata": metadata})
        member(subject, 0).began = T0 - 30 * HOUR
        subject.pass_time(MINUTE)
        assert summary(subject).startswith("waits for a new rollout of api: web-new finished rolling out at")
        member(subject, 0).roll_out("newer", subject.now)
        subject.pass_time(20 * MINUTE)
        assert subject.phase == Phase.WATCHING

    def test_what_is_compared_with_ends_when_the_first_rollout_began(self) -> None:
        subject = group()
        member(subject, 1).began = T0 - 2 * HOUR
        subject.pass_time(MINUTE)
        status = subject.stored().status
        assert status.target is not None
        assert status.target.history_ends_at == T0 - 2 * HOUR
        assert {each.target.history_ends_at for each in status.members if each.target} == {T0 - 2 * HOUR}

    def test_what_each_runs_and_ran_before_is_pinned(self) -> None:
        subject = group()
        member(subject, 1).version, member(subject, 1).before = "newer", "new"
        subject.pass_time(MINUTE)
        found = subject.stored().status.members
        assert [each.name for each in found] == ["api", "jobs"]
        assert [each.judged and each.judged.name for each in found] == ["web-new", "web-newer"]
        assert [each.previous and each.previous.name for each in found] == ["web-old", "web-new"]
        assert [each.target and each.target.uid for each in found] == ["api-uid", "jobs-uid"]
        assert all(each.kept == [each.previous] for each in found), "its template is kept until the end"
        assert [each.judged and each.judged.images for each in found] == [revision(v).images for v in ("new", "newer")]
        assert not any(each.previous.images for each in found if each.previous), "a status is bounded"
        (at_t0,) = (each for name, each in subject.snapshots.items() if name.endswith("-t0"))
        assert [each["judged"]["images"] for each in at_t0["members"]] == [
            [{"container": "web", "image": f"registry/web:{version}"}] for version in ("new", "newer")
        ]

    def test_what_a_cluster_without_history_deletes_is_kept_from_the_beginning(self) -> None:
        subject = review(target={"name": "web", "with": [{"name": "api"}]})
        seen = builders.target(keeps_history=False, members=(builders.target("new", keeps_history=False),))
        kept = all_kept(subject, subject.status, seen)
        assert [each.name for each in kept.kept] == ["web-old", "web-new"]
        assert [each.name for each in kept.members[0].kept] == ["web-old", "web-new"]
        assert all_kept(subject, subject.status, None) == subject.status


class TestPromoted:
    def test_each_is_approved_in_turn(self) -> None:
        subject = group(3)
        subject.pass_time(LIFE)
        assert (subject.phase, subject.acts) == (Phase.PROMOTED, [ActType.PROMOTE])
        assert taken(subject) == ["Approve api", "Approve jobs", "Approve mail"]
        assert "is approved; also approved: Deployment api, Deployment jobs, Deployment mail: " in summary(subject)
        assert all(member(subject, each).approved == revision("new").template_hash for each in range(3))

    def test_what_takes_the_images_comes_after_them(self) -> None:
        subject = group(1, rollout={"promoteTo": [{"name": "worker"}]})
        subject.pass_time(LIFE)
        assert taken(subject) == ["Approve api", "GiveImages worker"]
        assert "; also approved: Deployment api; given to Deployment shop/worker: " in summary(subject)

    def test_nothing_more_is_approved_after_a_reject(self) -> None:
        subject = group(2, rollout={"promoteTo": [{"name": "worker"}]})
        key = "GiveImages Deployment shop/worker"
        subject.recipients[key].hindrance = "it is not there"
        subject.pass_time(LIFE)
        assert subject.phase == Phase.PROMOTING
        subject.approvals = [approval("Reject", at=subject.now, message="wrong")]
        subject.recipients[key].hindrance = ""
        subject.pass_time(2 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, ["Approve api", "Approve jobs"])
        assert "; also approved: Deployment api, Deployment jobs; not given to Deployment shop/worker" in summary(
            subject
        )


class TestTakenBack:
    def test_each_in_the_declared_order_when_the_pods_of_the_one_before_it_run(self) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR + 4 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.ROLLING_BACK, ["old", "new", "new"])
        subject.pass_time(3 * MINUTE)
        assert versions(subject) == ["old", "old", "new"]
        assert summary(subject).startswith(
            "rolling back, step 1 of 2: Deployment shop/api: 0 of 1 pods of web-old (restored) are ready; its rollout "
            "is Progressing"
        )
        subject.pass_time(10 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.ROLLED_BACK, ["old", "old", "old"])
        assert summary(subject).startswith("rolled back to web-old, web-old, web-old: ")
        act = subject.stored().status.act
        assert act is not None
        moments = [act.applied_at, *(each.completed_at for each in act.steps), act.completed_at]
        assert moments == sorted(moments, key=lambda each: each or T0)

    def test_time_is_left_for_all_of_them(self) -> None:
        subject = group()
        for index in range(2):
            member(subject, index).began, member(subject, index).takes = T0 - 22 * MINUTE, 10 * MINUTE
        subject.pass_time(MINUTE)
        closes, quarter = T0 + 2 * HOUR + 30 * MINUTE, 7.5 * MINUTE
        together = ROLLOUT + 20 * MINUTE
        assert last_safe_moment(subject.review.spec.window, T0, subject.stored().status) == closes - quarter - together

    def test_when_the_third_of_five_fails_the_rest_is_left_and_that_is_said(self) -> None:
        subject = group(4, bad=True)
        subject.pass_time(HOUR)
        member(subject, 1).fails = True  # its next rollout
        member(subject, 1).takes = 4 * HOUR
        subject.pass_time(90 * MINUTE)
        assert subject.phase == Phase.FAILED
        assert versions(subject) == ["old", "old", "old", "new", "new"]
        told = summary(subject)
        assert said(subject, "Ready")[1] == Reason.ROLLBACK_INCOMPLETE
        assert "Z: Deployment shop/jobs: its pods were not all there after" in told
        assert "; back: the target, Deployment api, changed, but not all of its pods run: Deployment jobs" in told
        assert ", not back: Deployment mail, Deployment shop; " in told
        assert "aftermath" in subject.status, "what returns is told"
        assert said(subject, "StaysBack")[:2] == ("Unknown", Reason.ROLLBACK_INCOMPLETE)
        assert said(subject, "StaysBack")[2].startswith(
            "web-old runs, and web-old of Deployment api runs, and Deployment jobs asks for web-old again, but not all "
            "of its pods run: its rollout is Progressing; 1 of 1 pods are of it, another revision still has 1, 1 of all"
        )
        assert [each.partition(": kubectl")[0] for each in next_steps(subject)][:3] == [
            "Deployment jobs was given web-old again: mend what keeps its pods from running",
            "If it still runs web-new, take Deployment mail back to web-old",
            "If it still runs web-new, take Deployment shop back to web-old",
        ]
        before = versions(subject)
        subject.pass_time(HOUR)
        assert versions(subject) == before, "it is not tried again"

    def half(self) -> Simulator:
        """Of web, api, jobs, mail and shop: jobs does not come back, and what is behind it is left."""
        subject = group(4, bad=True, window=WINDOW | {"rollback": "4h"})
        subject.pass_time(HOUR)
        member(subject, 1).fails = True  # its next rollout
        member(subject, 1).takes = 4 * HOUR
        subject.pass_time(90 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.FAILED, ["old", "old", "old", "new", "new"])
        return subject

    def test_of_each_that_was_left_it_is_said_whether_it_is_back_now(self) -> None:
        subject = self.half()
        assert subject.stored().status.not_back == ["Deployment mail", "Deployment shop"]
        member(subject, 2).roll_out("old", subject.now - HOUR)
        subject.pass_time(MINUTE)
        assert said(subject, "StaysBack")[:2] == ("Unknown", Reason.ROLLBACK_INCOMPLETE)
        assert said(subject, "StaysBack")[2].endswith(
            ", and web-old of Deployment mail runs, and Deployment shop still runs web-new"
        )
        assert subject.stored().status.not_back == ["Deployment shop"]
        assert [each.partition(": kubectl")[0] for each in next_steps(subject) if ": kubectl" in each] == [
            "Deployment jobs was given web-old again: mend what keeps its pods from running",
            "If it still runs web-new, take Deployment shop back to web-old",
        ]
        assert unproved(subject) == []

    def test_only_when_all_are_back_it_is_said_to_be_so(self) -> None:
        subject = self.half()
        for index in (1, 2, 3):
            assert said(subject, "StaysBack")[0] == "Unknown"
            subject.members[index] = Deployment(version="old", uid=f"{NAMES[index]}-uid")
            subject.pass_time(MINUTE)
        assert said(subject, "StaysBack")[:2] == ("True", Reason.STAYS_BACK)
        assert said(subject, "StaysBack")[2] == (
            "web-old runs, and web-old of Deployment api runs, and web-old of Deployment jobs runs, and web-old of "
            "Deployment mail runs, and web-old of Deployment shop runs"
        )
        assert "; since then: web-old runs, and web-old of Deployment api runs, and" in summary(subject)
        assert said(subject, "Stalled")[0] == "False"
        assert not any(": kubectl" in each for each in next_steps(subject))
        assert unproved(subject) == []

    def test_it_is_reported_anew_with_each_that_is_taken_back(self) -> None:
        subject = self.half()
        assert owed(subject.stored()) == "Failed, RollbackIncomplete, 2 not back"
        member(subject, 2).roll_out("old", subject.now - HOUR)
        subject.pass_time(MINUTE)
        assert owed(subject.stored()) == "Failed, RollbackIncomplete, 1 not back"

    def test_what_nobody_goes_on_with_is_looked_after_as_well(self) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR)
        while "completedAt" not in next(iter(subject.status.get("act", {}).get("steps", [])), {}):
            subject.pass_time(10 * SECOND)
        stored = subject.stored()
        act = stored.status.act
        assert act is not None
        steps = [act.steps[0], act.steps[1].model_copy(update={"applied_at": None})]  # its actor died between them
        between = stored.status.model_copy(update={"act": act.model_copy(update={"steps": steps})})
        found = left_to_the_actor(stored.model_copy(update={"status": between}), subject.now + 5 * HOUR)
        assert (found.status.phase, found.status.aftermath) == (Phase.FAILED, Aftermath())
        assert evidence_altered(subject.stored(), "release-t0", subject.now).aftermath == Aftermath()
        assert evidence_altered(group().stored(), "release-t0", subject.now).aftermath is None

    @pytest.mark.parametrize(
        ("version", "reason", "words"),
        [
            ("newer", Reason.NEW_REVISION, "Deployment shop runs web-newer"),
            ("", Reason.TARGET_REPLACED, "Deployment shop is not there any more"),
        ],
    )
    def test_what_became_of_one_otherwise_is_no_way_back(self, version: str, reason: Reason, words: str) -> None:
        subject = self.half()
        for index in (1, 2):
            subject.members[index] = Deployment(version="old", uid=f"{NAMES[index]}-uid")
        subject.members[3] = Deployment(version=version, uid="shop-uid") if version else None
        subject.pass_time(MINUTE)
        assert said(subject, "StaysBack")[:2] == ("Unknown", reason)
        assert said(subject, "StaysBack")[2].endswith(f", and {words}")
        assert subject.stored().status.not_back == []

    def test_one_that_returns_after_half_a_rollback_is_not_said_of_the_target(self) -> None:
        subject = self.half()
        member(subject, 0).roll_out("new", subject.now)
        subject.pass_time(MINUTE)
        assert said(subject, "StaysBack")[:2] == ("False", Reason.RETURNED)
        left = ["Deployment api", "Deployment mail", "Deployment shop"]
        assert subject.stored().status.not_back == left
        assert summary(subject).endswith(f"; but the rejected revision runs in {', '.join(left)}, see StaysBack")
        assert report(*reported(subject)).way_back is None, "the target is back"
        assert "If it still runs web-new, take Deployment api back to web-old" in [
            each.partition(": kubectl")[0] for each in next_steps(subject)
        ]
        assert subject.target is not None
        subject.target.roll_out("new", subject.now)
        subject.pass_time(MINUTE)
        assert report(*reported(subject)).way_back is not None
        assert any("apply way-back.json: kubectl" in each for each in next_steps(subject))

    def test_what_was_a_first_release_is_emptied_in_its_turn(self) -> None:
        subject = group(bad=True, rollout={"firstRelease": "ScaleToZero"})
        member(subject, 0).is_first, member(subject, 0).before = True, ""
        subject.pass_time(LIFE)
        assert (subject.phase, taken(subject)) == (Phase.ROLLED_BACK, ["Scale api", "PutBack jobs"])
        assert (member(subject, 0).replicas, versions(subject)) == (0, ["old", "new", "old"])
        assert summary(subject).startswith("rolled back to web-old, no pods, web-old: ")

    def test_how_it_is_emptied_by_hand_is_told_where_the_rollback_fails_before_it(self) -> None:
        subject = group(bad=True, rollout={"firstRelease": "ScaleToZero"})
        member(subject, 1).is_first, member(subject, 1).before = True, ""
        subject.pass_time(HOUR)
        member(subject, 0).fails = True  # its next rollout
        member(subject, 0).takes = 4 * HOUR
        subject.pass_time(90 * MINUTE)
        assert subject.phase == Phase.FAILED
        scaled = "scale Deployment jobs to zero: kubectl scale deployment/jobs -n shop --replicas=0"
        assert f"If it still runs web-new, {scaled}" in next_steps(subject)

    def test_one_that_is_held_has_to_be_let_go_before_it_is_taken_back_by_hand(self) -> None:
        subject = group(bad=True)
        member(subject, 1).check = WayBackCheck(at=T0, generation=7, held=Reason.UPDATE_ON_DELETE)
        subject.pass_time(HOUR)
        member(subject, 0).fails = True  # its next rollout
        member(subject, 0).takes = 4 * HOUR
        subject.pass_time(90 * MINUTE)
        assert subject.phase == Phase.FAILED
        steps = next_steps(subject)
        held = (
            "What is put back by hand reaches no pod as long as the updateStrategy of Deployment jobs is OnDelete, as "
            "at 2026-07-31T12:00:00Z: kubectl patch deployment/jobs -n shop -p "
            """'{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}'"""
        )
        assert steps[steps.index(held) + 1].startswith(
            "If it still runs web-new, take Deployment jobs back to web-old: "
        )

    def test_a_stop_holds_the_next_one_and_a_freeze_does_not(self) -> None:
        frozen = {"freezes": [{"name": "week", "start": "2026-07-31T13:30:00", "length": "2d"}]}
        subject = group(bad=True, policy=frozen)
        subject.pass_time(2 * HOUR + 4 * MINUTE)
        subject.stop = Stop("all acts were stopped")
        subject.pass_time(20 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.ROLLING_BACK, ["old", "new", "new"])
        assert said(subject, "Stalled")[1] == Reason.ACTS_STOPPED
        subject.stop = None
        subject.pass_time(15 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.ROLLED_BACK, ["old", "old", "old"])

    def test_one_that_returns_is_told(self) -> None:
        subject = group(bad=True)
        subject.pass_time(LIFE)
        assert said(subject, "StaysBack")[0] == "True"
        assert said(subject, "StaysBack")[2] == (
            "web-old runs, and web-old of Deployment api runs, and web-old of Deployment jobs runs"
        )
        member(subject, 1).roll_out("new", subject.now)
        subject.pass_time(MINUTE)
        status, reason, message = said(subject, "StaysBack")
        assert (status, reason) == ("False", Reason.RETURNED)
        assert message.startswith("Deployment jobs: web-new was rolled back and is there again")
        assert "; but the rejected revision runs in Deployment jobs, see StaysBack" in summary(subject)
        assert subject.target is not None
        subject.target.roll_out("new", subject.now)
        subject.pass_time(MINUTE)
        assert said(subject, "StaysBack")[2].endswith(" or apply the pod template of web-old again")
        assert subject.phase == Phase.ROLLED_BACK

    def test_the_time_after_it_is_asked_of_what_was_put_back(self) -> None:
        subject = group(bad=True)
        subject.pass_time(5 * HOUR)
        assert "recovery" in subject.status


class TestTheWayBack:
    def hindered(self, subject: Simulator, index: int) -> None:
        found = Hindrance(reason=Reason.DEPENDENCY_MISSING, message="ConfigMap settings is not there")
        member(subject, index).check = WayBackCheck(at=T0, generation=7, hindrances=[found])

    def test_what_hinders_one_hinders_all_and_is_named(self) -> None:
        subject = group(bad=True)
        self.hindered(subject, 1)
        subject.pass_time(2 * HOUR + 5 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.HOLDING, ["new", "new", "new"])
        status, reason, message = said(subject, "RollbackPossible")
        assert (status, reason) == ("False", Reason.DEPENDENCY_MISSING)
        assert message == "Deployment jobs: ConfigMap settings is not there"
        member(subject, 1).check = WayBackCheck(at=subject.now, generation=7)
        subject.pass_time(15 * MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.ROLLED_BACK, ["old", "old", "old"])

    def test_to_what_each_goes_back_is_said(self) -> None:
        subject = group()
        member(subject, 1).version, member(subject, 1).before = "newer", "new"
        subject.pass_time(MINUTE)
        assert said(subject, "RollbackPossible")[2].startswith("to web-old, web-old, web-new until ")

    def test_what_nobody_can_mend_is_not_waited_for(self) -> None:
        subject = group(bad=True)
        self.hindered(subject, 0)
        member(subject, 1).before = ""
        subject.pass_time(2 * MINUTE)
        assert said(subject, "RollbackPossible")[1] == Reason.NO_PREVIOUS_REVISION
        assert "; a drift cannot be rolled back: Deployment jobs: no earlier revision was kept" in summary(subject)
        told = said(subject, "RollbackPossible")[2]
        assert told.startswith("Deployment api: ConfigMap settings is not there; and Deployment jobs: no earlier")
        assert told.count("Deployment jobs: ") == 1
        subject.pass_time(LIFE)
        assert (subject.phase, versions(subject)) == (Phase.FAILED, ["new", "new", "new"])

    def test_what_was_found_of_each_is_stored(self) -> None:
        subject = group()
        self.hindered(subject, 0)
        subject.pass_time(MINUTE)
        first, second = subject.stored().status.members
        assert first.check is not None
        assert second.check is None
        assert subject.stored().status.rollback is not None

    def test_one_that_git_owns_is_handed_over_and_followed_in_whatever_order_people_revert(self) -> None:
        subject = group(bad=True)
        assert subject.target is not None
        for each in (subject.target, *subject.members):
            assert each is not None
            each.owner = ARGO
        subject.pass_time(2 * HOUR + 5 * MINUTE)
        assert (subject.phase, subject.acts) == (Phase.HOLDING, [])
        for each in (member(subject, 1), subject.target, member(subject, 0)):
            each.roll_out("old", subject.now)
            subject.pass_time(MINUTE)
        subject.pass_time(5 * MINUTE)
        assert (subject.phase, subject.acts, subject.taken) == (Phase.ROLLED_BACK, [], [])

    def test_git_that_owns_one_is_said(self) -> None:
        subject = group()
        member(subject, 1).owner = ARGO
        subject.pass_time(MINUTE)
        assert said(subject, "OwnedByGit")[0] == "True"
        assert said(subject, "RollbackPossible")[1:] == (
            Reason.OWNED_BY_GIT,
            said(subject, "RollbackPossible")[2],
        )
        assert said(subject, "RollbackPossible")[2].startswith("Deployment jobs: ")


def deleted(subject: Simulator) -> None:
    subject.members[1] = None


def recreated(subject: Simulator) -> None:
    member(subject, 1).uid = "another"


def changed(subject: Simulator) -> None:
    member(subject, 1).roll_out("newer", subject.now)


def reverted(subject: Simulator) -> None:
    member(subject, 1).roll_out("old", subject.now)


class TestOthersChangeOne:
    @pytest.mark.parametrize(
        ("do", "reason", "words"),
        [
            (deleted, Reason.TARGET_REPLACED, "Deployment jobs was deleted during the review"),
            (recreated, Reason.TARGET_REPLACED, "Deployment jobs was deleted and created again"),
            (changed, Reason.NEW_REVISION, "Deployment jobs was changed to web-newer"),
            (reverted, Reason.REVERTED_BY_HAND, "Deployment jobs was taken back by hand from web-new to web-old"),
        ],
    )
    def test_the_review_ends_and_names_it(self, do: Callable[[Simulator], None], reason: Reason, words: str) -> None:
        subject = group()
        subject.pass_time(30 * MINUTE)
        do(subject)
        subject.pass_time(2 * MINUTE)
        assert subject.phase == Phase.SUPERSEDED
        assert said(subject, "Ready")[1] == reason
        assert words in summary(subject)
        status = subject.stored().status
        assert status.target is not None
        assert status.target.uid == "target-uid", "what was pinned of the target stays"
        assert [each.name for each in status.members] == ["api", "jobs"]
        assert status.rollback is not None
        assert (status.rollback.possible, status.rollback.left) == (False, None), "nothing is counted down any more"

    def test_also_between_two_steps(self) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR + 4 * MINUTE)
        changed(subject)
        subject.pass_time(MINUTE)
        assert (subject.phase, versions(subject)) == (Phase.SUPERSEDED, ["old", "new", "newer"])
        assert summary(subject).endswith(
            "; its rollback had begun at 2026-07-31T14:02:00Z; back: the target, not back: Deployment api, "
            "Deployment jobs; take back by hand what is not: the report has the commands"
        )
        assert [each.partition(": kubectl")[0] for each in next_steps(subject)][:2] == [
            "Unless another release of it is meant to stay, take Deployment api back to web-old",
            "Unless another release of it is meant to stay, take Deployment jobs back to web-old",
        ]

    @pytest.mark.parametrize(
        ("bad", "back", "left", "commands"),
        [
            (True, ["web"], ["Deployment api", "Deployment jobs"], ["api", "jobs"]),
            (True, ["web", "jobs"], ["Deployment api"], ["api"]),
            (False, ["api"], ["Deployment web", "Deployment jobs"], ["way-back.json", "jobs"]),
            (True, ["web", "api", "jobs"], [], []),
        ],
    )
    def test_what_was_not_taken_back_by_hand_is_named_and_has_its_command(
        self, back: list[str], left: list[str], commands: list[str], *, bad: bool
    ) -> None:
        subject = group(bad=bad, policy={"onDrift": "Hold"})
        subject.pass_time(2 * HOUR + 5 * MINUTE if bad else 30 * MINUTE)
        assert subject.phase == (Phase.HOLDING if bad else Phase.WATCHING)
        assert subject.target is not None
        for name in back:
            (subject.target if name == "web" else member(subject, NAMES.index(name))).roll_out("old", subject.now)
        subject.pass_time(2 * MINUTE)
        status = subject.stored().status
        assert (status.phase, status.not_back) == (Phase.SUPERSEDED, left)
        first = f"Deployment {back[0]} was taken back by hand from web-new to web-old: web-new counts as rejected"
        told = f"; when that was seen, not back: {', '.join(left)}; the report has the commands" if left else ""
        assert summary(subject) == f"{first}{told}"
        assert [each.partition(": kubectl")[0] for each in next_steps(subject) if ": kubectl" in each] == [
            f"To take it back by hand, apply {each}"
            if each == "way-back.json"
            else f"If it still runs web-new, take Deployment {each} back to web-old"
            for each in commands
        ]

    def test_what_was_rejected_and_runs_on_beside_another_revision_is_named_and_has_its_command(self) -> None:
        subject = group(bad=True, policy={"onDrift": "Hold"})
        subject.pass_time(2 * HOUR + 5 * MINUTE)
        assert subject.phase == Phase.HOLDING
        changed(subject)
        subject.pass_time(2 * MINUTE)
        assert (subject.phase, said(subject, "Ready")[1]) == (Phase.SUPERSEDED, Reason.NEW_REVISION)
        assert subject.stored().status.not_back == ["Deployment web", "Deployment api"]
        assert summary(subject).endswith(
            "; when that was seen, not back: Deployment web, Deployment api; the report has the commands"
        )
        assert [each.partition(": kubectl")[0] for each in next_steps(subject) if ": kubectl" in each] == [
            "To take it back by hand, apply way-back.json",
            "If it still runs web-new, take Deployment api back to web-old",
        ]
        assert unproved(subject) == []
        subject.status["notBack"] = ["Deployment web"]
        assert "status.summary" in " ".join(unproved(subject)), "the sentence has another one"

    def test_what_was_not_rejected_is_nothing_to_take_back(self) -> None:
        subject = group()
        subject.pass_time(30 * MINUTE)
        changed(subject)
        subject.pass_time(2 * MINUTE)
        assert (subject.phase, subject.stored().status.not_back) == (Phase.SUPERSEDED, [])
        assert "not back" not in summary(subject)

    def test_a_first_release_without_pods_is_back(self) -> None:
        subject = group(rollout={"firstRelease": "ScaleToZero"})
        member(subject, 0).is_first, member(subject, 0).before = True, ""
        subject.pass_time(30 * MINUTE)
        assert subject.target is not None
        subject.target.roll_out("old", subject.now)
        member(subject, 0).replicas = 0
        subject.pass_time(2 * MINUTE)
        assert subject.stored().status.not_back == ["Deployment jobs"]

    def test_before_a_step_nothing_is_to_be_taken_back(self) -> None:
        subject = group()
        subject.pass_time(30 * MINUTE)
        changed(subject)
        subject.pass_time(2 * MINUTE)
        assert not any("back to" in each for each in next_steps(subject))

    def test_one_without_pods_is_told(self) -> None:
        subject = group()
        subject.pass_time(30 * MINUTE)
        member(subject, 0).replicas = 0
        subject.pass_time(2 * MINUTE)
        assert summary(subject).startswith("Deployment api is scaled to zero, first seen so at 20")
        member(subject, 0).replicas = 1
        subject.pass_time(LIFE)
        assert subject.phase == Phase.PROMOTED


class TestWhoWritesAStatus:
    @pytest.mark.parametrize(
        "change",
        [
            lambda act: act.model_copy(update={"steps": act.steps[:1]}),
            lambda act: act.model_copy(update={"steps": [*act.steps, act.steps[0]]}),
            lambda act: act.model_copy(update={"steps": act.steps[::-1]}),
            lambda act: act.model_copy(
                update={"steps": [act.steps[0].model_copy(update={"name": "other"}), act.steps[1]]}
            ),
            lambda act: act.model_copy(
                update={"steps": [act.steps[0].model_copy(update={"namespace": "kube-system"}), act.steps[1]]}
            ),
            lambda act: act.model_copy(
                update={"steps": [act.steps[0].model_copy(update={"do": Do.SCALE, "replicas": 0}), act.steps[1]]}
            ),
            lambda act: act.model_copy(
                update={"steps": [act.steps[0].model_copy(update={"do": Do.APPROVE}), act.steps[1]]}
            ),
        ],
    )
    def test_makes_the_operator_do_nothing_else_than_the_spec_asks_for(self, change: Callable[[Any], Any]) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR + 4 * MINUTE)
        stored = subject.stored()
        assert stored.status.act is not None
        assert is_asked_for(stored, stored.status.act)
        assert not is_asked_for(stored, change(stored.status.act))


class TestAlone:
    def test_a_workload_is_the_target_of_a_review_of_its_own(self) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR + 7 * MINUTE)
        whole = subject.stored()
        own = alone(whole, 0)
        assert (own.spec.target.name, own.spec.target.with_, own.status.members) == ("api", [], [])
        assert own.status.act is not None
        assert whole.status.act is not None
        assert (own.status.act.do, own.status.act.steps) == (Do.PUT_BACK, [])
        assert own.status.act.target_uid == "api-uid"
        assert own.status.act.applied_at == whole.status.act.steps[0].applied_at != whole.status.act.applied_at
        assert [each.spec.target.name for each in apart(whole)] == ["web", "api", "jobs"]

    def test_what_is_found_of_it_is_joined_again(self) -> None:
        subject = group()
        subject.pass_time(MINUTE)
        whole = subject.stored()
        for index in range(2):
            assert joined(whole.status, whole, index, alone(whole, index).status) == whole.status
        own = alone(whole, 1).status.model_copy(update={"previous": None})
        found = joined(whole.status, whole, 1, own)
        assert [each.previous is None for each in found.members] == [False, True]

    def test_of_one_that_was_never_looked_at_nothing_is_known(self) -> None:
        subject = group().review
        assert [each.judged for each in members(subject)] == [None, None]
        assert alone(subject, 0).status.act is None

    def test_a_step_elsewhere_is_about_none(self) -> None:
        subject = group(bad=True)
        subject.pass_time(2 * HOUR + 4 * MINUTE)
        stored = subject.stored()
        assert stored.status.act is not None
        first, second = stored.status.act.steps
        assert [index_of(stored, each) for each in (first, second)] == [0, 1]
        assert index_of(stored, first.model_copy(update={"namespace": "else"})) is None
        assert index_of(stored, first.model_copy(update={"do": Do.GIVE_IMAGES})) is None


class TestWhatIsAsked:
    def test_the_pods_are_those_of_all(self) -> None:
        subject = group()
        subject.pass_time(MINUTE)
        stored = subject.stored()
        now = Subject(revision("new"), revision("old")).variables(stored)["pods"]
        before = Subject(revision("new"), revision("old"), history=True).variables(stored)["pods"]
        assert now == "(?:web-new-[a-z0-9]{5}|web-new-[a-z0-9]{5}|web-new-[a-z0-9]{5})"
        assert before.startswith("(?:web-[")
        assert "|api-[" in before
        assert Subject(revision("new"), None).variables(review())["pods"] == "web-new-[a-z0-9]{5}"

    def test_what_a_review_came_to_is_known_of_each(self) -> None:
        subject = group(bad=True)
        subject.pass_time(LIFE)
        spec = {"target": {"name": "web", "with": [{"name": "api"}, {"kind": "Deployment", "name": "jobs"}]}}
        found = rulings({"spec": spec, "status": subject.status})
        assert list(found) == [(TargetKind.DEPLOYMENT, name) for name in ("web", "api", "jobs")]
        assert all(each.rejected for each in found.values())

    def test_sentences_name_them_all(self) -> None:
        subject = group(1)
        subject.pass_time(MINUTE)
        status = subject.stored().status
        assert (went_back_to(status), judged_names(status)) == ("web-old, web-old", "web-new, web-new")


class TestT0TakenAnew:
    def test_keeps_what_ran_before_and_judges_what_runs_then(self) -> None:
        subject = group()
        subject.pass_time(10 * MINUTE)
        subject.suspend(suspended=True)
        member(subject, 0).roll_out("newer", subject.now)
        subject.approvals = [approval(ApprovalType.REBASELINE, at=subject.now, message="a fix", revision=None)]
        subject.suspend(suspended=False)
        subject.pass_time(30 * MINUTE)
        found = subject.stored().status
        assert found.retaken == 1
        assert [each.judged and each.judged.name for each in found.members] == ["web-newer", "web-new"]


@pytest.mark.parametrize("bad", [False, True])
def test_killed_anywhere_it_comes_to_the_same_end(bad: bool) -> None:  # noqa: FBT001
    whole = group(bad=bad)
    whole.sleepy = True
    whole.pass_time(LIFE)
    for fuse in range(1, whole.writes + 1):
        killed = group(bad=bad)
        killed.sleepy, killed.fuse = True, fuse
        killed.pass_time(LIFE)
        assert killed.evidence() == whole.evidence(), f"killed at write {fuse}"
        assert killed.status == whole.status, f"killed at write {fuse}"
        assert (killed.acts, killed.taken) == (whole.acts, whole.taken)
        assert versions(killed) == versions(whole)


def test_only_what_owns_the_target_itself_is_paused() -> None:
    subject = review(target={"name": "web", "with": [{"name": "api"}]}, rollout={"gitOps": "Pause"})
    assert [each.spec.rollout.git_ops for each in apart(subject)] == [GitOps.PAUSE, GitOps.OVERRIDE]
