"""What a query returns as far as its shape tells: whether it can ever fall silent, and which labels are left of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import promql_parser

from driftreview.api.signal import Kind, Signal
from driftreview.lint.expressions import Part, operator

_STATE: Final = re.compile(r"(?:.*[_:])?(?:up|connected|healthy|ready|alive|online)|probe_success")
"""Metrics that say by 0 that something is not there. Others without a comparison may be heard for their samples."""
_COMPARISONS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_FILTERS: Final = frozenset({"and", "unless"})
_ZERO_AT_REST: Final = frozenset({"rate", "irate", "increase", "changes", "resets"})
_ALWAYS: Final = frozenset({"time", "pi"})
_INVERTED: Final = frozenset({"absent", "absent_over_time"})
_ONE_FOR_ONE: Final = frozenset(
    {"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc", "label_replace",
     "label_join", "last_over_time", "max_over_time", "min_over_time", "avg_over_time", "sgn"}
)  # fmt: skip
"""Functions that have a sample where what they are given has one, with its labels."""
_KEEP_SERIES: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that choose among the series, and leave them their labels."""
Shape = tuple[str, str, str]
"""Word for the check, field, message."""


def shapes(signal: Signal, asked: dict[str, list[Part]]) -> Iterator[Shape]:
    """Everything in a signal's queries that returns surely not what was meant.

    Args:
        signal: whose they are.
        asked: the parts of each query, by field; the whole is the one that stands in nothing.
    """
    for field, query in asked.items():
        yield from _of_buckets(field, query)
    yield from _of_negations(asked)
    whole = next((part.it for part in asked["query"] if not part.within), None)
    if whole is None:
        return
    if signal.kind is Kind.PRESENCE and (why := never_silent(whole)):
        message = (
            f"can never fall silent where it should: {why}. Presence hears samples, whatever their value: let a "
            "condition leave none where nothing is there, such as max(x) == 1, or sum(increase(x[5m])) > 0"
        )
        yield "never-silent", "query", message
    if signal.each and drops(whole, signal.each):
        message = (
            f"found {signal.each}, which an aggregation in the query drops: there is one series without it; write by "
            f"({signal.each}) there, or leave each out"
        )
        yield "each-dropped", "each", message


def never_silent(it: promql_parser.Expr) -> str:
    """Why an expression has a sample also where what it is about is not there; empty where that cannot be known."""
    match it:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.AggregateExpr():
            return never_silent(it.expr)
        case promql_parser.NumberLiteral():
            return "a number is always there"
        case promql_parser.MatrixSelector():
            return never_silent(it.vector_selector)
        case promql_parser.VectorSelector():
            is_state = it.name is not None and _STATE.fullmatch(it.name)
            return f"{it.name} has a sample of 0 where nothing is there" if is_state else ""
        case promql_parser.Call():
            return _of_call(it)
        case promql_parser.BinaryExpr():
            return _of_operator(it)
    return ""


def _of_call(it: promql_parser.Call) -> str:
    name, args = operator(it), list(it.args)
    if name in _ZERO_AT_REST:
        return f"{name}() is 0 while nothing happens, and 0 is a sample"
    if name in _ALWAYS:
        return f"{name}() is always there"
    if name == "vector" and never_silent(args[0]):
        return "vector() of a number is always there"
    if name in _INVERTED:
        return f"{name}() has a sample exactly where there is none of what it is about" if _is_state(args[0]) else ""
    series = [each for each in args if not isinstance(each, promql_parser.NumberLiteral | promql_parser.StringLiteral)]
    return never_silent(series[0]) if name in _ONE_FOR_ONE and series else ""


def _is_state(it: promql_parser.Expr) -> bool:
    """Whether this is there where all is well: a state as it is, or compared with something else than nothing."""
    match it:
        case promql_parser.ParenExpr() | promql_parser.AggregateExpr():
            return _is_state(it.expr)
        case promql_parser.BinaryExpr() if operator(it) in {"==", ">", ">="}:
            number = it.rhs.val if isinstance(it.rhs, promql_parser.NumberLiteral) else 0
            return _is_state(it.lhs) and (number > 0 or operator(it) == ">")
        case promql_parser.MatrixSelector() | promql_parser.VectorSelector():
            return bool(never_silent(it))
    return False


