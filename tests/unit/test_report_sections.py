"""What the cluster says of itself, section by section of a report, as the hand-written reviews had it."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from driftreview.api.configuration import ConfigurationFact, ContainerFact, EnvFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.incident import Incident, IncidentKind
from driftreview.api.inventory import ServiceStatus
from driftreview.api.observability import ObservabilityFact, RulesFact
from driftreview.api.reasons import Reason
from driftreview.domain.observability import metric_names
from driftreview.domain.report import incidents, observability
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Block, Entries, Plots, Report, Section, Sentences, Table, Timeline, Tone
from driftreview.report.files import MOST_BYTES, fitting
from tests import factdata
from tests.builders import HOUR, T0, around, evidence, review, series, signal, snapshot
from tests.reportdata import STATES, hostile, stored, taken

REVIEWS = Path(__file__).parents[2] / "docs" / "reviews.md"
PROOF = "test_a_row_of_the_hand_written_reviews_stands_where_it_is_said_to"
STANDS: dict[str, tuple[str, str, str]] = {
    "**Deployment Context**: Deployment SHA": ("bot-t0", "context", "Deployment ID / SHA | 88d7df9"),
    "**1. System configuration**: profile, mode, interval, symbols, strategy, leverage": (
        "bot-t0", "configuration", "Arguments | --profile dev --interval 60 --dry-run"),
    "Infrastructure: services and stack": ("bot-t0", "inventory", "redis | 0.85% | 9.49 MiB"),
    "All services healthy and running": (
        "bot-t0", "inventory", "elasticsearch | 0.83% | 1004 MiB | 0 | registry/elasticsearch:1 | Healthy (1 of 1)"),
    "Note on single-cycle execution": ("bot-t0", "limitations", "exits 0 and is restarted | Warning"),
    "**Infrastructure resource usage**: service, CPU %, memory, status": (
        "bot-t0", "inventory", "rabbitmq | 45.2% | 127 MiB | 0 | registry/rabbitmq:1 | Healthy (1 of 1)"),
    "Row *bot: Restarting*": (
        "bot-t0", "inventory",
        "web (judged) | not known | not known | 41 | registry/web:1 | Restarting: CrashLoopBackOff: exits 0"),
    "Total infrastructure memory": ("bot-t0", "inventory", "Total of what is known | 47.2% | 1.42 GiB"),
    "**3. Feature flag status**: confirmed active, retired": (
        "bot-t0", "flags", "USE_NEW_CLI_HANDLERS | Absent | Absent | - | Held"),
    "Expected behaviour (no streaming, background tasks disabled)": (
        "bot-t0", "flags", "streaming | Present | Absent: 0 | - | Broken (Shadow)"),
    "**4. Metrics endpoints**: bot not exposed, Prometheus running": (
        "bot-t0", "observability", "The source has no metric of the judged pods"),
    "Grafana, Jaeger running": ("bot-t0", "inventory", "grafana | 0.31% | 296 MiB | 0 | registry/grafana:1 | Running"),
    "Current gaps: no bot, streaming, order, mark metrics": (
        "bot-t0", "observability", "Before T0: no metrics endpoint: the source scrapes none of the 1 judged pods"),
    "**5. Known limitations**: 1 single-cycle mode (impact, fix)": (
        "bot-blocked", "limitations",
        "Warning | Continuous metrics cannot be captured, nor drift be tracked over the window. | Let the command"),
    "2 no metrics endpoint (impact, fix)": (
        "bot-blocked", "limitations", "Warning | What the pods measure cannot be tracked: signals made of it have no"),
    "3 dry-run mode (impact, fix)": (
        "bot-blocked", "limitations", "Blocker | Cannot measure order latency. | Switch to the canary profile"),
    "4 mock broker (impact, fix)": (
        "bot-blocked", "limitations", "Blocker | No WebSocket streaming metrics, no real API latency. | Configure the"),
    "**6. Recommended adjustments**: critical": ("bot-blocked", "outlook", "ForbiddenVariable: Configure the real"),
    "Nice-to-have": ("bot-blocked", "outlook", "MetricsScraped: Serve metrics and let the source scrape them"),
    "**8. Initial observations**: positive indicators": ("bot-1h", "observations", "All services (6) are Healthy"),
    "Operational concerns": ("bot-t0", "outlook", "ContinuousOperation: container web of Pod/web-new-x2x9p exits 0"),
    "Analysis": ("bot-1h", "drift", "latency is Stable: 100 ms against 100 ms, +0.0% (between -0.1% and +0.1%)"),
    "Mitigations": ("rolled-back", "outlook", "latency: runbook https://runbooks.example.org/latency"),
    "**4. Feature flag verification**: each flag; no deprecation warnings": (
        "bot-2h", "flags", "mode | the value canary | Present: canary | Present: dev | Broken"),
    "Flag status, validation, test coverage": ("bot-1h", "flags", "Held | as expected ('canary'): configMap settings"),
    "**5. New metrics available**": ("bot-1h", "observability", "mark_age_seconds | appeared"),
    "Dashboard health": ("bot-1h", "observability", "Bot: https://grafana.example.org/d/bot"),
    "Alerting: no new false-positive alerts": ("bot-1h", "alerts", "New alerts: no new alert fired since T0"),
    "Existing alerts still firing correctly": ("bot-2h", "alerts", "Existing alerts: no longer firing: NodeDiskFills"),
    "Heartbeat monitoring functioning": ("bot-1h", "alerts", "Heartbeat monitoring: Watchdog fires"),
    "No gaps in telemetry coverage": ("bot-2h", "alerts", "no alert rule speaks of the metrics of backlog"),
    "Service initialization verified": (
        "bot-1h", "inventory", "Restarting: CrashLoopBackOff: exits 0 and is restarted → Healthy (1 of 1)"),
    "Key achievements, success criteria met": (
        "numbers", "observations", "evidence/characterization-tests is Improved: 52 tests against 38 tests"),
}  # fmt: skip
"""Row of docs/reviews.md: in which state of a review it is looked for, in which section, and what stands there."""


@cache
def made(state: str) -> Report:
    return report(*taken(STATES[state]()))


def section(of: Report, wanted: str) -> Section:
    return next(each for each in of.sections if each.id == wanted)


def lines(blocks: list[Block]) -> Iterator[str]:
    """Each row and sentence as one text."""
    for block in blocks:
        match block:
            case Entries() | Table():
                yield from (" | ".join(cell.text for cell in row.cells) for row in block.rows)
            case Sentences():
                yield from (each.text for each in block.items)
            case Plots() | Timeline():
                yield block.title


def rows_of_the_reviews() -> Iterator[list[str]]:
    for line in REVIEWS.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0] != "in the document" and not cells[0].startswith("---"):
            yield cells


@pytest.mark.parametrize(
    "cells", [each for each in rows_of_the_reviews() if PROOF in each[4]], ids=lambda each: each[0]
)
def test_a_row_of_the_hand_written_reviews_stands_where_it_is_said_to(cells: list[str]) -> None:
    state, wanted, words = STANDS[cells[0]]
    found = section(made(state), wanted)
    titles = [found.title, *(block.title for block in found.blocks if isinstance(block, Sentences) and block.title)]
    assert any(title in cells[3] for title in titles), "the section has the name that docs/reviews.md gives it"
    assert any(words in line for line in lines(found.blocks)), list(lines(found.blocks))


def test_every_row_of_the_hand_written_reviews_is_looked_for() -> None:
    assert set(STANDS) == {each[0] for each in rows_of_the_reviews() if PROOF in each[4]}


def test_every_row_of_the_hand_written_reviews_names_a_section_that_there_is() -> None:
    reports = [made("bot-2h"), made("bot-t0"), made("numbers")]
    named = {each.title for one in reports for each in one.sections} | {"Head of the report"}
    named |= {block.title for block in section(made("bot-2h"), "outlook").blocks if isinstance(block, Sentences)}
    assert [each[0] for each in rows_of_the_reviews() if not any(title in each[3] for title in named)] == []


def test_every_row_of_the_hand_written_reviews_names_a_test() -> None:
    assert [each[0] for each in rows_of_the_reviews() if "::test_" not in each[4]] == []


def look(name: str, facts: Facts | None, **fields: Any) -> Any:
    """A frozen look of an hour, or T0 of a day."""
    found = evidence("latency", series(around(100, 144 if name == "T0" else 36, seed=len(name))))
    return snapshot(found, checkpoint=name, hours=24 if name == "T0" else 6, facts=facts, **fields)


def of_facts(at_t0: Facts | None, now: Facts | None, **declared: Any) -> Report:
    """The report of a review with these facts at T0 and an hour later."""
    first = look("T0", at_t0)
    last = look("1h", now, previous_hash=first.hash)
    given = {**factdata.DECLARED, "signals": [signal()], **declared}
    return report(review(**given), [stored("t0", first), stored("1h", last)])


def said(of: Report, wanted: str) -> list[str]:
    return list(lines(section(of, wanted).blocks))


NOTHING = Facts(taken_at=T0)


class TestWhatIsNotKnown:
    """It never looks good, and each section says it."""

    @pytest.mark.parametrize("facts", [None, NOTHING], ids=["no facts", "empty facts"])
    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            ("configuration", "The configuration was not recorded at T0"),
            ("inventory", "T0+1h: no services were recorded"),
            ("flags", "not known | not known | Unknown"),
            ("observability", "Which metrics the judged pods expose is not known"),
            ("observability", "Whether metrics appeared or vanished since T0 cannot be listed"),
            ("observability", "How the rules of the source fare is not known"),
            ("alerts", "Coverage gaps: not known"),
            ("incidents", "Which alerts fired since T0 is not known"),
        ],
    )
    def test_it_is_said_where_nothing_was_recorded(self, facts: Facts | None, wanted: str, words: str) -> None:
        found = of_facts(facts, facts)
        sentences = [
            each for block in section(found, wanted).blocks if isinstance(block, Sentences) for each in block.items
        ]
        assert any(words in line for line in said(found, wanted)), said(found, wanted)
        assert not any(each.tone is Tone.GOOD for each in sentences if words in each.text)

    @pytest.mark.parametrize("wanted", ["inventory", "incidents", "configuration"])
    def test_why_is_said_where_it_could_not_be_read(self, wanted: str) -> None:
        about = {"inventory": "inventory/pods", "incidents": "incidents/events", "configuration": "deployment"}[wanted]
        problem = FactProblem(about=about, reason=Reason.FORBIDDEN, message="the operator may not list them")
        unread = NOTHING.model_copy(update={"problems": [problem]})
        assert any("the operator may not list them" in line for line in said(of_facts(unread, unread), wanted))

    def test_what_no_verdict_rests_on_is_a_note_and_what_one_does_a_warning(self) -> None:
        problems = [
            FactProblem(about=each, reason=Reason.FORBIDDEN, message="no") for each in ("alerts/new", "nodes/a")
        ]
        found = of_facts(NOTHING, NOTHING.model_copy(update={"problems": problems}))
        assert [line.split(" | ")[1] for line in said(found, "limitations")][:2] == ["Warning", "Note"]

    def test_silence_about_pods_is_peace_only_where_they_were_read(self) -> None:
        quiet = "No OOM kill, restart or Warning event of the judged pods was seen at T0, T0+1h"
        assert quiet in said(of_facts(NOTHING, NOTHING), "incidents")
        assert quiet not in said(of_facts(NOTHING, None), "incidents")
        assert not any("No OOM kill" in line for line in said(of_facts(None, None), "incidents"))


def test_as_much_as_the_cluster_may_say_of_itself_has_room() -> None:
    found = fitting(of_facts(factdata.full("x"), factdata.full("|")))
    assert sum(len(each.encode()) for each in found.values()) <= MOST_BYTES


@pytest.mark.parametrize("wanted", ["inventory", "flags", "alerts", "integration"])
def test_what_nobody_declared_is_left_out(wanted: str) -> None:
    bare = {"inventory": None, "flags": [], "alerts": None, "contracts": [], "observability": None}
    found = of_facts(factdata.at_t0(), factdata.well(), **bare)
    assert wanted not in [each.id for each in found.sections]
    assert "Alerts were not asked about: spec.alerts is not declared" in said(found, "incidents")
    assert not any("ules of the source" in line for line in said(found, "observability"))


def test_sections_come_in_the_order_of_both_documents_and_are_all_tried_with_markup() -> None:
    order = ["context", "configuration", "baseline", "inventory", "drift", "flags", "observability", "alerts"]
    order += ["integration", "limitations", "incidents", "approvals", "observations", "outlook", "recommendation"]
    assert [each.id for each in made("bot-2h").sections] == [*order, "evidence"]
    assert {*order} - {each.id for each in report(*hostile()).sections} <= {"integration"}


class TestConfiguration:
    def test_of_what_may_be_secret_the_name_alone_is_shown(self) -> None:
        text = report(*taken(STATES["bot-2h"]())).model_dump_json()
        assert "DB_PASSWORD | not recorded: looks like a secret | the pod template" in said(
            made("bot-2h"), "configuration"
        )
        assert "BROKER_TOKEN | - | secret broker, key token" in said(made("bot-2h"), "configuration")
        assert "scrypt:" not in text

    def test_a_program_without_words_is_the_images_own_and_words_are_told_apart(self) -> None:
        bare = ContainerFact(name="a", args=["--name", "two words"])
        facts = NOTHING.model_copy(update={"configuration": ConfigurationFact(containers=[bare])})
        found = said(of_facts(facts, facts), "configuration")
        assert {"Command | the image's own", "Arguments | --name 'two words'"} <= set(found)

    def test_what_changed_is_told_at_each_look_with_its_time(self) -> None:
        found = said(made("bot-2h"), "configuration")
        assert "configmaps/settings | aaaaaaaaaaaa | bbbbbbbbbbbb | 2026-07-31T13:20:00Z" in found
        nothing = "of what its pods read and what runs around them, nothing that could be read changed since T0"
        assert f"T0+1h: {nothing}; for contracts see Integration Points, for flags see Feature Flags" in found

    def test_many_variables_are_folded(self) -> None:
        for count, folded in ((30, False), (31, True)):
            env = [EnvFact(name=f"V{number}", value="1") for number in range(count)]
            fact = ConfigurationFact(containers=[ContainerFact(name="a", env=env)])
            facts = NOTHING.model_copy(update={"configuration": fact})
            tables = [
                each for each in section(of_facts(facts, facts), "configuration").blocks if isinstance(each, Table)
            ]
            assert [each.folded for each in tables if "Environment" in each.title] == [folded]


class TestInventory:
    def test_t0_stands_beside_now_and_one_value_where_nothing_changed(self) -> None:
        found = said(made("bot-2h"), "inventory")
        assert "postgres | 0% | 19.2 MiB | 0 | registry/postgres:1 | Healthy (1 of 1)" in found
        assert (
            "rabbitmq | 45.2% → 90% | 127 MiB → 140 MiB | 0 | registry/rabbitmq:1 → registry/rabbitmq:2 | "
            "Healthy (1 of 1) → Pending: 0 of 1 pods are ready: ImagePullBackOff"
        ) in found
        assert (
            "grafana | 0.31% → - | 296 MiB → - | 0 → - | registry/grafana:1 → - | Running (1 of 1) → not there" in found
        )

    def test_one_that_a_look_could_not_read_is_not_said_to_be_gone(self) -> None:
        one = factdata.service("db", 0.1, 1.0, ServiceStatus.HEALTHY)
        before = NOTHING.model_copy(update={"inventory": factdata.inventory(one)})
        problem = FactProblem(about="inventory/deployments", reason=Reason.FORBIDDEN, message="no")
        for now, words in (
            (NOTHING.model_copy(update={"inventory": factdata.inventory()}), "Healthy (1 of 1) → not there"),
            (NOTHING.model_copy(update={"inventory": factdata.inventory(left_out="pods")}), "→ not known"),
            (NOTHING.model_copy(update={"inventory": factdata.inventory(), "problems": [problem]}), "→ not known"),
        ):
            assert any(words in line for line in said(of_facts(before, now), "inventory"))

    def test_none_that_carries_the_labels_is_said(self) -> None:
        none = NOTHING.model_copy(update={"inventory": factdata.inventory()})
        assert "T0: no workload of the namespace carries the labels" in said(of_facts(none, none), "inventory")


class TestAlerts:
    """Held against the baseline's."""

    def test_each_is_new_known_or_over(self) -> None:
        found = {line.split(" | ")[0]: line.split(" | ")[4] for line in said(made("bot-2h"), "alerts") if " | " in line}
        assert found == {"MarkUpdateStale": "New", "StreamingLag": "New", "NodeDiskFills": "No longer firing"}
        tones = {row.cells[0].text: row.cells[4].tone for block in section(made("bot-2h"), "alerts").blocks
                 if isinstance(block, Table) for row in block.rows}  # fmt: skip
        assert (tones["MarkUpdateStale"], tones["StreamingLag"]) == (Tone.BAD, Tone.OPEN)

    def test_they_are_counted_by_severity(self) -> None:
        assert "Alerts that fired since T0: 1 critical, 1 warning" in said(made("bot-2h"), "incidents")
        assert "Alerts that fired since T0: none" in said(made("bot-1h"), "incidents")
        more = NOTHING.model_copy(update={"alerts": factdata.alerts(factdata.alert("A", ""), hours=1, left_out=7)})
        found = said(of_facts(NOTHING, more), "incidents")
        assert "Alerts that fired since T0: 1 without severity, 7 that are not kept" in found

    def test_without_a_rule_their_absence_is_nothing_good(self) -> None:
        def bare(hours: float) -> Facts:
            rules = ObservabilityFact(rules=RulesFact(count=0, alerting=0))
            fired = factdata.alerts(hours=hours).model_copy(update={"heartbeat": None})
            return NOTHING.model_copy(update={"alerts": fired, "observability": rules})

        found = of_facts(bare(0), bare(1), alerts={})
        amiss = "which proves nothing: the source has no alert rule"
        tones = {
            each.text: each.tone
            for wanted in ("alerts", "incidents", "observability")
            for block in section(found, wanted).blocks
            if isinstance(block, Sentences)
            for each in block.items
        }
        assert tones[f"New alerts: no new alert fired since T0, {amiss}"] is Tone.OPEN
        assert tones[f"Alerts that fired since T0: none, {amiss}"] is Tone.OPEN
        assert tones["Rules of the source: 0 in all, 0 that alert, 0 that fail"] is Tone.OPEN
        assert not any("alerts/new" in line for line in said(found, "observations"))


