"""Known Limitations: what this review cannot tell, as far as preflight, its frozen T0 and its looks show that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.driftsnapshot import SignalEvidence
from driftreview.api.elsewhere import Evidence
from driftreview.api.preflight import FindingSeverity, PreflightCheck, PreflightFinding
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Mode, OnMissing, Signal
from driftreview.domain import alerts, contracts, elsewhere, flags, inventory
from driftreview.domain.limitsonly import comes_to_nothing
from driftreview.domain.recheck import Looked
from driftreview.domain.report import alertrules
from driftreview.domain.report.material import Material, facts_of, when
from driftreview.domain.report.model import Cell, Reference, Row, Section, Table, Tone
from driftreview.domain.workload import REJECTED

_COLUMNS: Final = ("Limitation", "Severity", "Impact", "Fix")
_NOTE: Final = "Note"
"""The severity of what keeps no review from passing."""
_IMPACT: Final = {
    OnMissing.HOLD: "Inconclusive as long as it has no data: no promotion",
    OnMissing.FAIL: "without data it counts as Degraded",
    OnMissing.IGNORE: "not counted as long as it has no data (onMissing: Ignore)",
}
_NEVER: Final = "not counted in any case"
_UNKNOWN: Final = "unknown, which never passes"
_UNUSED: Final = "not recorded; no verdict rests on it"
_HARMLESS: Final = frozenset({_NEVER, _UNUSED, _IMPACT[OnMissing.IGNORE]})
"""Impacts that keep no review from passing."""
_JUDGED: Final = frozenset({contracts.SECTION, flags.SECTION, alerts.SECTION})
"""Sections of facts that checks rest on."""
_LATER: Final = frozenset({PreflightCheck.SIGNALS_PRESENT, PreflightCheck.RESOLUTION, PreflightCheck.ROLLBACK_POSSIBLE})
"""Checks whose matter the frozen evidence tells in rows of its own."""
_MEND: Final = "make the query return samples of this release"
_READABLE: Final = "mend what the message names"
_ANSWERS: Final = "let the metric source answer; the next look asks again"
_NUMBERS: Final = {
    elsewhere.SECTION: "let the file hold a number",
    inventory.SECTION: "let the query return a series for each pod, with the label pod",
}
"""What to do where there is no number, by what it is of."""
_NUMBER: Final = "let the query return a number"
_FIXES: Final[dict[str, str]] = {
    Reason.NOT_FOUND: "create what is named, or no longer declare it",
    Reason.FORBIDDEN: "grant the right to read it",
    Reason.UNAUTHORIZED: "correct the credentials that the metric source is asked with",
    Reason.SEVERAL_SERIES: "aggregate the query to one series",
    Reason.QUERY_INVALID: "correct the query",
    Reason.TIMEOUT: "ask less with the query, or let the metric source answer sooner",
    **dict.fromkeys((Reason.UNREACHABLE, Reason.TLS_FAILED, Reason.SERVER_ERROR, Reason.RATE_LIMITED), _ANSWERS),
}
"""What to do about what could not be read, by its reason."""
_NO_NUMBER: Final = frozenset({Reason.EMPTY, Reason.ONLY_NAN, Reason.ONLY_INFINITE})
_OF_QUERY: Final = _NO_NUMBER | {Reason.NOT_FOUND}
"""Reasons of a signal that its query is to be mended for."""


def section(material: Material) -> Section | None:
    """What was found; nothing where there is nothing."""
    rows = [
        *_of_preflight(material),
        *_of_t0(material),
        *_by_limits(material),
        *_of_signals(material),
        *_of_baseline(material),
        *_of_facts(material),
        *_of_rollback(material),
        *_of_rules(material),
    ]
    if not rows:
        return None
    table = Table(title="What this review cannot tell", columns=list(_COLUMNS), rows=rows)
    return Section(id="limitations", title="Known Limitations", blocks=[table])


def findings(material: Material) -> tuple[list[PreflightFinding], Reference]:
    """What preflight found, and where that stands: frozen with T0; before it in the status."""
    facts = facts_of(material.at_t0)
    if material.at_t0 is None or facts is None:
        return list(material.review.status.preflight), material.of_review("status.preflight")
    return list(facts.preflight), material.ref(material.at_t0, field="spec.facts.preflight")


def _of_preflight(material: Material) -> Iterator[Row]:
    """What preflight found, but for what evidence tells by now."""
    found, ref = findings(material)
    later = _LATER if material.at_t0 else frozenset[str]()
    for each in found:
        if each.name not in later:
            said = f"{each.name}: {each.message}"
            yield _row(said, each.impact or "-", each.fix or "-", ref, severity=each.severity)


def _of_t0(material: Material) -> Iterator[Row]:
    """What was measured before the judged revision was there, and is laid to it."""
    if material.backdated:
        yield _row(
            f"T0 is backdated: it lies {material.backdated} before the judged revision was rolled out",
            "what was measured in between counts as of the release, whichever revision ran then",
            "backdate only in a restored cluster or on backfilled metrics (spec.window.backdated)",
            material.of_review("spec.window.backdated"),
        )


def _by_limits(material: Material) -> Iterator[Row]:
    """That nothing is compared, and why; and that it can come to nothing."""
    if material.by_limits:
        ref = material.ref(material.at_t0, field="spec.limitsOnly")
        yield _row(
            f"judged by limits only: {material.by_limits}",
            "margins are left aside: what got worse within its limit is not seen",
            "give the signals that matter a limit (limits.alert, limits.perHour), or review the next release",
            ref,
        )
        if nothing := comes_to_nothing(material.review.spec):
            yield _row(nothing, "Inconclusive at every look", "a new review with such a limit", ref)


def _of_signals(material: Material) -> Iterator[Row]:
    """Signals that the last look, or T0, has no data of."""
    look = material.newest
    if look is None:
        return
    frozen = {each.name: each for each in look.evidence.spec.signals}
    for signal in material.review.spec.signals:
        found = frozen.get(signal.name)
        if found is not None and found.problem is not None:
            fix = _MEND if found.problem.reason in _OF_QUERY else _FIXES.get(found.problem.reason, _MEND)
            impact, ref = _impact(signal), material.ref(look, signal=signal.name)
            yield _row(_without(look, found), impact, fix, ref, severity=_severity(impact))


def _without(look: Looked, found: SignalEvidence) -> str:
    return f"{found.name} has no data at {when(look)}: {found.problem.message if found.problem else ''}"


def _impact(declared: Signal | Evidence) -> str:
    if declared.mode is Mode.SHADOW or (isinstance(declared, Signal) and declared.kind is Kind.INFO):
        return _NEVER
    return _IMPACT[declared.on_missing]


def _of_baseline(material: Material) -> Iterator[Row]:
    """What the frozen baseline is no good for."""
    told: tuple[tuple[Sequence[str], str, str], ...] = (
        (
            material.foreseen.useless,
            "nothing can be compared with: Inconclusive at every look",
            "start a review whose baseline has usable samples of it",
        ),
        (
            material.foreseen.vague,
            "too noisy for its margin: hardly ever decided",
            "a wider margin, a longer baseline, a later look or a covariate",
        ),
    )
    for which, impact, fix in told:
        for each in which:
            yield _row(each, impact, fix, material.ref(material.at_t0, signal=each.split(" ", 1)[0]))


def _of_facts(material: Material) -> Iterator[Row]:
    """What the cluster did not tell of itself."""
    look = material.newest
    if look is None:
        return
    scraping, facts = look.evidence.spec.scraping, look.evidence.spec.facts
    if scraping is not None and scraping.problem is not None:
        yield _row(
            f"whether the metric source itself was scraping is not known: {scraping.problem.message}",
            "whose gap a gap is cannot be told: what is missing never counts against the release",
            "let the metric source answer count(up)",
            material.ref(look, field="spec.scraping"),
        )
    impacts = dict(_impacts(material.review.spec))
    for each in facts.problems if facts else ():
        section, ref = each.about.split("/")[0], material.ref(look, check=each.about)
        impact = impacts.get(each.about) or (_UNKNOWN if section in _JUDGED else _UNUSED)
        number = _NUMBERS.get(section, _NUMBER) if each.reason in _NO_NUMBER else None
        fix = number or _FIXES.get(each.reason, _READABLE)
        yield _row(f"{each.about}: {each.message}", impact, fix, ref, severity=_severity(impact))


def _impacts(spec: DriftReviewSpec) -> Iterator[tuple[str, str]]:
    """What it does that a declared number or expectation cannot be known, by its name."""
    for number in spec.evidence:
        yield f"{elsewhere.SECTION}/{number.name}", _impact(number)
    modes = [(f"{contracts.SECTION}/{each.name}", each.mode) for each in spec.contracts]
    modes += [(f"{flags.SECTION}/{each.name}", each.mode) for each in spec.flags]
    if spec.alerts is not None:
        modes += [(f"{alerts.SECTION}/{name}", spec.alerts.mode) for name in alerts.declared(spec.alerts)]
    for about, mode in modes:
        yield about, _NEVER if mode is Mode.SHADOW else _UNKNOWN


def _severity(impact: str) -> str:
    return _NOTE if impact in _HARMLESS else FindingSeverity.WARNING


def _of_rollback(material: Material) -> Iterator[Row]:
    status = material.review.status
    if material.at_t0 is not None and status.previous is None:
        message = status.rollback.message if status.rollback and status.rollback.message else "nothing was pinned at T0"
        keep = "keep an earlier revision (spec.revisionHistoryLimit of the target) before the next release"
        yield _row(
            f"there is no revision to go back to: {message}",
            "a drift cannot be rolled back by the operator",
            f"take {REJECTED} off the target if no review wrote it" if REJECTED in message else keep,
            material.ref(material.at_t0, field="spec.previous"),
        )


def _of_rules(material: Material) -> Iterator[Row]:
    """Recommended alert rules that fire while all is well."""
    for name, said, fix in alertrules.noisy(material):
        ref = material.ref(material.at_t0, signal=name)
        yield _row(f"the alert rule {said}", "it wakes people for nothing", fix, ref, severity=_NOTE)


def _row(limitation: str, impact: str, fix: str, *evidence: Reference, severity: str = FindingSeverity.WARNING) -> Row:
    tone = Tone.BAD if severity == FindingSeverity.BLOCKER else Tone.PLAIN if severity == _NOTE else Tone.OPEN
    cells = [Cell(text=limitation), Cell(text=severity, tone=tone), Cell(text=impact), Cell(text=fix)]
    return Row(cells=cells, evidence=list(evidence))
