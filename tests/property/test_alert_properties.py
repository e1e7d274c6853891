"""Alerts, whatever is written: only firing alerts are asked about, and a new grave one never passes."""

import promql_parser
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.alerts import AlertFact, Alerts, AlertsFact
from driftreview.api.facts import Facts
from driftreview.api.verdicts import CheckVerdict, Verdict
from driftreview.domain.alerts import check_alerts, heartbeat_query, new_alerts, selector
from driftreview.domain.checks import with_checks
from driftreview.domain.query import QueryProblem
from tests.builders import T0

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(["\n", '"', "\\", "{", "}"]), max_size=30
)
ALERTS = st.lists(
    st.builds(
        AlertFact,
        name=st.sampled_from("abcde"),
        severity=st.sampled_from(["", "info", "warning", "critical", "page"]),
        since=st.just(T0),
        until=st.just(T0),
        seconds=st.integers(0, 10**6),
        firing=st.booleans(),
    ),
    max_size=6,
)


def facts(fired: list[AlertFact], heartbeat: bool | None) -> Facts:  # noqa: FBT001 - as the model has it
    return Facts(taken_at=T0, alerts=AlertsFact(since=T0, until=T0, fired=fired, heartbeat=heartbeat))


def matchers(query: str) -> list[tuple[str, str]]:
    found = promql_parser.parse(query)
    assert isinstance(found, promql_parser.VectorSelector)
    assert found.name == "ALERTS"
    assert not found.matchers.or_matchers
    return [(each.name, each.value) for each in found.matchers.matchers]


@given(TEXT)
def test_a_variables_value_stays_a_value(value: str) -> None:
    found = selector(Alerts(), {"namespace": value})
    assert isinstance(found, str)
    assert matchers(found) == [("alertstate", "firing"), ("namespace", value)]


@given(st.text(max_size=60))
def test_whatever_is_written_is_refused_or_asks_for_firing_alerts(match: str) -> None:
    if match:
        found = selector(Alerts(match=match), {})
        assert isinstance(found, QueryProblem) or matchers(found)[0] == ("alertstate", "firing")


@given(TEXT.filter(bool))
def test_a_heartbeats_name_stays_a_name(name: str) -> None:
    query = heartbeat_query(name)
    assert matchers(query.removeprefix("count(").removesuffix(")")) == [("alertname", name), ("alertstate", "firing")]


@given(ALERTS, ALERTS, st.sampled_from([True, False, None]))
def test_it_passes_only_where_nothing_grave_is_new_and_the_heartbeat_lives(
    before: list[AlertFact],
    now: list[AlertFact],
    heartbeat: bool | None,  # noqa: FBT001 - as the model has it
) -> None:
    at_t0, later = facts(before, True), facts(now, heartbeat)
    checks = list(check_alerts(Alerts(heartbeat="Watchdog"), at_t0, later))
    known = {each.name for each in before}
    grave = any(each.name not in known and each.severity in {"critical", "page"} for each in now)
    verdict = with_checks(Verdict.PASS, checks)
    assert (verdict is Verdict.PASS) == (not grave and heartbeat is True)
    assert with_checks(Verdict.DRIFT, checks) is Verdict.DRIFT
    assert all(each.name not in known for each in new_alerts(at_t0, later))
    assert any(each.verdict is CheckVerdict.BROKEN for each in checks) == (grave or heartbeat is False)
