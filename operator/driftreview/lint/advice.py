"""What is accepted and probably not meant: what the documentation warns of, as far as it can be known from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from promql_parser import MatrixSelector

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.policy import OnInconclusive
from driftreview.api.signal import Kind, Mode, OnMissing, Signal, Worse
from driftreview.api.values import format_duration, parse_duration, parse_percent, parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.consent import waits_for_people
from driftreview.domain.display import near, shorten
from driftreview.domain.elsewhere import judge_evidence
from driftreview.domain.kinds import pods_of_all
from driftreview.domain.query import QueryProblem, check, expression, resolve, stood_in_for
from driftreview.domain.subject import fact_queries
from driftreview.lint.expressions import walk
from driftreview.lint.finding import Path

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_TO_APPROVE: Final = timedelta(hours=2)
"""Between a verdict and the last safe moment, what people need at least who have other things to do."""
_SNAPSHOT: Final = timedelta(hours=2)
_TIGHT: Final = 0.05
"""Up to this a relative margin wants a day of baseline and more: docs/judge-benchmark.md, "nothing at all"."""
_GROWTH: Final = timedelta(hours=3)
"""What stood still for so long, in blocks of ten minutes whose noise halves from one to the next, is told from growth
in 28 of 30 histories; after two hours in 4, and noise that remembers an hour and a half wants a day."""
_BUDGET: Final = 0.2
"""One in five healthy releases rolled back is a review that nobody keeps."""
_COVERAGE: Final = 0.1
_MARGIN: Final = 2.0
"""Of a level; a small share of failures may well become three times as large."""
_TO_ACT: Final = timedelta(minutes=1)
_LONGEST_QUERY: Final = 1_000
_USED: Final = re.compile(r"(?<!\$)\$\{([^}]*)}")
Advice = tuple[str, Path, str]
"""Word for the check, path, message."""


@dataclass(frozen=True)
class Step:
    """The resolution of a review's source."""

    length: timedelta
    known: bool
    """Whether the source is in the files."""

    @property
    def assumed(self) -> str:
        """What a sentence that rests on it ends in, if the source is not in the files."""
        return "" if self.known else "; the resolution is assumed: name the source's file too"

    def __str__(self) -> str:
        return format_duration(self.length) + ("" if self.known else ", assumed")


def advice(review: DriftReview, step: Step, values: dict[str, str]) -> Iterator[Advice]:
    """Everything about a review that its author should look at once more.

    Args:
        review: one that nobody refuses.
        step: the resolution of its source.
        values: of the variables in its queries.
    """
    yield from _times(review)
    yield from _lenient(review)
    any_pods = pods_of_all(review)
    seen: dict[tuple[Any, ...], str] = {}
    for index, signal in enumerate(review.spec.signals):
        path: Path = ("spec", "signals", index)
        yield from _of_signal(signal, path, review, step)
        for field, text in signal.queries.items():
            yield from _of_query(text, (*path, field), step, values, any_pods)
        asked = tuple((field, " ".join(text.split())) for field, text in signal.queries.items())
        same = (signal.kind, signal.worse, signal.each, signal.covariate, asked)
        if same in seen:
            message = (
                f"asks the same as signal {seen[same]}, and is judged by the same kind; drop one, or change one's kind"
            )
            yield "same-query", (*path, "query"), message
        seen.setdefault(same, signal.name)
    yield from _numbers(review)
    yield from _variables(review)