def _of_operator(it: promql_parser.BinaryExpr) -> str:
    name, left, right = operator(it), never_silent(it.lhs), never_silent(it.rhs)
    if name in _COMPARISONS:
        by_bool = it.modifier is not None and it.modifier.return_bool
        return f"{name} bool makes a sample of 0 of what it should leave out" if by_bool else ""
    if name == "or":
        return right if isinstance(it.rhs, promql_parser.Call) and right else left or right
    if name in {"/", "%"} and not isinstance(it.rhs, promql_parser.NumberLiteral):
        return ""  # nothing by nothing is no sample
    if name == "unless" or not (left and right):
        return ""
    return right if isinstance(it.lhs, promql_parser.NumberLiteral) else left


def drops(it: promql_parser.Expr, label: str) -> bool:
    """Whether no series of this can have the label: an aggregation took it away."""
    match it:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return drops(it.expr, label)
        case promql_parser.AggregateExpr():
            if operator(it) in _KEEP_SERIES:
                return drops(it.expr, label)
            return not (_keeps(it, label) or _is_text(it.param, label))
        case promql_parser.Call() if operator(it) == "vector":
            return True
        case promql_parser.Call():
            made = any(_is_text(each, label) for each in it.args[1:2])
            last = [each for each in it.args if not isinstance(each, promql_parser.NumberLiteral)][:1]
            passes = operator(it) in _ONE_FOR_ONE | {"histogram_quantile"}
            return passes and not made and bool(last) and drops(last[0], label)
        case promql_parser.BinaryExpr():
            return _operator_drops(it, label)
    return False


def _operator_drops(it: promql_parser.BinaryExpr, label: str) -> bool:
    name = operator(it)
    if isinstance(it.lhs, promql_parser.NumberLiteral):
        return drops(it.rhs, label)
    if isinstance(it.rhs, promql_parser.NumberLiteral) or name in _FILTERS:
        return drops(it.lhs, label)
    return drops(it.lhs, label) and drops(it.rhs, label)


def _keeps(it: promql_parser.AggregateExpr, label: str) -> bool:
    if it.modifier is None:
        return False
    is_by: bool = it.modifier.type == promql_parser.AggModifierType.By
    return (label in it.modifier.labels) is is_by


def _is_text(it: promql_parser.Expr | None, text: str) -> bool:
    return isinstance(it, promql_parser.StringLiteral) and it.val == text


def _of_buckets(field: str, asked: list[Part]) -> Iterator[Shape]:
    """Buckets that were added up without saying which is which; those of a native histogram have no `le`."""
    for part in asked:
        name = part.it.name if isinstance(part.it, promql_parser.VectorSelector) else None
        inside = [operator(each) for each in part.within]
        if not (name and name.endswith("_bucket") and "histogram_quantile" in inside):
            continue
        behind = part.within[inside.index("histogram_quantile") + 1 :]
        if any(
            isinstance(each, promql_parser.AggregateExpr)
            and operator(each) not in _KEEP_SERIES
            and not _keeps(each, "le")
            for each in behind
        ):
            message = (
                f"found histogram_quantile() of {name} added up without le, which says up to where a bucket reaches: "
                f"nothing is returned; write sum by (le) (rate({name}[5m]))"
            )
            yield "buckets", field, message
            return


def _of_negations(asked: dict[str, list[Part]]) -> Iterator[Shape]:
    """A part of a metric told from the whole only by what a label is not: of series without the label both are one."""
    selected = [
        (field, part.it, dict(_demands(part.it)))
        for field, query in asked.items()
        for part in query
        if isinstance(part.it, promql_parser.VectorSelector) and part.it.name
    ]
    for field, it, demands in selected:
        for label, is_there in demands.items():
            is_part = any(other.name == it.name and label not in said for _, other, said in selected)
            if is_part and not is_there:
                message = (
                    f"found {it.name} with and without a matcher that says what {label} is not: series without the "
                    f"label {label} match both, a misspelt label makes a part the whole, and nothing that fails is "
                    f'seen; say what {label} is ({label}=~"…"), or add {label}!=""'
                )
                yield "only-negative", field, message
                return


def _demands(it: promql_parser.VectorSelector) -> Iterator[tuple[str, bool]]:
    """Each label that a selector speaks of, and whether a series must have it to match."""
    spoken = it.matchers.matchers
    for label in dict.fromkeys(each.name for each in spoken):
        yield label, any(each.name == label and _needs_label(each) for each in spoken)


def _needs_label(matcher: promql_parser.Matcher) -> bool:
    """Whether a matcher wants some value, or refuses the empty one, which is what a label has that is not there."""
    if matcher.op == promql_parser.MatchOp.NotEqual:
        return not matcher.value
    if matcher.op == promql_parser.MatchOp.NotRe:
        return "" in matcher.value.split("|")
    return True
