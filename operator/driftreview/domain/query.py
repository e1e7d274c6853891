"""Queries: ${name} put in safely, and the result parsed as PromQL.

Inside a quoted string a value is escaped for that string; `${pods}` is a regular expression already and only its
quotes and backslashes are escaped. Outside of strings only plain words, numbers and durations are let through, so
that no value can change what a query means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import promql_parser

from driftreview.api.reasons import Reason
from driftreview.domain.display import near

_TOKEN: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}|\\.|[\"'`]|#", re.DOTALL)
_STRING: Final = re.compile(
    r""" "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `([^`]*)` | \#[^\n]* """, re.DOTALL | re.VERBOSE
)
_OPERATION: Final = re.compile(r"[-+*/%^<>=!~({\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
MAX_OPERATIONS: Final = 250
"""The parser takes memory with the square of the depth: 2,000 divisions take 650 MiB, as many as here some."""
_MAX_QUERY: Final = 8192
"""Evidence has room for that long a query."""
_HASH: Final = "[4-9bcdf]{1,10}"
"""A pod template hash as the Deployment controller writes it: a number of 32 bits, its ten digits spelled so that no
words come of them. No wider, or pods of a DaemonSet web-api would be taken for those of a Deployment web."""
_SUFFIX: Final = "[a-z0-9]{5}"
_LONGEST_BASE: Final = 58
"""The API server cuts what stands before the suffix of a generated name at this length."""
_BARE: Final = re.compile(r"[A-Za-z0-9_:.]+")
_REGEXES: Final = frozenset({"pods"})
"""Variables whose values are regular expressions."""
_EQUALITY: Final = re.compile(r"([A-Za-z_]\w*)\s*(!?=)\s*$")
"""The end of a query before a string that it compares with a label, letter by letter."""
_LONGEST_END: Final = 200
"""How much of that end is read: on a name of thousands of letters the expression would be tried at each of them."""
_REGEX_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True)
class Asked:
    """What is asked for one signal, as evidence names it."""

    query: str
    companion: str | None = None
    """Its second query: the control, or what it is counted per."""


@dataclass(frozen=True)
class QueryProblem:
    """Why a query cannot be asked."""

    reason: Reason
    message: str


def regex_literal(text: str) -> str:
    """A regular expression (RE2) that matches exactly this text."""
    return _REGEX_SPECIAL.sub(r"\\\1", text)


def pods_of_revision(replica_set: str) -> str:
    """A regular expression for the pods of one ReplicaSet."""
    return generated(replica_set)


def pods_of_target(deployment: str) -> str:
    """A regular expression for the pods of every revision of a Deployment."""
    longest_hash = 10
    room = _LONGEST_BASE - len(f"{deployment}--")
    if room >= longest_hash:
        return f"{regex_literal(deployment)}-{_HASH}-{_SUFFIX}"
    start = f"{deployment}-"[:_LONGEST_BASE]
    return f"{regex_literal(start)}[4-9bcdf-]{{0,{_LONGEST_BASE - len(start)}}}{_SUFFIX}"


def generated(owner: str) -> str:
    """A regular expression for pods whose names the API server made of their owner's name."""
    return regex_literal(f"{owner}-"[:_LONGEST_BASE]) + _SUFFIX


def query_variables(
    own: Mapping[str, str],
    *,
    target: str,
    pods: str,
    namespace: str | None = None,
    revision_hash: str | None = None,
    container: str | None = None,
) -> dict[str, str]:
    """Values for the ${…} of a review's queries: its own, and what is known of its release, which comes before them.

    Args:
        own: spec.variables.
        target: name of the workload.
        pods: a regular expression for the names of its pods.
        namespace: of the workload.
        revision_hash: pod template hash of the revision that is asked about.
        container: name of the first container.
    """
    release = {
        "namespace": namespace,
        "target": target,
        "pods": pods,
        "revisionHash": revision_hash,
        "container": container,
    }
    return dict(own) | {name: value for name, value in release.items() if value is not None}


def resolve(query: str, variables: Mapping[str, str]) -> str | QueryProblem:
    """Put the variables in; `$${` stands for a literal `${`."""
    resolved = _put_in(
        query, lambda name, before, quote: _misused(name, before, quote) or _value(name, variables, quote), "${"
    )
    if isinstance(resolved, str) and len(resolved) > _MAX_QUERY:
        message = f"is {len(resolved)} characters long with its variables put in, {_MAX_QUERY} at most"
        return QueryProblem(Reason.QUERY_INVALID, message)
    return resolved


def fill(query: str, values: Mapping[str, str]) -> str | QueryProblem:
    """Put some variables in, each as plain text: resolved later, it says what it would say with all at once."""
    filled = _put_in(query, lambda name, _, quote: _filled(name, values, quote), "$${")
    # What stands side by side may read as one: a value that ends in `$` before a brace.
    if isinstance(filled, str) and used(filled) != [name for name in used(query) if name not in values]:
        return QueryProblem(Reason.QUERY_INVALID, "would use a variable that a value makes up; leave `$` out of values")
    return filled


def used(query: str) -> list[str]:
    """Names of the variables that a query uses, in their order, but for its comments."""
    found: list[str] = []

    def note(name: str, _: str, __: str) -> str:
        found.append(name)
        return ""

    _put_in(query, note, "")
    return found


