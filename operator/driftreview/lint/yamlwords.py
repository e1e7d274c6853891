"""What a word without quotes is to kubectl: the booleans of YAML 1.1, the integers of Go, the floats of JSON."""

from __future__ import annotations

import math
import re
from typing import Final

_WORDS: Final[dict[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{each: True for word in ("y", "yes", "true", "on") for each in (word, word.title(), word.upper())},
    **{each: False for word in ("n", "no", "false", "off") for each in (word, word.title(), word.upper())},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER: Final = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = {"x": 16, "o": 8, "b": 2}
_EXACT: Final = 2**53
"""JSON readers take a float for an integer up to here."""
_LARGEST: Final = 2**63
_LONGEST_NUMBER: Final = 300
_BEGINS_A_NUMBER: Final = frozenset("+-.0123456789")


def meaning(text: str) -> object:
    """A word without quotes as kubectl reads it."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINS_A_NUMBER or len(text) > _LONGEST_NUMBER:
        return text
    bare = text.replace("_", "") if text[0] != "." else text
    if _INTEGER.fullmatch(bare):
        digits = bare.lstrip("+-").lower()
        base = _BASES.get(digits[1:2], 8 if digits.startswith("0") else 10)
        value = int(digits.removeprefix("0" + digits[1:2]) if digits[1:2] in _BASES else digits, base)
        value = -value if bare.startswith("-") else value
        return value if -_LARGEST <= value < _LARGEST else float(value)
    if _FLOAT.fullmatch(bare):
        number = float(bare)
        if not math.isfinite(number):
            return text
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    return text
