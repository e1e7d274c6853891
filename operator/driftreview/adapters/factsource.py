"""Asks the metric source for facts; what cannot be had is noted with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from driftreview.adapters.answers import Rows
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError, PrometheusSource
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.domain.query import QueryProblem, resolve
from driftreview.domain.samples import Failed, NoData

_T = TypeVar("_T")
_TRIES: Final = 4
"""Each waits a moment for room at the source."""
_BUSY: Final = "as many queries run at the metric source as may at once"


@dataclass(frozen=True)
class FactSource:
    """The metric source at the moment that a look judges."""

    reader: FactReader
    found: FoundSource | Problem
    at: datetime
    variables: Mapping[str, str]
    """For the ${...} of queries."""

    def ask(self, about: str, query: str, nothing: str = "") -> Rows | None:
        """What a query says of the moment; None if it says nothing, which is noted with its reason.

        Args:
            about: what it is asked for.
            query: with its variables.
            nothing: what to say of an answer without a number, where no number in place of it would do.
        """
        sent = resolve(query, self.variables)
        if isinstance(sent, QueryProblem):
            self.reader.note(about, sent.reason, sent.message)
            return None
        answer = self.put(about, lambda server: server.instant(sent, self.at))
        if isinstance(answer, Rows):
            return answer
        if isinstance(answer, NoData):
            self.reader.note(about, Reason(answer.reason), nothing or answer.message)
        return None

    def put(self, about: str, question: Callable[[PrometheusSource], _T | Failed]) -> _T | None:
        """What the source answers to any question, which may be that there is nothing; None if it does not answer.

        Args:
            about: what it is asked for, such as alerts/new; why there is no answer is noted by this name.
            question: asks the source once.
        """
        if isinstance(self.found, Problem):
            self.reader.note(about, self.found.reason, self.found.message)
            return None
        for _ in range(_TRIES):
            try:
                answer = question(self.found.source)
            except BusyError:
                continue
            if isinstance(answer, Failed):
                self.reader.note(about, Reason(answer.reason), answer.message)
                return None
            return answer
        self.reader.note(about, Reason.TIMEOUT, _BUSY)
        return None