def _put_in(query: str, value_of: Callable[[str, str, str], str | QueryProblem], literal: str) -> str | QueryProblem:
    """The query with what `value_of` says in place of each variable.

    Args:
        query: as it was written.
        value_of: says of a name, what stands before the string it is in, and the quote of that string, its value.
        literal: what is written for `$${`.
    """
    parts: list[str] = []
    quote = ""
    opened = 0
    position = 0
    while match := _TOKEN.search(query, position):
        parts.append(query[position : match.start()])
        position = match.end()
        piece = match.group()
        if piece == "$${":
            parts.append(literal)
        elif piece.startswith("${"):
            value = value_of(match.group(1), "".join(parts[:opened]), quote)
            if isinstance(value, QueryProblem):
                return value
            parts.append(value)
        elif piece == "#" and not quote:  # a comment: nothing in it is meant
            end = query.find("\n", position)
            position = len(query) if end < 0 else end
        else:
            if piece in "\"'`":
                opened = opened if quote else len(parts)
                quote = piece if not quote else "" if piece == quote else quote
            elif piece.startswith("\\") and quote == "`":  # a raw string knows no escapes
                position -= len(piece) - 1
                piece = piece[0]
            parts.append(piece)
    parts.append(query[position:])
    return "".join(parts)


def _filled(name: str, values: Mapping[str, str], quote: str) -> str | QueryProblem:
    if name not in values:
        return f"${{{name}}}"
    value = _value(name, values, quote)
    return value.replace("${", "$${") if isinstance(value, str) else value


def _misused(name: str, before: str, quote: str) -> QueryProblem | None:
    """Refuse a regular expression where text is compared: it would equal no label, or differ from every one."""
    if name not in _REGEXES or not quote or not (found := _EQUALITY.search(before.rstrip()[-_LONGEST_END:])):
        return None
    label, operator = found.groups()
    mended = {"=": "=~", "!=": "!~"}[operator]
    message = (
        f"${{{name}}} is a regular expression, which {label}{operator}{quote}…{quote} takes for plain text: "
        f"write {label}{mended}{quote}${{{name}}}{quote}"
    )
    return QueryProblem(Reason.QUERY_INVALID, message)


def _value(name: str, variables: Mapping[str, str], quote: str) -> str | QueryProblem:
    if name not in variables:
        meant, known = near(name, variables, "${{{}}}"), ", ".join(sorted(variables))
        message = f"${{{name}}} is not defined; known are {known} (a literal ${{ is written $${{){meant}"
        return QueryProblem(Reason.VARIABLE_UNKNOWN, message)
    value = variables[name]
    if not quote:
        if not _BARE.fullmatch(value):
            message = (
                f"${{{name}}} stands outside of quotes, where its value {value!r} would change the query; quote it"
            )
            return QueryProblem(Reason.QUERY_INVALID, message)
        return value
    if quote == "`":
        if "`" in value:
            message = f"${{{name}}} holds a backtick and stands in a `raw` string; use a string in double quotes"
            return QueryProblem(Reason.QUERY_INVALID, message)
        return value
    return escaped(value, quote)


def escaped(value: str, quote: str) -> str:
    """A text as it stands inside a PromQL string of these quotes."""
    return value.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")


def stood_in_for(query: str) -> str | None:
    """What a number stands in for in a query that holds `… or vector(number)`; None in any other.

    None as well where the parser could not write the strings as it read them: it leaves backslashes and quotes bare.
    """
    if any(char in query for char in "\\'`"):
        return None
    parts = [expression(query)]
    while parts:
        part = parts.pop()
        if isinstance(part, promql_parser.BinaryExpr) and f"{part.op}" == "or" and _is_number(part.rhs):
            return f"{part.lhs}"
        for name in ("lhs", "rhs", "expr"):
            parts += [getattr(part, name)] if hasattr(part, name) else []
        parts += getattr(part, "args", [])
    return None


def _is_number(expression: promql_parser.Expr) -> bool:
    return isinstance(expression, promql_parser.Call) and expression.func.name == "vector"


def _without_raw_strings(query: str) -> str:
    """The same query with `raw` strings in double quotes: the parser takes backslashes in raw ones for escapes."""
    return _STRING.sub(lambda match: match[0] if match[1] is None else f'"{escaped(match[1], chr(34))}"', query)


def expression(query: str) -> promql_parser.Expr:
    """The expression of a query that `check` lets through."""
    return promql_parser.parse(_without_raw_strings(query))


def check(query: str) -> QueryProblem | None:
    """Say what is wrong with a resolved query, if it is not PromQL or not of a kind that can be judged."""
    operations = len(_OPERATION.findall(_STRING.sub('""', query)))
    if operations > MAX_OPERATIONS:
        message = f"has {operations} operators and brackets, more than {MAX_OPERATIONS}: record parts of it with a rule"
        return QueryProblem(Reason.QUERY_INVALID, message)
    try:
        expression = promql_parser.parse(_without_raw_strings(query))
    except ValueError as error:
        return QueryProblem(Reason.QUERY_INVALID, f"is not PromQL: {' '.join(str(error).split())[:300]}")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - the parser is written in Rust and panics at numbers that it did not foresee
        return QueryProblem(Reason.QUERY_INVALID, "is not PromQL that can be parsed: a number in it is out of range")
    if isinstance(expression, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        return QueryProblem(
            Reason.QUERY_INVALID, "is a range vector; wrap it in a function such as rate() or avg_over_time()"
        )
    if isinstance(expression, promql_parser.StringLiteral):
        return QueryProblem(Reason.QUERY_INVALID, "is a string; a signal needs numbers")
    return None
