"""What people write on a target: that going back would break something, or why they released past a review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from driftreview.domain.display import plain

Raw = Mapping[str, Any]

IRREVERSIBLE: Final = "driftreview.dev/irreversible"
"""Annotation on the target or on its pod template: why what runs must not be rolled back."""
BREAK_GLASS: Final = "driftreview.dev/break-glass"
"""Annotation on the target: why another pod template is applied although a review blocks that."""
_WHY: Final = 120
_NO_REASON: Final = "no reason is given"


def irreversible(raw: Raw) -> str | None:
    """Where a Deployment is marked as irreversible and why, as a sentence; None if it is not.

    A mark in the pod template goes with the release that it came with: it is gone where that is.
    """
    template = raw["spec"]["template"].get("metadata") or {}
    for where, metadata in (("the target", raw["metadata"]), ("its pod template", template)):
        annotations = metadata.get("annotations") or {}
        if IRREVERSIBLE in annotations:
            why = plain(str(annotations[IRREVERSIBLE]).strip(), _WHY) or _NO_REASON
            return f"{where} has the annotation {IRREVERSIBLE} ({why})"
    return None


def break_glass(metadata: Raw) -> str | None:
    """Why somebody says to have released past a review that blocks; None if nobody does."""
    annotations = metadata.get("annotations") or {}
    return plain(str(annotations.get(BREAK_GLASS, "")).strip(), _WHY) or None
