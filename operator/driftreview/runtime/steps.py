"""What an act does to further workloads: each is looked at, and approved, taken back or given the release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from driftreview.adapters.errors import ForbiddenError, NotFoundError, RefusedError
from driftreview.adapters.recipients import Recipients
from driftreview.adapters.workloads import Workload
from driftreview.api.act import Do, Step
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import trouble
from driftreview.domain.acting import is_under_way
from driftreview.domain.display import plain, printable
from driftreview.domain.evidence import T0
from driftreview.domain.giving import StepView, is_template, selected_by, shared, with_images, with_template
from driftreview.domain.kinds import KINDS
from driftreview.domain.members import alone, index_of
from driftreview.domain.membersteps import as_step
from driftreview.domain.naming import stored_name
from driftreview.domain.owner import owner_of
from driftreview.domain.revisions import Raw
from driftreview.domain.serving import UNSEEN
from driftreview.domain.stepping import given, held_up
from driftreview.domain.steps import next_step
from driftreview.domain.ways import is_done
from driftreview.runtime.carryout import CarryOut
from driftreview.runtime.logs import LOGGER

_MESSAGE: Final = 256


@dataclass(frozen=True)
class Steps:
    """Takes the steps of acts; threads may share it."""

    recipients: Recipients
    carry_out: CarryOut

    def seen(self, review: DriftReview, workload: Workload, members: Sequence[Workload | None]) -> StepView | None:
        """The workload of the next step of an act that was begun; None where there is none.

        Args:
            review: whose act it is.
            workload: its target.
            members: the workloads that are reviewed with it.

        Raises:
            ClusterError: the API server did not answer.
        """
        index = next_step(review.status.act)
        if review.status.act is None or index is None or not is_done(review.status, workload.view):
            return None
        step = review.status.act.steps[index]
        if (member := index_of(review, step)) is not None:
            return self._seen_member(alone(review, member), members[member])
        try:
            recipient = self.recipients.read(step)
        except NotFoundError:
            return StepView(hindrance=f"there is no {step}: create it, or correct spec.rollout in the next review")
        except ForbiddenError:
            return StepView(hindrance=f"the operator may not read {step}: it needs get and patch on it by a Role there")
        except RefusedError as error:
            return StepView(hindrance=plain(str(error), _MESSAGE))
        wanted, why = self._wanted(review, workload, step, recipient)
        rules = KINDS[step.kind]
        rollout, message = rules.rollout(recipient)
        return StepView(
            uid=recipient["metadata"]["uid"],
            given=not why and _is_given(step, recipient, wanted),
            rollout=rollout,
            message=message,
            deadline_seconds=rules.deadline_seconds(recipient),
            hindrance=why or _owned(review, step, recipient),
        )

    def _seen_member(self, review: DriftReview, workload: Workload | None) -> StepView:
        """A workload that is reviewed with the target; `review` is as it would be of that alone."""
        serving = UNSEEN
        if workload is not None and is_under_way(review.status, workload.view):
            serving = self.carry_out.workloads.serving(review, workload)
        return as_step(review, workload.view if workload else None, serving)

    def take(
        self,
        review: DriftReview,
        workload: Workload,
        members: Sequence[Workload | None],
        index: int,
        now: datetime,
    ) -> tuple[DriftReviewStatus, datetime | None]:
        """Do a step, on its workload as it is now; or, where that is reviewed with the target, as it was looked at.

        Returns:
            The review's next status, and when to look again.

        Raises:
            ChangedError: the review or the workload changed meanwhile, or acts were stopped.
        """
        if review.status.act is None:
            return review.status, now
        if (member := index_of(review, review.status.act.steps[index])) is not None:
            return self._take_member(review, member, members[member], index, now)
        step, evidence = review.status.act.steps[index], self.carry_out.checked(review)
        if isinstance(evidence, str):
            return trouble.evidence_altered(review, evidence, now), now
        judged = review.status.judged
        if judged is None or evidence.judged.images != judged.images:
            return trouble.evidence_altered(review, stored_name(review, T0), now), now
        try:
            recipient = self.recipients.read(step)
            wanted, why = self._wanted(review, workload, step, recipient)
            if not why:
                self.recipients.give(step, recipient, wanted)
                LOGGER.info("%s %s done", step.do, step, extra={"review": review.metadata.full_name})
        except RefusedError as error:
            why = plain(str(error), _MESSAGE)
        self.carry_out.telemetry.acts.labels(step.do, "refused" if why else "done").inc()
        if not why:
            return given(review, index, recipient["metadata"]["uid"], now), now
        waits = held_up(review, index, Reason.STEP_WAITS, why, now)
        return waits.status, waits.again

    def _take_member(
        self, review: DriftReview, member: int, workload: Workload | None, index: int, now: datetime
    ) -> tuple[DriftReviewStatus, datetime | None]:
        if workload is None or review.status.act is None:
            return review.status, now
        step = review.status.act.steps[index]
        try:
            altered = self.carry_out.member(review, member, workload, now)
        except RefusedError as error:
            self.carry_out.telemetry.acts.labels(step.do, "refused").inc()
            waits = held_up(review, index, Reason.STEP_WAITS, plain(str(error), _MESSAGE), now)
            return waits.status, waits.again
        if altered:
            return trouble.evidence_altered(review, altered, now), now
        self.carry_out.telemetry.acts.labels(step.do, "done").inc()
        LOGGER.info("%s %s done", step.do, step, extra={"review": review.metadata.full_name})
        return given(review, index, workload.view.uid, now), now

    def _wanted(
        self, review: DriftReview, workload: Workload, step: Step, recipient: Raw
    ) -> tuple[Mapping[str, Any] | None, str]:
        """The pod template that a workload is to have, None where a step scales; or why there is none."""
        judged, own = review.status.judged, recipient["spec"]["template"]
        if judged is None or step.do is Do.SCALE:
            return None, ""
        if step.do is Do.GIVE_IMAGES:
            if not shared(own, judged.images):
                ours = ", ".join(each.container for each in judged.images)
                theirs = ", ".join(printable(each["name"], 63) for each in own["spec"]["containers"])
                return None, f"no container of {step} ({theirs}) has the name of one of the release ({ours})"
            return with_images(own, judged.images), ""
        template = self.carry_out.keeper.pin(review, judged).template
        if not template:
            return None, f"the pod template of {judged.name} is not there any more"
        return with_template(own, template, selected_by(workload.raw) | selected_by(recipient)), ""


def _is_given(step: Step, recipient: Raw, wanted: Mapping[str, Any] | None) -> bool:
    spec = recipient["spec"]
    return spec.get("replicas") == step.replicas if wanted is None else is_template(spec["template"], wanted)


def _owned(review: DriftReview, step: Step, recipient: Raw) -> str:
    """That a tool would take it back, unless it is overridden."""
    owner = owner_of(recipient)
    if owner is None or not owner.reapplies or review.spec.rollout.git_ops is GitOps.OVERRIDE:
        return ""
    return f"{owner.said()} owns {step}: change it there, in Git; once it runs so, the promotion goes on"
