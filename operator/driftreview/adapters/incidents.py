"""Reads what happened to the judged pods: how their containers ended, and the events that warn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import EVENTS
from driftreview.api.incident import MOST_INCIDENTS, Incident
from driftreview.api.reasons import Reason
from driftreview.domain.incidents import SECTION, Subjects, latest_first, of_event, of_pods
from driftreview.domain.pods import Pod

_MOST_EVENTS: Final = 1500
"""A namespace where more warn than that has other worries."""


def read_incidents(reader: FactReader, subjects: Subjects, pods: Iterable[Pod], since: datetime) -> list[Incident]:
    """What happened after a moment, the latest first, at most MOST_INCIDENTS; what was left out is noted.

    Args:
        reader: reads the events.
        subjects: whose events.
        pods: of the judged revision.
        since: the moment.
    """
    # Not by the object's name: the pods that are gone have names that nobody knows any more.
    selectors = {"fieldSelector": "type=Warning"}
    keep = partial(of_event, subjects=subjects, since=since)
    events = reader.list(f"{SECTION}/events", EVENTS, selectors, keep, _MOST_EVENTS)
    if events and not events.whole:
        reader.note(f"{SECTION}/events", Reason.ANSWER_TOO_LARGE, "not all events of the namespace were read")
    found = latest_first([*of_pods(pods, since), *(each for each in (events.found if events else []) if each)])
    if len(found) > MOST_INCIDENTS:
        message = f"{len(found) - MOST_INCIDENTS} older ones are left out"
        reader.note(f"{SECTION}/more", Reason.ANSWER_TOO_LARGE, message)
    return found[:MOST_INCIDENTS]
