"""How people take back by hand what ships with the target, after it: one workload after the other, as declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.act import ActType, Do, Step
from driftreview.api.base import Condition
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus, Member
from driftreview.api.target import WorkloadRef
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.keeping import kept_name
from driftreview.domain.kinds import as_kubectl_says, warnings_of
from driftreview.domain.members import alone
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.status import condition, said
from driftreview.domain.ways import pinned_way_back
from driftreview.domain.workload import lets_go

_HELD: Final = {
    Reason.TARGET_PAUSED: "the rollout of {} is paused",
    Reason.UPDATE_ON_DELETE: "the updateStrategy of {} is OnDelete",
    Reason.UPDATE_PARTITIONED: "the updateStrategy of {} has a partition",
}
"""What keeps a pod template of a workload from its pods, in words."""
_TEMPLATE: Final = """jq '[{op: "replace", path: "/spec/template", value: (.spec.previous.template | fromjson)}]'"""


def steps(material: Material) -> Iterator[Sentence]:
    """What is left to do for each of them; nothing for what is back, or while a rollback is under way."""
    if _rolled_back(material.review.status) and material.review.status.phase not in TERMINAL:
        return
    for index, each in enumerate(material.review.status.members):
        if (found := _step(material, index, each)) is None:
            continue
        own = alone(material.review, index)
        first = held(own.spec.target, own.metadata.namespace, each.check if each.previous is not None else None)
        for text, command in filter(None, (first, found)):
            field = [material.of_review(f"status.members[{index}]")]
            yield Sentence(text=text, command=command, tone=Tone.OPEN, evidence=field)


def held(workload: WorkloadRef, namespace: str, check: WayBackCheck | None) -> tuple[str, str] | None:
    """What kept a pod template from the pods of a workload when it was last looked, and the command that ends it.

    Not by the reason for which a rollback is not possible: that is another one once the review has ended.
    """
    if check is None or check.held not in _HELD:
        return None
    text = reaches_no_pod(f"{_HELD[check.held].format(workload)}, as at {said(check.at)}")
    return text, lets_go(check.held, as_kubectl_says(workload), namespace)


def reaches_no_pod(why: str) -> str:
    """What is to be known before something is put back by hand."""
    return f"What is put back by hand reaches no pod as long as {why}"


def _step(material: Material, index: int, member: Member) -> tuple[str, str] | None:
    """What to do for one, and the command for it; None if that is nothing."""
    review, status = material.review, material.review.status
    done = next((each for each in _rolled_back(status) if (each.kind, each.name) == (member.kind, member.name)), None)
    who, where = f"{member.kind} {member.name}", f"{member.kind.lower()}/{member.name} -n {review.metadata.namespace}"
    back, is_left = condition(status, ConditionType.STAYS_BACK), who in status.not_back
    runs_not = done is not None and done.applied_at is not None and done.completed_at is None and not is_left
    if runs_not and member.previous is not None and _may_be_amiss(status, back):
        text = f"{who} was given {member.previous.name} again: mend what keeps its pods from running"
        return text, warnings_of(review)
    is_known = back is not None or status.not_back or (done is not None and done.completed_at is not None)
    if is_known and not is_left:
        return None
    first = "Unless another release of it is meant to stay," if status.phase is Phase.SUPERSEDED else "Then"
    if is_left and member.judged is not None:
        first = f"If it still runs {member.judged.name},"
    if member.previous is None:
        is_emptied = pinned_way_back(alone(review, index)) is Do.SCALE
        return (f"{first} scale {who} to zero", f"kubectl scale {where} --replicas=0") if is_emptied else None
    kept = f"kubectl get driftsnapshot {kept_name(review, member.previous)} -n {review.metadata.namespace} -o json"
    patch = f"kubectl patch {where} --type=json --patch-file /dev/stdin"
    return f"{first} take {who} back to {member.previous.name}", f"{kept} | {_TEMPLATE} | {patch}"


def _rolled_back(status: DriftReviewStatus) -> list[Step]:
    """The steps of a rollback that was begun."""
    return list(status.act.steps) if status.act is not None and status.act.type is ActType.ROLL_BACK else []


def _may_be_amiss(status: DriftReviewStatus, back: Condition | None) -> bool:
    """Whether pods of what was given its previous pod template may not run, as far as it was looked at since."""
    return not status.not_back if back is None else back.reason == Reason.ROLLBACK_INCOMPLETE
