"""Kind Events: why what is surely too many or too few is not laid to the release at once, and why what is good is not.

What was under way when the baseline ended is older than the release: only what is surely worse than that as well is of
it. What is good again by the end of the window may have healed. And a count of two days forgives hours without anything
that should happen: as with a level that is compared by its logarithms, such a part counts in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from driftreview.api.signal import Worse
from driftreview.api.values import format_duration
from driftreview.domain.before import GOING_BACK, earlier
from driftreview.domain.bursts import span_of
from driftreview.domain.counted import Events, count_events, course_of, tail_of
from driftreview.domain.dispersion import mean_of
from driftreview.domain.display import quantity
from driftreview.domain.family import Bound, Sure
from driftreview.domain.finding import FEWEST_BLOCKS, Side
from driftreview.domain.lately import last_with
from driftreview.domain.measured import AFFIRMED, Case, Grid
from driftreview.domain.recent import FEWEST_AT_LAST, at_last
from driftreview.domain.tails import beta_cdf

_AT_ITS_END: Final = 4
"""Of the baseline's last so many-th part it is asked what was under way; what precedes it is what was usual."""
_SURELY: Final = 0.01
"""Probability at most of taking a steady baseline for one that changed, or a steady window for one that got better."""
_NEARLY_NONE: Final = 0.01
"""Of what is expected: fewer count as so many, as levels do on logarithms, so that none is no worse than hardly any."""


@dataclass(frozen=True)
class UnderWay:
    """What a baseline ended in."""

    found: Events
    """Its last blocks, held against what precedes its last quarter."""
    before: Side
    """What precedes that."""
    quarter: int
    """Blocks of that."""

    @property
    def lasting(self) -> str:
        """How long it was on by then, in words."""
        return format_duration(timedelta(hours=len(self.found.case.now.blocks) * self.found.grid.hours_per_block))


def not_at_once(each: Events, sure: Sure) -> str:
    """Why what is surely beyond the margin is no more than suspect, in words; empty where it is the release's."""
    if healed := _healed(each):
        return healed
    begun = under_way(each.case, each.grid)
    if begun is None or begun.found.sign != each.sign or _is_worse_than(begun, each, sure):
        return ""
    return f"it was so before T0 already, for the last {begun.lasting} of its baseline: {GOING_BACK}"


def under_way(case: Case, grid: Grid) -> UnderWay | None:
    """What a baseline ended in, if that is surely worse than before, and unlike what it had before; else None."""
    side = earlier(case.before)
    quarter = len(side.blocks) // _AT_ITS_END if side else 0
    if side is None or case.signal.margin is None or quarter < 1:
        return None
    past, last = Side(side.blocks[:-quarter]), replace(case, now=Side(side.blocks[-quarter:]))
    if len(past.present) < FEWEST_BLOCKS or not last.now.present:
        return None
    last = replace(last, before=past)
    whole = count_events(last, Grid(grid.hours_per_block), 1)
    bouts = [course_of(last, whole.grid, sign).at_the_end() for sign in _signs(case)]
    bout = max((bout for bout in bouts if bout), key=lambda bout: bout.gain, default=None)
    if bout is None:
        return None
    found = whole.part(bout.first)
    is_sure = found.is_unlike and (found.claims.worse or 0.0) <= _SURELY
    return UnderWay(found, past, quarter) if is_sure else None


def outage(each: Events, sure: Sure) -> str:
    """That there was hardly anything for an hour or longer where some should be, in words; empty where there was not.

    So much less that the mean in which every part counts in full is beyond the margin, surely so in that part itself,
    and unlike any as long of the baseline.
    """
    if each.counts is None or each.case.signal.worse is Worse.HIGHER:
        return ""
    course = course_of(each.case, each.grid, -1)
    bout = course.worst()
    if bout is None or bout.after - bout.first < FEWEST_BLOCKS or bout.expected >= course.usual[-1]:
        return ""
    total = float(course.usual[-1])
    rest = (float(course.events[-1]) - bout.events) / (total - bout.expected)
    share = bout.expected / total
    in_full = 1 / (share / max(bout.events / bout.expected, _NEARLY_NONE) + (1 - share) / max(rest, _NEARLY_NONE))
    part = each.part(bout.first, bout.after)
    if in_full * total >= max(factor * total + extra for factor, extra in each.bounds_on(-1)):
        return ""
    chance = part.claims.beyond.get(Bound.MARGIN, 1.0)
    tried = course.blocks * (course.blocks + 1) // 2
    if part.sign > 0 or not part.is_unlike or chance > sure.share / tried:
        return ""
    return course.told(bout, each.case.signal.unit, each.grid)


def _signs(case: Case) -> tuple[int, ...]:
    return {Worse.HIGHER: (1,), Worse.LOWER: (-1,), Worse.EITHER: (1, -1)}[case.signal.worse]


def _is_worse_than(begun: UnderWay, each: Events, sure: Sure) -> bool:
    """Whether a window is surely farther than its margin from what was under way, were that to go on.

    How bad that was nobody knows exactly: it began somewhere in its first block, and what the query counts in its `for`
    was at first of the time before. Half of both is left out of it, and all that is unusual happened in the rest.
    """
    now = count_events(replace(each.case, before=begun.before), replace(each.grid, gap=each.grid.gap + begun.quarter))
    then, blocks = begun.found.counts, len(begun.found.case.now.present)
    if then is None or now.counts is None or each.counts is None:
        return True
    lag = span_of(each.case.signal) / timedelta(hours=each.grid.hours_per_block)
    was_on = 1 - (1 + lag) / 2 / blocks
    if was_on <= 0:
        return False
    is_told = min(then.expected, now.counts.expected) > 0
    exposure = then.expected / now.counts.expected if is_told else blocks / len(each.case.now.present)
    against = replace(
        now.counts,
        capped=each.counts.capped,
        before=max(then.expected * was_on + then.now - then.expected, 0.0),
        exposure=exposure * was_on,
        dispersions=max(then.dispersions, now.counts.dispersions, key=mean_of),
    )
    return tail_of(against, each.sign, each.bounds) <= sure.allowed[Bound.MARGIN]


def _healed(each: Events) -> str:
    """That the last third, or where that is two blocks the last one, is better and no longer surely beyond the margin.

    In words; empty where it is not. It must surely be better than what precedes it: a few events may come early by
    chance.
    """
    count = at_last(len(each.case.now.present))
    for blocks in (count, 1) if count <= FEWEST_AT_LAST else (count,):
        late = each.part(len(each.case.now.blocks) - last_with(each.case.now.blocks, blocks))
        if _is_better(late, each) and late.claims.beyond.get(Bound.MARGIN, 1.0) >= AFFIRMED and late.counts:
            some, usual = (quantity(value, each.case.signal.unit) for value in (late.counts.now, late.counts.expected))
            return f"{some} in the last {late.lasting} against {usual} expected: it may have healed"
    return ""


def _is_better(late: Events, each: Events) -> bool:
    """Whether the end of a window is surely better than what precedes it, by how many of its events are at its end."""
    if late.counts is None or each.counts is None:
        return False
    is_told = 0 < late.counts.expected < each.counts.expected
    share = late.counts.expected / each.counts.expected if is_told else late.hours / each.hours
    worth = each.counts.dispersion
    there, before = (max(number, 0.0) / worth for number in (late.counts.now, each.counts.now - late.counts.now))
    if each.sign > 0:
        return before > 0 and beta_cdf(1 - share, share, before, there + 1) <= _SURELY
    return there > 0 and beta_cdf(share, 1 - share, there, before + 1) <= _SURELY
