"""Whether the source itself was scraping: it tells a gap of the target from one of Prometheus.

Asked once per look, over the look's own window, and frozen with it, so that what rests on it can be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import MAX_VALUES, DriftSnapshotSpec, Problem, ScrapingEvidence
from driftreview.api.reasons import Reason
from driftreview.api.spells import Gaps
from driftreview.api.values import exact_duration, parse_duration
from driftreview.domain.blocks import longest_run, runs
from driftreview.domain.display import shorten
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, TooMany, Window
from driftreview.domain.schedule import LONGEST_BLOCK
from driftreview.domain.shape import MAX_MESSAGE
from driftreview.domain.spells import spells_of

UP: Final = "count(up)"
"""What is asked: a source that scrapes anything writes `up` for it."""


@dataclass(frozen=True)
class Scraping:
    """What the source answered about itself."""

    alive: bytes | None
    """At each step 1 if it had scraped something, else 0; None where that is not known."""
    problem: Problem | None = None
    failure: Failed | None = None
    """Where it may be answered later."""

    @staticmethod
    def of(result: QueryResult) -> Scraping:
        """Read an answer to UP."""
        match result:
            case Samples(series=series):
                present = [[value is not None for value in one.values] for one in series]
                return Scraping(bytes(any(step) for step in zip(*present, strict=True)))
            case NoData(reason) if reason == Reason.EMPTY:
                return _unknown(Reason.EMPTY, "the source has no `up` in this window")
            case NoData(reason, message):
                return _unknown(Reason(reason), message)
            case Failed(reason, message, retryable):
                return _unknown(Reason(reason), message, result if retryable else None)
            case TooMany():
                return _unknown(Reason.SEVERAL_SERIES, f"the source answers {UP} with several series")

    @staticmethod
    def unknown(message: str) -> Scraping:
        """That nothing was ever known of it, and why."""
        return _unknown(Reason.EMPTY, message)

    def evidence(self, window: Window, block: timedelta) -> ScrapingEvidence:
        """As it is frozen."""
        if self.alive is None:
            return ScrapingEvidence(problem=self.problem)
        size, silent, first = block // window.step, [], 0
        longest, throughout = (0, 0), 0
        for is_alive, count in runs(self.alive):
            if is_alive:
                throughout = max(throughout, count)
            else:
                silent.append((first, count))
                longest = max(longest, (count, first))
            first += count
        count, start = longest
        return ScrapingEvidence(
            silent=sum(number for _, number in silent),
            stretches=len(silent),
            blocks=_ranges(sorted({at // size for begin, number in silent for at in range(begin, begin + number)})),
            silent_from=window.start + window.step * start if count else None,
            silent_until=window.start + window.step * (start + count) if count else None,
            throughout=exact_duration(window.step * throughout),
        )


@dataclass(frozen=True)
class Scraped:
    """What is known of the source's own gaps in a window."""

    points: int
    silent: int
    """Steps at which it had scraped nothing."""
    longest: tuple[datetime, datetime] | None
    """Its longest gap."""
    throughout: timedelta
    """The longest stretch in which it had scraped something at every step."""

    @staticmethod
    def of(frozen: DriftSnapshotSpec, at_t0: Scraped | None = None) -> Scraped | None:
        """Read it from evidence; None where it is not known.

        Args:
            frozen: the evidence of a window.
            at_t0: what is known of T0's window: a source that had `up` then and has none now was silent.
        """
        found, window = frozen.scraping, frozen.window
        if found is None or window is None:
            return None
        points = (window.end - window.start) // parse_duration(window.step)
        if found.problem is not None:
            is_gone = found.problem.reason is Reason.EMPTY and at_t0 is not None
            return Scraped(points, points, (window.start, window.end), timedelta(0)) if is_gone else None
        blocks = -(-(window.end - window.start) // min(parse_duration(window.block), LONGEST_BLOCK))
        if found.stretches > blocks:  # everything is scraped less often than every two steps
            return None
        ends = (found.silent_from, found.silent_until)
        longest = (ends[0], ends[1]) if ends[0] and ends[1] else None
        return Scraped(points, found.silent, longest, parse_duration(found.throughout))

    @property
    def beside(self) -> str:
        """The same where its gaps are not why samples are missing."""
        if not self.silent:
            return self.sentence
        return f"the source itself scraped nothing at {self.silent} of {self.points} steps only"

    @property
    def sentence(self) -> str:
        """Its gap in words."""
        if self.longest is None:
            return "the source itself was scraping all the time"
        first, last = (format_time(moment) for moment in self.longest)
        return f"the source itself scraped nothing from {first} to {last}"


def gaps_of(series: Series, window: Window, scraping: Scraping | None) -> Gaps:
    """How long a series was absent."""
    alive = scraping.alive if scraping is not None else None
    missing = [value is None for value in series.values]
    known = [gone and bool(alive[at]) for at, gone in enumerate(missing)] if alive else [False] * len(missing)
    first = missing.index(False) if False in missing else len(missing)
    longest, longest_scraped = (longest_run(each[first:]) for each in (missing, known))
    last = missing[::-1].index(False) if False in missing else len(missing)
    lengths = {
        "longest": longest,
        "longest_scraped": longest_scraped,
        "first": first,
        "first_scraped": longest_run(known[:first]),
        "last": last,
        "last_scraped": longest_run(known[len(known) - last :]),
    }
    absent: list[bool | None] = [*missing]
    scraped = [None if gone and not is_known else is_known for gone, is_known in zip(missing, known, strict=True)]
    when = {"silent": absent, "silent_scraped": scraped}
    return Gaps.model_validate(
        {name: exact_duration(length * window.step) for name, length in lengths.items()}
        | {name: spells_of(flags, window, of_samples=False) for name, flags in when.items()}
    )


def _unknown(reason: Reason, message: str, failure: Failed | None = None) -> Scraping:
    return Scraping(None, Problem(reason=reason, message=shorten(message, MAX_MESSAGE)), failure)


def _ranges(numbers: list[int]) -> str:
    """`3-7 12` for 3, 4, 5, 6, 7 and 12."""
    runs = [list(run) for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    spans = [(run[0][1], run[-1][1]) for run in runs]
    return shorten(" ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in spans), MAX_VALUES)
