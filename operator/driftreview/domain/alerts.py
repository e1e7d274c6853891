"""Alerts: how they are asked for, and what new ones and a silent heartbeat make of a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import promql_parser

from driftreview.api.alerts import AlertFact, Alerts
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.checks import CheckResult, problem_with
from driftreview.domain.display import some
from driftreview.domain.query import QueryProblem, check, escaped, expression, query_variables, resolve

SECTION: Final = "alerts"
NEW: Final = "new"
HEARTBEAT: Final = "heartbeat"
GRAVE: Final = frozenset({"critical", "page"})
"""Values of the label severity of alerts that wake somebody."""
_STEP: Final = timedelta(seconds=15)
"""How often it is looked whether an alert fires; what fires for less, and not at the end, may be missed."""
_MOST_STEPS: Final = 10_000
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS: Final = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_SERIES: Final = "ALERTS"
_NO_MATCHERS: Final = QueryProblem(Reason.QUERY_INVALID, 'must be label matchers alone, such as {namespace="shop"}')
_QUOTE: Final = '"'
_GIVEN: Final = ("alertstate", "__name__")
NOTHING_PROVED: Final = "which proves nothing: the source has no alert rule"
_BY: Final = "by (alertname, severity)"


@dataclass(frozen=True)
class AlertQueries:
    """What is asked for the end of a stretch of time; each answer has a row for each alert's name and severity."""

    first: str
    """When it first fired, in seconds since 1970."""
    last: str
    """When it last fired."""
    steps: str
    """How many steps it fired."""
    firing: str
    """What fires at the end."""
    step: timedelta


def named(match: str) -> str | None:
    """Matchers as a query; None if they are none.

    With a name before them: those that nothing alone would have to fulfil are refused by themselves.
    """
    text = match.strip()
    return f"{_SERIES}{text}" if text.startswith("{") else None


def selector(alerts: Alerts, variables: Mapping[str, str]) -> str | QueryProblem:
    """The series of the firing alerts that concern a release, with its matchers beside ours.

    They are read as matchers and written anew, so that no text of theirs can become anything else.
    """
    query = named(alerts.match)
    if query is None:
        return _NO_MATCHERS
    resolved = _resolved(query, variables)
    if isinstance(resolved, QueryProblem):
        return resolved
    found = expression(resolved)
    if not isinstance(found, promql_parser.VectorSelector) or found.name != _SERIES or _is_more(found):
        return _NO_MATCHERS
    parts = ['alertstate="firing"']
    for each in found.matchers.matchers:
        operator = _OPERATORS.get(f"{each.op}".rpartition(".")[2])
        if operator is None or not _LABEL.fullmatch(each.name) or each.name in _GIVEN:
            return QueryProblem(Reason.QUERY_INVALID, f"must not match {each.name}: which alerts fire is asked anyway")
        parts.append(f"{each.name}{operator}{_quoted(each.value)}")
    return f"{_SERIES}{{{','.join(parts)}}}"


def _resolved(query: str, variables: Mapping[str, str]) -> str | QueryProblem:
    """A query with its variables put in, if that is PromQL."""
    resolved = resolve(query, variables)
    return resolved if isinstance(resolved, QueryProblem) else check(resolved) or resolved


def contradictory_alerts(spec: DriftReviewSpec) -> Iterator[Problem]:
    """Matchers that are no matchers; what in them is no PromQL or has no value is said as of every query of a review.

    They are read with stand-ins for what only the release will tell.
    """
    if spec.alerts is None:
        return
    names = ("namespace", "target", "pods", "revision_hash", "container")
    variables = query_variables(spec.variables, **dict.fromkeys(names, "x"))
    query, found = named(spec.alerts.match), selector(spec.alerts, variables)
    if isinstance(found, QueryProblem) and (query is None or not isinstance(_resolved(query, variables), QueryProblem)):
        yield Problem(reason=found.reason, message=f"spec.alerts.match: {found.message}")


