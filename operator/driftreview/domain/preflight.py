"""Preflight: from what was read before T0 to what is not in order. Pure: the reading is done elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.phases import ConditionType
from driftreview.api.preflight import (
    MOST_FINDINGS,
    FindingSeverity,
    Preflight,
    PreflightCheck,
    PreflightFinding,
)
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Mode
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import format_duration
from driftreview.domain.alertrules import amiss
from driftreview.domain.continuity import forbidden, stops
from driftreview.domain.display import plain, some
from driftreview.domain.limitsonly import FIRST, unjudged
from driftreview.domain.readings import Readings, Retention, Unknown
from driftreview.domain.status import condition, truth, with_condition

MOST_SKEW: Final = timedelta(seconds=30)
"""How far clocks may differ: a scrape interval. The settling time of a look is longer."""
_MESSAGE: Final = 512
_MOST_SIGNALS: Final = 12
"""Named without data: each is a gap that somebody has to close."""
_TEXT: Final = 256
_FIRST: Final = "FirstRelease"


@dataclass(frozen=True)
class Found:
    """What is not in order, before it is known how grave that is."""

    message: str
    impact: str = ""
    fix: str = ""


def looked_at(preflight: Preflight) -> frozenset[PreflightCheck]:
    """The checks that are looked at at all."""
    return frozenset((*preflight.require, *preflight.warn_only))


def find(spec: DriftReviewSpec, readings: Readings) -> list[PreflightFinding]:
    """Everything that is not in order: blockers first, and what is beyond MOST_FINDINGS as a number.

    What could not be found out is a finding as well: it never looks good.
    """
    declared = spec.preflight
    by_check = {
        PreflightCheck.CONTINUOUS_OPERATION: _continuous(readings),
        PreflightCheck.METRICS_SCRAPED: _scraped(readings),
        PreflightCheck.SIGNALS_PRESENT: _present(spec, readings),
        PreflightCheck.RESOLUTION: _resolution(readings),
        PreflightCheck.RETENTION: _retention(readings),
        PreflightCheck.CLOCK_SKEW: _clocks(readings),
        PreflightCheck.ROLLBACK_POSSIBLE: _rollback(readings),
        PreflightCheck.ALERT_RULES_LOADED: _rules(spec, readings),
    }
    found = [
        _finding(check, _severity(declared, check), each)
        for check, all_found in by_check.items()
        if check in looked_at(declared)
        for each in all_found
    ]
    found += [_finding(name, severity, each) for name, severity, each in _forbidden(declared, readings)]
    found += [_finding(_FIRST, FindingSeverity.WARNING, each) for each in _first(spec, readings)]
    found.sort(key=lambda each: each.severity is not FindingSeverity.BLOCKER)
    if len(found) > MOST_FINDINGS:
        left = found[MOST_FINDINGS - 1 :]
        more = PreflightFinding(name="More", severity=left[0].severity, message=f"and {len(left)} more findings")
        found = [*found[: MOST_FINDINGS - 1], more]
    return found


def with_preflight(status: DriftReviewStatus, findings: Iterable[PreflightFinding], now: datetime) -> DriftReviewStatus:
    """Say what preflight found, all of it, and in the condition which of it keeps the review from starting."""
    found = list(findings)
    status = status.model_copy(update={"preflight": found})
    stopping = blockers(status)
    if stopping:
        message = "; ".join(_sentence(each) for each in stopping)
        return with_condition(status, ConditionType.PREFLIGHT, "False", stopping[0].name, message, now)
    names = ", ".join(dict.fromkeys(each.name for each in found))
    message = f"nothing keeps it from starting; outstanding risks: {names}" if found else "everything is in order"
    kind = ConditionType.PREFLIGHT
    return with_condition(status, kind, truth(holds=True), Reason.PREFLIGHT_PASSED, message, now)


def with_resolution(spec: DriftReviewSpec, status: DriftReviewStatus, vague: Iterable[str]) -> DriftReviewStatus:
    """Add what only the frozen baseline tells: it is too late to block, so it is a risk."""
    others = [each for each in status.preflight if each.name != PreflightCheck.RESOLUTION]
    if PreflightCheck.RESOLUTION not in looked_at(spec.preflight):
        return status
    found = [_finding(PreflightCheck.RESOLUTION, FindingSeverity.WARNING, each) for each in _vague(tuple(vague))]
    return status.model_copy(update={"preflight": [*others, *found][:MOST_FINDINGS]})


def blockers(status: DriftReviewStatus) -> list[PreflightFinding]:
    """What keeps a review from starting, as last said."""
    return [each for each in status.preflight if each.severity is FindingSeverity.BLOCKER]


def was_blocked(status: DriftReviewStatus) -> bool:
    """Whether preflight kept it from starting when it was last looked at."""
    said = condition(status, ConditionType.PREFLIGHT)
    return said is not None and said.status == "False"


def _sentence(found: PreflightFinding) -> str:
    return f"{found.name}: {found.message}" + (f" (fix: {found.fix})" if found.fix else "")


def _severity(declared: Preflight, check: PreflightCheck) -> FindingSeverity:
    return FindingSeverity.BLOCKER if check in declared.require else FindingSeverity.WARNING


def _finding(name: str, severity: FindingSeverity, found: Found) -> PreflightFinding:
    """A finding, with what came from labels, logs and servers as plain text of bounded length."""
    return PreflightFinding(
        name=name,
        severity=severity,
        message=plain(found.message, _MESSAGE),
        impact=plain(found.impact, _TEXT),
        fix=plain(found.fix, _TEXT),
    )


def _unknown(what: str, found: Unknown) -> Found:
    return Found(f"{what} could not be found out: {found.message}", "What was not found out may be wrong.")


def _continuous(readings: Readings) -> Iterator[Found]:
    if isinstance(readings.pods, Unknown):
        yield _unknown("whether the containers go on", readings.pods)
        return
    for message, fix in stops(readings.pods or (), readings.taken_at):
        yield Found(message, "Continuous metrics cannot be captured, nor drift be tracked over the window.", fix)


def _forbidden(declared: Preflight, readings: Readings) -> Iterator[tuple[str, FindingSeverity, Found]]:
    for each in declared.forbid:
        name = "ForbiddenArgument" if each.arg is not None else "ForbiddenVariable"
        wanted = each.arg if each.arg is not None else each.env
        if isinstance(readings.pods, Unknown):
            unread = _unknown(f"whether {wanted} is set", readings.pods)
            yield name, FindingSeverity.BLOCKER, Found(unread.message, each.impact or unread.impact, each.fix)
            continue
        message = forbidden(each, readings.pods or ())
        if message:
            impact = each.impact or "What is measured is not what the release does in earnest."
            fix = each.fix or f"Deploy without {wanted}, or drop it from spec.preflight.forbid."
            yield name, FindingSeverity.BLOCKER, Found(message, impact, fix)


def _scraped(readings: Readings) -> Iterator[Found]:
    scraped, pods = readings.scraped, readings.pods
    if scraped is None or pods is None:
        return
    if isinstance(scraped, Unknown) or isinstance(pods, Unknown):
        yield _unknown("whether the judged pods are scraped", scraped if isinstance(scraped, Unknown) else pods)  # type: ignore[arg-type] # one of them is
        return
    impact = "What the pods measure cannot be tracked: signals made of it have no data."
    fix = "Serve metrics and let the source scrape them: a /metrics endpoint, and a target for it."
    names = [each.name for each in pods]
    absent = [name for name in names if name not in scraped]
    failing = [name for name in names if scraped.get(name) is False]
    if names and len(absent) + len(failing) == len(names):
        why = (
            f"the source scrapes none of the {len(names)} judged pods" if not failing else "no target of theirs answers"
        )
        yield Found(f"no metrics endpoint: {why} ({some(failing or absent)})", impact, fix)
    elif absent or failing:
        yield Found(
            f"{len(absent) + len(failing)} of {len(names)} judged pods are not scraped: {some(absent + failing)}",
            impact,
            fix,
        )


def _present(spec: DriftReviewSpec, readings: Readings) -> Iterator[Found]:
    counted = {each.name for each in spec.signals if each.mode is Mode.ENFORCE and each.kind is not Kind.INFO}
    silent = [name for name in readings.silent if name.split(" ")[0] in counted]
    if silent:
        yield Found(
            f"no data for {some(silent, _MOST_SIGNALS)}",
            "A signal without data is Missing at every look: the release cannot be approved.",
            "Check metric names and labels; see the condition Accepted.",
        )


def _first(spec: DriftReviewSpec, readings: Readings) -> Iterator[Found]:
    names = unjudged(spec) if readings.is_first else []
    if names:
        yield Found(
            f"{FIRST}, and these have no limit: {some(names)}",
            "Nothing says what they were before, nor what they were beside a control: they are recorded, not judged.",
            "Give them limits.alert before T0.",
        )


def _resolution(readings: Readings) -> Iterator[Found]:
    if isinstance(readings.vague, Unknown):
        yield _unknown("whether the margins can be seen", readings.vague)
    elif readings.vague:
        yield from _vague(readings.vague)


def _vague(vague: tuple[str, ...]) -> Iterator[Found]:
    if vague:
        yield Found(
            f"too noisy for their margin: {'; '.join(vague)}",
            "These signals will hardly ever be decided at the last look.",
            "Widen margin, aggregate in the query, or take a longer baseline or a later last checkpoint.",
        )


def _retention(readings: Readings) -> Iterator[Found]:
    retention = readings.retention
    if isinstance(retention, Unknown):
        yield _unknown("what the source holds", retention)
    elif retention is not None:
        yield from _held(retention)


def _held(retention: Retention) -> Iterator[Found]:
    if retention.needs_from is not None and not retention.holds_first:
        yield Found(
            f"the source has nothing of the beginning of the baseline's window, {format_time(retention.needs_from)}",
            "The baseline is shorter than declared: its signals may lack coverage.",
            "Shorten spec.baseline.length to what there is, or use a source that keeps samples for longer.",
        )
    if isinstance(retention.keeps, Unknown):
        yield _unknown("how long the source keeps samples", retention.keeps)
    elif retention.keeps is not None and retention.keeps < retention.needs:
        kept, needed = format_duration(retention.keeps), format_duration(retention.needs)
        yield Found(
            f"the source keeps samples for {kept}, the last look needs them for {needed}",
            "The last look will lack the beginning of its window.",
            "Raise the source's retention, or take an earlier last checkpoint.",
        )


def _clocks(readings: Readings) -> Iterator[Found]:
    if readings.clocks is None:
        return
    for whose, ahead in (("metric source", readings.clocks.source), ("API server", readings.clocks.api_server)):
        if isinstance(ahead, Unknown):
            yield _unknown(f"the time of the {whose}", ahead)
        elif abs(ahead) > MOST_SKEW:
            way = "ahead of" if ahead > timedelta(0) else "behind"
            yield Found(
                f"the clock of the {whose} is {format_duration(abs(ahead))} {way} the operator's",
                "Looks ask for times whose samples are missing, or that do not belong to them.",
                "Synchronise the clocks (NTP) of the machines of operator, API server and source.",
            )


def _rollback(readings: Readings) -> Iterator[Found]:
    if readings.previous is None:
        yield Found(
            "there is no earlier revision to go back to",
            "A drift cannot be rolled back.",
            "Keep one: revisionHistoryLimit above 0, and a release before this one.",
        )
    for each in readings.hindrances:
        yield Found(plain(each, _MESSAGE), "A drift cannot be rolled back before that is mended.")


def _rules(spec: DriftReviewSpec, readings: Readings) -> Iterator[Found]:
    if isinstance(readings.rules, Unknown):
        yield _unknown("which alert rules are loaded", readings.rules)
    elif readings.rules is not None and spec.alerts is not None:
        yield from (Found(*each) for each in amiss(spec.alerts, spec.signals, readings.rules))
