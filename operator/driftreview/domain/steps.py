"""The steps of a promotion after the target's own change: which is next, and how far they are, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from driftreview.api.act import Act, ActType, Do, Step

STEPS: Final = {
    Do.GIVE_TEMPLATE: "is given the pod template of the release",
    Do.GIVE_IMAGES: "is given the images of the release",
    Do.SCALE: "is scaled to its resting size",
}
"""What a step does, in words behind its workload."""


def next_step(act: Act | None) -> int | None:
    """Index of the step of a promotion that is to be done or followed; None where none is left."""
    if act is None or act.type is not ActType.PROMOTE:
        return None
    return next((index for index, each in enumerate(act.steps) if each.completed_at is None), None)


def told_steps(act: Act | None) -> str:
    """How far a promotion came to further workloads, as the end of a sentence; empty where it has none."""
    if act is None or not act.steps:
        return ""
    done, left = _names(act.steps, done=True), _names(act.steps, done=False)
    parts = [f"given to {', '.join(done)}" if done else "", f"not given to {', '.join(left)}" if left else ""]
    return f"; {', '.join(filter(None, parts))}"


def _names(steps: Sequence[Step], *, done: bool) -> list[str]:
    return [str(each) for each in steps if each.do is not Do.SCALE and (each.completed_at is not None) is done]
