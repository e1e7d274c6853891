"""The CEL rules of the CRDs, evaluated by the reference implementation of CEL, as the API server does on create.

Its functions of the Kubernetes library (lists, URLs) are added here; rules that compare with what is stored (`oldSelf`)
are left to the server.
"""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv6Address
from itertools import pairwise
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from driftreview.api.base import VALIDATIONS

_OLD: Final = re.compile(r"\boldSelf\b")
_SCHEME: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(.*)", re.DOTALL)
_NAME: Final = re.compile(r"([-A-Za-z0-9_.~!$&'()*+,;=:\[\]<>\"]|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*")
_PORT: Final = re.compile(r"(:[0-9]*)?")
_RESERVED: Final = ("for",)
"""Names of fields that CEL keeps for itself: rules of Kubernetes write them as `__for__`."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


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
    if isinstance(value, dict):
        value = value | {f"__{name}__": value[name] for name in _RESERVED if name in value}
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
            function("isURL", kind.BOOL, kind.STRING, lambda text: _address(text) is not None, member=False),
            function("url", kind.STRING, kind.STRING, str, member=False),  # an address is told apart by its text
            function("getScheme", kind.STRING, kind.STRING, lambda text: _parts(text)[0], member=True),
            function("getHostname", kind.STRING, kind.STRING, lambda text: _parts(text)[1], member=True),
        ],
    )


def _is_sorted(values: list[Any]) -> bool:
    return all(before <= after for before, after in pairwise(values))


def _parts(text: str) -> tuple[str, str]:
    return _address(text) or ("", "")


def _address(text: str) -> tuple[str, str] | None:
    """Scheme and host name of an absolute address or path, as Go's url.ParseRequestURI has it; None if it is none."""
    scheme, rest = _SCHEME.fullmatch(text).groups("")  # type: ignore[union-attr] # it matches every text
    rest = rest.partition("?")[0]
    if _CONTROL.search(text) or not (scheme or rest.startswith("/")):
        return None
    host, path = "", rest
    if scheme and rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        host = host.rpartition("@")[2]
    name, port = _host(host)
    if name is None or not _PORT.fullmatch(port) or _BAD_ESCAPE.search(path if rest.startswith("/") else ""):
        return None
    return scheme.lower(), name


def _host(host: str) -> tuple[str | None, str]:
    """The name in a host, None for one that is none, and what follows it."""
    if host.startswith("["):
        inside, _, port = host[1:].rpartition("]")
        try:
            return str(IPv6Address(inside.partition("%25")[0])), port
        except ValueError:
            return None, port
    name, colon, port = host.rpartition(":") if ":" in host else (host, "", "")
    return name if _NAME.fullmatch(name) else None, colon + port
