"""Test cases for recommended rules: series under which a rule stays silent, and series under which it fires.

Series are made for queries of the usual shapes, from the outside in: each step asks of its part what value it must
have. Of any other query there is no case; its rule is checked by its parser alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

import promql_parser

from driftreview.api.driftreview import DriftReview
from driftreview.domain.query import expression
from driftreview.domain.recommended import About, RecommendedRule
from driftreview.domain.rules import sign_of
from driftreview.domain.rulesamples import Rising, Sample, TooComplexError, matching, rest
from driftreview.domain.ruleusual import Usual

_WARM: Final = timedelta(minutes=15)
"""Until rates and whatever else looks back a little have a value."""
_MINUTE: Final = timedelta(minutes=1)
_KEEPS: Final = frozenset({"sum", "avg", "max", "min"})
"""Aggregations that leave a single series as it is; also the functions of a gauge over time that do."""
_LIKE_ITSELF: Final = frozenset({"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "abs", "sort"})
_RATES: Final = frozenset({"rate", "irate", "increase"})
_FAR: Final = 1.5


_Value: TypeAlias = Callable[[RecommendedRule, Usual | None], Rising]


@dataclass(frozen=True)
class Case:
    """One test of a rule."""

    rule: RecommendedRule
    series: Mapping[str, str]
    """Input series in promtool's notation."""
    early: timedelta
    """A moment at which it never fires: its `for` is not over yet."""
    late: timedelta
    """The moment that is looked at."""
    fires: tuple[Mapping[str, str], ...]
    """The labels of each alert that fires then."""


def cases(review: DriftReview, rule: RecommendedRule) -> tuple[Case, Case] | str:
    """A case in which a rule stays silent, and one in which it fires; or why there are none."""
    signal = rule.signal
    keys = [each.key for each in rule.usual] or ["a"]
    label = signal.each or ""
    late = _WARM + 2 * rule.hold
    try:
        silent = _series(review, rule, keys, _good, late)
        firing = {} if rule.about is About.ABSENT else _series(review, rule, keys, _bad, late)
    except TooComplexError as error:
        return str(error)
    fires = tuple(dict(rule.labels) | ({label: key} if label else {}) for key in keys)
    early = rule.hold / 2
    return Case(rule, silent, early, late, ()), Case(rule, firing, early, late, fires)


