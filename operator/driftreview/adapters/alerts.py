"""Reads the alerts of a stretch of time from a metric source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from driftreview.adapters.answers import Rows
from driftreview.adapters.factsource import FactSource
from driftreview.api.alerts import MOST_ALERTS, AlertFact, Alerts, AlertsFact
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.domain.alertrules import Rule, unwatched
from driftreview.domain.alerts import GRAVE, HEARTBEAT, NEW, SECTION, heartbeat_query, queries, selector
from driftreview.domain.display import plain
from driftreview.domain.query import QueryProblem
from driftreview.domain.samples import NoData

_Found: TypeAlias = dict[tuple[str, str], float]
_LEAST: Final = timedelta(minutes=1)


def read_alerts(
    source: FactSource,
    spec: DriftReviewSpec,
    alerts: Alerts,
    stretch: tuple[datetime, datetime],
    rules: Sequence[Rule] | None,
) -> AlertsFact | None:
    """What fired in a stretch of time, and whether the heartbeat does at its end.

    Args:
        source: is asked.
        spec: of the review.
        alerts: what it declares.
        stretch: from when until when.
        rules: those that the source has loaded now; None where they are not known.

    Returns:
        None if what fired is not known, which is noted.
    """
    since, until = stretch[0], max(stretch[1], stretch[0] + _LEAST)
    series = selector(alerts, source.variables)
    if isinstance(series, QueryProblem):
        source.reader.note(f"{SECTION}/{NEW}", series.reason, f"spec.alerts.match: {series.message}")
        return None
    asked = queries(series, until - since)
    answers: list[_Found] = []
    for query in (asked.first, asked.last, asked.steps, asked.firing):
        answer = _ask(source, NEW, query, until)
        if answer is None:
            return None
        answers.append(answer)
    first, last, steps, firing = answers
    fired = [
        AlertFact(
            name=plain(name, 200),
            severity=plain(severity, 64),
            since=_moment(first.get(key), until),
            until=_moment(last.get(key), until),
            seconds=int(steps.get(key, 0) * asked.step.total_seconds()),
            firing=key in firing,
        )
        for key in first.keys() | firing.keys()  # one that just began is not found between the steps
        for name, severity in [key]
    ]
    fired.sort(key=lambda each: (each.severity not in GRAVE, each.since, each.name, each.severity))
    alive = None
    if alerts.heartbeat is not None:
        beats = _ask(source, HEARTBEAT, heartbeat_query(alerts.heartbeat), until)
        alive = None if beats is None else bool(beats)
    return AlertsFact(
        since=since,
        until=until,
        fired=fired[:MOST_ALERTS],
        left_out=max(len(fired) - MOST_ALERTS, 0),
        heartbeat=alive,
        unwatched=None if rules is None else unwatched(spec.signals, rules),
    )


def _ask(source: FactSource, name: str, query: str, at: datetime) -> _Found | None:
    """By name and severity what a query answers; None if it does not, which is noted."""
    answer = source.put(f"{SECTION}/{name}", lambda server: server.instant(query, at))
    if isinstance(answer, Rows):
        rows = ((row.labels.get("alertname", ""), row.labels.get("severity", ""), row.value) for row in answer.rows)
        return {(alert, severity): value for alert, severity, value in rows if value is not None}
    return {} if isinstance(answer, NoData) else None


def _moment(seconds: float | None, otherwise: datetime) -> datetime:
    """A moment as a server says it, to the second; another where it says none, or it can be none."""
    if seconds is None:
        return otherwise
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return otherwise
