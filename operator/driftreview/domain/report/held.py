"""What keeps an act back as the report is written, the emergency stop or a freeze; and whether others are kept back."""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.base import format_time
from driftreview.api.phases import ConditionType
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.status import condition
from driftreview.domain.stop import stopped


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
