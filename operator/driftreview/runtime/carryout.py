"""Carries out a stored intent, on the very object and generation that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.adapters.errors import ChangedError, ClusterError, ForbiddenError, RefusedError
from driftreview.adapters.gitops import GitOpsTools
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workload, Workloads
from driftreview.api.act import ActType, Do, Pause, PausedKind
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import trouble
from driftreview.domain.evidence import T0, is_intact
from driftreview.domain.grounds import rests_on
from driftreview.domain.keeping import kept_name
from driftreview.domain.members import alone
from driftreview.domain.naming import stored_name
from driftreview.domain.patches import ran
from driftreview.domain.pausing import how_to_grant, not_paused, paused
from driftreview.domain.pinnedmembers import frozen_members
from driftreview.domain.ways import empties, resumes
from driftreview.runtime.keeper import Keeper
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.stop import StopWatch
from driftreview.runtime.telemetry import Telemetry

RETRY: Final = timedelta(seconds=15)
"""Until what was refused or did not answer is tried again."""


@dataclass(frozen=True)
class CarryOut:
    """Acts on targets, once the intent is stored."""

    reviews: Reviews
    workloads: Workloads
    tools: GitOpsTools
    keeper: Keeper
    telemetry: Telemetry
    stop: StopWatch

    def act(
        self, review: DriftReview, workload: Workload, act: ActType, now: datetime
    ) -> tuple[DriftReviewStatus, datetime]:
        """Promote or roll back.

        Returns:
            The review's next status, and when to look again.

        Raises:
            ChangedError: the review or the target changed since it was looked at, or acts were stopped.
        """
        name = review.metadata.full_name
        self._unchanged(review)
        if (altered := self._altered(review)) is not None:
            return trouble.evidence_altered(review, altered, now), now
        self._not_stopped(review)
        try:
            if act is ActType.PROMOTE:
                self.workloads.approve(workload, resumes=resumes(review))
            else:
                template = None if empties(review.status.act) else self.way_back(review)
                if template is not None and not template:
                    if review.status.baseline is None:
                        return trouble.way_back_gone(review, now), now
                    return trouble.evidence_altered(review, stored_name(review, T0), now), now
                during = ran(workload.view, review.status.t0, now)
                self.workloads.roll_back(workload, template, during, resumes=resumes(review))
        except RefusedError as error:
            self.telemetry.acts.labels(act, "refused").inc()
            status, again = trouble.act_refused(review, str(error), now)
            return status, now + (RETRY if again else timedelta(0))
        self.telemetry.acts.labels(act, "done").inc()
        LOGGER.info("%s of %s done", act, review.spec.target.name, extra={"review": name})
        return review.status, now

    def member(self, review: DriftReview, index: int, workload: Workload, now: datetime) -> str:
        """Approve or take back a workload that is reviewed with the target, as the stored step says.

        Returns:
            The name of the evidence that was altered, so that nothing was done; or else nothing.

        Raises:
            ChangedError: the review or the workload changed since it was looked at, or acts were stopped.
            RefusedError: the API server refuses it.
        """
        self._unchanged(review)
        if (altered := self._altered(review)) is not None:
            return altered
        if review.status.baseline is not None:
            baseline = self.baseline(review)
            if baseline is None or baseline.members != frozen_members(review.status):
                return stored_name(review, T0)
        own = alone(review, index)
        template = None
        if (act := own.status.act) is not None and act.do is Do.PUT_BACK:
            template = self.keeper.pin(own, own.status.previous).template if own.status.previous else {}
            if not template:
                return kept_name(own, own.status.previous) if own.status.previous else stored_name(review, T0)
        self._not_stopped(review)
        if act is not None and act.type is ActType.PROMOTE:
            self.workloads.approve(workload, resumes=False)
        else:
            self.workloads.roll_back(workload, template, ran(workload.view, review.status.t0, now), resumes=False)
        return ""

    def checked(self, review: DriftReview) -> DriftSnapshotSpec | str:
        """The evidence of T0, just before a step that rests on it; or the name of what was altered.

        Raises:
            ChangedError: the review changed since it was looked at, or acts were stopped.
        """
        self._unchanged(review)
        altered = self._altered(review)
        self._not_stopped(review)
        return altered or self.baseline(review) or stored_name(review, T0)

    def pause(
        self, review: DriftReview, workload: Workload, pause: Pause, now: datetime
    ) -> tuple[DriftReviewStatus, datetime]:
        """Tell what owns the target to leave it alone, as the stored intent says; killed after it, it is seen so.

        Raises:
            ChangedError: the review, the target or what is paused changed since it was looked at, or acts were stopped.
        """
        self._unchanged(review)
        if (altered := self._altered(review)) is not None:
            return trouble.evidence_altered(review, altered, now), now
        self._not_stopped(review)
        try:
            if pause.kind is PausedKind.TARGET:
                self.workloads.leave_alone(workload)
            else:
                self.tools.pause(review, pause)
        except ChangedError:
            raise
        except ClusterError as error:  # whatever it is: without the pause nothing is patched, and that must be seen
            grant = how_to_grant(pause) if isinstance(error, ForbiddenError) else ""
            return not_paused(review, review.status, f"{error}{grant}", now), now + RETRY
        LOGGER.info(
            "%s %s/%s paused", *(pause.kind, pause.namespace, pause.name), extra={"review": review.metadata.full_name}
        )
        return paused(review.status, now), now

    def _unchanged(self, review: DriftReview) -> None:
        fresh = self.reviews.read(review.metadata.namespace, review.metadata.name)
        if fresh is None or fresh["metadata"]["resourceVersion"] != review.metadata.resource_version:
            raise ChangedError(f"review {review.metadata.full_name} changed before its act")

    def _not_stopped(self, review: DriftReview) -> None:
        if (stop := self.stop.anew()) is not None:
            raise ChangedError(f"the act of {review.metadata.full_name} is not done: {stop.message}")

    def baseline(self, review: DriftReview) -> DriftSnapshotSpec | None:
        """The frozen T0 evidence, if it is still what was frozen."""
        return self._genuine(review, T0, review.status.baseline)

    def _genuine(self, review: DriftReview, checkpoint: str, ref: SnapshotRef | None) -> DriftSnapshotSpec | None:
        """Evidence of a look, if its hash, computed again, is the one that the status names."""
        if ref is None or ref.name != stored_name(review, checkpoint):
            return None
        stored = self.reviews.snapshot(review.metadata.namespace, ref.name)
        ours = stored is not None and (stored.review_ref.uid, stored.checkpoint) == (review.metadata.uid, checkpoint)
        return stored if stored and ours and is_intact(stored, ref.hash) else None

    def _altered(self, review: DriftReview) -> str | None:
        """The name of what the act rests on, where it is not there as it was frozen."""
        row = rests_on(review.status)
        if row is None or self._genuine(review, row.name, row.snapshot) is not None:
            return None
        return stored_name(review, row.name)

    def way_back(self, review: DriftReview) -> Mapping[str, Any]:
        """The pinned pod template; empty if it cannot be had.

        From the evidence; where a person rejects before there is any, from the cluster or from what was kept of it.
        """
        status = review.status
        if status.baseline is None and status.previous is not None:
            return self.keeper.pin(review, status.previous).template
        baseline = self.baseline(review)
        return baseline.previous.template if baseline and baseline.previous else {}
