"""One series at one look, measured: on which scale, how much worse it is, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from driftreview.api.signal import Signal, Worse
from driftreview.domain.course import Course
from driftreview.domain.covariate import Covariate
from driftreview.domain.ended import Ended, ends_beyond, excused_up_to
from driftreview.domain.family import Bound, Claims
from driftreview.domain.finding import Finding, Side
from driftreview.domain.margins import alert_of, margin_of
from driftreview.domain.noise import Floats
from driftreview.domain.outlying import Outlying
from driftreview.domain.past import Late, Past
from driftreview.domain.recent import End
from driftreview.domain.rules import is_compared, sign_of, unsound
from driftreview.domain.scale import Scale
from driftreview.domain.standing import standing_of
from driftreview.domain.tails import student_quantile, student_sf

AFFIRMED: Final = 0.05
"""Probability at most of calling something good that is worse by its whole margin."""


@dataclass(frozen=True)
class Beside:
    """The control that a series is held against."""

    level: float
    """Its mean in this window, in the signal's unit."""
    is_ratio: bool
    """Whether the series is held against it as its quotient, not as their difference."""


@dataclass(frozen=True)
class Case:
    """One series, to be held against a baseline, limits, or both."""

    signal: Signal
    before: Side | None
    """None: there is nothing to compare with."""
    now: Side
    lacking: Finding | None = None
    """Why there is nothing to compare with, if there should be."""
    covariate: Covariate | None = None
    beside: Beside | None = None
    """The control, if there is one: both sides are then as they would be beside it."""
    standing: str = ""
    """What of it stands still that never did, in words."""
    ended: tuple[Ended, ...] = ()
    """How its baseline ended beyond the alert limit, whatever else that is good for."""

    @staticmethod
    def of(signal: Signal, baseline: Side | str, now: Side, covariate: Covariate | None = None) -> Case:
        """A series; `baseline` is a text where there is none."""
        lacking = unsound(signal, baseline)
        if lacking is None and covariate is not None:
            lacking = covariate.unfit()
        sound = baseline if isinstance(baseline, Side) and lacking is None else None
        alert, old = alert_of(signal), baseline if isinstance(baseline, Side) else None
        ended = () if alert is None else ends_beyond(old, alert, sign_of(signal))
        standing = "" if sound is None else standing_of(signal, sound, now, covariate)
        if sound is not None and covariate is not None:
            beside = covariate.laid_beside(signal, sound, now)
            if not isinstance(beside, Finding):
                return Case(signal, *beside[:2], covariate=beside[2], standing=standing, ended=ended)
            sound, lacking = None, beside
        needed = lacking if is_compared(signal) else None
        return Case(signal, sound, now, needed, covariate if sound else None, standing=standing, ended=ended)

    def until(self, block: int) -> Case:
        """The same with no more than so many blocks since T0."""
        covariate = self.covariate and replace(self.covariate, now=Side(self.covariate.now.blocks[:block]))
        return replace(self, now=Side(self.now.blocks[:block]), covariate=covariate)


@dataclass(frozen=True)
class Grid:
    """How the blocks lie."""

    hours_per_block: float
    gap: int = 0
    """Blocks between the baseline's end and T0."""
    seen: int = 0
    """Blocks since T0 that the look before had as well."""
    since: float = 0.0
    """Hours from T0 to the first block of the window."""
    closes: float = 0.0
    """Hours from T0 until nothing can be rolled back any more."""


