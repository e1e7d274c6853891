"""What a metric source says of itself beside queries: its clock, how long it keeps samples, whose pods it scrapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from driftreview.adapters.answers import Rows
from driftreview.adapters.backoff import DOWN
from driftreview.adapters.prometheus import InstantResult, PrometheusSource
from driftreview.adapters.replies import extract
from driftreview.api.reasons import Reason
from driftreview.domain.alertrules import Rule, read_rules
from driftreview.domain.pods import Pod
from driftreview.domain.query import QueryProblem, regex_literal, resolve
from driftreview.domain.readings import Unknown
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.scraping import UP

Ask: TypeAlias = Callable[[Callable[[], Any]], Any]
"""Asks a source as soon as it has room."""

_UP_BY_POD: Final = 'max by (pod) (up{namespace=~"${namespace}|",pod=~"${pods}"})'
_UP_BY_ADDRESS: Final = 'max by (instance) (up{instance=~"${pods}"})'
_MOST_ADDRESSES: Final = 50
_LENGTHS: Final = {"y": 365 * 86_400, "w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_LENGTH: Final = re.compile(r"([0-9]{1,9})(ms|[ywdhms])")
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:ms|[ywdhms]))+")


def ahead(source: PrometheusSource, ask: Ask, clock: Callable[[], datetime]) -> timedelta | Unknown:
    """By how much at least a source's clock is ahead of ours; negative if it is behind.

    It is asked for its present, the one query that names no moment.
    """
    before = clock()
    said = ask(lambda: source.data("query", {"query": "time()"}))
    after = clock()
    if isinstance(said, Failed):
        return Unknown(said.message)
    match said:
        # VictoriaMetrics answers with a series without labels.
        case {"resultType": "scalar", "result": [int() | float() as seconds, str()]} | {
            "resultType": "vector",
            "result": [{"value": [int() | float() as seconds, str()]}],
        } if 0 < seconds < 1e11:  # noqa: PLR2004 - the year 5138
            return certainly(datetime.fromtimestamp(seconds, UTC), before, after)
    return Unknown("it answers time() with something else than a number")


def certainly(moment: datetime, before: datetime, after: datetime) -> timedelta:
    """How far a moment that was said between two others lies at least beyond both: zero if it may lie between them."""
    return moment - after if moment > after else moment - before if moment < before else timedelta(0)


def has_samples(source: PrometheusSource, ask: Ask, since: datetime, length: timedelta) -> bool | Unknown:
    """Whether a source had scraped anything in a stretch of time."""
    seconds = int(length.total_seconds())
    # `count(up)` of one moment would take an outage of a minute for the end of what is kept.
    query = UP.replace("up", f"last_over_time(up[{seconds}s])")
    answer: InstantResult = ask(lambda: source.instant(query, since + length))
    return Unknown(answer.message) if isinstance(answer, Failed) else isinstance(answer, Rows)


def keeps(source: PrometheusSource, ask: Ask) -> timedelta | Unknown | None:
    """How long a source keeps samples; None if only its size bounds that."""
    said = ask(lambda: source.data("status/runtimeinfo", {}))
    if isinstance(said, Failed):
        return Unknown(said.message)
    kept = said.get("storageRetention") if isinstance(said, dict) else None
    return read_retention(kept) if isinstance(kept, str) else Unknown("it does not say how long")


@dataclass(frozen=True)
class Told:
    """What a source says of itself; None where it says nothing of the kind."""

    version: str | None
    retention: str | None
    ahead: timedelta | None
    """By how much at least its clock is ahead of ours."""


def told(source: PrometheusSource, clock: Callable[[], datetime]) -> Told | Failed:
    """Ask a source about itself.

    Prometheus, Thanos, Mimir and VictoriaMetrics serve their version; only Prometheus says how long it keeps samples.

    Returns:
        What it says; Failed if it could not be asked just now.

    Raises:
        BusyError: there is no slot for it now.
    """
    skew = ahead(source, lambda query: query(), clock)
    said = [source.data(f"status/{path}", {}) for path in ("buildinfo", "runtimeinfo")]
    # What it does not serve, a server refuses in many ways: VictoriaMetrics with 400 and a text.
    failure = next((each for each in said if isinstance(each, Failed) and each.reason in DOWN), None)
    if failure is not None:
        return failure
    match said[0]:
        case {"application": str(name), "version": str(number)}:  # Mimir names itself
            version = f"{name} {number}"
        case {"version": str(version)}:
            pass
        case _:
            version = ""
    kept = said[1].get("storageRetention") if isinstance(said[1], dict) else ""
    texts = [extract(each, source.hide) if isinstance(each, str) else "" for each in (version, kept)]
    return Told(texts[0] or None, texts[1] or None, None if isinstance(skew, Unknown) else skew)


def loaded_rules(source: PrometheusSource) -> tuple[Rule, ...] | Failed:
    """The rules that a source has loaded."""
    said = source.data("rules", {})
    if isinstance(said, Failed):
        return said
    rules = read_rules(said, source.hide)
    unreadable = Failed(Reason.NOT_FOUND, "what it says of its rules cannot be read", retryable=False)
    return unreadable if rules is None else rules


def read_retention(text: str) -> timedelta | Unknown | None:
    """Read `15d`, `15d or 512MB`, `4w2d`; `512MB` alone bounds no time."""
    for part in text[:100].split(" or "):
        if _DURATION.fullmatch(part):
            seconds = sum(int(count) * _LENGTHS[unit] for count, unit in _LENGTH.findall(part))
            return min(timedelta(days=36_500), timedelta(seconds=min(seconds, 3.2e9))) if seconds else None
    sized = re.match(r"[0-9.]+ ?[KMGTPE]?i?B", text)
    return None if sized else Unknown("it says how long in a way that cannot be read")


def scraped(
    source: PrometheusSource, ask: Ask, pods: Sequence[Pod], namespace: str, at: datetime
) -> dict[str, bool] | Unknown:
    """Which pods are targets of a source, and whether one of their targets answers.

    By the label `pod`, which whoever discovers targets in Kubernetes sets as a rule; where no target has it, by the
    address of the pod in the label `instance`.
    """
    if not pods:
        return {}
    by_name = {each.name: each.name for each in pods}
    found = _up(source, ask, _UP_BY_POD, "|".join(map(regex_literal, sorted(by_name))), namespace, at)
    if found != {}:
        return found if isinstance(found, Unknown) else _by_pod(found, by_name)
    by_address = {each.ip: each.name for each in pods if each.ip}
    some = sorted(by_address)[:_MOST_ADDRESSES]
    # An IPv6 address stands in brackets before its port.
    addresses = "|".join(regex_literal(f"[{each}]" if ":" in each else each) for each in some)
    found = _up(source, ask, _UP_BY_ADDRESS, f"({addresses})(:[0-9]+)?", namespace, at) if some else {}
    if isinstance(found, Unknown):
        return found
    return _by_pod({_address(each): value for each, value in found.items()}, by_address)


def _up(
    source: PrometheusSource, ask: Ask, query: str, pods: str, namespace: str, at: datetime
) -> dict[str, bool] | Unknown:
    resolved = resolve(query, {"namespace": namespace, "pods": pods})
    if isinstance(resolved, QueryProblem):
        return Unknown(resolved.message)
    answer: InstantResult = ask(lambda: source.instant(resolved, at))
    if isinstance(answer, Failed):
        return Unknown(answer.message)
    if isinstance(answer, NoData):
        return {}
    return {next(iter(row.labels.values()), ""): bool(row.value) for row in answer.rows}


def _by_pod(found: dict[str, bool], names: dict[str, str]) -> dict[str, bool]:
    pods: dict[str, bool] = {}
    for key, answers in found.items():
        if key in names:
            pods[names[key]] = answers or pods.get(names[key], False)
    return pods


def _address(instance: str) -> str:
    """The address of `10.0.0.1:8080`, `[fd00::1]:8080` or `10.0.0.1`."""
    if instance.startswith("["):
        return instance[1:].partition("]")[0]
    return instance.partition(":")[0]
