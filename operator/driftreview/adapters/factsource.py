"""Asks the metric source for facts: one query, one moment, and what cannot be had is noted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.adapters.answers import Rows
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError, InstantResult
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.domain.query import QueryProblem, resolve
from driftreview.domain.samples import Failed

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

    def ask(self, about: str, query: str) -> Rows | None:
        """What a query says; None if it says nothing, which is noted with its reason."""
        if isinstance(self.found, Problem):
            self.reader.note(about, self.found.reason, self.found.message)
            return None
        sent = resolve(query, self.variables)
        if isinstance(sent, QueryProblem):
            self.reader.note(about, sent.reason, sent.message)
            return None
        answer = self._answer(self.found, sent)
        if answer is None:
            self.reader.note(about, Reason.TIMEOUT, _BUSY)
            return None
        if isinstance(answer, Rows):
            return answer
        what = answer.message if isinstance(answer, Failed) else f"the query returned nothing: {answer.message}"
        self.reader.note(about, Reason(answer.reason), what)
        return None

    def _answer(self, found: FoundSource, query: str) -> InstantResult | None:
        """What the source answers; None if there was no room for the query."""
        for _ in range(_TRIES):
            with suppress(BusyError):
                return found.source.instant(query, self.at)
        return None
