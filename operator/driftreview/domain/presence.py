"""Kind Presence: a heartbeat that must never be silent for long.

What counts against the release is only a silence of the target: of the steps at which the source itself had scraped
nothing, nothing is known, and a source that does not answer says nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.api.values import format_duration, parse_duration
from driftreview.domain.coverage import unanswered, uncovered
from driftreview.domain.finding import Finding, Side
from driftreview.domain.observed import Observed
from driftreview.domain.scraping import Scraped

_ABSENT: Final = (Reason.EMPTY, Reason.ONLY_NAN, Reason.ONLY_INFINITE)
"""What the source says of a query that it answered, but with no sample."""
_NOTHING: Final = timedelta(0)


def judge_presence(
    signal: Signal, baseline: Observed | None, current: Observed
) -> Iterator[tuple[str | None, Finding]]:
    """Judge every series, also those that are gone; None is the signal as a whole."""
    if current.problem is not None and current.problem.reason not in _ABSENT:
        yield None, unanswered(signal, current.problem, current.source)
        return
    gone = {key for key in (baseline.sides if baseline else {}) if key not in current.sides}
    keys = current.sides.keys() | (gone if signal.each else {""})
    for key in sorted(keys):
        yield key, _one(signal, current, current.sides.get(key), is_new=_was_absent(baseline, key))
    if not keys:
        problem = current.problem or Problem(reason=Reason.EMPTY, message="the query returned no series")
        yield None, unanswered(signal, problem, current.source)


def _was_absent(baseline: Observed | None, key: str) -> bool:
    """Whether it is known that there was no such series at T0."""
    if baseline is None:
        return False
    if baseline.problem is not None:
        return baseline.problem.reason in _ABSENT
    side = baseline.sides.get(key)
    return side is None or not side.samples


def _one(signal: Signal, current: Observed, side: Side | None, *, is_new: bool) -> Finding:
    source = current.source
    if side is None or side.gaps is None or not side.samples:
        if is_new:
            problem = current.problem or Problem(reason=Reason.EMPTY, message="no sample in this window")
            said = unanswered(signal, problem, source)
            return Finding(said.verdict, said.reason, f"{said.message}; there was none at T0 either")
        silence, known = current.length, source.throughout if source else _NOTHING
    else:
        pairs = [(side.gaps.longest, side.gaps.longest_scraped)]
        pairs += [] if is_new else [(side.gaps.first, side.gaps.first_scraped)]
        silence, known = (max(parse_duration(pair[which]) for pair in pairs) for which in (0, 1))
    allowed = parse_duration(signal.for_ or "0s")
    shown, bound = format_duration(known if known >= allowed else silence), f"allowed is less than {signal.for_}"
    if known and known >= allowed:
        message = f"no sample for {shown} while the source was scraping, {bound}"
        return Finding(SignalVerdict.DEGRADED, None, message, current=shown)
    thin = uncovered(signal, side, source) if side is not None else None
    excused = silence >= allowed and thin is None and _is_excused(side, source, allowed)
    if silence and silence >= allowed and not excused:
        reason = Reason.SOURCE_GAP if source else Reason.LOW_COVERAGE
        unknown = f"whether the source was scraping then is not known{current.unknown and f': {current.unknown}'}"
        why = source.sentence if source else unknown
        return Finding(SignalVerdict.MISSING, reason, f"no sample for {shown}, {bound}; {why}", current=shown)
    if thin is not None:
        return thin
    if silence:
        why = f", as {source.sentence}; there were samples before and after" if excused and source else ""
        message = f"no sample for {shown} at most, {bound}{why}"
        return Finding(SignalVerdict.ACCEPTABLE, None, message, current=shown)
    return Finding(SignalVerdict.STABLE, None, f"a sample at every step, {bound}", current="0s")


def _is_excused(side: Side | None, source: Scraped | None, allowed: timedelta) -> bool:
    """Whether a silence is the source's but for less than what is allowed, and the target was heard before and after.

    What it did in a gap of the source is not known, but no more than that is not: of all the rest the window tells.
    """
    if side is None or side.gaps is None or source is None or source.longest is None or not source.is_back:
        return False
    start, end = source.longest
    is_heard_before = parse_duration(side.gaps.first) < allowed
    return is_heard_before and parse_duration(side.gaps.longest) - (end - start) < allowed
