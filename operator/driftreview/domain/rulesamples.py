"""Series for tests of alert rules: labels that a selector matches, and values in promtool's notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from driftreview.domain.query import escaped

_QUOTE: Final = '"'


class TooComplexError(Exception):
    """No series are made for a query of that shape."""


@dataclass(frozen=True)
class Rising:
    """A value as it goes on: so much at the beginning, and so much more every second."""

    start: float
    slope: float = 0.0

    def times(self, factor: float) -> Rising:
        """The same multiplied."""
        return Rising(self.start * factor, self.slope * factor)

    def more(self, by: float) -> Rising:
        """The same with something added."""
        return replace(self, start=self.start + by)

    def written(self, samples: int) -> str:
        """So many samples after the first, one a minute."""
        step = self.slope * 60
        return f"{_plain(self.start)}{'-' if step < 0 else '+'}{_plain(abs(step))}x{samples}"


@dataclass(frozen=True)
class Sample:
    """One series."""

    name: str
    labels: Mapping[str, str]
    matchers: Sequence[Any]
    """Of the selector that it is made for."""
    value: Rising

    @property
    def series(self) -> str:
        """As promtool names it."""
        return f"{self.name}{{{','.join(f'{label}={quoted(value)}' for label, value in sorted(self.labels.items()))}}}"


def rest(part: Sample, whole: Sample) -> Sample:
    """What a whole is beside a part of it: a series that only the whole counts; the whole where it counts no part.

    Raises:
        TooComplexError: the part is larger than the whole, or no label tells them apart.
    """
    counted = all(_matches(each, part.labels) for each in whole.matchers)
    if not counted:
        return whole
    left = Rising(whole.value.start - part.value.start, whole.value.slope - part.value.slope)
    for each in part.matchers:
        for value in ("", "x", "other"):
            labels = {name: text for name, text in {**whole.labels, each.name: value}.items() if text}
            if not _matches(each, labels) and all(_matches(one, labels) for one in whole.matchers):
                if left.start < 0 or left.slope < 0:
                    raise TooComplexError(f"a share of {part.name} that is more than all of it is not made")
                return replace(whole, labels=labels, value=left)
    raise TooComplexError(f"series for a share of {part.name} are not made")


def _matches(matcher: Any, labels: Mapping[str, str]) -> bool:
    return _holds(labels.get(matcher.name, ""), _operator(matcher), matcher.value)


def _operator(matcher: Any) -> str:
    return f"{matcher.op}".rpartition(".")[2]


def quoted(value: str) -> str:
    """A label's value as it stands in a series."""
    return f'"{escaped(value, _QUOTE)}"'


def matching(selector: Any, pods: Sequence[str]) -> dict[str, str]:
    """Labels that a selector matches.

    Raises:
        TooComplexError: none are found.
    """
    if selector.offset is not None or selector.at is not None or selector.matchers.or_matchers:
        raise TooComplexError("a selector with offset, @ or `or` is not made a series of")
    found: dict[str, str] = {}
    wanted: dict[str, list[tuple[str, str]]] = {}
    for each in selector.matchers.matchers:
        wanted.setdefault(each.name, []).append((_operator(each), each.value))
    for label, conditions in wanted.items():
        guesses = (guess for _, text in conditions for guess in _guesses(text, pods))
        value = next((guess for guess in ("", *guesses, "x", "other") if _fits(guess, conditions)), None)
        if value is None:
            raise TooComplexError(f"no value is found for the label {label}")
        if value:
            found[label] = value
    return found


def _guesses(text: str, pods: Sequence[str]) -> Iterator[str]:
    """Values that a matcher may mean: the text, pods, and the branches of a simple expression."""
    yield text
    yield from pods
    for branch in re.sub(r"[()]|\?:|\^|\$", "", text).split("|"):
        yield re.sub(r"\\(.)", r"\1", re.sub(r"\[[^\]]*\]|(?<!\\)\.", "0", re.sub(r"(?<!\\)\.[*+]", "x", branch)))


def _fits(value: str, conditions: Sequence[tuple[str, str]]) -> bool:
    return all(_holds(value, operator, text) for operator, text in conditions)


def _holds(value: str, operator: str, text: str) -> bool:
    if operator in ("Equal", "NotEqual"):
        return (value == text) is (operator == "Equal")
    try:
        return (re.fullmatch(text, value) is not None) is (operator == "Re")
    except re.error:
        return False


def _plain(value: float) -> str:
    """A number without an exponent, as promtool reads it."""
    text = f"{value:.17f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:.0f}"  # noqa: PLR2004 - exact
    return "0" if text in ("", "-0") else text
