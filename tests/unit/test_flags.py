"""Flags: where one stands, what is recorded of it, and whether it is as expected."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.flags import read_flag
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError
from driftreview.api.base import format_time
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.configuration import ConfigurationFact, ReferenceFact
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.flag import Flag, FlagFact
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import CheckVerdict, Verdict
from driftreview.domain import decide
from driftreview.domain.expected import check_facts, measured_only, unmet
from driftreview.domain.flags import check_flag
from driftreview.domain.foresight import Foresight
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.release import release
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.validate import contradictions
from tests import builders
from tests.builders import HOUR, T0
from tests.support.factcluster import FactCluster

HELD, BROKEN, UNKNOWN = CheckVerdict.HELD, CheckVerdict.BROKEN, CheckVerdict.UNKNOWN
CONTAINER: dict[str, Any] = {
    "name": "bot",
    "env": [
        {"name": "NEW_CLI", "value": "false"},
        {"name": "NEW_CLI", "value": "true"},
        {"name": "API_TOKEN", "value": "hunter22"},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "mode", "optional": True}}},
        {"name": "LOST", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "mode"}}},
        {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "broker", "key": "mode"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
    "envFrom": [
        {"configMapRef": {"name": "settings"}},
        {"prefix": "S_", "secretRef": {"name": "broker"}},
        {"configMapRef": {"name": "gone", "optional": True}},
        {"configMapRef": {"name": "later"}},
    ],
}
TARGET: dict[str, Any] = {"metadata": {}, "spec": {"template": {"spec": {"containers": [CONTAINER, {"name": "side"}]}}}}
OBJECTS: dict[str, Any] = {
    "configmaps": {
        "settings": {"data": {"mode": "live", "both": "early", "file": "on\n"}, "binaryData": {"blob": "AA=="}},
        "later": {"data": {"both": "late"}},
    },
    "secrets": {"broker": {"data": {"password": "aHVudGVyMjI="}}},
}


def flag(name: str = "NEW_CLI", **fields: Any) -> Flag:
    return Flag.model_validate({"name": name, "from": {"env": {}}} | fields)


def value(name: str, wanted: str, **fields: Any) -> Flag:
    return flag(name, expect="Value", value=wanted, **fields)


class Source:
    """A metric source with one answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, datetime]] = []

    def instant(self, query: str, at: datetime) -> Any:
        self.asked.append((query, at))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(declared: Flag, answer: Any = None, cluster: FactCluster | None = None) -> Facts:
    """The facts of a look that reads this flag."""
    reader = (cluster or FactCluster(OBJECTS)).reader()
    found = answer if isinstance(answer, Problem) else FoundSource(cast("Any", Source(answer)), "prometheus")
    source = FactSource(reader, found, T0, {"namespace": "shop"})
    return Facts(
        taken_at=T0, flags=[read_flag(source, declared, release(TARGET, "uid", [declared]))], problems=reader.problems
    )


def said(declared: Flag, answer: Any = None) -> tuple[CheckVerdict, str]:
    result = check_flag(declared, read(declared, answer))
    return result.verdict, result.message