def _times(review: DriftReview) -> Iterator[Advice]:
    window, baseline = review.spec.window, review.spec.baseline
    length = parse_duration(baseline.length)
    compared = any(signal.margin for signal in review.spec.signals)
    tight = [f"{each.name} {each.margin.relative}" for each in review.spec.signals if each.margin and _is_tight(each)]
    if baseline.from_ is not BaselineFrom.DECLARED and tight and length < _DAY:
        instead = "24h, better 7d"
        if baseline.from_ is BaselineFrom.SNAPSHOT:
            instead = "from: History with length: 7d"
        which = ", ".join(tight[:3]) + (", …" if tight[3:] else "")
        message = (
            f"found {baseline.length}, expected 24h or more where a margin is 5% or less ({which}): a shorter"
            " baseline does not know its own level that well, and healthy releases end Inconclusive (of those with ten"
            " signals hardly one was promoted with a baseline of 6h, half with one of 24h, nearly all with one of 7d);"
            f" set {instead}, or a wider margin"
        )
        yield "short-baseline", ("spec", "baseline", "length"), message
    elif baseline.from_ is BaselineFrom.HISTORY and compared and length < _DAY:
        message = (
            f"found {baseline.length}, expected 24h or more where there are margins: a shorter baseline has not seen"
            " every hour of the day, and a busy hour looks like drift; 7d is best"
        )
        yield "short-baseline", ("spec", "baseline", "length"), message
    elif baseline.from_ is BaselineFrom.SNAPSHOT and compared and length < _SNAPSHOT:
        message = (
            f"found {baseline.length}, expected 2h or more where there are margins: a few blocks prove only what was"
            " there from the beginning; raise it, and window.checkpoints[0] to twice as much"
        )
        yield "short-baseline", ("spec", "baseline", "length"), message
    alone = [each.name for each in review.spec.signals if each.margin and _is_held_against_the_past_alone(each)]
    if baseline.from_ is BaselineFrom.HISTORY and alone and _DAY <= length < _WEEK:
        which = ", ".join(alone[:3]) + (", …" if alone[3:] else "")
        message = (
            f"found {baseline.length}, expected 7d: less has not seen both a weekend and days of work, and a release"
            f" on a Friday or a Monday may be rolled back for what the weekday does ({which}); set 7d, or give what"
            " follows the traffic a covariate or a control"
        )
        yield "no-weekend", ("spec", "baseline", "length"), message
    last, rollback = parse_duration(window.checkpoints[-1]), parse_duration(window.rollback)
    left = rollback + parse_duration(window.grace) / 2 - last - parse_duration(window.settle)
    if left < _TO_ACT:
        message = (
            f"found {format_duration(left)} between the last checkpoint's verdict ({window.checkpoints[-1]} and settle"
            f" {window.settle}) and the last safe moment (rollback {window.rollback} and half of grace {window.grace}):"
            " no time to act on it; raise window.rollback or window.grace"
        )
        yield "no-time-to-act", ("spec", "window", "rollback"), message
    elif left < _TO_APPROVE and waits_for_people(review):
        message = (
            f"found {format_duration(left)} between the last checkpoint's verdict and the last safe moment, in which"
            " people are waited for before a promotion; raise window.rollback, or have them approve and sign off before"
        )
        yield "no-time-to-approve", ("spec", "window", "rollback"), message


def _is_held_against_the_past_alone(signal: Signal) -> bool:
    return signal.mode is Mode.ENFORCE and not (signal.covariate or signal.control or signal.per)


def _is_tight(signal: Signal) -> bool:
    """Whether a level is promoted only if it is known to a few percent."""
    margin = signal.margin
    counts = signal.kind is Kind.LEVEL and signal.mode is Mode.ENFORCE
    relative = None if margin is None or margin.absolute is not None else margin.relative
    return counts and relative is not None and parse_percent(relative) <= _TIGHT


def _lenient(review: DriftReview) -> Iterator[Advice]:
    """What lets nearly everything pass, or nearly nothing."""
    policy = review.spec.policy
    if parse_percent(policy.false_alarm_budget) > _BUDGET:
        message = (
            f"found {policy.false_alarm_budget}: of healthy releases as many may be rolled back; set what can be borne,"
            " such as 5%"
        )
        yield "budget-wide", ("spec", "policy", "falseAlarmBudget"), message
    enforced = [each for each in review.spec.signals if each.kind is not Kind.INFO] + [*review.spec.evidence]
    ignored = [each.name for each in enforced if each.mode is Mode.ENFORCE and each.on_missing is OnMissing.IGNORE]
    if policy.on_inconclusive is OnInconclusive.PROMOTE and ignored:
        message = (
            f"found Promote, and onMissing: Ignore of {', '.join(ignored[:3])}{', …' if ignored[3:] else ''}: a release"
            " of which nothing can be measured is promoted; leave one of the two at Hold"
        )
        yield "promote-unseen", ("spec", "policy", "onInconclusive"), message
    for index, signal in enumerate(review.spec.signals):
        path: Path = ("spec", "signals", index)
        if signal.kind is not Kind.INFO and parse_percent(signal.min_coverage) < _COVERAGE:
            message = (
                f"found {signal.min_coverage}: a verdict rests on what is left, and the worst may lie in the gaps;"
                " raise it, best to the default of 90%"
            )
            yield "coverage-low", (*path, "minCoverage"), message
        relative = signal.margin.relative if signal.margin else None
        if relative is None:
            continue
        if signal.worse is Worse.LOWER and parse_percent(relative) >= 1:
            message = f"found {relative} with worse: Lower: nothing falls by more than all of it; set less, such as 10%"
            yield "margin-wide", (*path, "margin", "relative"), message
        elif signal.kind is Kind.LEVEL and not signal.per and parse_percent(relative) > _MARGIN:
            message = (
                f"found {relative}, which tolerates {1 + parse_percent(relative):.3g} times the baseline; a margin is"
                " what is tolerated beyond it, such as 10%: if there is none, set limits.alert alone"
            )
            yield "margin-wide", (*path, "margin", "relative"), message


