"""The steps of an act after the target's own change: which is next, and how far they are, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from driftreview.api.act import Act, ActType, Do, Step

_DOES: Final = {
    Do.APPROVE: "is approved",
    Do.PUT_BACK: "is given its previous pod template",
    Do.GIVE_TEMPLATE: "is given the pod template of the release",
    Do.GIVE_IMAGES: "is given the images of the release",
}
_GIVES: Final = frozenset({Do.GIVE_TEMPLATE, Do.GIVE_IMAGES})
_BEGUN: Final = "changed, but not all of its pods run:"
_BACK: Final = ("back:", _BEGUN, "not back:")
_APPROVED: Final = ("also approved:", _BEGUN, "not approved:")
ROLLING_BACK: Final = "rolling back"
"""How what is said of a rollback begins while its pods are waited for."""
_GIVEN: Final = ("given to", _BEGUN, "not given to")


def does(step: Step) -> str:
    """What a step does, in words behind its workload."""
    return f"is scaled to {step.replicas}" if step.do is Do.SCALE else _DOES[step.do]


def next_step(act: Act | None) -> int | None:
    """Index of the step that is to be done or followed; None where none is left."""
    return next((index for index, each in enumerate(act.steps if act else ()) if each.completed_at is None), None)


def is_half_back(act: Act | None) -> bool:
    """Whether a rollback took the target back, and not yet all that ships with it."""
    begun = act is not None and act.type is ActType.ROLL_BACK and act.applied_at is not None
    return begun and next_step(act) is not None


def told_steps(act: Act | None) -> str:
    """How far an act came with further workloads, as the end of a sentence; empty where it has none."""
    if act is None or not act.steps:
        return ""
    if act.type is ActType.ROLL_BACK:
        return _told(act.steps, _BACK, ("the target",) if act.applied_at else ())
    return _told([each for each in act.steps if each.do is Do.APPROVE], _APPROVED) + _told(
        [each for each in act.steps if each.do in _GIVES], _GIVEN
    )


def _told(steps: Sequence[Step], words: tuple[str, str, str], done: Sequence[str] = ()) -> str:
    """Which steps are done, which were begun, and which were not, each of them behind its word."""
    ended = [*done, *(_name(each) for each in steps if each.completed_at is not None)]
    begun = [_name(each) for each in steps if each.applied_at is not None and each.completed_at is None]
    left = [_name(each) for each in steps if each.applied_at is None and each.completed_at is None]
    parts = [f"{word} {', '.join(names)}" for word, names in zip(words, (ended, begun, left), strict=True) if names]
    return f"; {', '.join(parts)}" if parts else ""


def told_left(not_back: Sequence[str]) -> str:
    """Which workloads still ran what was judged when a review ended, as the end of its sentence; empty if none did."""
    left = ", ".join(not_back)
    return f"; when that was seen, not back: {left}; the report has the commands" if left else ""


def _name(step: Step) -> str:
    """Its workload; of one that ships with the target without the namespace, as that is the target's."""
    return str(step) if step.do in _GIVES else f"{step.kind} {step.name}"
