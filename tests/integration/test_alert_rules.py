"""Recommended alert rules on real programs: promtool takes them and their tests, Prometheus fires them on faults."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, SignalEvidence
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.signal import Kind, Signal
from driftreview.api.signalset import ClusterSignalSet
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_quantity
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.recommended import Recommended, recommended
from driftreview.domain.rulecases import cases
from driftreview.domain.rulequality import quality
from driftreview.domain.samples import Window
from driftreview.domain.scraping import UP, Scraping
from driftreview.domain.subject import Subject
from driftreview.report import rulefiles
from driftreview.report.rulefiles import FILE, rules_file
from driftreview.runtime.gather import resolved
from lab import binaries
from lab.perps import EXAMPLE, Past, write_history
from lab.processes import Service
from lab.prometheus import PrometheusServer
from lab.web import Client, wait_until
from tests.builders import BLOCK, HOUR, MINUTE, T0, evidence, revision, series, snapshot
from tests.support.alertmanager import MISSING, PROGRAM, alertmanager, received

pytestmark = pytest.mark.integration
SETS = sorted((EXAMPLE.parent / "signals").glob("*.yaml"))
BEFORE, AFTER = 8 * HOUR, 4 * HOUR
"""How long the bot ran before its release and since."""
OLD, NEW = "perps-bot-5d4b9c", "perps-bot-6d4b75cb6d"
PRESENCE = {
    "name": "metrics", "kind": "Presence", "for": "5m",
    "query": 'sum(process_resident_memory_bytes{namespace="${namespace}",pod=~"${pods}"})',
}  # fmt: skip
FIRED = {
    "healthy": set[str](),
    "latency": {"OrderLatencyP99WorseThanT0"},
    "leak": {"MemoryGrowthGrows", "MemoryWorseThanT0", "MemoryOverLimit"},
    "stale-marks": {"MarkAgeOverLimit"},
    "reconnect-loop": {"ReconnectsOverLimit", "ReconnectsWorseThanT0"},
    "no-metrics": {"MetricsAbsent"},
    "errors": {"OrderFailuresWorseThanT0"},
    "rate-limit": {"RateLimitErrorsOverLimit"},
}
"""Which rules fire on each fault mode of the bot, four hours after its release."""


def promtool(*command: str, directory: Path) -> str:
    tool = binaries.find(("promtool",))["promtool"].path
    done = subprocess.run([tool, *command], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def started(document: Any, namespace: str, judged: str, t0: datetime = T0) -> DriftReview:
    """A review that has begun, as far as rules need it."""
    review = DriftReview.model_validate(document)
    metadata = review.metadata.model_copy(update={"namespace": namespace})
    status = DriftReviewStatus(judged=revision("new").model_copy(update={"name": judged}), t0=t0)
    return review.model_copy(update={"metadata": metadata, "status": status})


def the_bots(namespace: str, release: datetime) -> DriftReview:
    document = yaml.safe_load((EXAMPLE / "driftreview.yaml").read_text("utf-8"))
    document["spec"]["signals"].append(PRESENCE)
    document["spec"]["alerts"] = {"rules": "Generate"}
    return started(document, namespace, NEW, release)


def of_a_set(path: Path) -> DriftReview:
    """A review of nothing but one ready-made set, with the defaults of its variables."""
    found = ClusterSignalSet.model_validate(yaml.safe_load(path.read_text("utf-8"))).spec
    spec = {
        "target": {"name": "shop"},
        "metrics": {"sourceRef": {"name": "prometheus"}},
        "signals": [each.model_dump(by_alias=True) for each in found.signals],
        "variables": {each.name: each.default or "shop" for each in found.variables},
    }
    return started({"metadata": {"name": "shop"}, "spec": spec}, "shop", "shop-5d4b9c")


def half_way(signal: Signal) -> SignalEvidence:
    """What T0 may have said of a signal: half of its limit, or of one; of events without a limit none."""
    limits = signal.limits
    limit = limits and (limits.baseline or limits.alert)
    level = (parse_quantity(limit) if limit else 1.0) * (2.0 if signal.worse == "Lower" and limit else 0.5)
    level = 0.0 if signal.kind is Kind.EVENTS and not limit else level
    labels = [{signal.each: "a"}, {signal.each: 'b"$1'}] if signal.each else [{}]
    return evidence(signal.name, *[series([level] * 144, labels=each) for each in labels])


def checked(review: DriftReview, found: Recommended, directory: Path) -> str:
    """The rules and their tests, as promtool sees them; what it says of the tests."""
    (directory / FILE).write_text(rules_file(review, found), "utf-8")
    (directory / "tests.yaml").write_text(rulefiles.tests_file(review, found), "utf-8")
    promtool("check", "rules", FILE, directory=directory)
    return promtool("test", "rules", "tests.yaml", directory=directory)


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_promtool_takes_the_rules_of_every_ready_made_set_and_their_tests_pass(path: Path, tmp_path: Path) -> None:
    review = of_a_set(path)
    signals = review.spec.signals
    found = recommended(review, snapshot(*map(half_way, signals)))
    judged = {each.name for each in signals if each.kind is not Kind.INFO}
    assert {each.signal.name for each in found.rules} == judged, found.without
    assert "SUCCESS" in checked(review, found, tmp_path)
    tested = [each.name for each in found.rules if not isinstance(cases(review, each), str)]
    print(path.stem, f"{len(tested)} of {len(found.rules)} rules have tests")  # noqa: T201 - shown with -s
    assert len(tested) >= len(found.rules) / 2


@dataclass(frozen=True)
class Fired:
    """A Prometheus that evaluates the rules of a review for each fault mode of the bot."""

    server: PrometheusServer
    reviews: dict[str, DriftReview]
    at_t0: dict[str, DriftSnapshotSpec]
    manager: Service | None
    now: datetime
    """Four hours after the release."""

    def rules(self, fault: str) -> Recommended:
        return recommended(self.reviews[fault], self.at_t0[fault])

    def alerts(self, fault: str) -> list[dict[str, Any]]:
        """What fires, as Prometheus says it."""
        _, text = Client(self.server.url).request("GET", "/api/v1/alerts")
        found = json.loads(text)["data"]["alerts"]
        return [each for each in found if each["labels"]["namespace"] == fault and each["state"] == "firing"]

    def evaluated(self, fault: str) -> bool:
        """Whether each of its rules was, at least once."""
        _, text = Client(self.server.url).request("GET", "/api/v1/rules")
        groups = json.loads(text)["data"]["groups"]
        ours = [each for each in groups if each["name"].startswith(f"driftreview-{fault}-")]
        return all(not rule["lastEvaluation"].startswith("0001") for group in ours for rule in group["rules"])


def frozen(review: DriftReview, source: PrometheusSource, release: datetime) -> DriftSnapshotSpec:
    """T0 of a review, from the eight hours before its release."""
    window = Window(release - BEFORE, release, MINUTE)
    assert review.status.judged is not None
    asked = resolved(review, Subject(review.status.judged, None, history=True))
    scraping = Scraping.of(source.range(UP, window))
    signals = []
    for each, one in zip(review.spec.signals, asked, strict=True):
        measured = Measurement(each, str(one.query), source.range(str(one.query), window))
        signals.append(freeze(measured, window, BLOCK, scraping, firings=True))
    return snapshot(*signals, hours=8, scraping=scraping.evidence(window, BLOCK))


def at_once(text: str) -> str:
    """Rules as they are, but for their `for`: what holds is fired at the first evaluation, within seconds."""
    document = yaml.safe_load(text)
    for group in document["groups"]:
        group["interval"] = "5s"
        for rule in group["rules"]:
            rule.pop("for", None)
    return yaml.safe_dump(document)


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fired]:
    """The rules of each T0, in a Prometheus that holds what followed: four hours of each fault."""
    directory = tmp_path_factory.mktemp("alert-rules")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    release = now - AFTER
    start, end = release - BEFORE - HOUR, now + HOUR  # what is evaluated while the tests run must be there too
    pods = ([f"{OLD}-aaaaa"], [f"{NEW}-bbbbb"])
    files = [
        write_history(
            Past(fault, start, release, end, *pods, "" if fault == "healthy" else fault),
            directory / f"{fault}.om",
        )
        for fault in FIRED
    ]
    reviews = {fault: the_bots(fault, release) for fault in FIRED}
    with ExitStack() as stack:
        manager = stack.enter_context(alertmanager(directory / "alertmanager")) if PROGRAM else None
        with PrometheusServer.start(directory / "prometheus", backfill=files) as past:
            source = PrometheusSource("past", MetricSourceSpec(url=past.url, resolution="60s"), Credentials())
            at_t0 = {fault: frozen(review, source, release) for fault, review in reviews.items()}
            source.close()
        for fault, review in reviews.items():
            text = at_once(rules_file(review, recommended(review, at_t0[fault])))
            (directory / f"{fault}.yaml").write_text(text, "utf-8")
        server = PrometheusServer.start(
            directory / "prometheus",
            rules=[directory / f"{fault}.yaml" for fault in FIRED],
            alertmanagers=[f"127.0.0.1:{manager.port}"] if manager else [],
        )
        yield Fired(stack.enter_context(server), reviews, at_t0, manager, now)


def names(alerts: list[dict[str, Any]]) -> set[str]:
    return {each["labels"]["alertname"] for each in alerts}


@pytest.mark.parametrize("fault", FIRED)
def test_a_real_prometheus_fires_the_rules_of_a_fault_and_no_other(fired: Fired, fault: str) -> None:
    wait_until(lambda: fired.evaluated(fault), f"the rules of {fault} are evaluated")
    assert names(fired.alerts(fault)) == FIRED[fault]
    for rule in fired.rules(fault).rules:
        if rule.name in FIRED[fault]:  # and for as long as the rule's own `for` wants it
            minutes = rule.hold // MINUTE + 1
            (held,) = fired.server.query(f"max(count_over_time(({rule.expr})[{minutes}m:1m]))", fired.now.timestamp())
            assert int(held["value"][1]) == minutes, rule.name


def test_an_alert_says_what_is_so_and_what_it_was_at_t0(fired: Fired) -> None:
    wait_until(lambda: fired.alerts("leak") and fired.alerts("stale-marks"), "they fire")
    (stale,) = fired.alerts("stale-marks")
    assert stale["labels"]["symbol"] == "SOL"
    assert stale["annotations"]["summary"] == "mark-age SOL of perps-bot: over its limit of 60 s for 1m"
    assert stale["annotations"]["runbook"] == "check broker connectivity, restart streaming"
    memory = next(each for each in fired.alerts("leak") if each["labels"]["alertname"] == "MemoryWorseThanT0")
    assert memory["labels"]["severity"] == "P2"
    said = memory["annotations"]["description"]
    assert "it was 19" in said, said  # MiB
    assert "Median of the last 1h: 3" in said, said


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_an_alertmanager_gets_every_alert(fired: Fired) -> None:
    assert fired.manager is not None
    expected = {(fault, name) for fault, found in FIRED.items() for name in found}

    def there() -> set[tuple[str, str]]:
        assert fired.manager is not None
        return {(each["labels"]["namespace"], each["labels"]["alertname"]) for each in received(fired.manager)}

    wait_until(lambda: there() == expected, "the Alertmanager has all alerts and no other", 120)


def test_promtool_takes_the_bots_rules_their_tests_and_the_healthy_baseline_is_silent(
    fired: Fired, tmp_path: Path
) -> None:
    review, at_t0, found = fired.reviews["healthy"], fired.at_t0["healthy"], fired.rules("healthy")
    assert "SUCCESS" in checked(review, found, tmp_path)
    fared = {rule.name: quality(rule, at_t0) for rule in found.rules}
    assert {name: each and each.times for name, each in fared.items()} == {
        **dict.fromkeys(fared, 0),
        "ReconnectsWorseThanT0": None,  # it looks at a day, of which the baseline has eight hours
    }
