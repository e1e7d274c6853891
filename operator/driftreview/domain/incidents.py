"""Incidents: what of pods and events is one, since when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from driftreview.api.facts import Facts
from driftreview.api.incident import Incident, IncidentKind
from driftreview.domain.display import plain, some
from driftreview.domain.pods import CRASH_LOOP, Pod

SECTION: Final = "incidents"
CONTROLLER: Final = "driftreview.dev/operator"
"""As whom the operator writes Events of its own: what it warns of a review is no incident of the target."""
_OOM: Final = "OOMKilled"
_OBJECT, _REASON, _MESSAGE = 390, 120, 240
_NAMED: Final = 2
_MOST_COUNTED: Final = 2**31


@dataclass(frozen=True)
class Subjects:
    """Whose events are incidents."""

    own: frozenset[tuple[str, str]]
    """Kind and name of the target and of its judged revision."""
    pods: str
    """A regular expression for the names of its pods."""

    def concern(self, kind: str, name: str) -> bool:
        """Whether an event is about the target, its judged revision or one of its pods, which may be gone."""
        return (kind, name) in self.own or (kind == "Pod" and re.fullmatch(self.pods, name) is not None)


def of_pods(pods: Iterable[Pod], since: datetime) -> Iterator[Incident]:
    """Containers that ended after a moment, each with its last end, or that keep ending."""
    for pod in pods:
        for container in pod.containers:
            ended = container.ended
            lately = ended is not None and ended.at is not None and ended.at > since
            loops = container.waiting == CRASH_LOOP
            if ended is None or not (lately or loops):
                continue
            yield Incident(
                kind=IncidentKind.OOM_KILLED if ended.reason == _OOM else IncidentKind.RESTARTED,
                object=plain(f"Pod/{pod.name}, container {container.name}", _OBJECT),
                reason=plain(CRASH_LOOP if loops else ended.reason, _REASON),
                at=ended.at,
                count=container.restarts,
                exit_code=ended.exit_code,
            )


def of_event(raw: Mapping[str, Any], subjects: Subjects, since: datetime) -> Incident | None:
    """What an event of type Warning says of the judged pods, their revision or the target after a moment."""
    about, series = raw.get("involvedObject") or {}, raw.get("series") or {}
    kind, name = about.get("kind") or "", about.get("name") or ""
    ours = raw.get("reportingComponent") == CONTROLLER
    if raw.get("type") != "Warning" or ours or not subjects.concern(kind, name):
        return None
    last = series.get("lastObservedTime") or raw.get("lastTimestamp") or raw.get("eventTime")
    last = last or (raw.get("metadata") or {}).get("creationTimestamp")
    at = datetime.fromisoformat(last) if last else None
    if at is not None and at <= since:
        return None
    return Incident(
        kind=IncidentKind.WARNING,
        object=plain(f"{kind}/{name}", _OBJECT),
        reason=plain(raw.get("reason") or "", _REASON),
        at=at,
        count=min(max(series.get("count") or raw.get("count") or 1, 0), _MOST_COUNTED),
        message=plain(" ".join((raw.get("message") or "").split()), _MESSAGE),
    )


def ended(facts: Facts | None) -> str:
    """Containers that were killed or restarted, for whoever asks why; empty if none is known of."""
    found = [each for each in facts.incidents if each.kind is not IncidentKind.WARNING] if facts else []
    return some([f"{each.object} ({_how(each)})" for each in found], _NAMED)


def _how(incident: Incident) -> str:
    code = "" if incident.exit_code is None else f", exit code {incident.exit_code}"
    times = f", {incident.count} restarts in all" if incident.count > 1 else ""
    return f"{incident.reason or incident.kind}{code}{times}"


def latest_first(found: Iterable[Incident]) -> list[Incident]:
    """In the order of their time, the latest first; what has none comes first."""
    return sorted(found, key=lambda each: -each.at.timestamp() if each.at else float("-inf"))
