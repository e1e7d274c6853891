"""Reviews in every state of their lives, for the report; and how their reports looked when they were looked at.

`python -m tests.reportdata` writes the golden files anew.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from driftreview.api.approval import ChecklistItem, DriftApproval
from driftreview.api.base import Metadata
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, DriftSnapshotSpec
from driftreview.api.elsewhere import Evidence, EvidenceFact, SlowTest, SuiteFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.domain.approvals import as_recorded
from driftreview.domain.elsewhere import Content, file_of, read_file
from driftreview.domain.report.build import report
from driftreview.report.files import as_json
from driftreview.report.markdown import markdown
from tests import factdata
from tests.builders import HOUR, MINUTE, T0, approval, around, evidence, review, series, signal, snapshot
from tests.simulator import Deployment, Metrics, Simulator

GOLDEN = Path(__file__).parent / "unit" / "golden"
HOSTILE = "<script>alert(1)</script>"
CONTEXT = {
    "revision": "88d7df9",
    "environment": "staging",
    "owner": "Phase 1 | team `bot`",
    "scope": "order path",
    "change": "CHG-17 [x](https://example.org)",
}
Taken = tuple[DriftReview, list[DriftSnapshot], list[DriftApproval]]


def life(shift_at: timedelta | None = None, **spec: Any) -> Simulator:
    """A review at its very beginning, with a signal in each of two sections and one of none; without facts."""
    signals = [
        signal(section="Performance", unit="ms", runbook="https://runbooks.example.org/latency"),
        signal("lag", section="Streaming", unit="ms", mode="Shadow"),
        signal("load", kind="Info", unit="1/s"),
    ]
    shifts = [] if shift_at is None else [(T0 + shift_at, 1.5)]
    given: dict[str, Any] = {"signals": signals, "context": CONTEXT} | spec
    return Simulator(review(**given), now=T0 - 12 * MINUTE, metrics=Metrics(shifts))


def after(length: timedelta, shift_at: timedelta | None = None, **spec: Any) -> Simulator:
    """A review so long after T0."""
    simulator = life(shift_at, **spec)
    simulator.sleepy = False  # what is waited for before T0 has no date
    simulator.pass_time(12 * MINUTE + min(length, 2 * MINUTE))
    simulator.sleepy = True
    simulator.pass_time(max(length - 2 * MINUTE, 0 * MINUTE))
    return simulator


def without_answers() -> Simulator:
    simulator = after(3 * HOUR)
    simulator.metrics.mode = "empty"
    simulator.pass_time(3 * HOUR)
    return simulator


def does(simulator: Simulator, kind: str, by: str = "jane", **fields: Any) -> None:
    """A person does something now, and the operator sees it."""
    simulator.approvals.append(approval(kind, by, simulator.now, **fields))
    simulator.run()


def passes(simulator: Simulator, length: timedelta) -> Simulator:
    """Let time pass."""
    simulator.pass_time(length)
    return simulator


LATE = {"checkpoints": ["1h", "2h", "4h"], "rollback": "6h"}
"""People have two hours between the last look and the last safe moment."""
ASKED = {
    "author": "joe@example.org",
    "window": LATE,
    "policy": {"approval": {"type": "Manual", "approvals": 2, "notByAuthor": True}},
    "checklist": [{"name": "backup-workflow-unchanged"}, {"name": "support-was-told", "required": False}],
}


def retaken() -> Simulator:
    """T0 was taken anew twice, the second time before there was a look."""
    simulator = after(20 * MINUTE)
    does(simulator, "Rebaseline", message="traffic was switched over only now")
    passes(simulator, 10 * MINUTE)
    does(simulator, "Rebaseline", "joe")
    return passes(simulator, 65 * MINUTE)


def lengthened() -> Simulator:
    """The window was extended twice; the last of the looks that were added decides."""
    simulator = after(65 * MINUTE)
    does(simulator, "Extend", **{"for": "2h"}, message="the evening is to be seen too")
    does(simulator, "Note", message="provider outage 14:00 to 14:20; " + "it is over. " * 20)
    passes(simulator, MINUTE)
    does(simulator, "Extend", "joe", **{"for": "1h"})
    return passes(simulator, 7 * HOUR)


def waited_for() -> Simulator:
    """What passed waits for a second person and a sign-off."""
    simulator = after(245 * MINUTE, **ASKED)
    for by in ("jane", "joe@example.org", "jane"):
        does(simulator, "Approve", by)
        passes(simulator, MINUTE)
    does(simulator, "SignOff", item="support-was-told")
    return simulator


def agreed() -> Simulator:
    """Two people approved it, and everything is signed off; one of the objects was deleted since."""
    simulator = waited_for()
    does(simulator, "SignOff", item="backup-workflow-unchanged", message="run 4711 restored")
    does(simulator, "Approve", "ann", message="known and wanted, CHG-1042")
    passes(simulator, 10 * MINUTE)
    simulator.approvals = [each for each in simulator.approvals if each.spec.by != "ann"]
    return simulator


def turned_down() -> Simulator:
    """A person rejected what every look so far had passed."""
    simulator = after(65 * MINUTE, **ASKED)
    does(simulator, "Approve", "ann")
    passes(simulator, MINUTE)
    does(simulator, "Reject", message="customers cannot pay")
    return passes(simulator, 10 * MINUTE)


FACTS = {"T0": factdata.at_t0, "1h": factdata.well, "2h": factdata.amiss}
BOT_SIGNALS = [
    signal(section="Performance", unit="ms", runbook="https://runbooks.example.org/latency"),
    signal("backlog", section="Streaming", kind="Limit", limits={"alert": "150"}),
]


def bot(length: timedelta) -> Simulator:
    """The review of the two hand-written documents, with all that the cluster says of itself."""
    simulator = life(signals=BOT_SIGNALS, **factdata.DECLARED)
    simulator.facts = lambda name: FACTS[name]()
    simulator.preflight = tuple(factdata.at_t0().preflight)
    return passes(simulator, 12 * MINUTE + length)


def blocked() -> Simulator:
    """The same before T0, kept there by what may not be."""
    simulator = life(signals=BOT_SIGNALS, **factdata.DECLARED)
    simulator.preflight = (factdata.DRY_RUN, factdata.MOCK_BROKER, *factdata.at_t0().preflight)
    return passes(simulator, MINUTE)


def file(**fields: Any) -> dict[str, Any]:
    """A file of tests, as evidence names it."""
    return {"configMap": {"name": "tests", "key": "unit.xml"}, "format": "JUnit"} | fields


NUMBERS: list[dict[str, Any]] = [
    {"name": "characterization-tests", "section": "Code", "unit": "tests", "worse": "Lower", "baseline": 38,
     "current": 52, "source": "pytest tests/characterization at 88d7df9"},
    {"name": "characterization-runtime", "section": "Code", "unit": "s", "margin": {"relative": "10%"},
     "baseline": "0.28", "current": "0.30"},
    {"name": "unit-tests", "section": "Code", "unit": "tests", "worse": "Lower",
     "from": {"current": file(measure="tests")}},
    {"name": "unit-runtime", "section": "Code", "unit": "s", "margin": {"relative": "10%"}, "baseline": "2.8",
     "from": {"current": file(measure="runtime")}},
    {"name": "success-rate", "section": "Code", "unit": "%", "worse": "Lower",
     "from": {"current": file(measure="successRate")}},
    {"name": "order-overhead", "section": "Performance", "unit": "ms", "mode": "Shadow", "baseline": 1, "current": 2},
    {"name": "coverage", "section": "Code", "unit": "%", "worse": "Lower", "onMissing": "Ignore",
     "from": {"current": {"configMap": {"name": "coverage", "key": "c.json"}, "format": "JSON", "pointer": "/a"}}},
]  # fmt: skip
"""The numbers of the completion review, some of them declared and some read; one that nobody stored."""


def tested(cases: int, runtime: str) -> Facts:
    """What a look finds of NUMBERS in the file."""
    times = (
        f'<testcase classname="test_{each % 9}" name="case_{each}" time="0.00{each % 7}"/>' for each in range(cases)
    )
    content = f'<testsuite time="{runtime}">{"".join(times)}</testsuite>'.encode()
    declared = [Evidence.model_validate(each) for each in NUMBERS]
    files = [(each.name, file_of(each, at_t0=False)) for each in declared]
    found = [
        read_file(name, each, Content(content)) for name, each in files if each and each.config_map.name == "tests"
    ]
    lacking = FactProblem(about="evidence/coverage", reason=Reason.NOT_FOUND, message="there is no configmaps/coverage")
    return Facts(taken_at=T0, evidence=found, problems=[lacking])


def with_numbers() -> Simulator:
    """Numbers of tests beside the signals, read at T0 and, from another build, at each look."""
    simulator = life(evidence=NUMBERS)
    simulator.facts = lambda name: tested(562, "2.8" if name == "T0" else "2.65")
    simulator.sleepy = False
    simulator.pass_time(14 * MINUTE)
    simulator.sleepy = True
    return passes(simulator, 5 * HOUR)


LIMITED = [
    signal(section="Performance", unit="ms", margin={"relative": "5%"}, limits={"alert": "140"}),
    signal("lag", section="Streaming", unit="ms"),
]


def first_release(signals: Sequence[Signal] = LIMITED, shift_at: timedelta | None = None) -> Simulator:
    """The first release of its target, with samples of something else from before it."""
    simulator = life(shift_at, signals=signals)
    simulator.target = Deployment(before="", is_first=True)
    return passes(simulator, 6 * HOUR)


def released_ill(until: timedelta = timedelta(days=9)) -> Simulator:
    """Released two hours into an incident, that is over after some time or is not."""
    simulator = life(signals=LIMITED)
    simulator.metrics = Metrics([(T0 - 2 * HOUR, 1.6), (T0 + until, 1.0)])
    return passes(simulator, 6 * HOUR)


def together() -> Simulator:
    """Three that ship together and are bad; the second is taken back, the third does not come back."""
    simulator = life(90 * MINUTE, target={"name": "web", "with": [{"name": "api"}, {"name": "jobs"}]})
    api, jobs = (Deployment(uid=f"{name}-uid") for name in ("api", "jobs"))
    simulator.members = [api, jobs]
    passes(simulator, 90 * MINUTE)
    jobs.fails = True
    simulator.sleepy = False
    simulator.pass_time(HOUR)
    return simulator


FAIR = {"name": "fair", "reason": "sales", "start": "2026-07-01T00:00", "duration": "90d"}
STATES: dict[str, Callable[[], Simulator]] = {
    "pending": lambda: after(-12 * MINUTE),
    "t0": lambda: after(MINUTE),
    "watching": lambda: after(65 * MINUTE),
    "holding": lambda: after(125 * MINUTE, 90 * MINUTE, policy={"onDrift": "Hold"}),
    "promoted": lambda: after(5 * HOUR),
    "rolled-back": lambda: after(5 * HOUR, 90 * MINUTE),
    "inconclusive": without_answers,
    "retaken": retaken,
    "extended": lengthened,
    "waits-for-people": waited_for,
    "frozen": lambda: after(4 * HOUR + 5 * MINUTE, policy={"freezes": [FAIR]}),
    "approved": agreed,
    "rejected": turned_down,
    "bot-blocked": blocked,
    "bot-t0": lambda: bot(MINUTE),
    "bot-1h": lambda: bot(65 * MINUTE),
    "bot-2h": lambda: bot(125 * MINUTE),
    "numbers": with_numbers,
    "first-release": first_release,
    "released-ill": released_ill,
    "together": together,
    "guarded": lambda: after(7 * HOUR, 190 * MINUTE, guards={}, window={"checkpoints": ["1h", "8h"], "rollback": "8h"}),
}


def taken(simulator: Simulator) -> Taken:
    """What the API server has of a review."""
    snapshots = [stored(name, spec) for name, spec in simulator.snapshots.items()]
    return simulator.stored(), snapshots, list(simulator.approvals)


def stored(name: str, spec: Any) -> DriftSnapshot:
    """Evidence under its name."""
    found = spec if isinstance(spec, DriftSnapshotSpec) else DriftSnapshotSpec.model_validate(spec)
    return DriftSnapshot(metadata=Metadata(name=name), spec=found)


def hostile(label: str = HOSTILE) -> Taken:
    """A review whose people, labels and queries hold whatever may not be taken for markup."""
    given = {name: factdata.DECLARED[name] for name in ("inventory", "flags", "alerts", "observability")}
    given["alerts"] = {"heartbeat": label[:100]}
    given["observability"] = {"dashboards": [{"name": label[:90], "url": f"https://example.org/{label}"[:200]}]}
    context = dict.fromkeys(CONTEXT, label[:64])
    simulator = after(65 * MINUTE, context=context, signals=[signal(section=label[:64])], **given)
    start = simulator.stored()
    each = signal(each="symbol", section=label[:64], query=f'x{{symbol="{label}"}} | `y`', runbook=label[:256])
    begun = start.model_copy(update={"spec": start.spec.model_copy(update={"signals": [each]})})
    sides = (around(100, 144), around(150, 36, seed=2))
    looks = [
        evidence("latency", series(side, labels={"symbol": label})).model_copy(update={"query": each.query})
        for side in sides
    ]
    suite = SuiteFact(tests=1, failures=0, skipped=0, runtime="1", slowest=[SlowTest(name=label[:256], seconds="1")])
    told = FactProblem(about="evidence/b", reason=Reason.NOT_FOUND, message=label)
    facts = factdata.hostile(label)
    evidence_of = {"evidence": [EvidenceFact(name="a", value="1", suite=suite)], "problems": [*facts.problems, told]}
    now = factdata.hostile(f"{label}2").model_copy(update=evidence_of)
    numbers = [
        Evidence.model_validate({"name": name, "section": label[:64], "source": label[:256], "unit": "tests"} | given)
        for name, given in (
            ("a", {"baseline": 1, "from": {"current": file(measure="tests")}}),
            ("b", {"from": {"current": file(measure="tests")}}),
            ("c", {"baseline": 1, "current": 2}),
        )
    ]
    source = f"MetricSource/{label} http://x"
    first = snapshot(looks[0], source=source, facts=facts.model_copy(update=evidence_of))
    last = snapshot(looks[1], checkpoint="1h", hours=6, source=source, facts=now)
    said = [
        approval(kind, label, message=label, **more)
        for kind, more in (("Approve", {}), ("Note", {}), ("SignOff", {"item": "backup"}))
    ]
    records = [as_recorded(each, T0, label, "" if each.spec.type != "Approve" else label) for each in said]
    people = {"author": label, "checklist": [ChecklistItem(name="backup")], "evidence": numbers}
    begun = begun.model_copy(
        update={
            "spec": begun.spec.model_copy(update=people),
            "status": begun.status.model_copy(update={"approvals": records}),
        }
    )
    return begun, [stored(f"release-review-u-{each.checkpoint.lower()}", each) for each in (first, last)], said


def large(signals: int = 50, each: int = 20, looks: Sequence[str] = ("1h", "6h", "24h", "48h")) -> Taken:
    """As much as a review may hold: signals of many series, some of them worse from T0 on."""
    declared = [
        signal(f"signal-{number}", each="symbol", section=f"Section {number % 5}", query="x" * 150)
        for number in range(signals)
    ]
    window = {"checkpoints": list(looks), "rollback": looks[-1]}
    begun = review(signals=declared, window=window, context=CONTEXT)

    def at(checkpoint: str, blocks: int, worse: float) -> DriftSnapshotSpec:
        found = []
        for number in range(signals):
            level = 100 * (worse if number % 7 == 0 else 1.0)
            rows = [
                series(around(level, blocks, seed=number * 50 + one + blocks), labels={"symbol": f"symbol-{one}"})
                for one in range(each)
            ]
            found.append(evidence(f"signal-{number}", *rows))
        return snapshot(*found, checkpoint=checkpoint, hours=blocks / 6)

    hours = {"1h": 1, "6h": 6, "24h": 24, "48h": 48}
    specs = [at("T0", 1008, 1.0), *(at(name, hours[name] * 6, 1.2) for name in looks)]
    return begun, [stored(f"release-review-u-{each.checkpoint.lower()}", each) for each in specs], []


def written() -> Iterator[tuple[str, str]]:
    """Every golden file and what it should hold."""
    for name, state in STATES.items():
        made = report(*taken(state()))
        yield f"report-{name}.md", markdown(made)
        yield f"report-{name}.json", as_json(made)


def main() -> None:
    """Write the golden files."""
    for name, text in written():
        (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
