"""What `driftreview replay -o table` prints: Markdown tables as the hand-written reviews have them, aligned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.policy import OnInconclusive
from driftreview.api.signal import Mode
from driftreview.api.values import format_duration, parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.cli.printing import Line
from driftreview.domain.advice import MANY
from driftreview.domain.conclusion import held_by
from driftreview.domain.display import printable
from driftreview.domain.elsewhere import SECTION, EvidenceResult
from driftreview.domain.replay import Replay, ReplayedCheckpoint
from driftreview.domain.result import CheckpointResult, SeriesResult, SignalResult

_LEFT: Final = {
    OnInconclusive.HOLD: "left to a person",
    OnInconclusive.PROMOTE: "counted as promoted",
    OnInconclusive.ROLLBACK: "counted as rolled back",
}


def of_replay(review: DriftReview, found: Replay, document: Mapping[str, Any]) -> Iterator[Line]:
    """Lines about one T0."""
    window = document["baseline"]
    measured = f"baseline {window['start']} to {window['end']}" if window else "no baseline"
    name, step = review.metadata.name or "review", _length(document["resolution"])
    yield f"{name}: T0 {document['t0']}, {measured}, resolution {step}"
    told = (
        ("cannot be compared", "notComparable"),
        ("too noisy", "tooNoisy"),
        ("irregular baseline", "irregular"),
        ("bad already", "badAlready"),
        ("left out", "leftOut"),
    )
    for what, field in told:
        yield from (f"{what}: {each}" for each in document[field])
    decided = False
    for each in found.checkpoints:
        yield ""
        yield from _checkpoint(each, " (after the decision)" if decided else "")
        decided |= each.name == found.decided_at
    yield from _power(document["power"])
    yield ""
    recommendation = document["recommendation"]
    why = held_by(review.spec.policy, found.recommendation) if found.decided_at else ""
    action = f"{document['action']}, {why}" if why else document["action"]
    yield [(recommendation, recommendation), (f" ({action}): {found.message}", "")]


def _checkpoint(each: ReplayedCheckpoint, remark: str) -> Iterator[Line]:
    if each.result is None:
        yield f"T0+{each.name}: not yet judgeable, the data end before this window"
        return
    yield [(f"T0+{each.name}: ", ""), (each.result.verdict, each.result.verdict), (remark, "")]
    yield ""
    rows = [_row(result, one) for result in each.result.results for one in result.series]
    rows += [_number(one) for one in each.result.evidence]
    yield from _table(("Signal", "Baseline", "Current", "Delta", "Status"), rows)
    yield ""
    yield each.result.message
    yield from _missing(each.result)


def _missing(found: CheckpointResult) -> Iterator[str]:
    """Why each series is Missing of which the sentence about all does not say it."""
    for result in found.results:
        for one in result.series:
            if one.finding.verdict is SignalVerdict.MISSING and one.finding.message not in found.message:
                yield f"{_name(result, one)} is Missing: {one.finding.message}"


def _name(result: SignalResult, one: SeriesResult) -> str:
    return f"{result.signal.name} {printable(one.key)}" if one.key else result.signal.name


def _row(result: SignalResult, one: SeriesResult) -> tuple[str, ...]:
    finding, signal = one.finding, result.signal
    mark = " (Shadow)" if signal.mode is Mode.SHADOW else " (ignored)" if result.is_ignored(finding) else ""
    return _name(result, one), finding.baseline, finding.current, finding.delta, f"{finding.verdict}{mark}"


def _number(of: EvidenceResult) -> tuple[str, ...]:
    finding, mark = of.finding, " (Shadow)" if of.evidence.mode is Mode.SHADOW else ""
    name = f"{SECTION}/{of.evidence.name}"
    return name, finding.baseline, finding.current, finding.delta, f"{finding.verdict}{mark}"


def of_sweep(document: Mapping[str, Any]) -> Iterator[Line]:
    """Lines about many T0s."""
    yield (
        f"{document['review'] or 'review'}: {document['t0s']} T0s from {document['first']} to {document['last']}, "
        f"every {_length(document['every'])}, resolution {_length(document['resolution'])}"
    )
    yield from (f"left out: {each}" for each in document["leftOut"])
    if document["independent"] < document["t0s"]:
        yield f"neighbouring T0s share data: they are worth about {document['independent']:.1f} independent ones"
    yield ""
    heads = ("Signal", "False rollback", "Hold (ever)", "Inconclusive", "Promote")
    rows = [
        _rates(f"{each['name']}{' (Shadow)' if each['mode'] == Mode.SHADOW else ''}", each)
        for each in document["signals"]
    ]
    yield from _table(heads, [_rates("all together", document), *rows])
    yield from _power(document["power"])
    yield ""
    budget, rate = document["falseAlarmBudget"], document["falseRollback"]
    kept = "over" if rate > budget else "within"
    yield f"false rollbacks {_percent(rate)}, {kept} policy.falseAlarmBudget {_percent(budget)}"
    yield from _undecided(document)
    yield from _stretches(document)
    for each in document["advice"]:
        yield f"- {each}"


def _undecided(document: Mapping[str, Any]) -> Iterator[str]:
    """How many T0s were undecided, what is done with them, and by which signals they are."""
    share, policy = document["inconclusive"], document["onInconclusive"]
    if not share:
        return
    signals = [each for each in document["signals"] if each["mode"] == Mode.ENFORCE and each["inconclusive"]]
    signals.sort(key=lambda each: -each["inconclusive"])
    which = ", ".join(f"{each['name']} {_percent(each['inconclusive'])}" for each in signals)
    many = f", more than {_percent(MANY)}" if share > MANY else ""
    yield f"undecided {_percent(share)}{many} ({which}), {_LEFT[policy]} by policy.onInconclusive {policy}"


def _stretches(document: Mapping[str, Any]) -> Iterator[str]:
    """Neighbouring T0s that were rolled back, put together: they may all have seen the same incident."""
    every, found = parse_duration(document["every"]), list[list[datetime]]()
    for t0 in map(datetime.fromisoformat, document["rolledBackAt"]):
        if found and t0 - found[-1][-1] == every:
            found[-1].append(t0)
        else:
            found.append([t0])
    for each in found:
        first, last = format_time(each[0]), format_time(each[-1])
        yield f"rolled back: {first}" if len(each) == 1 else f"rolled back: {len(each)} T0s, {first} to {last}"


def _length(text: str) -> str:
    return format_duration(parse_duration(text))


def _rates(name: str, of: Mapping[str, Any]) -> tuple[str, ...]:
    return name, *(_percent(of[field]) for field in ("falseRollback", "held", "inconclusive", "promoted"))


def _power(power: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not power:
        return
    yield ""
    yield "Found by checkpoint:"
    yield ""
    heads = ("Fault", *(each["at"] for each in power[0]["detected"]), "Promoted")
    rows = [
        (each["fault"], *(_percent(look["rate"]) for look in each["detected"]), _percent(each["promoted"]))
        for each in power
    ]
    yield from _table(heads, rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g}%"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """Lines of a table; a cell has the colour of its first word."""
    cells = [[printable(cell, None).replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    yield _line([head.ljust(width) for head, width in zip(heads, widths, strict=True)])
    yield _line(["-" * width for width in widths])
    for row in cells:
        yield _line([cell.ljust(width) for cell, width in zip(row, widths, strict=True)])


def _line(cells: Sequence[str]) -> Line:
    parts = [
        part for cell in cells for part in ((" | ", ""), (cell, cell.split(maxsplit=1)[0] if cell.strip() else ""))
    ]
    return [("| ", ""), *parts[1:], (" |", "")]