@dataclass(frozen=True)
class Measured:
    """What was found for one series, on its scale, up being worse."""

    case: Case
    scale: Scale
    level: float
    """Mean since T0."""
    level_error: float
    block_error: float
    """Standard deviation of one block's noise."""
    step: float
    """How much worse it is than the baseline leads to expect."""
    error: float
    freedom: float
    """Degrees of freedom of both errors."""
    unlike: float
    """The largest step that the baseline made by itself."""
    fresh: float
    """The step of what the look before did not have."""
    fresh_error: float
    ending: float
    """The step of the last blocks."""
    ending_error: float
    unlike_ending: float
    """The largest step of so few blocks that the baseline made by itself."""
    late: Late
    """What was under way when the baseline ended."""
    early: float
    """A change of level after its first days, which may have been a weekend; zero where there is none."""
    is_own: bool
    """Whether the noise is that of the window, surely larger than the baseline's."""
    since: Floats = field(compare=False)
    """The blocks since T0 without what repeats and what is followed, NaN where there is none."""
    course: Course = field(compare=False)
    recent: End
    past: Past
    outlying: Outlying | None
    """In the units of the panel, whichever direction is worse."""
    mirrored: Measured | None = None
    """The same with the other side up, where that is worse too."""

    @property
    def above(self) -> float:
        """By how much the worse level of its baseline is beyond what the baseline leads to expect on the whole."""
        return max(self.step - self.late.least, 0.0)

    @property
    def above_error(self) -> float:
        """How well that is known: what it adds to an error."""
        _, error = min(self.late.steps)
        return math.sqrt(max(error**2 - self.error**2, 0.0)) if self.late.size else 0.0

    @cached_property
    def expected(self) -> float:
        """What the baseline leads to expect, in the signal's unit."""
        return self.scale.back(self.level - self.step)

    @cached_property
    def current(self) -> float:
        """What was found, in the signal's unit."""
        return self.scale.back(self.level)

    def at(self, step: float) -> float:
        """What it would be with such a step, in the signal's unit."""
        return self.scale.back(self.level - self.step + step)

    @cached_property
    def margin(self) -> float | None:
        """The step that is tolerated; None where there is nothing to compare with."""
        return None if self.case.before is None else margin_of(self.case.signal, self.scale, self.level - self.step)

    @property
    def alert(self) -> float | None:
        """The alert limit; None where there is none."""
        alert = alert_of(self.case.signal)
        return None if alert is None else self.scale.to(alert)

    @property
    def is_unlike_the_baseline(self) -> bool:
        """Whether the baseline never made such a step by itself, or none that lasted, half of the margin left aside."""
        if self.margin is None:
            return False
        aside = self.margin / 2
        return self.step > self.unlike + aside or self.past.lasted_less(self.since - self.level, self.step, aside)

    @property
    def least_unlike(self) -> float:
        """The step from which on it would be unlike the baseline, were the window the same but for its level."""
        aside = (self.margin or 0.0) / 2
        return self.past.least(self.since - self.level, self.unlike + aside, aside)

    @property
    def claims(self) -> Claims:
        """What could be said of it."""
        beyond = {}
        if self.margin is not None:
            beyond[Bound.MARGIN] = self._claimed(self.margin)
        if self.alert is not None:
            beyond[Bound.ALERT] = self.beyond_alert
        return Claims(self.case.signal.mode, beyond, None if self.margin is None else self._claimed(0.0))

    def _claimed(self, step: float) -> float:
        """`worse_than`, where a budget could be as large: what is less by its estimate would be seen in every other."""
        return 1.0 if self.late.least < step else self.worse_than(step)

    @property
    def sides(self) -> int:
        """To how many a step may be worse."""
        return 2 if self.case.signal.worse is Worse.EITHER else 1

    def worse_than(self, step: float) -> float:
        """Probability of as much, were it worse by no more than this than every level of its baseline."""
        return max(self.by_chance(worse - step, error) for worse, error in self.late.steps)

    def by_chance(self, step: float, error: float) -> float:
        """Probability of such a step, or one as far to the other side where that is worse too."""
        return min(1.0, self.sides * student_sf(step / error, self.freedom))

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The alert limit, and how far beyond it the baseline ended: levels, and with which errors they are told.

        The level of as many blocks as the window has is known as well as its own, that of fewer at least as one block.
        """
        alert = self.alert
        if alert is None:
            return ()
        known = [
            (end, self.level_error if end.blocks >= len(self.case.now.present) else self.block_error)
            for end in self.case.ended
        ]
        ends = [
            (excused_up_to(alert, self.scale.to(end.level)), math.hypot(self.level_error, error))
            for end, error in known
        ]
        return (alert, self.level_error), *ends

    @property
    def beyond_alert(self) -> float:
        """Probability of as much, were the level no worse than its alert limit, or as the baseline ended."""
        return max(student_sf((self.level - bound) / error, self.freedom) for bound, error in self.bounds)

    def reach(self, tail: float) -> float:
        """Errors to either side that leave this probability outside."""
        return student_quantile(tail, self.freedom)
