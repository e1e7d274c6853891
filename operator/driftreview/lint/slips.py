"""Fields that contradict the query beside them, or each other: accepted, and never what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import promql_parser

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.rollout import RolloutType
from driftreview.api.signal import Kind, Mode, Signal
from driftreview.api.values import format_duration, parse_duration, parse_quantity
from driftreview.domain.display import quantity
from driftreview.domain.kinds import rules_of
from driftreview.domain.limitsonly import has_limit
from driftreview.domain.shape import PERHAPS_POD_LABELS, POD_LABELS
from driftreview.domain.subject import fact_queries
from driftreview.lint.expressions import Part, Range, length, matched, operator, parts
from driftreview.lint.finding import Path, Severity
from driftreview.lint.shapes import drops, shapes

_COUNTED: Final = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "changes", "resets", "deriv", "timestamp", "absent", "count",
     "count_values", "group", "count_over_time", "present_over_time", "absent_over_time"}
)  # fmt: skip
"""What makes something of a counter, or does not look at its value."""
_RATES: Final = frozenset({"rate", "irate"})
_OF_A_RANGE: Final = frozenset({"increase", "delta", "changes", "resets", "count_over_time", "sum_over_time"})
_AS_IT_IS: Final = frozenset(
    {"sum", "max", "min", "avg", "or", "round", "ceil", "floor", "clamp_min", "clamp_max", "sort"}
)
"""What leaves events per second what they are."""
_BYTES: Final = frozenset({"By", "B", "bytes", "By/s", "B/s"})
Slip = tuple[Severity, str, Path, str]
"""How bad, word for the check, path, message."""


def slips(review: DriftReview, values: dict[str, str]) -> Iterator[Slip]:
    """Everything of a review that contradicts itself.

    Args:
        review: one that nobody refuses.
        values: of the variables in its queries.
    """
    yield from _of_inventory(review, values)
    signals = review.spec.signals
    for index, signal in enumerate(signals):
        path: Path = ("spec", "signals", index)
        asked = {field: parts(text, values) for field, text in signal.queries.items()}
        if review.spec.baseline.from_ is BaselineFrom.HISTORY and not rules_of(review).same_names:
            yield from _of_pods(signal, path, [part for found in asked.values() for part in found], values)
        for check, field, message in (
            *(found for name, query in asked.items() for found in _of_counters(signal, name, query)),
            *_of_events(signal, asked["query"]),
            *_of_control(asked.get("control", []), values),
            *_of_covariates(signal, signals[:index]),
            *shapes(signal, asked),
        ):
            yield Severity.WARNING, check, (*path, field), message
        if _is_beside_control_alone(review, signal):
            message = (
                "found a control and no limits.alert: at a canary's first release nothing says what the signal was"
                " beside its control before, so that it is not judged; give it limits.alert as well"
            )
            yield Severity.NOTE, "control-alone", (*path, "control"), message
        yield from ((Severity.WARNING, "milli-bytes", (*path, *at), message) for at, message in _of_bytes(signal))


def _is_beside_control_alone(review: DriftReview, signal: Signal) -> bool:
    """Whether a signal of a canary counts, and can be judged only by what it was beside its control before."""
    from_history = review.spec.baseline.from_ is BaselineFrom.HISTORY
    is_canary = review.spec.rollout.type is RolloutType.CANARY and from_history
    return is_canary and signal.control is not None and signal.mode is Mode.ENFORCE and not has_limit(signal)


def _of_inventory(review: DriftReview, values: dict[str, str]) -> Iterator[Slip]:
    """Cores and bytes of pods, which are told by the label `pod` of what is returned."""
    asked = dict(fact_queries(review.spec))
    for field in ("cpu", "memory"):
        found = parts(asked.get(f"spec.inventory.{field}", ""), values)
        if any(drops(part.it, "pod") for part in found if not part.within):
            message = (
                "found an aggregation that drops the label pod, by which an inventory knows whose a sample is: nothing "
                "would be known of any pod; write sum by (pod) (…)"
            )
            yield Severity.WARNING, "pod-dropped", ("spec", "inventory", field), message


def _of_pods(signal: Signal, path: Path, asked: Sequence[Part], values: dict[str, str]) -> Iterator[Slip]:
    """A label that names pods: surely where pods of the target are asked about, else by its name."""
    label = (signal.each or "").lower()
    surely = any(values["pods"] in matched(part.it) for part in asked)
    if signal.kind is Kind.INFO or label not in (POD_LABELS | PERHAPS_POD_LABELS if surely else POD_LABELS):
        return
    severity, follows, instead = (
        Severity.WARNING,
        "which is Missing, and the new ones have no baseline",
        "leave each out and aggregate: max(…) for the worst pod",
    )
    if signal.kind is Kind.PRESENCE:
        severity = Severity.ERROR if surely else severity
        follows, instead = "and a healthy release would be rolled back for it", "aggregate: count(…) >= 3"
    message = (
        f"found {signal.each}, which names pods, and a release replaces all of them: those of the baseline are gone, "
        f"{follows}; take a label that outlives pods, or {instead}"
    )
    yield severity, "each-pod", (*path, "each"), message


def _of_counters(signal: Signal, field: str, asked: Sequence[Part]) -> Iterator[tuple[str, str, str]]:
    if signal.kind not in {Kind.LEVEL, Kind.GROWTH, Kind.EVENTS}:
        return
    if any(isinstance(part.it, promql_parser.VectorSelector) and part.it.offset is not None for part in asked):
        return  # a difference by hand
    for part in asked:
        name = part.it.name if isinstance(part.it, promql_parser.VectorSelector) else None
        if name and name.endswith("_total") and ":" not in name and not _is_counted(part):
            wanted = f"increase({name}[{signal.for_}])" if signal.kind is Kind.EVENTS else f"rate({name}[5m])"
            message = (
                f"found the counter {name} as it is, which only ever grows and begins at zero in every new pod: "
                f"write {wanted}"
            )
            yield "counter", field, message
            return


def _is_counted(part: Part) -> bool:
    """Whether a counter stands in what makes something of it, or is not seen itself."""
    return part.only_filters or any(operator(each) in _COUNTED for each in part.within)


def _of_events(signal: Signal, asked: Sequence[Part]) -> Iterator[tuple[str, str, str]]:
    if signal.kind is not Kind.EVENTS or signal.for_ is None:
        return
    for part in asked:
        if operator(part.it) in _RATES and all(_leaves_as_it_is(each) for each in part.within):
            message = (
                f"found {operator(part.it)}(), which is events a second, expected the events in the last "
                f"{signal.for_}: write increase(…[{signal.for_}])"
            )
            yield "events-rate", "query", message
            return
    counting = {
        length(part.it)
        for part in asked
        if isinstance(part.it, Range) and operator(part.within[-1]) in _OF_A_RANGE and all(map(_adds, part.within[:-1]))
    }
    if counting and parse_duration(signal.for_) not in counting:
        counted = " and ".join(format_duration(each) for each in sorted(counting))
        message = (
            f"found {signal.for_}, and the query counts what happened in the last {counted}: taken for the number of "
            f"{signal.for_}, there would seem to be {max(counting) / parse_duration(signal.for_):.3g} times as many "
            "events as there are; make both the same"
        )
        yield "events-range", "for", message


def _leaves_as_it_is(each: promql_parser.Expr) -> bool:
    return isinstance(each, promql_parser.ParenExpr) or operator(each) in _AS_IT_IS


def _adds(each: promql_parser.Expr) -> bool:
    return _leaves_as_it_is(each) or operator(each) in {"+", "-"}


def _of_control(asked: Sequence[Part], values: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in ("pods", "revisionHash"):
        if any(values[name] in value for part in asked for value in matched(part.it)):
            message = (
                f"asks about ${{{name}}}, which the release brings: what is wrong with it would be wrong with both; "
                "ask about pods that the release does not touch"
            )
            yield "control-judged", "control", message
            return


def _of_covariates(signal: Signal, before: Sequence[Signal]) -> Iterator[tuple[str, str, str]]:
    other = next((each for each in before if each.name == signal.covariate), None)
    if other is not None and other.covariate == signal.name:
        message = (
            f"{signal.name} and {other.name} are each other's: a drift of both would be explained away; let one of "
            "them follow a third, such as the requests, or none"
        )
        yield "covariate-circle", "covariate", message


def _of_bytes(signal: Signal) -> Iterator[tuple[Path, str]]:
    if signal.unit not in _BYTES:
        return
    limits, margin = signal.limits, signal.margin
    given: dict[Path, str | None] = {
        ("limits", "baseline"): limits.baseline if limits else None,
        ("limits", "alert"): limits.alert if limits else None,
        ("limits", "perHour"): limits.per_hour if limits else None,
        ("margin", "absolute"): margin.absolute if margin else None,
    }
    for path, text in given.items():
        if text and text.endswith("m") and parse_quantity(text):
            message = (
                f"found {text}, where m is a thousandth: {quantity(parse_quantity(text), 'By')}; a million is M, "
                f"{text[:-1]}Mi are {quantity(parse_quantity(f'{text[:-1]}Mi'), 'By')}"
            )
            yield path, message