class TestIncidents:
    def test_what_goes_on_is_one_row_with_every_look_that_saw_it(self) -> None:
        loop = factdata.at_t0().incidents[0]
        later = loop.model_copy(update={"count": 60, "at": T0 + HOUR})
        found = of_facts(factdata.at_t0(), NOTHING.model_copy(update={"incidents": [later]}))
        (row,) = (line for line in said(found, "incidents") if " | " in line)
        assert row.split(" | ")[2:] == [
            "2026-07-31T13:00:00Z", "60 restarts in all", "T0, T0+1h", "CrashLoopBackOff, exit code 0"
        ]  # fmt: skip

    def test_of_too_many_the_first_are_listed_and_all_are_counted(self) -> None:
        def each(number: int) -> Incident:
            return Incident(kind=IncidentKind.WARNING, object=f"Pod/{number}", reason="x")

        many = [NOTHING.model_copy(update={"incidents": [each(n + first) for n in range(90)]}) for first in (0, 90)]
        found = of_facts(*many)
        (table,) = (block for block in section(found, "incidents").blocks if isinstance(block, Table))
        assert len(table.rows) == incidents.MOST_ROWS
        assert table.title.endswith("the first 100 of 180")
        assert any("kinds of Warning events: 180" in line for line in said(found, "incidents"))