@pytest.mark.parametrize(
    ("declared", "verdict", "words"),
    [
        (flag(), HELD, "as expected ('true'): plain value in container bot"),
        (flag(expect="Absent"), BROKEN, "expected is Absent, and it is there ('true')"),
        (value("NEW_CLI", "true"), HELD, "'true'"),
        (value("NEW_CLI", "false"), BROKEN, "expected is the value 'false', and it is 'true'"),
        (flag("NOT_SET"), BROKEN, "expected is Present, and it is not there"),
        (flag("NOT_SET", expect="Absent"), HELD, "as expected"),
        (value("NOT_SET", "a"), BROKEN, "it is not there"),
        (value("API_TOKEN", "hunter22"), HELD, "as expected: plain value"),
        (value("API_TOKEN", "hunter2"), BROKEN, "and it is there: plain value"),
        (value("MODE", "live"), HELD, "configMap settings, key mode"),
        (value("MODE", "dry"), BROKEN, "and it is 'live':"),
        (flag("MAYBE", expect="Absent"), HELD, "configMap gone, key mode"),
        (flag("LOST"), UNKNOWN, "could not be found out: there is no configmaps/gone"),
        (flag("FROM_SECRET"), HELD, "secret broker, key mode"),
        (value("FROM_SECRET", "a"), UNKNOWN, "its value is not compared: secret broker, key mode"),
        (flag("NODE"), HELD, "field of the pod"),
        (value("NODE", "a"), UNKNOWN, "its value is not compared: field of the pod"),
        (value("both", "late"), HELD, "configMap later, every key"),
        (value("mode", "live"), HELD, "configMap settings, every key"),
        (flag("S_password"), HELD, "secret broker, every key"),
        (value("S_password", "hunter22"), UNKNOWN, "its value is not compared: secret broker"),
        (flag("NEW_CLI", **{"from": {"env": {"container": "side"}}}, expect="Absent"), HELD, "no such variable"),
        (flag("NEW_CLI", **{"from": {"env": {"container": "typo"}}}, expect="Absent"), UNKNOWN, "no such container"),
        (value("f", "on", **{"from": {"configMap": {"name": "settings", "key": "file"}}}), HELD, "key file"),
        (flag("f", **{"from": {"configMap": {"name": "settings", "key": "none"}}}), BROKEN, "not there"),
        (flag("f", **{"from": {"configMap": {"name": "typo", "key": "a"}}}, expect="Absent"), UNKNOWN, "no configmaps"),
        (value("f", "a", **{"from": {"configMap": {"name": "settings", "key": "blob"}}}), UNKNOWN, "not compared"),
    ],
)  # fmt: skip
def test_a_flag_is_looked_up_where_it_stands(declared: Flag, verdict: CheckVerdict, words: str) -> None:
    found, message = said(declared)
    assert (found, words in message) == (verdict, True), message
    assert "hunter" not in message.replace("'hunter22'", "").replace("'hunter2'", "")


def test_a_broken_flag_says_when_the_config_map_it_stands_in_was_edited() -> None:
    """By the time of its object, where the pods read that; of no other whose name only begins alike."""
    edited = [("set", HOUR), ("settings", 2 * HOUR)]
    known = ConfigurationFact(config_maps=[ReferenceFact(name=name, changed_at=T0 + when) for name, when in edited])

    def message(declared: Flag) -> str:
        return check_flag(declared, read(declared).model_copy(update={"configuration": known})).message

    when = format_time(T0 + 2 * HOUR)
    assert message(value("MODE", "dry")).endswith(f": configMap settings, key mode, last edited {when}")
    assert not any("last edited" in message(each) for each in (value("MODE", "live"), value("NEW_CLI", "no")))


def rows(*values: float | None) -> Rows:
    return Rows(T0, tuple(Row({"n": str(n)}, each) for n, each in enumerate(values)))


@pytest.mark.parametrize(
    ("declared", "answer", "verdict", "words"),
    [
        (flag(), rows(1.0), HELD, "('1')"),
        (flag(), rows(0.0), BROKEN, "it is not there ('0')"),
        (flag(expect="Absent"), rows(0.0), HELD, "as expected"),
        (flag(expect="Absent"), rows(2.0), BROKEN, "it is there ('2')"),
        (value("NEW_CLI", "300m"), rows(0.1 + 0.2), HELD, "as expected"),
        (value("NEW_CLI", "0"), rows(0.0), HELD, "as expected"),
        (value("NEW_CLI", "3"), rows(2.0), BROKEN, "expected is the value '3'"),
        (flag(expect="Absent"), NoData("Empty", "no series"), UNKNOWN, "no series"),
        (flag(), NoData("OnlyNaN", "all NaN"), UNKNOWN, "all NaN"),
        (flag(), rows(1.0, 1.0), UNKNOWN, "2 series"),
        (flag(), Failed("Timeout", "too slow", retryable=True), UNKNOWN, "too slow"),
        (flag(), Problem(reason=Reason.SOURCE_NOT_FOUND, message="no source"), UNKNOWN, "no source"),
        (flag(), BusyError(), UNKNOWN, "as many queries run"),
    ],
)
def test_a_flag_of_a_metric_is_a_value_other_than_0(
    declared: Flag, answer: Any, verdict: CheckVerdict, words: str
) -> None:
    asked = declared.model_copy(update={"from_": Flag.model_validate(
        {"name": "a", "from": {"query": 'flag{namespace="${namespace}"}'}}).from_})  # fmt: skip
    found, message = said(asked, answer)
    assert (found, words in message) == (verdict, True), message


def test_a_metric_is_asked_for_the_moment_that_is_judged_with_the_variables_put_in() -> None:
    source = Source(rows(1.0))
    found = FoundSource(cast("Any", source), "prometheus")
    asked = flag(**{"from": {"query": 'flag{namespace="${namespace}"}'}})
    read_flag(FactSource(FactCluster({}).reader(), found, T0 + HOUR, {"namespace": "shop"}), asked, None)
    assert source.asked == [('flag{namespace="shop"}', T0 + HOUR)]
    facts = read(flag(**{"from": {"query": 'flag{a="${typo}"}'}}), rows(1.0))
    assert facts.problems[0].reason is Reason.VARIABLE_UNKNOWN


