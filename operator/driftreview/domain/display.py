"""Numbers and sentences as people read them, the same everywhere: status, events, logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_SECONDS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_TINY: Final = 1e-12
_NO_POINT: Final = 1e-9
"""Of a percentage point: less is rounding, as evidence has nine digits."""
_NEARLY: Final = 0.9995
"""Of the next unit, what three digits show as all of it: 1 s and not 1000 ms, +100% and not +100.0%."""
_RAREST: Final = 1e-4
_COMMON: Final = 0.1
_LONGEST_NAME: Final = 64
_SHORT_HASH: Final = 12


def number(value: float) -> str:
    """Three significant digits, without an exponent where it can be read without one."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:  # noqa: PLR2004 - where plain digits read better
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004
        return f"{float(text):.0f}" if "e" in text else text  # 999.9 is 1e+03
    return f"{value:.3g}"


def quantity(value: float, unit: str) -> str:
    """A value with its unit: seconds as ms where small, bytes as MiB, 80/s; what rounding left of a zero is one."""
    value = 0.0 if abs(value) < _TINY else value
    size = abs(value)
    if unit == "s":
        factor, name = next(((f, n) for f, n in _SECONDS if size >= _NEARLY * f), _SECONDS[-1] if size else _SECONDS[0])
        return f"{number(value / factor)} {name}"
    if unit in ("By", "B", "bytes"):
        power = 0
        while size >= 1024 and power < len(_BYTES) - 1:  # noqa: PLR2004 - a kibi
            size, power = size / 1024, power + 1
        return f"{number(value / 1024**power)} {_BYTES[power]}"
    if unit == "%" or unit.startswith("1/"):
        return f"{number(value)}{unit.removeprefix('1')}"
    return f"{number(value)} {unit}".rstrip()


def distance(value: float, unit: str) -> str:
    """How far apart two values are: of shares in percentage points, for `%` would be read as a share of them."""
    return f"{number(0.0 if abs(value) < _NO_POINT else value)} pp" if unit == "%" else quantity(value, unit)


def change(before: float, after: float, unit: str) -> str:
    """A difference: in percent of the baseline, or in the unit where the baseline is near zero."""
    apart = _apart(before, after)
    sign = "+" if after >= before else "-"
    if abs(before) > _TINY:
        share = min(apart / abs(before) * 100, sys.float_info.max)
        text = f"{share:.1f}" if share < 100 * _NEARLY else f"{share:.0f}" if share < 1e6 else number(share)  # noqa: PLR2004
        return f"{sign if text != '0.0' else '+'}{text}%"
    return difference(before, after, unit)


def spread(low: float, high: float, unit: str) -> str:
    """A range with its unit, such as 12-13 ms; one value where both ends look the same."""
    first, last = quantity(low, unit), quantity(high, unit)
    value, _, name = first.rpartition(" ")
    if first == last:
        return first
    return f"{value}-{last}" if value and low >= 0 and last.endswith(f" {name}") else f"{first} to {last}"


def small_percent(share: float) -> str:
    """A probability in percent, with two digits where it is small."""
    if share >= _NEARLY:
        return "100%"
    if share < _RAREST:
        return f"less than {_RAREST:.2%}"
    return f"{share:.1%}" if share >= _COMMON else f"{share:.2%}"


def by_chance(chance: float, allowed: float) -> str:
    """How often as much is seen by chance, beside how often it may be to be sure: what Suspect and Degraded rest on."""
    return f"by chance {small_percent(chance)}, allowed {small_percent(allowed)}"


def difference(before: float, after: float, unit: str) -> str:
    """A difference in the unit."""
    apart = distance(_apart(before, after), unit)
    return f"{'+' if after >= before or apart == distance(0.0, unit) else '-'}{apart}"


def _apart(before: float, after: float) -> float:
    """How far off; the largest float where none is as large."""
    return min(abs(after - before), sys.float_info.max)


def printable(text: str, length: int | None = 100) -> str:
    """A text from elsewhere (a label's value) on one line: what a terminal would obey is shown as its escape.

    Args:
        text: of any length.
        length: how many characters of it; None shows all.
    """
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:length])
    return shown + ("…" if text[len(text) if length is None else length :] else "")


def counted(count: int, one: str, many: str) -> str:
    """So many of something: "1 look was", "2 looks were"."""
    return f"{count} {one if count == 1 else many}"


def some(words: Sequence[str], most: int = 5) -> str:
    """The first of several words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def plain(text: str, length: int) -> str:
    """The same, no longer than so many characters: escapes take more than what they stand for."""
    return shorten(printable(text, length), length)


def quoted(text: str, length: int = 100) -> str:
    """A text from elsewhere in quotes, as a message about it has it; cut at a length."""
    return f"{text[:length]!r}{'…' if len(text) > length else ''}"


def near(name: str, known: Iterable[str], around: str = "{}") -> str:
    """The known name that was probably meant, as the end of a message; empty if there is none.

    Args:
        name: what was written.
        known: what could have been.
        around: how a name is written there.
    """
    folded = {each.lower(): each for each in known}
    found = get_close_matches(name.lower()[:_LONGEST_NAME], folded, n=1)
    return f"; did you mean {around.format(folded[found[0]])}?" if found else ""


def shorten(sentence: str, length: int = 512) -> str:
    """Cut a sentence at a length, with dots."""
    return sentence if len(sentence) <= length else sentence[: length - 1] + "…"


def within(sentence: str, most: int) -> str:
    """Cut a sentence so that it takes no more than so many bytes as UTF-8, with dots."""
    coded = sentence.encode()
    dots = "…"
    return sentence if len(coded) <= most else coded[: most - len(dots.encode())].decode(errors="ignore") + dots


def fitted(sentence: str, end: str, length: int = 512) -> str:
    """A sentence and what has to be read at its end: where there is no room for both, the sentence is cut."""
    return shorten(sentence, max(length - len(end), length // 4)) + end


def short_hash(value: str) -> str:
    """As much of a hash as people compare by eye, without the name of its function."""
    return value.rpartition(":")[2][:_SHORT_HASH]
