"""The CEL rules of the CRDs, evaluated by the reference implementation of CEL, as the API server does on create.

Its functions of the Kubernetes library (lists, URLs) are added here; rules that compare with what is stored (`oldSelf`)
are left to the server.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from driftreview.api.base import VALIDATIONS

_OLD: Final = re.compile(r"\boldSelf\b")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(r"[^\s\x00-\x1f\x7f\"<>\\^`{|}]*")


def broken(schema: dict[str, Any], value: Any) -> list[str]:
    """The messages of the rules of one place that its value breaks; a rule that cannot be evaluated counts as broken.

    Args:
        schema: the place's schema, of a CRD.
        value: what stands there, with defaults filled in and of the right type.
    """
    date = schema.get("format") == "date-time"
    return [
        _said(rule, value, date=date)
        for rule in schema.get(VALIDATIONS, [])
        if not _OLD.search(rule["rule"]) and _evaluated(rule["rule"], value, date=date) is not True
    ]


def _said(rule: dict[str, str], value: Any, *, date: bool) -> str:
    """A rule's message, with what was found if it can say that in one line."""
    said = _evaluated(rule["messageExpression"], value, date=date) if "messageExpression" in rule else None
    return said if isinstance(said, str) and said.strip() and "\n" not in said else rule["message"]


def _evaluated(expression: str, value: Any, *, date: bool) -> Any:
    """What an expression comes to; None for an error."""
    result = _compiled(f"[timestamp(self)].map(self, {expression})[0]" if date else expression).eval(
        data={"self": value}
    )
    return None if result.type() == cel.Type.ERROR else result.plain_value()


@cache
def _compiled(expression: str) -> cel.Expression:
    return _environment().compile(expression)


@cache
def _environment() -> cel.Env:
    kind = cel.Type

    def function(name: str, returned: cel.Type, taken: cel.Type, impl: Any, *, member: bool) -> cel.FunctionDecl:
        return cel.FunctionDecl(name, [cel.Overload(f"lint_{name}", returned, [taken], member, impl)])

    return cel.NewEnv(
        variables={"self": kind.DYN},
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
        functions=[
            function("isSorted", kind.BOOL, kind.List(kind.DYN), _is_sorted, member=True),
            function("isURL", kind.BOOL, kind.STRING, _is_url, member=False),
            function("url", kind.STRING, kind.STRING, str, member=False),  # an address is told apart by its text
            function("getScheme", kind.STRING, kind.STRING, lambda text: urlsplit(text).scheme, member=True),
            function("getHostname", kind.STRING, kind.STRING, lambda text: urlsplit(text).hostname or "", member=True),
        ],
    )


def _is_sorted(values: list[Any]) -> bool:
    return all(before <= after for before, after in pairwise(values))


def _is_url(text: str) -> bool:
    """Whether it is an absolute address or path, as Go's url.ParseRequestURI has it."""
    try:
        parts = urlsplit(text)
        port = parts.netloc.rpartition("@")[2].rpartition("]")[2].rpartition(":")[2]
        return (
            (bool(parts.scheme) or text.startswith("/"))
            and not _ESCAPE.search(text)
            and not re.search(r"[\x00-\x1f\x7f]", text)
            and _HOST.fullmatch(parts.netloc) is not None
            and (":" not in parts.netloc.rpartition("]")[2].rpartition("@")[2] or port.isdecimal() or not port)
        )
    except ValueError:
        return False