def queries(series: str, length: timedelta) -> AlertQueries:
    """What is asked of these series about a stretch of time."""
    step = max(_STEP, timedelta(seconds=length // timedelta(seconds=_MOST_STEPS)))
    over = f"[{max(length // timedelta(seconds=1), 1)}s:{step // timedelta(seconds=1)}s]"
    return AlertQueries(
        first=f"min {_BY} (min_over_time(timestamp({series}){over}))",
        last=f"max {_BY} (max_over_time(timestamp({series}){over}))",
        steps=f"max {_BY} (count_over_time({series}{over}))",
        firing=f"count {_BY} ({series})",
        step=step,
    )


def heartbeat_query(name: str) -> str:
    """Whether an alert fires, wherever it comes from."""
    return f'count({_SERIES}{{alertname={_quoted(name)},alertstate="firing"}})'


def check_alerts(alerts: Alerts, at_t0: Facts, now: Facts) -> Iterator[CheckResult]:
    """Whether nothing new fires, and whether that means anything."""
    counts = alerts.mode is Mode.ENFORCE
    alive: CheckVerdict | None = None
    if alerts.heartbeat is not None:
        alive, message = _heartbeat(alerts.heartbeat, now)
        yield CheckResult(SECTION, HEARTBEAT, alive, message, counts=counts)
    verdict, message = _new(at_t0, now)
    if verdict is CheckVerdict.HELD and alive not in {None, CheckVerdict.HELD}:
        verdict, message = CheckVerdict.UNKNOWN, f"{message}, but the heartbeat is silent: that proves nothing"
    proves = verdict is not CheckVerdict.HELD or not powerless(now)
    message += "" if proves else f", {NOTHING_PROVED}"
    yield CheckResult(SECTION, NEW, verdict, message, counts=counts, proves=proves)


def powerless(facts: Facts) -> bool:
    """Whether no alert can fire as far as is known: the source says that it has no alert rule, and nothing fires."""
    rules = facts.observability.rules if facts.observability else None
    fires = facts.alerts is not None and (facts.alerts.fired or facts.alerts.heartbeat)
    return rules is not None and rules.alerting == 0 and not fires


def new_alerts(at_t0: Facts, now: Facts) -> list[AlertFact]:
    """Alerts that fired since T0 and not in the baseline: of a false alarm or of the release."""
    before = {each.name for each in at_t0.alerts.fired} if at_t0.alerts else set()
    return [each for each in now.alerts.fired if each.name not in before] if now.alerts else []


def ended_alerts(at_t0: Facts, now: Facts) -> list[AlertFact]:
    """Alerts that fired at T0 and do not fire any more."""
    still = {each.name for each in now.alerts.fired if each.firing} if now.alerts else set()
    return [each for each in at_t0.alerts.fired if each.firing and each.name not in still] if at_t0.alerts else []


def declared(alerts: Alerts) -> Iterator[str]:
    """The names of its checks."""
    if alerts.heartbeat is not None:
        yield HEARTBEAT
    yield NEW


def _is_more(found: promql_parser.VectorSelector) -> bool:
    """Whether a selector is more than matchers that all must hold."""
    return bool(found.matchers.or_matchers) or found.offset is not None or found.at is not None


def _heartbeat(name: str, now: Facts) -> tuple[CheckVerdict, str]:
    alive = now.alerts.heartbeat if now.alerts else None
    if alive is None:
        return CheckVerdict.UNKNOWN, _unread(now, HEARTBEAT, "now")
    if alive:
        return CheckVerdict.HELD, f"{name} fires"
    return CheckVerdict.BROKEN, f"{name} does not fire: no alert may be evaluated at all; look at the rules"


def _new(at_t0: Facts, now: Facts) -> tuple[CheckVerdict, str]:
    for when, facts in (("at T0", at_t0), ("now", now)):
        if facts.alerts is None or problem_with(facts, SECTION, NEW):
            return CheckVerdict.UNKNOWN, _unread(facts, NEW, when)
    new = new_alerts(at_t0, now)
    cut = (at_t0.alerts is not None and at_t0.alerts.left_out) or (now.alerts is not None and now.alerts.left_out)
    if cut:
        return CheckVerdict.UNKNOWN, f"{cut} alerts more than are kept fired: narrow spec.alerts.match"
    grave = [each for each in new if each.severity in GRAVE]
    if grave:
        return CheckVerdict.BROKEN, f"new since T0: {_names(grave)}: a false alarm, or the release"
    parts = [f"new since T0, none of them critical: {_names(new)}" if new else "no new alert fired since T0"]
    if ended := ended_alerts(at_t0, now):
        parts.append(f"no longer: {_names(ended)}")
    return CheckVerdict.HELD, "; ".join(parts)


def _unread(facts: Facts, name: str, when: str) -> str:
    problem = problem_with(facts, SECTION, name)
    return f"it could not be read {when}" + (f": {problem.message}" if problem else "")


def _names(found: list[AlertFact]) -> str:
    return some([f"{each.name} ({each.severity})" if each.severity else each.name for each in found])


def _quoted(text: str) -> str:
    """A text as a PromQL string."""
    return f'"{escaped(text, _QUOTE)}"'
