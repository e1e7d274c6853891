"""PromQL that alert rules are made of. Nothing goes in but parsed queries in parentheses, numbers and escaped text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from driftreview.api.signal import Signal, Worse
from driftreview.api.values import exact_duration, format_duration, parse_duration, parse_quantity
from driftreview.domain.query import escaped

_QUOTE: Final = '"'


def promql_duration(length: timedelta) -> str:
    """A length of time as PromQL and rule files read it, as short as can be: `5m`, not `300s`."""
    short = format_duration(length)
    try:
        return short if parse_duration(short) == length else exact_duration(length)
    except ValueError:  # days beside hours are no duration of ours
        return exact_duration(length)


def beyond(signal: Signal) -> str:
    """The comparison that holds on a signal's bad side."""
    return "<" if signal.worse is Worse.LOWER else ">"


def ratio(signal: Signal, query: str, per: str) -> str:
    """The quotient of a signal that has `per`: without a value where there is no traffic."""
    least = parse_quantity(signal.min_traffic or "0")
    traffic = f"(({per}) {'>=' if least else '>'} {least!r})"
    if signal.each is None:
        return f"(({query}) / on () {traffic})"
    if re.search(rf"\b{signal.each}\b", per):
        return f"(({query}) / on ({signal.each}) {traffic})"
    return f"(({query}) / on () group_left () {traffic})"


def subquery(value: str, span: timedelta, step: timedelta) -> str:
    """The values of an expression over a stretch of the past."""
    return f"{value}[{promql_duration(span)}:{promql_duration(step)}]"


def constants(label: str, numbers: Mapping[str, float]) -> str:
    """A vector of one number for each value of a label."""
    return f"({' or '.join(_labelled(label, key, number) for key, number in numbers.items())})"


def absence(label: str, keys: Sequence[str], value: str) -> str:
    """Holds for each value of a label that an expression has no sample of."""
    return f"{constants(label, dict.fromkeys(keys, 1.0))} unless on ({label}) {value}"


def _labelled(label: str, key: str, number: float) -> str:
    replacement = escaped(key.replace("$", "$$"), _QUOTE)  # `$1` would be a group of the empty match
    return f'label_replace(vector({number!r}), "{label}", "{replacement}", "", "")'
