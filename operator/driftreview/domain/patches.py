"""The JSON patches that change a target: each holds only for the very object that was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.domain.revisions import Raw, template_hash
from driftreview.domain.workload import (
    APPROVED,
    LONGEST_BASELINE,
    REJECTED,
    REJECTED_DURING,
    RESTORED,
    TRIED,
    TargetView,
    rolled_back,
)

_RESUME: Final = ({"op": "add", "path": "/spec/paused", "value": False},)
_MOST_STRETCHES: Final = 15
_MOST_TEMPLATES: Final = 10


def rollback_patch(
    target: TargetView, raw: Raw, template: Raw | None, ran: tuple[datetime, datetime], *, resumes: bool = False
) -> list[dict[str, Any]]:
    """JSON patch that takes a release back, and only from the object and generation that were looked at.

    Args:
        target: what was looked at.
        raw: the same, as it was read.
        template: the pod template to put back; None takes the pods away instead.
        ran: from when until when the rejected template ran.
        resumes: whether a paused rollout goes on.
    """
    kept = [each for each in target.rejected_during if each[1] > ran[1] - LONGEST_BASELINE][-_MOST_STRETCHES:]
    during = ",".join("/".join(map(format_time, each)) for each in (*kept, ran))
    before = rolled_back(raw["metadata"].get("annotations") or {})
    rejected = [*(each for each in before if each != target.template_hash), target.template_hash][-_MOST_TEMPLATES:]
    notes = {REJECTED: ",".join(rejected), REJECTED_DURING: during}
    notes |= {RESTORED: template_hash(template)} if template is not None else {}
    change = _given(template, 0 if template is None else None)
    return [*_unchanged(target.uid, target.generation), *change, *(_RESUME if resumes else ()), *annotated(raw, notes)]


def ran(target: TargetView, t0: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From when until when what a rollback takes away ran, if it is done now."""
    return min(target.rollout_started_at or t0 or now, now), now


def approve_patch(target: TargetView, raw: Raw, *, resumes: bool = False) -> list[dict[str, Any]]:
    """JSON patch that marks the current pod template as approved, and lets a paused rollout go on."""
    return [*note_patch(target, raw, {APPROVED: target.template_hash}), *(_RESUME if resumes else ())]


def another_patch(target: TargetView) -> list[dict[str, Any]]:
    """JSON patch that makes another pod template of the target's, for a dry run; a label, as each template has some."""
    path = "/spec/template/metadata/labels/" + TRIED.replace("/", "~1")
    return [*_unchanged(target.uid, target.generation), {"op": "add", "path": path, "value": "true"}]


def step_patch(raw: Raw, template: Raw | None, replicas: int | None) -> list[dict[str, Any]]:
    """JSON patch that gives a workload a pod template or a number of pods, if it is still as it was read."""
    metadata = raw["metadata"]
    return [*_unchanged(metadata["uid"], metadata["generation"]), *_given(template, replicas)]


def _given(template: Raw | None, replicas: int | None) -> Iterator[dict[str, Any]]:
    if template is not None:
        yield {"op": "replace", "path": "/spec/template", "value": dict(template)}
    if replicas is not None:
        yield {"op": "replace", "path": "/spec/replicas", "value": replicas}


def note_patch(target: TargetView, raw: Raw, notes: Mapping[str, str]) -> list[dict[str, Any]]:
    """JSON patch that sets annotations of the target."""
    return [*_unchanged(target.uid, target.generation), *annotated(raw, notes)]


def annotated(raw: Raw, notes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The operations that set annotations of an object as it was read."""
    patch: list[dict[str, Any]] = []
    if not raw["metadata"].get("annotations"):
        # Somebody may have added the first annotation since: making the map anew would drop it.
        version = raw["metadata"]["resourceVersion"]
        patch.append({"op": "test", "path": "/metadata/resourceVersion", "value": version})
        patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    for name, value in notes.items():
        patch.append({"op": "add", "path": "/metadata/annotations/" + name.replace("/", "~1"), "value": value})
    return patch


def _unchanged(uid: str, generation: int) -> list[dict[str, Any]]:
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/generation", "value": generation},
    ]
