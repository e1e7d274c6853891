"""Durations, quantities and percentages as the resources write them, and what they mean.

A duration is `2d`, `48h`, `1h30m`, `10m` or `90s` (whole days stand alone, so that CEL can read the rest).
A quantity is a Kubernetes quantity (`150m` = 0.15, `20Mi` = 20 971 520), in the unit of the field or signal.
A percentage is `5%` or `0.5%`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

DURATION_PATTERN: Final = (
    r"^([0-9]{1,4}d|[0-9]{1,5}h([0-9]{1,5}m)?([0-9]{1,6}s)?|[0-9]{1,5}m([0-9]{1,6}s)?|[0-9]{1,6}s)$"
)
QUANTITY_PATTERN: Final = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,9})?(n|u|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|[eE][+-]?[0-9]{1,2})?$"
PERCENT_PATTERN: Final = r"^[0-9]{1,4}(\.[0-9]{1,4})?%$"

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
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTP", start=1)},
}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `2d`, `48h` or `1h30m`.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration: write for example 10m, 1h30m, 48h or 7d")
    return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([dhms])", text)))


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


def parse_quantity(text: str) -> float:
    """Read a Kubernetes quantity such as `150m`, `20Mi`, `0.5` or `1e3`.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(QUANTITY_PATTERN, text):
        raise ValueError(f"{text!r} is not a quantity: write for example 0.15, 150m, 300M or 20Mi")
    number, suffix = re.fullmatch(r"([+-]?[0-9.]+)(.*)", text).groups()  # type: ignore[union-attr] # the pattern matched
    with localcontext() as context:
        context.prec = 40
        if suffix and suffix not in _SUFFIXES:
            return float(Decimal(text))
        return float(Decimal(number) * _SUFFIXES.get(suffix, Decimal(1)))


def parse_percent(text: str) -> float:
    """Read a percentage as a fraction: `5%` is 0.05.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(PERCENT_PATTERN, text):
        raise ValueError(f"{text!r} is not a percentage: write for example 5% or 0.5%")
    return float(Decimal(text[:-1]) / 100)


def _checked(parse: object) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)  # type: ignore[operator]
        return text

    return AfterValidator(check)


def _text(value: object) -> object:
    """Take `alert: 60` as `alert: "60"`: an int-or-string field accepts both."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Duration = Annotated[
    str,
    _checked(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "maxLength": 20}),
]
Quantity = Annotated[
    str,
    BeforeValidator(_text),
    _checked(parse_quantity),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": QUANTITY_PATTERN, "maxLength": 32}),
]
Percent = Annotated[
    str,
    _checked(parse_percent),
    WithJsonSchema({"type": "string", "pattern": PERCENT_PATTERN, "maxLength": 12}),
]


def cel_seconds(expression: str) -> str:
    """CEL that turns a duration field into whole seconds: Go's durations, which CEL reads, know no days."""
    days = f"int({expression}.substring(0, {expression}.size() - 1)) * 86400"
    return f"({expression}.endsWith('d') ? {days} : duration({expression}).getSeconds())"
