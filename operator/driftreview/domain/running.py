"""What is kept of the objects around a release: what scales it, when they were edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.api.configuration import AutoscalerFact
from driftreview.domain.display import printable

Raw = Mapping[str, Any]

VERSION: Final = "app.kubernetes.io/version"
_METRICS: Final = 32
_NAME: Final = 253
_MANAGER: Final = 128


@dataclass(frozen=True)
class Edit:
    """Who wrote a part of an object last, as far as its field managers tell."""

    manager: str
    """A program's name for itself, such as kubectl-rollout: anybody may call themselves so."""
    at: datetime
    """When it last wrote any part of the object."""
    operation: str = "Update"
    """Apply (server-side apply) or Update (all else)."""

    def __str__(self) -> str:
        """As sentences say it."""
        return f"{self.manager} at {format_time(self.at)}"


def last_edit(metadata: Raw, part: str) -> Edit | None:
    """Who wrote a part of an object's spec last; None where no field manager tells."""
    return max(
        (
            Edit(
                printable(str(each.get("manager", "")), _MANAGER) or "an unnamed manager",
                moment,
                str(each.get("operation") or "Update"),
            )
            for each in metadata.get("managedFields") or []
            if f"f:{part}" in (each.get("fieldsV1") or {}).get("f:spec", {}) and each.get("subresource") != "status"
            for moment in [_latest([each.get("time")])]
            if moment is not None
        ),
        key=lambda each: each.at,
        default=None,
    )


def edited_at(metadata: Raw) -> datetime | None:
    """When an object was last edited, its status apart; its creation where no field manager tells."""
    entries = metadata.get("managedFields") or []
    return _latest(each.get("time") for each in entries if each.get("subresource") != "status") or _latest(
        [metadata.get("creationTimestamp")]
    )


def autoscaler_of(raw: Raw, kind: str, name: str) -> AutoscalerFact | None:
    """A HorizontalPodAutoscaler as a fact, if it scales this workload."""
    metadata, spec = raw["metadata"], raw["spec"]
    ref = spec.get("scaleTargetRef") or {}
    if (ref.get("kind"), ref.get("name")) != (kind, name):
        return None
    return AutoscalerFact(
        name=metadata["name"],
        least=spec.get("minReplicas", 1),
        most=spec["maxReplicas"],
        metrics=[_metric(each)[:_NAME] for each in (spec.get("metrics") or [])[:_METRICS]],
        changed_at=edited_at(metadata),
    )


def _metric(raw: Raw) -> str:
    """The name of what an autoscaler follows: `cpu`, or of a metric."""
    part = raw.get(str(raw.get("type", ""))[:1].lower() + str(raw.get("type", ""))[1:]) or {}
    return str(part.get("name") or (part.get("metric") or {}).get("name") or raw.get("type", ""))


def scaled_at(metadata: Raw) -> datetime | None:
    """When spec.replicas was last written; only its newest writer owns it."""
    edit = last_edit(metadata, "replicas")
    return edit.at if edit else None


def _latest(times: Iterable[str | None]) -> datetime | None:
    return max((datetime.fromisoformat(each) for each in times if each), default=None)
