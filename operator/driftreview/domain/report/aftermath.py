"""After the Rollback: whether it helped, and whether what was taken away stays away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.aftermath import RecoveryVerdict
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.domain.kinds import warnings_of
from driftreview.domain.report.drift import compared
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Block, Reference, Section, Sentence, Sentences, Tone
from driftreview.domain.status import condition, said

_TONES: Final = {"True": Tone.GOOD, "False": Tone.BAD, "Unknown": Tone.OPEN}
_KINDS: Final = (ConditionType.STAYS_BACK, ConditionType.RECOVERED)


def section(material: Material) -> Section | None:
    """Left out where nothing was rolled back."""
    items = [each for kind in _KINDS for each in _told(material, kind)]
    if not items:
        return None
    blocks: list[Block] = [Sentences(items=items)]
    after = material.recovery
    if after is not None and after.result is not None:
        blocks += compared(material, after, "after the rollback")
    return Section(id="aftermath", title="After the Rollback", blocks=blocks)


def _told(material: Material, kind: ConditionType) -> Iterator[Sentence]:
    found = condition(material.review.status, kind)
    if found is not None:
        text = f"{kind}: {found.status} ({found.reason}), {found.message}"
        evidence = [material.of_review(f"status.conditions[{kind}]"), *_proof(material, kind)]
        yield Sentence(text=text, tone=_TONES[found.status], evidence=evidence)


def _proof(material: Material, kind: ConditionType) -> Iterator[Reference]:
    if kind is ConditionType.RECOVERED and material.recovery is not None:
        yield material.ref(material.recovery)
        yield material.ref(material.at_t0)


def steps(material: Material) -> Iterator[Sentence]:
    """What is left to a person after a rollback."""
    review, status = material.review, material.review.status
    back, recovery = condition(status, ConditionType.STAYS_BACK), status.recovery
    if back is not None and back.status == "False":
        field = [material.of_review(f"status.conditions[{ConditionType.STAYS_BACK}]")]
        text = "Take back what was rolled out again, where it comes from: the operator rolls back no second time"
        yield Sentence(text=text, tone=Tone.BAD, evidence=field)
    alone = status.act is not None and not any(each.applied_at for each in status.act.steps)  # or else told of each
    if alone and back is not None and back.reason == Reason.ROLLBACK_INCOMPLETE:
        text = "Mend what keeps the pods from running that the rollback asks for again"
        evidence = [material.of_review("status.conditions[StaysBack]")]
        yield Sentence(text=text, command=warnings_of(review), tone=Tone.BAD, evidence=evidence)
    field = [material.of_review("status.recovery")]
    if recovery is not None and recovery.verdict is None:
        yield Sentence(text=f"Whether the rollback helped is judged after {said(recovery.due)}", evidence=field)
    elif recovery is not None and recovery.verdict is RecoveryVerdict.NOT_RECOVERED:
        text = "Look for another cause than the release: the rollback did not help"
        yield Sentence(text=text, tone=Tone.BAD, evidence=field)
    elif recovery is not None and recovery.verdict is RecoveryVerdict.UNKNOWN:
        text = "See for yourself whether the rollback helped: it could not be judged"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=field)