def _series(
    review: DriftReview, rule: RecommendedRule, keys: Sequence[str], value: _Value, late: timedelta
) -> dict[str, str]:
    signal, found = rule.signal, dict[str, str]()
    known = {each.key: each for each in rule.usual}
    for key in keys:
        sample = _Samples({signal.each: key} if signal.each else {}, _pods(review))
        wanted = value(rule, known.get(key))
        sample.make(expression(rule.value), wanted)
        found |= {each.series: each.value.written(late // _MINUTE + 1) for each in sample.made}
    return found


def _pods(review: DriftReview) -> tuple[str, ...]:
    """Names that pods of the target may have."""
    judged, name = review.status.judged, review.spec.target.name
    return (*([f"{judged.name}-x7k2p"] if judged else []), f"{name}-6d4b75cb6d-x7k2p", f"{name}-0", f"{name}-x7k2p")


def _good(rule: RecommendedRule, known: Usual | None) -> Rising:
    """A value that is well on the good side."""
    if rule.about is About.GROWS:
        return Rising(1000 * max(abs(rule.bound), 1.0))
    if rule.about is About.WORSE and known is not None:
        return Rising(known.value)
    if rule.about is About.ABSENT:
        return Rising(1.0)
    return Rising(_aside(rule.bound, -sign_of(rule.signal)))


def _bad(rule: RecommendedRule, known: Usual | None) -> Rising:
    """A value that is beyond what the rule compares with."""
    signal = rule.signal
    if rule.about is About.GROWS:
        slope = rule.bound * _FAR or sign_of(signal)
        return Rising(1000 * max(abs(rule.bound), 1.0), slope / 3600)
    if rule.about is About.WORSE and known is not None:
        apart = known.margin * _FAR or abs(known.value) or 1.0
        return Rising(known.value + sign_of(signal) * apart)
    return Rising(_aside(rule.bound, sign_of(signal)))


def _aside(bound: float, sign: int) -> float:
    """A number on one side of a bound, of its own sign: what counts or lasts is never negative."""
    if bound == 0:
        return 1.0 if sign > 0 else 0.0
    return bound * (_FAR if (sign > 0) == (bound > 0) else 1 / _FAR)


@dataclass
class _Samples:
    """The series of one case that a query must have to be so much."""

    fixed: Mapping[str, str]
    """Labels that every series has: the one that the signal is judged by."""
    pods: Sequence[str]
    made: list[Sample] = field(default_factory=list)

    def make(self, part: Any, wanted: Rising) -> None:
        """Make the series by which an expression is as wanted.

        Raises:
            TooComplexError: it is of no shape that is known.
        """
        match part:
            case promql_parser.ParenExpr():
                self.make(part.expr, wanted)
            case promql_parser.VectorSelector():
                self._put(part, wanted)
            case promql_parser.AggregateExpr() if f"{part.op}" in _KEEPS:
                self.make(part.expr, wanted)
            case promql_parser.Call():
                self._call(part, wanted)
            case promql_parser.BinaryExpr():
                self._binary(part, wanted)
            case _:
                raise TooComplexError(f"series for {type(part).__name__} are not made")

    def _call(self, part: Any, wanted: Rising) -> None:
        name, arguments = part.func.name, part.args
        if name in _RATES and isinstance(arguments[0], promql_parser.MatrixSelector):
            if wanted.slope or wanted.start < 0:
                raise TooComplexError("a rate that grows or is negative is not made")
            whole = arguments[0].range.total_seconds() if name == "increase" else 1.0
            self._put(arguments[0].vector_selector, Rising(0.0, wanted.start / whole))
        elif name == "histogram_quantile" and isinstance(arguments[0], promql_parser.NumberLiteral):
            self._quantile(arguments[1], arguments[0].val, wanted)
        elif name in _LIKE_ITSELF and not wanted.slope:
            inner = arguments[0]
            self.make(getattr(inner, "vector_selector", None) or getattr(inner, "expr", inner), wanted)
        else:
            raise TooComplexError(f"series for {name}() are not made")

    def _quantile(self, buckets: Any, quantile: float, wanted: Rising) -> None:
        """All observations lie evenly in the lowest bucket, of which the quantile is a share."""
        if wanted.slope or wanted.start <= 0 or not 0 < quantile <= 1:
            raise TooComplexError("a quantile that is not above zero is not made")
        for edge in (f"{wanted.start / quantile:.17g}", "+Inf"):
            inner = _Samples({**self.fixed, "le": edge}, self.pods)
            inner.make(buckets, Rising(1.0))
            self.made += inner.made

    def _binary(self, part: Any, wanted: Rising) -> None:
        left, right, op = part.lhs, part.rhs, f"{part.op}"
        if op == "or" or (op in (">", ">=") and _number(right) is not None):
            self.make(left, wanted)
        elif op == "-" and isinstance(left, promql_parser.Call) and left.func.name == "time":
            self.make(right, Rising(-wanted.start, 1.0 - wanted.slope))
        elif (number := _number(right)) is not None and (before := _before(op, number, wanted)) is not None:
            self.make(left, before)
        elif op == "*" and (number := _number(left)):
            self.make(right, wanted.times(1 / number))
        elif op == "-" and (number := _number(left)) is not None:
            self.make(right, wanted.times(-1.0).more(number))
        elif op == "/":
            self._share(left, right, wanted)
        else:
            raise TooComplexError(f"series for … {op} … are not made")

    def _share(self, part: Any, whole: Any, wanted: Rising) -> None:
        """A quotient: what it is divided by is one; where it counts the part as well, the rest is a series."""
        above, below = (_Samples(self.fixed, self.pods) for _ in range(2))
        above.make(part, wanted)
        below.make(whole, Rising(1.0))
        if {each.name for each in above.made} & {each.name for each in below.made}:
            if len(above.made) != 1 or len(below.made) != 1:
                raise TooComplexError(f"series for a share of {above.made[0].name} are not made")
            below.made = [rest(above.made[0], below.made[0])]
        self.made += [*above.made, *below.made]

    def _put(self, selector: Any, wanted: Rising) -> None:
        labels = {**matching(selector, self.pods), **self.fixed}
        name = selector.name or labels.pop("__name__", "")
        if not name:
            raise TooComplexError("a selector without the name of a metric is not made a series of")
        self.made.append(Sample(name, labels, selector.matchers.matchers, wanted))


def _number(part: Any) -> float | None:
    """A number as a query has it."""
    return float(part.val) if isinstance(part, promql_parser.NumberLiteral) else None


def _before(op: str, number: float, wanted: Rising) -> Rising | None:
    """What must stand before an operator and a number."""
    match op:
        case "*" if number:
            return wanted.times(1 / number)
        case "/":
            return wanted.times(number)
        case "+":
            return wanted.more(-number)
        case "-":
            return wanted.more(number)
    return None
