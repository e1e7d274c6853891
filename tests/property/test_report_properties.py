"""Whatever the cluster said of itself at two looks, known or not: the report of it says it once, and nothing better."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.alerts import AlertsFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.incident import Incident, IncidentKind
from driftreview.api.inventory import InventoryFact, ServiceStatus
from driftreview.api.observability import ObservabilityFact
from driftreview.api.reasons import Reason
from driftreview.domain.observability import metric_names
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Report, Sentences, Table, Tone
from driftreview.report.files import files
from tests import factdata
from tests.builders import T0, around, evidence, review, series, snapshot
from tests.reportdata import stored

NAMES = st.sampled_from(["a", "b", "c", "<b>|`x`"])
AMOUNTS = st.none() | st.floats(0, 1e12).map(lambda value: f"{value:.9g}")
SECTIONS = ("deployment", "inventory/pods", "incidents/events", "alerts/new", "observability/metrics", "flags/mode")


@st.composite
def inventories(draw: st.DrawFn) -> InventoryFact:
    names = draw(st.lists(NAMES, unique=True))
    rows = [
        factdata.service(name, 0, 0, draw(st.sampled_from(ServiceStatus))).model_copy(
            update={"cpu": draw(AMOUNTS), "memory": draw(AMOUNTS), "restarts": draw(st.none() | st.integers(0, 9))}
        )
        for name in names
    ]
    return factdata.inventory(*rows, left_out=draw(st.sampled_from(["", "pods"])))


@st.composite
def fired(draw: st.DrawFn) -> AlertsFact:
    names = draw(st.lists(st.tuples(NAMES, st.sampled_from(["", "critical", "warning"])), unique=True))
    rows = [factdata.alert(*each, firing=draw(st.booleans())) for each in names]
    beats, unwatched = draw(st.none() | st.booleans()), draw(st.none() | st.just(["latency"]))
    return factdata.alerts(*rows, heartbeat=beats, unwatched=unwatched, left_out=draw(st.integers(0, 1)))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    happened = draw(st.lists(st.tuples(NAMES, st.sampled_from(IncidentKind)), max_size=4))
    problems = draw(st.lists(st.sampled_from(SECTIONS), unique=True))
    names = draw(st.none() | st.lists(NAMES))
    return Facts(
        taken_at=T0,
        deployment=draw(st.none() | st.just(factdata.deployment())),
        configuration=draw(st.none() | st.just(factdata.configuration())),
        inventory=draw(st.none() | inventories()),
        alerts=draw(st.none() | fired()),
        flags=draw(st.sampled_from([[], factdata.flags()])),
        preflight=draw(st.sampled_from([[], [factdata.SINGLE_CYCLE]])),
        observability=None if names is None else ObservabilityFact(metrics=metric_names(names)),
        incidents=[Incident(kind=kind, object=name) for name, kind in happened],
        problems=[FactProblem(about=each, reason=Reason.FORBIDDEN, message="no right") for each in problems],
    )


LOOKS = st.none() | facts()


def made(at_t0: Facts | None, now: Facts | None) -> Report:
    def of(name: str, blocks: int, **fields: Any) -> Any:
        found = evidence("latency", series(around(100, blocks)))
        return snapshot(found, checkpoint=name, hours=blocks / 6, **fields)

    first = of("T0", 144, facts=at_t0)
    last = of("1h", 6, facts=now, previous_hash=first.hash)
    return report(review(**factdata.DECLARED), [stored("t0", first), stored("1h", last)])


def names_of(found: Report, section: str) -> list[str]:
    blocks = (block for each in found.sections if each.id == section for block in each.blocks)
    return [row.cells[0].text for block in blocks if isinstance(block, Table) for row in block.rows]


def good(found: Report, section: str) -> list[str]:
    blocks = (block for each in found.sections if each.id == section for block in each.blocks)
    return [
        each.text for block in blocks if isinstance(block, Sentences) for each in block.items if each.tone is Tone.GOOD
    ]


@settings(max_examples=150, deadline=None)
@given(LOOKS, LOOKS)
def test_each_service_and_each_alert_of_either_look_stands_there_once(at_t0: Facts | None, now: Facts | None) -> None:
    found, looks = made(at_t0, now), [each for each in (at_t0, now) if each]
    services = {one.name for each in looks if each.inventory for one in each.inventory.services}
    total = ["Total of what is known", "Total"]
    assert sorted(each for each in names_of(found, "inventory") if each not in total) == sorted(services)
    alerts = {(one.name, one.severity) for each in looks if each.alerts for one in each.alerts.fired}
    assert sorted(names_of(found, "alerts")) == sorted(name for name, _ in alerts)
    assert all(files(found).values())


@settings(max_examples=150, deadline=None)
@given(LOOKS, LOOKS)
def test_what_was_not_read_never_looks_good(at_t0: Facts | None, now: Facts | None) -> None:
    found = made(at_t0, now)
    unread = (
        {each.about.split("/")[0] for each in now.problems} if now else {*(each.split("/")[0] for each in SECTIONS)}
    )
    if unread & {"deployment", "incidents"}:
        assert not any("T0+1h" in each for each in good(found, "incidents"))
    if now is None or now.alerts is None or not now.alerts.heartbeat:
        assert not any("none" in each for each in good(found, "incidents"))
        assert not any(each.startswith(("New", "Heartbeat")) for each in good(found, "alerts"))
    if now is None or now.observability is None:
        assert good(found, "observability") == [each for each in good(found, "observability") if "signals" in each]
    if "inventory" in unread or now is None or now.inventory is None or now.inventory.left_out:
        assert not any("services" in each for each in good(found, "observations"))
    assert not any("flags/mode" in each for each in good(found, "observations")) or "flags" not in unread
