"""Queries taken apart: each part of a PromQL expression, and what it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias

import promql_parser

from driftreview.domain.query import QueryProblem, check, expression, resolve

_MATCHED: Final = (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re)
Range: TypeAlias = promql_parser.MatrixSelector | promql_parser.SubqueryExpr


class Part(NamedTuple):
    """A part of an expression."""

    it: promql_parser.Expr
    within: tuple[promql_parser.Expr, ...]
    """What it stands in, the outermost first."""
    only_filters: bool = False
    """Whether it stands behind `and` or `unless`: it says which of others are meant, its own values are not seen."""


def parts(text: str, values: dict[str, str]) -> list[Part]:
    """All parts of a query, in no order; none of one that is refused."""
    query = resolve(text, values)
    if isinstance(query, QueryProblem) or check(query) is not None:
        return []
    return list(walk(expression(query)))


def walk(whole: promql_parser.Expr) -> Iterator[Part]:
    """All parts of an expression, itself included."""
    left = [Part(whole, ())]
    while left:
        part = left.pop()
        yield part
        within, filtering = (*part.within, part.it), operator(part.it) in {"and", "unless"}
        for name in ("lhs", "rhs", "expr", "vector_selector"):
            if hasattr(part.it, name):
                only_filters = part.only_filters or (filtering and name == "rhs")
                left.append(Part(getattr(part.it, name), within, only_filters))
        left += [Part(each, within, part.only_filters) for each in getattr(part.it, "args", [])]


def operator(it: promql_parser.Expr) -> str:
    """The operator of `a or b` or `sum(a)`, or the name of a function."""
    if isinstance(it, promql_parser.Call):
        return str(it.func.name)
    return str(it.op) if hasattr(it, "op") else ""


def length(it: Range) -> timedelta:
    """How long a range is."""
    return it.range or timedelta(0)


def matched(it: promql_parser.Expr) -> Iterator[str]:
    """The values that a selector wants its labels to have."""
    if isinstance(it, promql_parser.VectorSelector):
        for each in (*it.matchers.matchers, *(one for group in it.matchers.or_matchers for one in group)):
            if each.op in _MATCHED:
                yield str(each.value)
