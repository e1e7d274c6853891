"""Deployment Context: what was released, where, when, whose it is, and whether it can still be rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.policy import PolicyMode
from driftreview.api.status import Revision
from driftreview.api.values import format_duration
from driftreview.domain.chaining import retaken_for
from driftreview.domain.display import short_hash
from driftreview.domain.report.material import Material, server_of, tone
from driftreview.domain.report.model import Cell, Entries, Moment, Reference, Row, Section, Timeline, Tone
from driftreview.domain.status import condition
from driftreview.domain.wayback import rehearsed

_MODES: Final = {
    PolicyMode.ENFORCE: "the operator promotes and rolls back",
    PolicyMode.ADVISE: "a person acts on the recommendation, the operator on nothing",
    PolicyMode.OBSERVE: "the review only judges, the operator acts on nothing",
}


def section(material: Material) -> Section:
    """The first section of every report."""
    blocks: list[Entries | Timeline] = [Entries(rows=list(_rows(material)))]
    if timeline := _timeline(material):
        blocks.append(timeline)
    return Section(id="context", title="Deployment Context", blocks=list(blocks))


def _rows(material: Material) -> Iterator[Row]:
    review, given, status = material.review, material.review.spec.context, material.review.status
    of = material.of_review
    yield _row("Review", review.metadata.full_name, of("metadata.name"), code=True)
    yield _row("Target", f"{review.spec.target}", of("spec.target"), code=True)
    yield from _beside(material)
    if given.revision:
        yield _row("Deployment ID / SHA", given.revision, of("spec.context.revision"), code=True)
    at_t0 = material.ref(material.at_t0, field="spec.judged" if material.at_t0 else "status.judged")
    if status.judged:
        yield from _revision("Judged revision", status.judged, at_t0)
    if status.target:
        rolled_out = format_time(status.target.rolled_out_at)
        yield _row("Deployment date/time (UTC)", rolled_out, of("status.target.rolledOutAt"))
    if status.t0:
        anew = f", taken anew {whose}" if (whose := retaken_for(status)) else ""
        early = f", backdated to {earlier} before the deployment" if (earlier := material.backdated) else ""
        yield _row("T0 (UTC)", f"{format_time(status.t0)}{anew}{early}", of("status.t0"))
    yield from _chain(material)
    policy = review.spec.policy.mode
    yield _row("Policy", f"{policy}: {_MODES[policy]}", of("spec.policy.mode"))
    for label, text, field in (
        ("Environment(s)", given.environment, "environment"),
        ("Primary owner / on-call", given.owner, "owner"),
        ("Scope", given.scope, "scope"),
        ("Change", given.change, "change"),
    ):
        if text:
            yield _row(label, text, of(f"spec.context.{field}"))
    if status.previous:
        back = material.ref(material.at_t0, field="spec.previous" if material.at_t0 else "status.previous")
        yield from _revision("Previous revision", status.previous, back)
    if material.at_t0 is not None:
        source = server_of(material.at_t0.evidence.spec.source)
        yield _row("Metric source", source, material.ref(material.at_t0, field="spec.source"), code=True)
    at_t0 = material.ref(material.at_t0, field="spec.signalSets" if material.at_t0 else "status.signalSets")
    for used in status.signal_sets or []:
        prefix = f", prefix {used.prefix}" if used.prefix else ""
        text = f"{used.kind} {used.name}{prefix} ({used.hash.removeprefix('sha256:')[:12]})"
        yield _row("Signal set", text, at_t0, code=True)
    yield _window(material)
    yield from _guards(material)
    yield from _rehearsal(material)
    state = f"{status.phase or material.about}" + (f": {status.summary}" if status.summary else "")
    yield Row(cells=[Cell(text="State"), Cell(text=state)], evidence=[of("status.phase")])


def _beside(material: Material) -> Iterator[Row]:
    """The workloads that ship with the target, each with what it runs and goes back to."""
    for index, each in enumerate(material.review.status.members):
        ran = f"{each.kind} {each.name}"
        if each.judged is not None:
            back = f", back to {each.previous.name}" if each.previous is not None else ", nothing to go back to"
            ran += f": {each.judged.name}{back}"
        yield _row("Ships with it", ran, material.of_review(f"status.members[{index}]"), code=True)


def _chain(material: Material) -> Iterator[Row]:
    """The revisions that were judged before, each with who applied the next one."""
    chain = material.review.status.chain
    for index, each in enumerate(chain.revisions if chain is not None else ()):
        ran = f"{each.name}, T0 {format_time(each.t0)}, until {format_time(each.until)}; the next was applied"
        where = material.of_review(f"status.chain.revisions[{index}]")
        yield _row("Before it in the chain", f"{ran} {each.followed_by}", where)


def _row(label: str, text: str, *evidence: Reference, code: bool = False) -> Row:
    return Row(cells=[Cell(text=label), Cell(text=text, code=code)], evidence=list(evidence))


def _revision(label: str, revision: Revision, *evidence: Reference) -> Iterator[Row]:
    template = short_hash(revision.template_hash)
    yield _row(label, f"{revision.name} (pod template {template})", *evidence, code=True)
    for image in revision.images:
        yield _row(f"{label}, image of {image.container}", image.image, *evidence, code=True)


def _window(material: Material) -> Row:
    """Whether the rollback window is open, with the time left."""
    status, closes, left = material.review.status, material.closes, material.left
    evidence = [material.of_review("status.rollback"), material.of_review("spec.window.rollback")]
    if closes is None:
        text, found = f"Not open yet: {material.review.spec.window.rollback} from T0 on", Tone.PLAIN
    elif status.phase in TERMINAL:
        text, found = f"Over: the review has ended (it would have closed at {format_time(closes)})", Tone.PLAIN
    elif not left:
        text, found = f"Closed at {format_time(closes)}", Tone.BAD
    else:
        text, found = f"Open until {format_time(closes)} ({format_duration(left)} left)", Tone.GOOD
        if status.rollback is not None and not status.rollback.possible:
            text, found = f"{text}, but no rollback is possible: {status.rollback.message}", Tone.BAD
    return Row(cells=[Cell(text="Rollback window"), Cell(text=text, tone=found)], evidence=evidence)


def _guards(material: Material) -> Iterator[Row]:
    """How often is looked between the checkpoints, and up to when; or that it cannot be."""
    spec, status = material.review.spec, material.review.status
    if spec.guards is None:
        return
    said = condition(status, ConditionType.GUARDED)
    blind = said is not None and said.status == "False"
    until = f"; looked up to {format_time(status.guarded_until)}" if status.guarded_until is not None else ""
    text = f"every {spec.guards.every} from T0 on{until}{f'; {said.message}' if said is not None and blind else ''}"
    cell = Cell(text=text, tone=Tone.OPEN if blind else Tone.PLAIN)
    yield Row(cells=[Cell(text="Guards"), cell], evidence=[material.of_review("spec.guards")])


def _rehearsal(material: Material) -> Iterator[Row]:
    """What the API server said to the rollback when it was last tried without doing it."""
    rollback = material.review.status.rollback
    if rollback is not None and rollback.check is not None:
        yield _row("Rollback, tried", rehearsed(rollback.check), material.of_review("status.rollback.check"))


def _timeline(material: Material) -> Timeline | None:
    status = material.review.status
    if status.t0 is None or material.closes is None or material.as_of is None:
        return None
    moments = [
        Moment(
            name=f"T0+{each.name}{' (guard)' if each.guard else ''}",
            at=each.due,
            verdict=each.verdict or "",
            tone=tone(each.verdict or ""),
        )
        for each in status.checkpoints
    ]
    safe = status.rollback.last_safe_moment if status.rollback else material.closes
    return Timeline(
        title="Checkpoints and rollback window",
        start=status.t0,
        closes=material.closes,
        last_safe=safe,
        moments=moments,
        as_of=material.as_of,
        ended=status.phase in TERMINAL or status.act is not None,
        evidence=[material.of_review("status.checkpoints"), material.of_review("status.rollback")],
    )
