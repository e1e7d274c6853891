"""Flags: where one stands in a pod template, what is recorded of it, and whether it is as expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.flag import Expect, Flag, FlagFact
from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode
from driftreview.api.values import parse_quantity
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.checks import CheckResult, problem_with
from driftreview.domain.display import shorten
from driftreview.domain.masking import holds_secret, names_secret

Raw = Mapping[str, Any]

SECTION: Final = "flags"
_CLOSE: Final = 1e-9
"""Numbers that differ by less, relatively, are the same: a query answers in binary fractions."""
_SHOWN: Final = 64
_LINE: Final = 512
MOST_READ: Final = 1024
"""Characters of a value: a declared one has half of it, so that a longer one is another one."""


@dataclass(frozen=True)
class Place:
    """One place in which a variable may stand."""

    source: str
    """For people."""
    kind: str = ""
    """`configMap` or `secret` where another object must be read; empty where the pod template says it."""
    name: str = ""
    """Of that object."""
    key: str = ""
    """In it."""
    value: str | None = None
    """What the pod template says; None for what only the running pod knows."""
    optional: bool = False
    """Whether the pod does without the object."""
    named: bool = True
    """Whether the variable is there by its name, and not only if the object has the key."""


def places(template: Raw, container: str | None, variable: str) -> list[Place] | None:
    """Where a variable of a container may stand, first what wins; None if there is no such container."""
    every = (template.get("spec") or {}).get("containers") or []
    found = next((each for each in every if container in {None, each["name"]}), None)
    if found is None:
        return None
    written = [each for each in found.get("env") or [] if each["name"] == variable]
    if written:  # the last one wins
        return [_written(written[-1], found["name"])]
    return list(_all_keys(found.get("envFrom") or [], variable))


def _written(raw: Raw, container: str) -> Place:
    if "valueFrom" not in raw:
        return Place(f"plain value in container {container}", value=raw.get("value", "")[:MOST_READ])
    for key, kind in (("configMapKeyRef", "configMap"), ("secretKeyRef", "secret")):
        if ref := raw["valueFrom"].get(key):
            name, inside = ref.get("name", ""), ref["key"]
            said = f"{kind} {name}, key {inside}"
            return Place(said, kind, name, inside, optional=bool(ref.get("optional")))
    return Place(f"field of the pod in container {container}")


def _all_keys(sources: Sequence[Raw], variable: str) -> Iterator[Place]:
    """Objects whose every key is a variable; of two with the same key the later one wins."""
    for each in reversed(sources):
        prefix = each.get("prefix") or ""
        if not variable.startswith(prefix):
            continue
        for key, kind in (("configMapRef", "configMap"), ("secretRef", "secret")):
            if ref := each.get(key):
                name, inside = ref.get("name", ""), variable.removeprefix(prefix)
                said, optional = f"{kind} {name}, every key", bool(ref.get("optional"))
                yield Place(said, kind, name, inside, optional=optional, named=False)


def flag_fact(flag: Flag, *, present: bool, value: str | None, source: str, key: str = "") -> FlagFact:
    """What is recorded of a flag that was found, or was not.

    Args:
        flag: which.
        present: whether it is there.
        value: its value, where that may be compared.
        source: where it was looked for.
        key: what it is called there.
    """
    matches = None if flag.value is None or value is None else _same(flag, value)
    secret = value is None or names_secret(flag.name) or names_secret(key) or holds_secret(value)
    kept = None if secret else value
    return FlagFact(name=flag.name, present=present, matches=matches, value=kept, source=shorten(source, _LINE))


def _same(flag: Flag, value: str) -> bool:
    if flag.from_.query is None:
        return flag.value == value.rstrip("\n")  # what a file in a ConfigMap ends with is not its value
    try:
        return math.isclose(parse_quantity(flag.value or ""), float(value), rel_tol=_CLOSE)
    except ValueError:
        return False


def check_flag(flag: Flag, now: Facts) -> CheckResult:
    """Whether a flag is as expected; how it was at T0 does not matter."""
    problem = problem_with(now, SECTION, flag.name)
    if problem is not None:
        return _said(flag, CheckVerdict.UNKNOWN, f"it could not be found out: {problem.message}")
    fact = next((each for each in now.flags if each.name == flag.name), None)
    if fact is None or fact.present is None:
        return _said(flag, CheckVerdict.UNKNOWN, "nothing was recorded of it")
    known = None if fact.value is None else repr(shorten(fact.value, _SHOWN))
    value = "" if known is None else f" ({known})"
    if flag.expect is Expect.VALUE and fact.present and fact.matches is None:
        return _said(flag, CheckVerdict.UNKNOWN, f"it is there, but its value is not compared: {fact.source}")
    held = {
        Expect.PRESENT: fact.present,
        Expect.ABSENT: not fact.present,
        Expect.VALUE: bool(fact.matches),
    }[flag.expect]
    if held:
        return _said(flag, CheckVerdict.HELD, f"as expected{value}: {fact.source}")
    found = f"there{value}" if fact.present else f"not there{value}"
    if flag.expect is Expect.VALUE and fact.present and known is not None:
        found = known
    wanted = f"the value {shorten(flag.value or '', _SHOWN)!r}" if flag.expect is Expect.VALUE else str(flag.expect)
    message = f"expected is {wanted}, and it is {found}: {fact.source}{_edited(fact, now)}"
    return _said(flag, CheckVerdict.BROKEN, message)


def _edited(fact: FlagFact, now: Facts) -> str:
    """When the ConfigMap that a flag stands in was last edited, where the look knows; by it a change is found."""
    known = now.configuration.config_maps if now.configuration else []
    # A `Place` names its object this way, and no name of a ConfigMap has a comma.
    edited = next((each.changed_at for each in known if fact.source.startswith(f"configMap {each.name}, ")), None)
    return f", last edited {format_time(edited)}" if edited is not None else ""


def contradictory_flags(spec: DriftReviewSpec) -> Iterator[Problem]:
    """Flags that could never be as expected."""
    for index, flag in enumerate(spec.flags):
        if flag.from_.query is None or flag.value is None:
            continue
        try:
            parse_quantity(flag.value)
        except ValueError as error:
            text = f"spec.flags[{index}].value: a query answers with a number: {error}"
            yield Problem(reason=Reason.INVALID_SPEC, message=text[:1024])


def _said(flag: Flag, verdict: CheckVerdict, message: str) -> CheckResult:
    return CheckResult(SECTION, flag.name, verdict, message, counts=flag.mode is Mode.ENFORCE)