def test_a_secret_that_may_not_be_read_makes_unknown_what_may_stand_in_it() -> None:
    cluster = FactCluster(OBJECTS, {"secrets"})
    declared = flag("S_password", expect="Absent")
    assert check_flag(declared, read(declared, cluster=cluster)).verdict is UNKNOWN
    assert cluster.asked == ["configmaps/later", "configmaps/gone", "secrets/broker"]


def test_without_a_target_a_variable_is_unknown() -> None:
    reader = FactCluster({}).reader()
    source = FactSource(reader, Problem(reason=Reason.TIMEOUT, message=""), T0, {})
    fact = read_flag(source, flag(), None)
    assert fact == FlagFact(name="NEW_CLI")
    assert check_flag(flag(), Facts(taken_at=T0, flags=[fact])).verdict is UNKNOWN
    assert check_flag(flag(), Facts(taken_at=T0)).verdict is UNKNOWN


@given(st.sampled_from([*CONTAINER["env"], {"name": "S_password"}, {"name": "password"}]), st.text(max_size=8))
def test_no_value_that_looks_secret_is_recorded(variable: dict[str, Any], wanted: str) -> None:
    written = str(read(value(variable["name"], wanted)).to_wire())
    assert "hunter" not in written
    assert "aHVudGVy" not in written


def judged(declared: Flag, now: Sequence[FlagFact], at_t0: Sequence[FlagFact] = ()) -> Verdict:
    evidence = builders.evidence("latency", builders.series(builders.around(0.1, 24)))
    before = builders.snapshot(evidence, facts=Facts(taken_at=T0, flags=list(at_t0)))
    after = builders.snapshot(evidence, checkpoint="1h", facts=Facts(taken_at=T0 + HOUR, flags=list(now)))
    return judge_checkpoint(builders.review(flags=[declared]).spec, before, after).verdict


def test_what_is_not_as_expected_holds_and_a_shadow_does_not() -> None:
    there, gone = (FlagFact(name="NEW_CLI", present=present, source="query") for present in (True, False))
    passed = judged(flag(), [there])
    assert judged(flag(), [gone]) is Verdict.HOLD
    assert judged(flag(mode="Shadow"), [gone]) is passed
    # How it was at T0 does not matter: it is what is declared that counts.
    assert judged(flag(), [there], [gone]) is passed


def test_a_flag_that_is_broken_at_t0_is_said_at_once() -> None:
    review = builders.review(DriftReviewStatus(checkpoints=[{"name": "1h", "due": T0 + HOUR}]), flags=[flag()])  # type: ignore[list-item] # pydantic reads it
    gone = Facts(taken_at=T0, flags=[FlagFact(name="NEW_CLI", present=False, source="query")])
    assert unmet(review.spec, gone) == ["flags/NEW_CLI is Broken: expected is Present, and it is not there: query"]
    ref, nothing = SnapshotRef(name="a", hash="b"), Foresight([], [], [], [])
    status = decide.baseline_captured(review, builders.snapshot(facts=gone), ref, nothing, T0)
    (condition,) = (each for each in status.conditions if each.type == "BaselineCaptured")
    for text in (status.summary or "", condition.message):
        assert "not as expected: flags/NEW_CLI is Broken" in text
    assert unmet(review.spec, None) == ["flags/NEW_CLI is Unknown: nothing of the cluster was recorded at T0"]
    (shadow,) = unmet(builders.review(flags=[flag(mode="Shadow")]).spec, gone)
    assert shadow == "flags/NEW_CLI is Broken: expected is Present, and it is not there: query (Shadow: not counted)"


def test_what_nobody_recorded_is_unknown() -> None:
    (found,) = check_facts(builders.review(flags=[flag()]).spec, None, None)
    assert (found.section, found.name, found.verdict) == ("flags", "NEW_CLI", UNKNOWN)


def test_where_there_are_no_facts_no_flag_is_expected() -> None:
    assert measured_only(builders.review(flags=[flag()]).spec).flags == []


def test_a_value_of_a_query_must_be_a_number() -> None:
    word = value("NEW_CLI", "on", **{"from": {"query": "flag"}})
    (found,) = contradictions(builders.review(flags=[value("A", "on"), word]).spec)
    assert found.message.startswith("spec.flags[1].value: a query answers with a number")
