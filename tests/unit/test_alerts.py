"""Alerts: which are asked about, what new ones and a silent heartbeat make of a look, what rules are loaded."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import pytest

from driftreview.adapters.alerts import read_alerts
from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.observability import read_alert_rules
from driftreview.adapters.prometheus import BusyError, PrometheusSource
from driftreview.adapters.serverinfo import loaded_rules
from driftreview.api.alerts import MOST_ALERTS, AlertFact, Alerts, AlertsFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.observability import ObservabilityFact, RulesFact
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.alertrules import Rule, amiss, metrics_of, read_rules, unwatched
from driftreview.domain.alerts import check_alerts, ended_alerts, new_alerts, queries, selector
from driftreview.domain.expected import check_facts
from driftreview.domain.preflight import find
from driftreview.domain.query import QueryProblem, check, resolve
from driftreview.domain.readings import Readings, Unknown
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.subject import fact_queries
from driftreview.domain.validate import contradictions
from tests.builders import HOUR, MINUTE, T0, review, signal

VARIABLES = {"namespace": "shop"}
WITH_HEARTBEAT = Alerts(heartbeat="Watchdog")


def fired(name: str, severity: str = "", *, firing: bool = True) -> AlertFact:
    return AlertFact(name=name, severity=severity, since=T0, until=T0, seconds=60, firing=firing)


def facts(*alerts: AlertFact, problems: Sequence[FactProblem] = (), **fields: Any) -> Facts:
    said = AlertsFact(**{"since": T0, "until": T0 + HOUR, "fired": list(alerts), "heartbeat": True} | fields)
    return Facts(taken_at=T0, alerts=said, problems=list(problems))


class TestSelector:
    @pytest.mark.parametrize(
        ("match", "series"),
        [
            ('{namespace="${namespace}"}', 'ALERTS{alertstate="firing",namespace="shop"}'),
            ("{team!~'a|b', x!=\"\"}", 'ALERTS{alertstate="firing",team!~"a|b",x!=""}'),
            (r'{x=~"a\\.b", y="say \"hi\"\n"}', r'ALERTS{alertstate="firing",x=~"a\\.b",y="say \"hi\"\n"}'),
            (' {team!="x"} ', 'ALERTS{alertstate="firing",team!="x"}'),
            (r"{x=~`a\.b`}", r'ALERTS{alertstate="firing",x=~"a\\.b"}'),
        ],
    )
    def test_matchers_are_merged_with_ours(self, match: str, series: str) -> None:
        assert selector(Alerts(match=match), VARIABLES) == series

    @pytest.mark.parametrize(
        ("match", "said"),
        [
            ('{a="b"', "is not PromQL"),
            ('up{a="b"}', "must be label matchers alone"),
            ('{a="b"} or vector(1)', "must be label matchers alone"),
            ('{a="b"} offset 5m', "must be label matchers alone"),
            ('{a="b"} @ 1', "must be label matchers alone"),
            ('{a="b" or c="d"}', "must be label matchers alone"),
            ('rate({a="b"}[5m])', "must be label matchers alone"),
            ("1", "must be label matchers alone"),
            ('{alertstate="pending"}', "must not match alertstate"),
            ('{a="${nowhere}"}', "${nowhere} is not defined"),
        ],
    )
    def test_what_is_more_than_matchers_is_refused(self, match: str, said: str) -> None:
        found = selector(Alerts(match=match), VARIABLES)
        assert isinstance(found, QueryProblem)
        assert said in found.message
        subject = review(alerts={"match": match})
        of_spec = [each.message for each in contradictions(subject.spec)]
        of_query = [text for field, text in fact_queries(subject.spec) if field == "spec.alerts.match"]
        asked = [resolve(text, VARIABLES) for text in of_query]
        wrong = [each for each in asked if isinstance(each, QueryProblem) or check(each)]
        # Once, and not twice: as a query, or where it is one but no matchers.
        assert len(of_spec) + len(wrong) == 1
        assert of_spec in ([], [f"spec.alerts.match: {found.message}"])

    def test_the_value_of_a_variable_is_nothing_but_a_value(self) -> None:
        found = selector(Alerts(), {"namespace": 'x"} or vector(1) or {a="'})
        assert found == 'ALERTS{alertstate="firing",namespace="x\\"} or vector(1) or {a=\\""}'

    def test_the_default_is_accepted(self) -> None:
        assert list(contradictions(review(alerts={}).spec)) == []

    def test_a_long_stretch_is_asked_about_in_larger_steps(self) -> None:
        assert "[3600s:15s]" in queries("ALERTS", HOUR).first
        asked = queries("ALERTS", timedelta(days=28))
        assert "[2419200s:241s]" in asked.steps
        assert asked.step == timedelta(seconds=241)


class TestChecks:
    def verdicts(self, at_t0: Facts, now: Facts, alerts: Alerts = WITH_HEARTBEAT) -> dict[str, tuple[str, str]]:
        return {each.name: (each.verdict, each.message) for each in check_alerts(alerts, at_t0, now)}

    def test_no_new_alert_holds(self) -> None:
        old = fired("Old", "critical")
        said = self.verdicts(facts(old, fired("Gone", "page")), facts(old, fired("Small", "warning")))
        new = "new since T0, none of them critical: Small (warning); no longer: Gone (page)"
        assert said == {"heartbeat": ("Held", "Watchdog fires"), "new": ("Held", new)}
        assert self.verdicts(facts(), facts(), Alerts()) == {"new": ("Held", "no new alert fired since T0")}

    @pytest.mark.parametrize("severity", ["critical", "page"])
    def test_a_new_one_that_wakes_somebody_is_broken(self, severity: str) -> None:
        found = self.verdicts(facts(), facts(fired("Bad", severity, firing=False), fired("Small")))
        assert found["new"] == ("Broken", f"new since T0: Bad ({severity}): a false alarm, or the release")

    def test_what_fired_in_the_baseline_is_not_new_though_it_paused_at_t0(self) -> None:
        assert self.verdicts(facts(fired("Old", firing=False)), facts(fired("Old", "critical")))["new"][0] == "Held"

    def test_a_silent_heartbeat_is_broken_and_makes_the_rest_unknown(self) -> None:
        found = self.verdicts(facts(), facts(heartbeat=False))
        assert found["heartbeat"][0] == "Broken"
        assert found["new"] == (
            "Unknown", "no new alert fired since T0, but the heartbeat is silent: that proves nothing"
        )  # fmt: skip
        assert self.verdicts(facts(), facts(fired("Bad", "critical"), heartbeat=False))["new"][0] == "Broken"

    @pytest.mark.parametrize(
        ("alerting", "fields", "told"),
        [
            (0, {"heartbeat": None}, True), (1, {"heartbeat": None}, False), (None, {"heartbeat": None}, False),
            (0, {"heartbeat": True}, False), (0, {"heartbeat": None, "fired": [fired("Old")]}, False),
        ],
    )  # fmt: skip
    def test_where_no_alert_can_fire_that_none_is_new_proves_nothing(
        self, alerting: int | None, fields: dict[str, Any], told: Literal[True, False]
    ) -> None:
        rules = None if alerting is None else RulesFact(count=3, alerting=alerting)
        now = facts(**fields).model_copy(update={"observability": ObservabilityFact(rules=rules)})
        (found,) = check_alerts(Alerts(), facts(fired("Old")), now)
        why = "which proves nothing: the source has no alert rule"
        assert (found.verdict, found.proves, why in found.message) == ("Held", not told, told)

    def test_a_silent_heartbeat_is_unknown_also_without_rules(self) -> None:
        bare = ObservabilityFact(rules=RulesFact(count=0, alerting=0))
        now = facts(heartbeat=False).model_copy(update={"observability": bare})
        assert self.verdicts(facts(), now)["new"][0] == "Unknown"

    def test_what_could_not_be_read_is_unknown_with_the_reason(self) -> None:
        noted = [
            FactProblem(about=f"alerts/{name}", reason=Reason.TIMEOUT, message="slow") for name in ("new", "heartbeat")
        ]
        unread = Facts(taken_at=T0, problems=noted)
        assert self.verdicts(facts(), unread) == {
            "heartbeat": ("Unknown", "it could not be read now: slow"),
            "new": ("Unknown", "it could not be read now: slow"),
        }
        assert self.verdicts(unread, facts())["new"] == ("Unknown", "it could not be read at T0: slow")

    @pytest.mark.parametrize("cut", [(3, 0), (0, 3)])
    def test_more_than_is_kept_is_unknown(self, cut: tuple[int, int]) -> None:
        found = self.verdicts(facts(left_out=cut[0]), facts(fired("Bad", "critical"), left_out=cut[1]))
        assert found["new"] == ("Unknown", "3 alerts more than are kept fired: narrow spec.alerts.match")

    def test_in_shadow_nothing_counts(self) -> None:
        assert not any(each.counts for each in check_alerts(Alerts(mode="Shadow", heartbeat="W"), facts(), facts()))

    def test_they_stand_in_the_list_of_all_checks(self) -> None:
        spec = review(alerts={"heartbeat": "Watchdog"}).spec
        assert [(each.section, each.name) for each in check_facts(spec, facts(), facts())] == [
            ("alerts", "heartbeat"),
            ("alerts", "new"),
        ]
        unknown = check_facts(spec, None, facts())
        assert [(each.name, each.verdict) for each in unknown] == [
            ("heartbeat", CheckVerdict.UNKNOWN),
            ("new", CheckVerdict.UNKNOWN),
        ]

    def test_without_facts_there_is_nothing_new_and_nothing_over(self) -> None:
        nothing = Facts(taken_at=T0)
        assert new_alerts(nothing, nothing) == ended_alerts(nothing, nothing) == []


class Source:
    """Stands for a Prometheus: answers by the beginning of a query."""

    hide = str

    def __init__(self, rules: Any = None, **answers: Any) -> None:
        self.answers, self.asked, self.rules = answers, list[str](), rules or {"groups": []}

    def instant(self, query: str, at: datetime) -> Any:
        self.asked.append(query)
        kind = "alive" if query.startswith("count(") else query.split("(")[1].strip() if query[0] == "m" else "firing"
        if "alertname, severity) (" in query and query[0] == "m":
            kind = query.split(") (")[1].split("(", maxsplit=1)[0]
        found = self.answers.get(kind, NoData(Reason.EMPTY, ""))
        if isinstance(found, Exception):
            raise found
        if isinstance(found, dict):
            rows = tuple(
                Row({"alertname": name, "severity": "page" if name[0] == "P" else ""}, value)
                for name, value in found.items()
            )
            return Rows(at, rows)
        return found

    def data(self, path: str, _: Any) -> Any:
        self.asked.append(path)
        return self.rules


def about(source: Source) -> FactSource:
    found = FoundSource(cast(Any, source), "prometheus")
    return FactSource(FactReader(cast(Cluster, None), "shop"), found, T0 + HOUR, VARIABLES)


def read(
    source: Source, alerts: Alerts = WITH_HEARTBEAT, known: tuple[Rule, ...] | None = ()
) -> tuple[AlertsFact | None, list[FactProblem]]:
    asked = about(source)
    spec = review(signals=[signal(), signal("free", query="idle", kind="Limit", limits={"alert": "1"})]).spec
    found = read_alerts(asked, spec, alerts, (T0, T0 + HOUR), known)
    return found, asked.reader.problems


class TestReading:
    def test_alerts_are_read_with_their_times_the_gravest_first(self) -> None:
        began = T0.timestamp() + 60.5
        source = Source(
            min_over_time={"A": began, "Page": began + 60},
            max_over_time={"A": began + 600, "Page": began + 60},
            count_over_time={"A": 10.0, "Page": 1.0},
            firing={"A": 1.0},
            alive={"x": 1.0},
        )
        found, problems = read(source)
        assert problems == []
        assert found is not None
        assert (found.since, found.until, found.heartbeat, found.unwatched) == (T0, T0 + HOUR, True, ["free"])
        page, a = found.fired
        assert (page.name, page.severity, page.seconds, page.firing) == ("Page", "page", 15, False)
        assert (a.since, a.until, a.seconds, a.firing) == (T0 + MINUTE, T0 + 11 * MINUTE, 150, True)
        assert len(source.asked) == 5

    def test_one_that_just_began_is_found_by_firing_now(self) -> None:
        found, _ = read(Source(firing={"A": 1.0}))
        assert found is not None
        assert [(each.name, each.since, each.seconds, each.firing) for each in found.fired] == [
            ("A", T0 + HOUR, 0, True)
        ]

    def test_none_is_none_and_a_silent_heartbeat_is_silent(self) -> None:
        found, problems = read(Source())
        assert found is not None
        assert (found.fired, found.heartbeat, problems) == ([], False, [])

    @pytest.mark.parametrize(
        "failure", [BusyError("full"), Failed(Reason.TIMEOUT, "slow", retryable=True)], ids=["busy", "slow"]
    )
    def test_what_is_not_answered_is_a_problem_and_no_alert(self, failure: Any) -> None:
        found, (problem,) = read(Source(count_over_time=failure))
        assert found is None
        assert (problem.about, problem.reason) == ("alerts/new", Reason.TIMEOUT)
        found, (problem,) = read(Source(alive=failure))
        assert found is not None
        assert (found.heartbeat, problem.about) == (None, "alerts/heartbeat")

    def test_rules_that_cannot_be_read_leave_open_what_is_watched(self) -> None:
        found, problems = read(Source(), known=None)
        assert found is not None
        assert (found.unwatched, problems) == (None, [])
        for rules in (Failed(Reason.NOT_FOUND, "HTTP 404", retryable=False), {"no": "groups"}):
            asked = about(Source(rules))
            assert read_alert_rules(asked) is None
            assert [(each.about, each.reason) for each in asked.reader.problems] == [
                ("observability/rules", Reason.NOT_FOUND)
            ]

    def test_more_than_are_kept_are_counted_and_nasty_ones_are_text(self) -> None:
        many: dict[str, float] = {f"A{number}": 1e20 for number in range(MOST_ALERTS)}
        found, _ = read(Source(min_over_time=many | {"P\x1b[31m" + "\u202e" * 300: 1e20}))
        assert found is not None
        assert (len(found.fired), found.left_out) == (MOST_ALERTS, 1)
        assert found.fired[0].name.isprintable()
        assert found.fired[0].since == T0 + HOUR
        Facts.model_validate(Facts(taken_at=T0, alerts=found).to_wire())

    def test_matchers_that_cannot_be_asked_are_a_problem(self) -> None:
        found, (problem,) = read(Source(), Alerts(match="up"))
        assert found is None
        assert problem.message.startswith("spec.alerts.match: must be label matchers alone")


RULE: dict[str, Any] = {
    "name": "Slow",
    "query": 'histogram_quantile(0.9, rate(latency_seconds_bucket{a="b"}[5m])) > 1',
    "type": "alerting",
    "health": "ok",
    "lastError": "",
    "lastEvaluation": "2026-07-31T12:00:00.5Z",
}


def rules(*raw: dict[str, Any]) -> tuple[Rule, ...]:
    found = read_rules({"groups": [{"name": "shop", "rules": list(raw)}]})
    assert found is not None
    return found


class TestRules:
    def test_a_rule_is_what_it_asks_and_how_it_fares(self) -> None:
        (rule,) = rules(RULE)
        assert rule == Rule("Slow", "shop", RULE["query"], True, "ok", "", datetime(2026, 7, 31, 12, 0, 0, 500000, UTC))
        (fresh,) = rules(RULE | {"lastEvaluation": "0001-01-01T00:00:00Z", "lastError": "\x00boom"})
        assert (fresh.evaluated, fresh.error) == (None, "\\x00boom")
        assert rules(RULE | {"lastEvaluation": None})[0].evaluated is None

    @pytest.mark.parametrize("data", [None, [], {}, {"groups": {}}, {"groups": [1]}, {"groups": [{"rules": [1]}]}])
    def test_what_is_no_list_of_rules_is_none(self, data: Any) -> None:
        assert read_rules(data) is None
        source = cast(PrometheusSource, Source())
        source.rules = data  # type: ignore[attr-defined] # of the one that stands for it
        assert isinstance(loaded_rules(source), Failed)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("sum by (a) (rate(x_total[5m])) / on (a) y", {"x_total", "y"}),
            ("histogram_quantile(0.9, sum(rate(z_bucket[5m])) by (le)) or vector(0)", {"z_bucket"}),
            ("max_over_time((q)[5m:1m]) - -w", {"q", "w"}),
            ("1", set()),
            ("sum(", set()),
        ],
    )
    def test_the_metrics_of_a_query_are_found(self, query: str, names: set[str]) -> None:
        assert metrics_of(query) == names

    def test_a_signal_with_limits_is_watched_by_the_name_of_its_metric(self) -> None:
        limits = {"alert": "1"}
        signals = [
            signal("watched", query="rate(latency_seconds_bucket[5m])", limits=limits),
            signal("not", query="latency_seconds", limits=limits),
            signal("free", query="other"),
        ]
        assert unwatched(signals, rules(RULE)) == ["not"]
        assert unwatched(signals, rules(RULE | {"type": "recording"})) == ["watched", "not"]

    def test_what_is_amiss_is_said_before_t0(self) -> None:
        spec = review(
            alerts={"heartbeat": "Watchdog"}, preflight={"require": ["AlertRulesLoaded"], "warnOnly": []}
        ).spec

        def said(found: Any) -> list[str]:
            return [each.message for each in find(spec, Readings(T0, rules=found))]

        watchdog = RULE | {"name": "Watchdog"}
        assert said(rules(watchdog)) == []
        assert said(rules(RULE)) == ["there is no alert rule Watchdog, which spec.alerts.heartbeat names"]
        assert said(()) == ["no alert rule is loaded"]
        failing = rules(watchdog, RULE | {"health": "err", "lastError": "many-to-many"})
        assert said(failing) == ["alert rules fail: Slow (many-to-many)"]
        assert said(Unknown("HTTP 404")) == ["which alert rules are loaded could not be found out: HTTP 404"]
        limited = signal("age", kind="Limit", query="age", limits={"alert": "1"})
        (gap,) = amiss(Alerts(), [limited], rules(RULE))
        assert gap[0] == "no alert rule speaks of the metrics of age"
