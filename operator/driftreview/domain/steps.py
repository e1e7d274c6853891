"""The steps of an act after the target's own change: which is next, and how far they are, in words."""

from __future__ import annotations

from typing import Final

from driftreview.api.act import Act, ActType, Do, Step

_DOES: Final = {
    Do.APPROVE: "is approved",
    Do.PUT_BACK: "is given its previous pod template",
    Do.GIVE_TEMPLATE: "is given the pod template of the release",
    Do.GIVE_IMAGES: "is given the images of the release",
}
_APPROVED: Final = frozenset({Do.APPROVE})
_GIVEN: Final = frozenset({Do.GIVE_TEMPLATE, Do.GIVE_IMAGES})


def does(step: Step) -> str:
    """What a step does, in words behind its workload."""
    return f"is scaled to {step.replicas}" if step.do is Do.SCALE else _DOES[step.do]


def next_step(act: Act | None) -> int | None:
    """Index of the step that is to be done or followed; None where none is left."""
    return next((index for index, each in enumerate(act.steps if act else ()) if each.completed_at is None), None)


def told_steps(act: Act | None) -> str:
    """How far an act came with further workloads, as the end of a sentence; empty where it has none."""
    if act is None:
        return ""
    back = act.type is ActType.ROLL_BACK
    parts = (
        [_part(act, frozenset(Do), "also back:", "not back:")]
        if back
        else [
            _part(act, _APPROVED, "also approved:", "not approved:"),
            _part(act, _GIVEN, "given to", "not given to"),
        ]
    )
    return "".join(f"; {part}" for part in parts if part)


def _part(act: Act, what: frozenset[Do], done: str, left: str) -> str:
    found = []
    for word, is_done in ((done, True), (left, False)):
        names = [str(each) for each in act.steps if each.do in what and (each.completed_at is not None) is is_done]
        found += [f"{word} {', '.join(names)}"] if names else []
    return ", ".join(found)
