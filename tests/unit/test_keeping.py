"""A target without history: what ran before is kept by the review that waits, and found again as what it was."""

from typing import Any, cast

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.api.target import TargetKind
from driftreview.domain.action import Observed, Settle
from driftreview.domain.keeping import as_kept, keep, keeping, kept_name, with_kept
from driftreview.domain.plan import plan
from driftreview.domain.workload import Rollout
from driftreview.runtime.keeper import Keeper
from tests.builders import HOUR, T0, review, revision, target, template

NO_HISTORY: dict[str, Any] = {"keeps_history": False, "previous": None}


def names(status: DriftReviewStatus) -> list[str]:
    return [each.name for each in status.kept]


def kept(*versions: str) -> DriftReviewStatus:
    return DriftReviewStatus(kept=[revision(each) for each in versions])


def whole(version: str) -> RevisionEvidence:
    return RevisionEvidence(**revision(version).model_dump(), template=template(version))


class TestWhatIsKept:
    def test_what_runs_while_a_review_waits_for_its_release(self) -> None:
        assert names(keeping(DriftReviewStatus(), target(**NO_HISTORY))) == ["web-new"]

    def test_what_ran_before_while_the_rollout_goes_on_and_not_what_may_never_run(self) -> None:
        view = target(keeps_history=False, rollout=Rollout.PROGRESSING)
        assert names(keeping(DriftReviewStatus(), view)) == ["web-old"]

    def test_at_t0_what_ran_before_only(self) -> None:
        starting = DriftReviewStatus(t0=T0)
        assert names(keeping(starting, target(keeps_history=False))) == ["web-old"]

    def test_the_newest_last_and_the_oldest_not_for_ever(self) -> None:
        assert names(keeping(kept("a", "b"), target(**NO_HISTORY))) == ["web-b", "web-new"]
        assert names(keeping(kept("new", "old"), target(**NO_HISTORY))) == ["web-old", "web-new"]

    def test_the_same_again_changes_nothing(self) -> None:
        status = keeping(DriftReviewStatus(), target(**NO_HISTORY))
        assert keeping(status, target(**NO_HISTORY)) == status

    def test_nothing_where_the_cluster_keeps_it(self) -> None:
        assert keeping(DriftReviewStatus(), target(previous=None)) == DriftReviewStatus()
        assert keeping(DriftReviewStatus(), None) == DriftReviewStatus()

    def test_a_review_that_waits_keeps_it_and_one_that_starts_pins_it(self) -> None:
        waiting = plan(review(), Observed(target("old", **NO_HISTORY)), T0 - HOUR)
        assert isinstance(waiting, Settle)
        assert names(waiting.status) == ["web-old"]
        view = with_kept(target(**NO_HISTORY), waiting.status.kept, frozenset())
        started = plan(review(waiting.status), Observed(view), T0)
        assert isinstance(started, Settle)
        assert started.status.previous == revision("old")


class TestWhatItIsTakenFor:
    def test_the_newest_that_is_not_what_runs_and_was_not_rejected(self) -> None:
        bare, runs = target(**NO_HISTORY), [revision(each) for each in ("a", "b", "new")]
        assert with_kept(bare, runs, frozenset()).previous == revision("b")
        assert with_kept(bare, runs, {revision("b").template_hash}).previous == revision("a")
        assert with_kept(bare, runs[2:], frozenset()).previous is None

    def test_what_the_cluster_kept_comes_first(self) -> None:
        assert with_kept(target(), [revision("a")], frozenset()) == target()


class TestItsEvidence:
    def test_it_is_found_again_by_what_it_is(self) -> None:
        stored = keep(review(), whole("old"))
        assert as_kept(review(), revision("old"), stored) == whole("old")
        assert kept_name(review(), revision("old")) != kept_name(review(), revision("new"))

    def test_what_is_gone_altered_or_of_another_review_or_revision_is_none(self) -> None:
        stored, bare = keep(review(), whole("old")), RevisionEvidence(**revision("old").model_dump())
        forged = stored.model_copy(update={"previous": whole("old").model_copy(update={"template": template("bad")})})
        another = stored.review_ref.model_copy(update={"uid": "another"})
        foreign = keep(review(), whole("old")).model_copy(update={"review_ref": another})
        for each in (None, forged, foreign, keep(review(), whole("new"))):
            assert as_kept(review(), revision("old"), each) == bare


class World:
    """Stands for the cluster: ReplicaSets by name, and stored snapshots."""

    def __init__(self, *versions: str) -> None:
        self.there = set(versions)
        self.stored: dict[str, DriftSnapshotSpec] = {}
        self.keeper = Keeper(cast(Any, self), cast(Any, self))

    def pin(self, _: str, __: TargetKind, pinned: Revision, ___: str | None = None) -> RevisionEvidence:
        version = pinned.name.removeprefix("web-")
        return whole(version) if version in self.there else RevisionEvidence(**pinned.model_dump())

    def store_snapshot(self, _: DriftReview, name: str, spec: DriftSnapshotSpec) -> None:
        assert name not in self.stored
        self.stored[name] = spec

    def snapshot(self, _: str, name: str) -> DriftSnapshotSpec | None:
        return self.stored.get(name)


class TestKeeper:
    def test_it_stores_before_the_status_says_so_and_once(self) -> None:
        world = World("old")
        status = world.keeper.keep(review(), kept("old"))
        assert (names(status), len(world.stored)) == (["web-old"], 1)
        assert world.keeper.keep(review(status), status) == status

    def test_what_is_gone_meanwhile_is_not_said_to_be_kept(self) -> None:
        assert names(World("b").keeper.keep(review(), kept("a", "b"))) == ["web-b"]

    def test_it_takes_the_clusters_and_else_its_own(self) -> None:
        world = World("old")
        subject = review(world.keeper.keep(review(), kept("old")))
        world.there.clear()
        assert world.keeper.pin(subject, revision("old")) == whole("old")
        assert world.keeper.pin(subject, revision("new")).template == {}
