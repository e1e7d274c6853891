"""Preflight, whatever was read: what is unknown never looks good, and what is said is bounded text."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.preflight import MOST_FINDINGS, FindingSeverity, PreflightCheck
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.continuity import has_argument
from driftreview.domain.pods import Container, Ended, Pod
from driftreview.domain.preflight import blockers, find, with_preflight
from driftreview.domain.readings import Clocks, Readings, Retention, Unknown
from tests.builders import T0, review

LENGTHS = st.timedeltas(timedelta(days=-99), timedelta(days=99))
UNKNOWN = st.builds(Unknown, st.text(max_size=600))
CONTAINERS = st.builds(
    Container,
    name=st.text(max_size=70),
    words=st.lists(st.text(max_size=20), max_size=4).map(tuple),
    env=st.lists(st.tuples(st.text(max_size=9), st.none() | st.text(max_size=9)), max_size=3).map(tuple),
    restarts=st.integers(0, 10**6),
    ended=st.none() | st.builds(Ended, st.integers(0, 255), st.text(max_size=600), st.none() | st.just(T0)),
    waiting=st.sampled_from(["", "CrashLoopBackOff"]),
)
PODS = st.lists(
    st.builds(Pod, st.text(min_size=1, max_size=9), st.just(""), st.just("Always"), st.tuples(CONTAINERS)), max_size=40
).map(tuple)
READINGS = st.builds(
    Readings,
    taken_at=st.just(T0),
    pods=PODS | UNKNOWN,
    scraped=UNKNOWN | st.dictionaries(st.text(max_size=9), st.booleans()),
    silent=st.lists(st.text(max_size=70)).map(tuple),
    vague=UNKNOWN | st.lists(st.text(max_size=600), max_size=60).map(tuple),
    retention=UNKNOWN | st.builds(Retention, st.none() | st.just(T0), st.booleans(), LENGTHS, UNKNOWN | LENGTHS),
    clocks=st.builds(Clocks, UNKNOWN | LENGTHS, UNKNOWN | LENGTHS),
    previous=st.none() | st.text(max_size=9),
)
CHECKS = st.lists(st.sampled_from(PreflightCheck), unique=True)
FORBID = st.lists(st.builds(dict, arg=st.text(min_size=1, max_size=9)), max_size=16)


@given(READINGS, CHECKS, CHECKS, FORBID)
def test_what_is_said_is_bounded_text_and_the_gravest_comes_first(
    readings: Readings, require: list[PreflightCheck], warn: list[PreflightCheck], forbid: list[Any]
) -> None:
    found = find(review(preflight={"require": require, "warnOnly": warn, "forbid": forbid}).spec, readings)
    assert len(found) <= MOST_FINDINGS
    for each in found:
        assert (each.message + each.impact + each.fix).isprintable()
        assert len(each.message) <= 512
        assert max(len(each.impact), len(each.fix)) <= 256
    grave = [each.severity is FindingSeverity.BLOCKER for each in found]
    assert grave == sorted(grave, reverse=True)
    status = with_preflight(DriftReviewStatus(), found, T0)
    DriftReviewStatus.model_validate(status.to_wire())
    assert bool(blockers(status)) == any(grave)


@given(READINGS, CHECKS)
def test_requiring_changes_how_grave_a_finding_is_and_nothing_else(
    readings: Readings, checks: list[PreflightCheck]
) -> None:
    required = find(review(preflight={"require": checks, "warnOnly": []}).spec, readings)
    warned = find(review(preflight={"warnOnly": checks}).spec, readings)
    assert [each.model_copy(update={"severity": "Warning"}) for each in required] == warned
    assert all(each.severity is FindingSeverity.BLOCKER for each in required)


@given(st.lists(st.text("abc-=\"' ", max_size=9), max_size=5), st.text("abc-", min_size=1, max_size=6))
def test_an_argument_that_is_there_is_found(words: list[str], wanted: str) -> None:
    assert has_argument([*words, wanted], wanted)
    assert has_argument([wanted, *words], wanted)
    assert has_argument(["sh", "-c", f"run {wanted}; true"], wanted)