class TestObservability:
    def facts(self, *names: str) -> Facts:
        return NOTHING.model_copy(update={"observability": ObservabilityFact(metrics=metric_names(names))})

    def test_metrics_that_vanished_are_named_before_those_that_appeared(self) -> None:
        found = said(of_facts(self.facts("a", "b"), self.facts("b", "c")), "observability")
        assert [line for line in found if " | " in line] == ["a | vanished", "c | appeared"]
        assert "Metrics that appeared since T0: 1, that vanished: 1" in found

    def test_of_many_the_first_are_named_and_the_others_counted(self) -> None:
        many = [f"m{number:03}" for number in range(observability.MOST_NAMES + 5)]
        found = [line for line in said(of_facts(self.facts(), self.facts(*many)), "observability") if " | " in line]
        assert len(found) == observability.MOST_NAMES + 1
        assert found[-1] == "and 5 more | appeared"

    def test_signals_without_data_are_gaps_and_whether_they_had_any_at_t0_is_said(self) -> None:
        declared = review(signals=[signal("a"), signal("b")])
        first = snapshot(evidence("a", series(around(1, 144))), evidence("b", problem=Reason.EMPTY))
        last = snapshot(
            evidence("a", problem=Reason.TIMEOUT), evidence("b", series(around(1, 36))), checkpoint="1h", hours=6
        )
        found = said(report(declared, [stored("t0", first), stored("1h", last)]), "observability")
        assert "a has too little data at T0+1h, which it had at T0: because of Timeout" in found
        assert "b has data at T0+1h, and had none at T0: because of Empty" in found

    def test_too_few_samples_to_be_judged_are_a_gap_and_no_positive_indicator(self) -> None:
        first = snapshot(evidence("a", series(around(1, 144))))
        thin = snapshot(evidence("a", series(around(1, 36), samples=100)), checkpoint="1h", hours=6)
        whole = report(review(signals=[signal("a")]), [stored("t0", first), stored("1h", thin)])
        assert any(line.startswith("a has too little data at T0+1h") for line in said(whole, "observability"))
        assert not any("have data" in line for each in whole.sections for line in lines(each.blocks))


class TestOutlook:
    def test_warnings_confounders_and_ended_containers_are_risks_with_their_evidence(self) -> None:
        found = {
            each.text.split(":")[0]: [ref.field for ref in each.evidence]
            for block in section(made("bot-2h"), "outlook").blocks
            if isinstance(block, Sentences) and block.title == "Outstanding Risks"
            for each in block.items
        }
        assert found["ContinuousOperation"] == ["spec.facts.preflight"]
        assert found["Containers ended before T0+2h"] == ["spec.facts.incidents"]
        assert found["5 things changed since T0 beside the release and may be why a signal did"] == ["spec.facts"] * 2

    def test_what_is_not_as_expected_at_t0_already_is_a_risk(self) -> None:
        assert any("flags/streaming is Broken" in line for line in said(made("bot-t0"), "outlook"))

    def test_what_improved_is_a_positive_indicator(self) -> None:
        assert any(
            line.startswith("evidence/unit-runtime is Improved") for line in said(made("numbers"), "observations")
        )

    def test_nothing_that_is_amiss_is_a_positive_indicator(self) -> None:
        found = " ".join(said(made("bot-2h"), "observations"))
        assert not any(each in found for each in ("services", "alerts/new", "flags/mode", "Preflight"))
