"""What keeps an act back as the report is written, the emergency stop or a freeze; and whether others are kept back.

And what people do about it, and about a rollback whose pods do not come.
"""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.domain.kinds import as_kubectl_says, unblocks, warnings_of
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.status import condition
from driftreview.domain.steps import ROLLING_BACK
from driftreview.domain.stop import how_to_go_on, stopped, stopped_in, switch
from driftreview.domain.workload import HOLDING_BACK, lets_go


def risks(material: Material) -> Iterator[Sentence]:
    """Nothing of a review that has ended."""
    status = material.review.status
    if (stop := stopped(status)) is not None:
        evidence = [material.of_review(f"status.conditions[{ConditionType.ACTS_STOPPED}]")]
        yield Sentence(text=stop.message, tone=Tone.BAD, evidence=evidence)
    refused = condition(status, ConditionType.NEW_REVISION_REFUSED)
    if refused is not None and refused.status != "True":
        evidence = [material.of_review(f"status.conditions[{refused.type}]")]
        text = f"policy.onNewRevision is Block: {refused.message}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=evidence)
    if status.freeze is not None and status.freeze.closed:
        until = f" until {format_time(status.freeze.next_open)}" if status.freeze.next_open else ""
        text = f"promotions are frozen{until} by {status.freeze.reason}; a rollback is not"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=[material.of_review("status.freeze")])


def steps(material: Material) -> Iterator[Sentence]:
    """What is to be mended before the review goes on; nothing of one that has ended."""
    review, status = material.review, material.review.status
    if status.phase in TERMINAL:
        return
    stop, stalled = stopped(status), condition(status, ConditionType.STALLED)
    if stop is not None:
        evidence = [material.of_review(f"status.conditions[{ConditionType.ACTS_STOPPED}]")]
        text, command = stop.message, ""
        if namespace := stopped_in(stop.message):
            text = "All acts are stopped: let them go on as soon as they may, with the right to delete "
            text, command = text + switch(namespace), how_to_go_on(namespace)
        yield Sentence(text=text, command=command, tone=Tone.BAD, evidence=evidence)
    if stalled is not None and stalled.status == "True" and (stop is None or stalled.message != stop.message):
        evidence = [material.of_review(f"status.conditions[{ConditionType.STALLED}]")]
        command = _remedy(review, stalled.reason, stalled.message)
        text = f"Mend what holds the review up: {stalled.message.removesuffix(f': {command}')}"
        yield Sentence(text=text, command=command, tone=Tone.BAD, evidence=evidence)
    else:
        yield from _awaited(material)


def _remedy(review: DriftReview, reason: str, message: str) -> str:
    """The command at the end of what is said of a target that is held or blocked; empty where there is none."""
    if reason == Reason.ROLLOUT_BLOCKED:
        return unblocks(review, message)
    if reason not in HOLDING_BACK:
        return ""
    command = lets_go(Reason(reason), as_kubectl_says(review.spec.target), review.metadata.namespace)
    return command if message.endswith(f": {command}") else ""


def _awaited(material: Material) -> Iterator[Sentence]:
    """How far a rollback is whose pods are waited for, until when, and what shows why they do not come."""
    status = material.review.status
    going = condition(status, ConditionType.RECONCILING)
    if status.phase is Phase.ROLLING_BACK and going is not None and going.message.startswith(ROLLING_BACK):
        text = f"See what keeps its pods, if they do not come by themselves: {going.message}"
        evidence = [material.of_review(f"status.conditions[{ConditionType.RECONCILING}]")]
        yield Sentence(text=text, command=warnings_of(material.review), tone=Tone.OPEN, evidence=evidence)
