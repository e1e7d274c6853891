"""Reads what happened to the judged pods: how their containers ended, and the events that warn."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.adapters.errors import ForbiddenError, RefusedError
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import EVENTS
from driftreview.adapters.podlist import judged_pods
from driftreview.api.incident import MOST_INCIDENTS, Incident
from driftreview.api.reasons import Reason
from driftreview.api.status import Revision
from driftreview.domain.incidents import Subjects, latest_first, of_event, of_pods

SECTION: Final = "incidents"
_MOST_PAGES: Final = 80
"""Of 25 events: a namespace where more warn than that has other worries."""


def read_incidents(reader: FactReader, target: str, judged: Revision, since: datetime) -> list[Incident]:
    """What happened after a moment, the latest first, at most MOST_INCIDENTS; what was left out is noted."""
    found: list[Incident] = []
    try:
        found += of_pods(judged_pods(reader.cluster, reader.namespace, target, judged), since)
    except RefusedError as error:
        _note(reader, "pods", error)
    try:
        found += _events(reader, Subjects(target, judged.name), since)
    except RefusedError as error:
        _note(reader, "events", error)
    found = latest_first(found)
    if len(found) > MOST_INCIDENTS:
        message = f"{len(found) - MOST_INCIDENTS} older ones are left out"
        reader.note(f"{SECTION}/more", Reason.ANSWER_TOO_LARGE, message)
    return found[:MOST_INCIDENTS]


def _events(reader: FactReader, subjects: Subjects, since: datetime) -> list[Incident]:
    found: list[Incident] = []
    # Not by the object's name: the pods that are gone have names that nobody knows any more.
    selectors = {"fieldSelector": "type=Warning"}
    pages = reader.cluster.objects(EVENTS, reader.namespace, selectors, lambda raw: of_event(raw, subjects, since))
    for number, page in enumerate(pages):
        found += filter(None, page)
        if number + 1 == _MOST_PAGES:
            reader.note(f"{SECTION}/events", Reason.ANSWER_TOO_LARGE, "not all events of the namespace were read")
            break
    return found


def _note(reader: FactReader, what: str, error: RefusedError) -> None:
    reason = Reason.FORBIDDEN if isinstance(error, ForbiddenError) else Reason.REFUSED
    reader.note(f"{SECTION}/{what}", reason, f"the operator may not list {what}: {error}")
