"""Asks a metric source for facts; what it does not answer is noted with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.prometheus import BusyError, PrometheusSource
from driftreview.api.reasons import Reason
from driftreview.domain.alertrules import Rule, read_rules
from driftreview.domain.samples import Failed

_T = TypeVar("_T")


def ask_source(reader: FactReader, about: str, question: Callable[[], _T | Failed]) -> _T | None:
    """Ask, and note why there is no answer.

    Args:
        reader: keeps the note.
        about: what it is asked for, such as alerts/new.
        question: asks.

    Returns:
        The answer; None if there is none. A source that is busy has not answered in time: it is asked again.
    """
    try:
        answer = question()
    except BusyError:
        reader.note(about, Reason.TIMEOUT, "there was no room for it at the metric source")
        return None
    if isinstance(answer, Failed):
        reader.note(about, Reason(answer.reason), answer.message)
        return None
    return answer


def read_alert_rules(reader: FactReader, about: str, source: PrometheusSource) -> tuple[Rule, ...] | None:
    """The rules that a source has loaded now; None if it does not say, which is noted."""
    said = ask_source(reader, about, lambda: source.data("rules", {}))
    if said is None:
        return None
    rules = read_rules(said, source.credentials.hide)
    if rules is None:
        reader.note(about, Reason.NOT_FOUND, "what it says of its rules cannot be read")
    return rules
