"""Alert rules that a review recommends: made of its signals and of the frozen T0, whose values are numbers in them.

So nothing of ours is needed to evaluate them. A rule is about all pods of the target, of whatever revision: it is to go
on when the judged one is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, DriftSnapshotSpec
from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.values import parse_duration, parse_quantity
from driftreview.domain import ruletext
from driftreview.domain.bursts import span_of
from driftreview.domain.display import printable
from driftreview.domain.evidence import is_intact
from driftreview.domain.firings import hold_of
from driftreview.domain.margins import alert_of
from driftreview.domain.observed import Observed, observed
from driftreview.domain.query import QueryProblem, check, resolve, used
from driftreview.domain.ruleexpr import absence, beyond, constants, promql_duration, ratio, subquery
from driftreview.domain.rules import sign_of
from driftreview.domain.ruleusual import Usual, tellable_in, usual
from driftreview.domain.signalsets import as_at_t0
from driftreview.domain.subject import Subject

LEVEL_SPAN: Final = timedelta(hours=1)
"""A level is compared by its median over so long: T0 is one of medians, and single samples pass 5% all the time."""
LEVEL_HOLD: Final = timedelta(minutes=15)
"""So that a median at the edge of its margin does not come and go."""
GROWTH_SPAN: Final = timedelta(hours=2)
"""A slope is taken over so long: a cache that fills or a restart is over by then."""
GROWTH_HOLD: Final = timedelta(hours=1)
INTERVAL: Final = timedelta(minutes=1)
"""Between two evaluations of a rule; subqueries look no closer."""
_NO_SAMPLE: Final = "there is no sample of it"


class About(StrEnum):
    """What a rule tells; the end of its name."""

    OVER = "OverLimit"
    UNDER = "UnderLimit"
    WORSE = "WorseThanT0"
    GROWS = "Grows"
    ABSENT = "Absent"


@dataclass(frozen=True)
class RecommendedRule:
    """One alert rule."""

    name: str
    about: About
    signal: Signal
    value: str
    """PromQL for the signal, its quotient where it has `per`."""
    expr: str
    """PromQL for the whole condition."""
    hold: timedelta
    """How long it must hold, as `for`."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    when: str
    """The condition in words."""
    bound: float = 0.0
    """What is compared with, where that is the same for every series."""
    span: timedelta = timedelta(0)
    """Of the past that the condition looks at, beside what the query itself does."""
    usual: tuple[Usual, ...] = ()
    """The series that it names, with what they were at T0; none where it names none."""


