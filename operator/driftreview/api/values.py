"""Durations, quantities and percentages as the resources write them, and what they mean.

A duration is `2d`, `48h`, `1h30m`, `10m` or `90s` (whole days stand alone, so that CEL can read the rest).
A quantity is a Kubernetes quantity (`150m` = 0.15, `20Mi` = 20 971 520), in the unit of the field or signal.
A percentage is `5%` or `0.5%`.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from driftreview.api.base import VALIDATIONS, Pattern, Rule

DURATION: Final = Pattern(
    "^([0-9]{1,4}d|[0-9]{1,5}h([0-9]{1,5}m)?([0-9]{1,6}s)?|[0-9]{1,5}m([0-9]{1,6}s)?|[0-9]{1,6}s)$",
    "must be a duration such as 90s, 10m, 1h30m, 48h or 7d: whole numbers, and days stand alone",
    names_value=True,
)
PERCENT: Final = Pattern("^[0-9]{1,4}([.][0-9]{1,4})?%$", "must be a percentage such as 5% or 0.5%", names_value=True)
_AMOUNT: Final = "[0-9]{1,15}([.][0-9]{1,9})?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})?$"
QUANTITY_PATTERN: Final = f"^[+-]?{_AMOUNT}"
_QUANTITY_MESSAGE: Final = "must be a number such as 60, 0.15, 150m (a thousandth is m), 300M or 20Mi"
_UNIT_MESSAGE: Final = ", in the signal's unit and without the unit's name: 5 ms of a signal in s is 5m"
_PERCENT_MESSAGE: Final = (
    "must be a number without %, in the signal's unit: 1% of a signal in % is 1; what is tolerated in percent of the"
    " baseline is margin.relative"
)
_PLAIN: Final = re.compile("-?[0-9]+([.][0-9]+)?(e[+-]?[0-9]+)?", re.ASCII)
_LONGEST: Final = 32
"""Characters of a quantity."""

_MOST_SECONDS: Final = 10**6
"""From here on they have more digits than the pattern of a duration allows: 11d13h46m40s."""
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `2d`, `48h` or `1h30m`.

    Raises:
        ValueError: it is not one.
    """
    parts = re.findall(r"([0-9]+)([dhms])", DURATION.check(text))
    return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))


def format_duration(length: timedelta) -> str:
    """Write a length of time as people read it: `1d2h`, `4h10m`, `35s`, `-5m`; seconds only below one hour."""
    seconds = round(length.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    if hours >= 72:  # noqa: PLR2004 - three days: from here on days read better than hours
        parts = [(hours // 24, "d"), (hours % 24, "h")]
    elif hours:
        parts = [(hours, "h"), (minutes, "m")]
    else:
        parts = [(minutes, "m"), (seconds, "s")]
    return sign + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0s")


def exact_duration(length: timedelta) -> str:
    """Write a length of time to the second, as `parse_duration` and the CRDs read it: `600s`, `336h`, `277h46m40s`.

    In seconds as long as the pattern has digits for them, so that evidence once written stays as it is.
    """
    seconds = length // timedelta(seconds=1)
    if seconds < _MOST_SECONDS:
        return f"{seconds}s"
    hours, rest = divmod(seconds, 3_600)
    parts = ((hours, "h"), (rest // 60, "m"), (rest % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def parse_quantity(text: str) -> float:
    """Read a Kubernetes quantity such as `150m`, `20Mi`, `0.5` or `1e3`.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(QUANTITY_PATTERN, text):
        raise ValueError(f"{text!r} {_QUANTITY_MESSAGE}")
    number, suffix = re.fullmatch(r"([+-]?[0-9.]+)(.*)", text).groups()  # type: ignore[union-attr] # the pattern matched
    with localcontext() as context:
        context.prec = 50
        if suffix and suffix not in _SUFFIXES:
            return float(Decimal(text))
        return float(Decimal(number) * _SUFFIXES.get(suffix, Decimal(1)))


@lru_cache(maxsize=256)
def parse_percent(text: str) -> float:
    """Read a percentage as a fraction: `5%` is 0.05. The few that a spec has are read of each series at every look.

    Raises:
        ValueError: it is not one.
    """
    return float(Decimal(PERCENT.check(text)[:-1]) / 100)


def finite(text: str) -> str:
    """A number as evidence writes it.

    Raises:
        ValueError: it is none, or not finite.
    """
    if not (_PLAIN.fullmatch(text) and math.isfinite(float(text))):
        raise ValueError(f"{text!r} must be a finite number such as 0.15 or 1e+06")
    return text


def _quantity(text: str) -> str:
    parse_quantity(text)
    return text


def _amount(text: str) -> str:
    if text.startswith(("-", "+")):
        raise ValueError(f"{text!r} must have no sign")
    return _quantity(text)


def _text(value: object) -> object:
    """Take `alert: 60` as `alert: "60"`: an int-or-string field accepts both."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Duration = Annotated[str, Field(max_length=20), DURATION]
Percent = Annotated[str, Field(max_length=12), PERCENT]


def _int_or_string(pattern: str, least: int, *others: dict[str, str]) -> dict[str, Any]:
    """The schema of a quantity: a pattern for text, bounds for integers, and a rule for what people write instead.

    Before Kubernetes 1.34 the cost of a rule does not know maxLength beside int-or-string: whatever reads the whole
    value, as `matches` or `==` with a type do, makes the API server refuse the CRD. One character costs nothing. So
    the pattern stands bare, with the poor message that comes of it; beside it the rules find most of what breaks it
    (a unit's name, a space, a comma, a word; a percent sign) and say what to write.
    """
    letters = ", ".join(f"'{each}'" for each in f"%0123456789.+-e{''.join(sorted(set(''.join(_SUFFIXES))))}")
    places = ", ".join(str(place) for place in range(_LONGEST))
    every = f"type(self) in [int] || [{places}].all(i, i >= self.size() || "
    return {
        "x-kubernetes-int-or-string": True,
        "pattern": pattern,
        "maxLength": _LONGEST,
        "minimum": least,
        "maximum": 10**15 - 1,
        VALIDATIONS: [
            {"rule": f"{every}self.charAt(i) in [{letters}])", "message": _QUANTITY_MESSAGE + _UNIT_MESSAGE},
            {"rule": f"{every}self.charAt(i) != '%')", "message": _PERCENT_MESSAGE},
            *others,
        ],
    }


_NO_SIGN: Final = {
    "rule": "type(self) in [int] || !(self.charAt(0) in ['+', '-'])",
    "message": "must have no sign: it is an amount, whatever the direction",
}
Quantity = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_quantity),
    WithJsonSchema(_int_or_string(QUANTITY_PATTERN, 1 - 10**15)),
]
Amount = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_amount),
    WithJsonSchema(_int_or_string(f"^{_AMOUNT}", 0, _NO_SIGN)),
]
"""A quantity without a sign."""


def cel_seconds(expression: str) -> str:
    """CEL that turns a duration field into whole seconds: Go's durations, which CEL reads, know no days.

    An error for a malformed one: see `Pattern.unless`.
    """
    days = f"int({expression}.substring(0, {expression}.size() - 1)) * 86400"
    return f"({expression}.endsWith('d') ? {days} : duration({expression}).getSeconds())"


def between(least: str, most: str, hint: str = "") -> Rule:
    """The rule for a duration from the least to the most, both included."""
    low, high = (int(parse_duration(bound).total_seconds()) for bound in (least, most))
    inside = f"{cel_seconds('self')} >= {low} && {cel_seconds('self')} <= {high}"
    return Rule(DURATION.unless(inside, "self"), f"must be between {least} and {most}{hint}")
