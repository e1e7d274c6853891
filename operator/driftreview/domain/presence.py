"""Kind Presence: a heartbeat that must never be silent for long.

What counts against the release is only a silence of the target: of the steps at which the source itself had scraped
nothing, nothing is known, and a source that does not answer says nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.spells import Gaps
from driftreview.api.values import format_duration, parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import earlier, excused, like_before, no_worse, silent_since
from driftreview.domain.coverage import ABSENT, broken_off, unanswered, uncovered
from driftreview.domain.finding import Finding, Side
from driftreview.domain.observed import Observed
from driftreview.domain.spells import when

_NOTHING: Final = timedelta(0)


def judge_presence(
    signal: Signal, baseline: Observed | None, current: Observed
) -> Iterator[tuple[str | None, Finding]]:
    """Judge every series, also those that are gone; None is the signal as a whole."""
    if current.problem is not None and current.problem.reason not in ABSENT:
        yield None, unanswered(signal, current.problem, current.source)
        return
    gone = {key for key in (baseline.sides if baseline else {}) if key not in current.sides}
    keys = current.sides.keys() | (gone if signal.each else {""})
    for key in sorted(keys):
        yield key, _one(signal, baseline, current, key)
    if not keys:
        problem = current.problem or Problem(reason=Reason.EMPTY, message="the query returned no series")
        yield None, unanswered(signal, problem, current.source)


def longest_silence(signal: Signal, side: Side | None) -> timedelta | None:
    """The longest silence of a baseline while its source was scraping, if it broke the rule by that."""
    if side is None or side.gaps is None:
        return None
    found = parse_duration(side.gaps.longest_scraped)
    return found if found and found >= parse_duration(signal.for_ or "0s") else None


def absent_at_most(sides: Iterable[Side]) -> str:
    """The longest silence of any of some series, in words: what a row shows of this kind; empty where none is known."""
    longest = [parse_duration(each) for side in sides if side.gaps for each in (side.gaps.longest, side.gaps.first)]
    return format_duration(max(longest)) if longest else ""


def _was_absent(baseline: Observed | None, key: str) -> bool:
    """Whether it is known that there was no such series at T0."""
    if baseline is None:
        return False
    if baseline.problem is not None:
        return baseline.problem.reason in ABSENT
    side = baseline.sides.get(key)
    return side is None or not side.samples


def _one(signal: Signal, baseline: Observed | None, current: Observed, key: str) -> Finding:
    source, side = current.source, current.sides.get(key)
    since = silent_since(baseline, key)
    is_new = since is not None or _was_absent(baseline, key)
    allowed = parse_duration(signal.for_ or "0s")
    if side is None or side.gaps is None or not side.samples:
        if since is not None:
            return excused(Finding(SignalVerdict.MISSING, None, "not one sample in this window"), since)
        if is_new:
            problem = current.problem or Problem(reason=Reason.EMPTY, message="no sample in this window")
            said = unanswered(signal, problem, source)
            return Finding(said.verdict, said.reason, f"{said.message}; there was none at T0 either")
        silence, known = current.length, source.throughout if source else _NOTHING
        is_whole = current.end is not None and known == silence
        absent = f", since {format_time(current.start)} or before, still" if is_whole and current.start else ""
    else:
        pairs = [(side.gaps.longest, side.gaps.longest_scraped)]
        pairs += [] if is_new else [(side.gaps.first, side.gaps.first_scraped)]
        silence, known = (max(parse_duration(pair[which]) for pair in pairs) for which in (0, 1))
        absent = _when(side.gaps, is_scraped=known >= allowed, is_new=is_new, opens=current.start)
    shown, bound = format_duration(known if known >= allowed else silence), f"allowed is less than {signal.for_}"
    if known and known >= allowed:
        message = f"no sample for {shown} while the source was scraping{absent}, {bound}"
        found = Finding(SignalVerdict.DEGRADED, None, message, current=shown)
        usual = longest_silence(signal, earlier(baseline.sides.get(key)) if baseline else None)
        return like_before(found, f"{format_duration(usual)} at most") if usual and no_worse(known, usual) else found
    lacking = None if side is None else _lacking(signal, baseline, current, key, side, is_new=is_new)
    before = baseline.sides.get(key) if baseline else None
    is_of_source = silence >= allowed and lacking is None and _is_of_source(before, side, current, is_new=is_new)
    if silence and silence >= allowed and not is_of_source:
        reason = Reason.SOURCE_GAP if source else Reason.LOW_COVERAGE
        unknown = f"whether the source was scraping then is not known{current.unknown and f': {current.unknown}'}"
        why = source.sentence if source else unknown
        return Finding(SignalVerdict.MISSING, reason, f"no sample for {shown}{absent}, {bound}; {why}", current=shown)
    if lacking is not None:
        return lacking
    if silence:
        why = f", as {source.sentence}; there were samples before and after" if is_of_source and source else ""
        message = f"no sample for {shown} at most{absent}, {bound}{why}"
        if side is not None and _is_silent_as_never(side, before, current):
            message += f"; it is not over, and Degraded once it lasts {signal.for_}"
            return Finding(SignalVerdict.SUSPECT, None, message, current=shown)
        return Finding(SignalVerdict.ACCEPTABLE, None, message, current=shown)
    return Finding(SignalVerdict.STABLE, None, f"a sample at every step, {bound}", current="0s")


def _when(gaps: Gaps, *, is_scraped: bool, is_new: bool, opens: datetime | None) -> str:
    """When a silence was; nothing of a series that was not there at first, whose own silences began later."""
    if is_new and parse_duration(gaps.first):
        return ""
    return when(gaps.silent_scraped if is_scraped else gaps.silent, opens)


def _is_silent_as_never(side: Side, before: Side | None, current: Observed) -> bool:
    """Whether the window ends in a silence of the target clearly longer than any of its baseline, or than a step."""
    usual = earlier(before)
    longest = parse_duration(usual.gaps.longest_scraped) if usual and usual.gaps else _NOTHING
    last = parse_duration(side.gaps.last_scraped) if side.gaps else _NOTHING
    return bool(last) and not no_worse(last, max(longest, current.length / max(side.expected, 1)))


def _lacking(
    signal: Signal, baseline: Observed | None, current: Observed, key: str, side: Side, *, is_new: bool
) -> Finding | None:
    """That too few samples are there; of a new series since its first one, and to the end."""
    if not is_new or side.gaps is None:
        usual = baseline.sides.get(key) if baseline else None
        return uncovered(signal, side, current.source, usual, current.last_heard(side))
    late = parse_duration(side.gaps.first) / current.length if current.length else 0.0
    begun = replace(side, expected=round(side.expected * (1 - late)))
    since = current.last_heard(side)
    return uncovered(signal, begun, current.source, since=since) or broken_off(signal, side, current.source, since)


def _is_of_source(before: Side | None, side: Side | None, current: Observed, *, is_new: bool) -> bool:
    """Whether a silence is the source's but for less than what is allowed, and the target was heard before and after.

    What it did in a gap of the source is not known, but no more than that is not: of all the rest the window tells.
    Before its first sample a new series was not there; of any other its baseline tells whether it was heard before.
    """
    source, start = current.source, current.start
    if side is None or side.gaps is None or source is None or source.longest is None or start is None:
        return False
    allowed = parse_duration(current.signal.for_ or "0s")
    longest, first, last = (parse_duration(each) for each in (side.gaps.longest, side.gaps.first, side.gaps.last))
    begin, end = source.longest
    if last >= allowed or longest - (end - begin) >= allowed:
        return False
    at_first = max(min(end, start + first) - begin, _NOTHING)
    return is_new or first < allowed or (_is_heard_at_its_end(before, allowed) and first - at_first < allowed)


def _is_heard_at_its_end(before: Side | None, allowed: timedelta) -> bool:
    """Whether a baseline ended in no silence of the target that is not allowed."""
    if before is None or before.gaps is None or not before.samples:
        return False
    return parse_duration(before.gaps.last_scraped) < allowed
