"""The JSON patches that change a target: each holds only for the very object that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
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
    TargetView,
    rolled_back,
)

_MOST_STRETCHES: Final = 15
_MOST_TEMPLATES: Final = 10


def rollback_patch(target: TargetView, raw: Raw, template: Raw, ran: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    """JSON patch that puts a pod template back, and only onto the object and generation that were looked at.

    Args:
        target: what was looked at.
        raw: the same, as it was read.
        template: what to put back.
        ran: from when until when the rejected template ran.
    """
    kept = [each for each in target.rejected_during if each[1] > ran[1] - LONGEST_BASELINE][-_MOST_STRETCHES:]
    during = ",".join("/".join(map(format_time, each)) for each in (*kept, ran))
    before = rolled_back(raw["metadata"].get("annotations") or {})
    rejected = [*(each for each in before if each != target.template_hash), target.template_hash][-_MOST_TEMPLATES:]
    notes = {REJECTED: ",".join(rejected), REJECTED_DURING: during, RESTORED: template_hash(template)}
    put_back = {"op": "replace", "path": "/spec/template", "value": dict(template)}
    return [*_unchanged(target), put_back, *annotated(raw, notes)]


def approve_patch(target: TargetView, raw: Raw) -> list[dict[str, Any]]:
    """JSON patch that marks the current pod template as approved."""
    return note_patch(target, raw, {APPROVED: target.template_hash})


def note_patch(target: TargetView, raw: Raw, notes: Mapping[str, str]) -> list[dict[str, Any]]:
    """JSON patch that sets annotations of the target."""
    return [*_unchanged(target), *annotated(raw, notes)]


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


def _unchanged(target: TargetView) -> list[dict[str, Any]]:
    return [
        {"op": "test", "path": "/metadata/uid", "value": target.uid},
        {"op": "test", "path": "/metadata/generation", "value": target.generation},
    ]