def _numbers(review: DriftReview) -> Iterator[Advice]:
    """What is worse already, both numbers being declared."""
    for index, each in enumerate(review.spec.evidence):
        (found,) = judge_evidence([each], None, None)
        if found.counts_as is SignalVerdict.DEGRADED and each.baseline is not None and each.current is not None:
            message = (
                f"found {found.finding.message}: both are declared, so that the first look is a Drift whatever is"
                " measured; set the margin that would still be acceptable, or mode: Shadow"
            )
            yield "worse-already", ("spec", "evidence", index, "current"), message


def _of_signal(signal: Signal, path: Path, review: DriftReview, step: Step) -> Iterator[Advice]:
    spec = review.spec
    first = parse_duration(spec.window.checkpoints[0])
    look = first - parse_duration(spec.baseline.length) if spec.baseline.from_ is BaselineFrom.SNAPSHOT else first
    if signal.kind is Kind.GROWTH and look < _GROWTH:
        message = (
            f"found a first checkpoint that sees {format_duration(look)}: too short to tell growth from noise, unless"
            " each block tells nothing of the next; most are Inconclusive before 3h, and noise that remembers an hour"
            " or two for as long as a day; only the last checkpoint must pass, so expect nothing of the first, or make"
            " window.checkpoints[0] later"
        )
        yield "growth-early", path, message
    if signal.kind is Kind.LIMIT and (signal.for_ is None or parse_duration(signal.for_) <= step.length):
        found = f"found {signal.for_}" if signal.for_ else "found no `for`"
        enough = "two odd samples in a row are" if signal.for_ else "a single odd sample is"
        message = (
            f"{found}, expected more than one step of the source ({step}): {enough} enough for a drift;"
            f" set `for`, such as {format_duration(4 * step.length)}"
        )
        yield "limit-at-once", (*path, "for"), message
    if signal.margin is not None:
        margins = parse_percent(signal.margin.relative or "0%"), parse_quantity(signal.margin.absolute or "0")
        if not any(margins):
            message = (
                "found a margin of zero: whatever is surely worse is Degraded, however little;"
                " set what would still be acceptable, such as relative: 5%"
            )
            yield "margin-zero", (*path, "margin"), message


def _of_query(text: str, path: Path, step: Step, values: dict[str, str], any_pods: str) -> Iterator[Advice]:
    query = resolve(text, values)
    if isinstance(query, QueryProblem) or check(query) is not None:
        return
    by_hand = resolve(text, values | {"pods": any_pods})
    if isinstance(by_hand, str) and (behind := stood_in_for(by_hand)):
        message = (
            "found a number that stands in where nothing is returned: a misspelt label would look like that number, and"
            f" never get worse; ask once by hand for what stands before `or`: {shorten(behind, _LONGEST_QUERY)}"
        )
        yield "stand-in", path, message
    if not step.known:
        return
    for length in (part.it.range for part in walk(expression(query)) if isinstance(part.it, MatrixSelector)):
        if length < 2 * step.length:
            message = (
                f"found a range of {format_duration(length)} at a resolution of {step}: it often holds fewer than the"
                f" two samples that rate() and its like need; use [{format_duration(4 * step.length)}] or more"
            )
            yield "short-range", path, message
            return


def _variables(review: DriftReview) -> Iterator[Advice]:
    of_signals = (text for signal in review.spec.signals for text in signal.queries.values())
    queries = (*of_signals, *(text for _, text in fact_queries(review.spec)))
    used = {name for text in queries for name in _USED.findall(text)}
    for name in review.spec.variables:
        if name not in used:
            message = f"is used in no query; drop it, or write ${{{name}}} where its value belongs{near(name, used)}"
            yield "unused-variable", ("spec", "variables", name), message