@dataclass(frozen=True)
class Unruled:
    """Something that no rule is made of, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Recommended:
    """What a review recommends."""

    rules: tuple[RecommendedRule, ...]
    without: tuple[Unruled, ...]


_Found = Iterator[RecommendedRule | Unruled]


@dataclass(frozen=True)
class _Condition:
    """When a rule fires, and what it says then; as a RecommendedRule has it."""

    about: About
    expr: str
    hold: timedelta
    when: str
    said: Sequence[str] = ()
    bound: float = 0.0
    span: timedelta = timedelta(0)
    usual: tuple[Usual, ...] = ()


@dataclass(frozen=True)
class _Maker:
    """Makes the rules of one signal."""

    review: DriftReview
    at_t0: DriftSnapshotSpec
    signal: Signal
    name: str
    value: str
    before: Observed | None

    def rules(self) -> _Found:
        """Every rule of it."""
        if self.signal.kind is Kind.PRESENCE:
            yield self._absent()
            return
        if alert_of(self.signal) is not None:
            yield self._beyond_limit()
        if self.signal.kind is Kind.GROWTH:
            yield self._grows()
        if self.signal.margin is not None:
            yield from self._worse_than_t0()

    def _beyond_limit(self) -> RecommendedRule | Unruled:
        signal, bound = self.signal, alert_of(self.signal) or 0.0
        about = About.UNDER if signal.worse is Worse.LOWER else About.OVER
        expr = f"{self.value} {beyond(signal)} {bound!r}"
        said = [ruletext.now(signal, "Now:")]
        return self._rule(_Condition(about, expr, hold_of(signal), ruletext.of_limit(signal, bound), said, bound))

    def _grows(self) -> RecommendedRule | Unruled:
        signal, limits = self.signal, self.signal.limits
        bound = sign_of(signal) * parse_quantity((limits and limits.per_hour) or "0")
        expr = f"deriv({self._over(GROWTH_SPAN)}) * 3600 {beyond(signal)} {bound!r}"
        said = [ruletext.now(signal, f"Change an hour over the last {promql_duration(GROWTH_SPAN)}:")]
        when = ruletext.of_growth(signal, bound)
        return self._rule(_Condition(About.GROWS, expr, GROWTH_HOLD, when, said, bound, GROWTH_SPAN))

    def _absent(self) -> RecommendedRule | Unruled:
        signal, hold = self.signal, hold_of(self.signal)
        if signal.each is None:
            return self._rule(_Condition(About.ABSENT, f"absent({self.value})", hold, _NO_SAMPLE))
        keys = sorted(self.before.sides) if self.before else []
        if not keys:
            return Unruled(signal.name, f"no {signal.each} was there at T0 whose absence could be told")
        known = tuple(Usual(key, 0.0, 0.0) for key in keys)
        expr = absence(signal.each, keys, self.value)
        return self._rule(_Condition(About.ABSENT, expr, hold, _NO_SAMPLE, usual=known))

    def _worse_than_t0(self) -> _Found:
        """One rule with a number for each series of T0; and why some series, or all, have none."""
        signal = self.signal
        found: list[Usual] = []
        if why := self._nothing_to_compare():
            yield Unruled(signal.name, f"no rule against T0: {why}")
        elif self.before is not None:
            for key, side in self.before.sides.items():
                known = usual(self.before, key, side)
                if isinstance(known, Usual):
                    found.append(known)
                else:
                    name = f"{signal.name} {printable(key)}" if signal.each else signal.name
                    yield Unruled(name, f"no rule against T0: {known}")
        if not found:
            return
        span = LEVEL_SPAN if signal.kind is Kind.LEVEL else tellable_in(signal, found, self._counts())
        if span is None:
            yield Unruled(signal.name, "no rule against T0: within a day so few events more may be chance")
            return
        level = f"quantile_over_time(0.5, {self._over(LEVEL_SPAN)})"
        now = level if signal.kind is Kind.LEVEL else self._mean(span)
        what = f"{'Median' if signal.kind is Kind.LEVEL else 'Mean count'} of the last {promql_duration(span)}"
        what += ", apart from that:" if signal.worse is Worse.EITHER else ":"
        said = [ruletext.then(self.review, signal, found), ruletext.now(signal, what)]
        when, expr, bound = ruletext.of_t0(self.review, signal), self._compared(now, found), found[0].bound(signal)
        yield self._rule(_Condition(About.WORSE, expr, LEVEL_HOLD, when, said, bound, span, tuple(found)))

    def _nothing_to_compare(self) -> str:
        if self.at_t0.limits_only is not None:
            return "its review is judged by limits only"
        if self.before is None:
            return "nothing was measured at T0"
        return self.before.problem.message if self.before.problem else ""

    def _compared(self, now: str, found: Sequence[Usual]) -> str:
        """The condition: one number, or one for each series."""
        signal = self.signal
        either = signal.worse is Worse.EITHER
        if signal.each is None:
            (only,) = found
            bound = only.bound(signal)
            return f"abs({now} - {only.value!r}) > {bound!r}" if either else f"{now} {beyond(signal)} {bound!r}"
        bounds = constants(signal.each, {each.key: each.bound(signal) for each in found})
        if either:
            values = constants(signal.each, {each.key: each.value for each in found})
            now = f"abs({now} - on ({signal.each}) {values})"
        return f"{now} {beyond(signal)} on ({signal.each}) {bounds}"

    def _counts(self) -> float:
        """How many counts, side by side, the baseline holds."""
        window = self.at_t0.window
        return (window.end - window.start) / span_of(self.signal) if window else 0.0

    def _mean(self, span: timedelta) -> str:
        """The mean of counts that stand side by side, so that each event is counted once."""
        return f"avg_over_time({subquery(self.value, span, span_of(self.signal))})"

    def _over(self, span: timedelta) -> str:
        window = self.at_t0.window
        step = INTERVAL if window is None else max(INTERVAL, parse_duration(window.step))
        return subquery(self.value, span, step)

    def _rule(self, it: _Condition) -> RecommendedRule | Unruled:
        """A rule, if what it asks is PromQL of a kind that can be asked."""
        if isinstance(problem := check(it.expr), QueryProblem):
            return Unruled(self.signal.name, f"the rule {it.about} {problem.message}")
        when = f"{it.when} for {promql_duration(it.hold)}" if it.hold else it.when
        return RecommendedRule(
            name=f"{self.name}{it.about}",
            about=it.about,
            signal=self.signal,
            value=self.value,
            expr=it.expr,
            hold=it.hold,
            labels=ruletext.labels(self.review, self.signal),
            annotations=ruletext.spoken(self.review, self.signal, when, it.said),
            when=when,
            bound=it.bound,
            span=it.span,
            usual=it.usual,
        )


def recommended(review: DriftReview, at_t0: DriftSnapshotSpec) -> Recommended:
    """The rules of a review whose T0 is frozen, in the order of its signals, and what has none."""
    review = as_at_t0(review, at_t0)
    signals, before = review.spec.signals, observed(review.spec.signals, at_t0)
    names = ruletext.camel_names(each.name for each in signals)
    found: list[RecommendedRule | Unruled] = []
    for signal in signals:
        value = _value(review, signal)
        if isinstance(value, Unruled):
            found.append(value)
        else:
            found += _Maker(review, at_t0, signal, names[signal.name], value, before.get(signal.name)).rules()
    found += [
        Unruled(each.name, "a number from elsewhere (spec.evidence): no metric says it")
        for each in review.spec.evidence
    ]
    rules = tuple(each for each in found if isinstance(each, RecommendedRule))
    return Recommended(rules, tuple(each for each in found if isinstance(each, Unruled)))


def frozen_t0(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> DriftSnapshotSpec | None:
    """The T0 evidence that the status names, if it is there as it was frozen."""
    ref = review.status.baseline
    found = (each.spec for each in snapshots if ref is not None and each.metadata.name == ref.name)
    return next((each for each in found if ref is not None and is_intact(each, ref.hash)), None)


def _value(review: DriftReview, signal: Signal) -> str | Unruled:
    """The signal as PromQL, asked about every pod of the target, now and later."""
    if signal.kind is Kind.INFO:
        return Unruled(signal.name, "kind Info: it is recorded, no value of it is wrong")
    if review.status.judged is None:
        return Unruled(signal.name, "which revision is judged is not known")
    # What ran until T0 is asked about by the names of all pods of the target; so is what is to come.
    variables = Subject(review.status.judged, review.status.previous, history=True).variables(review)
    resolved: dict[str, str] = {}
    for field, query in signal.queries.items():
        if "revisionHash" in used(query):
            return Unruled(signal.name, f"its {field} uses ${{revisionHash}}, which the next release changes")
        found = resolve(query, variables)
        if isinstance(found, QueryProblem):
            return Unruled(signal.name, f"its {field} {found.message}")
        resolved[field] = found
    return ratio(signal, resolved["query"], resolved["per"]) if signal.per is not None else f"({resolved['query']})"
