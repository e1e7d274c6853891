"""System Configuration: how the release was set up at T0, and what changed beside its pod template at each look.

The pod template itself cannot change: with another one the review is superseded.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.configuration import AutoscalerFact, ConfigurationFact, ContainerFact, DeploymentFact, EnvFact
from driftreview.api.facts import FactProblem, Facts
from driftreview.domain.confounders import ABSENT, Confounder
from driftreview.domain.display import short_hash
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, facts_of, unread, when
from driftreview.domain.report.model import (
    Block,
    Cell,
    Entries,
    Reference,
    Row,
    Section,
    Sentence,
    Sentences,
    Table,
    Tone,
)

_CHANGES: Final = ("What", "At T0", "Then", "When (UTC)")
_MANY: Final = 30
"""Variables of a container from which on a reader may pass over them at first."""
_OF_IMAGE: Final = "the image's own"
_MASKED: Final = "not recorded: looks like a secret"
_Change = tuple[str, str, str]
"""What, before, after."""


def section(material: Material) -> Section | None:
    """How it was set up at T0, and what changed since; nothing before T0."""
    look = material.at_t0
    if look is None:
        return None
    facts = facts_of(look)
    blocks = list(_set_up(material, look, facts)) if facts else []
    if facts is None or facts.configuration is None:
        why = "; ".join(each.message for each in unread(look, "deployment"))
        text = f"The configuration was not recorded at T0{': ' if why else ''}{why}"
        blocks.append(Sentences(items=[Sentence(text=text, tone=Tone.OPEN, evidence=[_ref(material, look)])]))
    blocks += _changes(material)
    return Section(id="configuration", title="System Configuration", blocks=blocks)


def _ref(material: Material, look: Looked, field: str = "configuration") -> Reference:
    return material.ref(look, field=f"spec.facts.{field}")


def _set_up(material: Material, look: Looked, facts: Facts) -> Iterator[Block]:
    rows = list(_running(material, look, facts.deployment)) if facts.deployment else []
    fact = facts.configuration
    if fact is not None:
        rows += _around(_ref(material, look), fact)
    if rows:
        yield Entries(rows=rows)
    if fact is None:
        return
    digests = {each.container: each.digests for each in facts.deployment.images} if facts.deployment else {}
    for each in fact.containers:
        yield from _container(_ref(material, look), each, digests.get(each.name, []))
    if fact.config_maps or fact.secrets:
        yield _references(material, look, fact)


def _running(material: Material, look: Looked, fact: DeploymentFact) -> Iterator[Row]:
    ref = _ref(material, look, "deployment")
    if fact.version:
        yield _entry("Version", fact.version, ref)
    yield _entry("Replicas at T0", _pods(fact), ref)
    last = material.last
    after = facts_of(last)
    if last is not None and after is not None and after.deployment is not None:
        yield _entry(f"Replicas at {when(last)}", _pods(after.deployment), _ref(material, last, "deployment"))


def _pods(fact: DeploymentFact) -> str:
    return f"{fact.desired} wanted, {fact.updated} of this revision, {fact.ready} ready, {fact.available} available"


def _around(ref: Reference, fact: ConfigurationFact) -> Iterator[Row]:
    """What holds for all containers."""
    scalers = "; ".join(map(_scaler, fact.autoscalers)) or "none"
    yield _entry("HorizontalPodAutoscaler", scalers, ref)
    if fact.kubernetes:
        yield _entry("Kubernetes", fact.kubernetes, ref)
    nodes = [f"{each.name} (kubelet {each.kubelet or 'not known'})" for each in fact.nodes]
    yield _entry("Nodes", ", ".join(nodes) or "not known", ref)
    if fact.left_out:
        yield _entry("Left out", fact.left_out, ref)


def _scaler(fact: AutoscalerFact) -> str:
    return f"{fact.name}: {fact.least} to {fact.most} replicas by {', '.join(fact.metrics) or 'no metric'}"


def _entry(label: str, text: str, ref: Reference) -> Row:
    return Row(cells=[Cell(text=label), Cell(text=text)], evidence=[ref])


def _container(ref: Reference, fact: ContainerFact, digests: Sequence[str]) -> Iterator[Table]:
    kind = "init container" if fact.init else "container"
    rows = [Row(cells=[Cell(text=label), said], evidence=[ref]) for label, said in _settings(fact, digests)]
    yield Table(title=f"{kind.capitalize()} {fact.name} at T0", columns=["Setting", "Value"], rows=rows)
    if fact.env:
        yield Table(
            title=f"Environment of {kind} {fact.name} at T0",
            columns=["Variable", "Value", "From"],
            rows=[Row(cells=_variable(each), evidence=[ref]) for each in fact.env],
            folded=len(fact.env) > _MANY,
        )


def _settings(fact: ContainerFact, digests: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    yield "Image", Cell(text=fact.image, code=True)
    if digests:
        yield "Digest", Cell(text=", ".join(digests), code=True)
    for label, words in (("Command", fact.command), ("Arguments", fact.args)):
        yield label, Cell(text=shlex.join(words), code=True) if words else Cell(text=_OF_IMAGE)
    # The API server keeps a map in another order than it was written in.
    given = ", ".join(f"{name}: {amount}" for name, amount in sorted(fact.resources.items()))
    yield "Requests and limits", Cell(text=given or "none")
    for label, words in (("Ports", fact.ports), ("Probes", fact.probes), ("Every key of", fact.env_from)):
        if words:
            yield label, Cell(text=", ".join(words))
    if fact.left_out:
        yield "Left out", Cell(text=fact.left_out)


def _variable(fact: EnvFact) -> list[Cell]:
    """Its value where it is plain; of what is from elsewhere or looks like a secret the name alone."""
    missing = Cell(text="-" if fact.source else _MASKED)
    value = missing if fact.value is None else Cell(text=fact.value, code=True)
    return [Cell(text=fact.name, code=True), value, Cell(text=fact.source or "the pod template")]


def _references(material: Material, look: Looked, fact: ConfigurationFact) -> Table:
    problems = unread(look, "configuration")
    kinds = (("configmaps", fact.config_maps), ("secrets", fact.secrets))
    rows = []
    for kind, found in kinds:
        for each in found:
            known = short_hash(each.hash) if each.hash else ""
            edited = format_time(each.changed_at) if each.changed_at else "-"
            hashed = Cell(text=known, code=True) if known else _missing(problems, f"configuration/{kind}/{each.name}")
            cells = [Cell(text=f"{kind}/{each.name}", code=True), hashed, Cell(text=edited)]
            rows.append(Row(cells=cells, evidence=[_ref(material, look)]))
    title = "What its pods read, as hashes"
    return Table(title=title, columns=["Object", "Hash at T0", "Last edited (UTC)"], rows=rows)


def _missing(problems: Iterable[FactProblem], about: str) -> Cell:
    """Why there is no hash of an object."""
    return Cell(text=next((each.message for each in problems if each.about == about), ABSENT), tone=Tone.OPEN)


def _changes(material: Material) -> Iterator[Block]:
    """What changed since T0, the last look first; each change stands once, where it was seen last."""
    first_seen, told = _first_seen(material), set[tuple[_Change, str]]()
    for look in reversed(material.judged):
        found = [(each, first_seen[look.name][_key(each)]) for each in _found(look)]
        fresh = [(each, first) for each, first in found if (_key(each), first.name) not in told]
        told |= {(_key(each), first.name) for each, first in found}
        yield _changed(material, look, fresh, is_told=bool(found))


def _found(look: Looked) -> Sequence[Confounder]:
    return look.result.confounders if look.result else ()


def _key(found: Confounder) -> _Change:
    """What makes a difference the one that another look saw, be its time what it may."""
    return found.what, found.before, found.after


def _first_seen(material: Material) -> dict[str, dict[_Change, Looked]]:
    """For each look the first one that saw each of its differences; what was put back and comes again is new."""
    seen: dict[str, dict[_Change, Looked]] = {}
    before: dict[_Change, Looked] = {}
    for look in material.judged:
        seen[look.name] = {_key(each): before.get(_key(each), look) for each in _found(look)}
        # A look that nothing was recorded of puts nothing back.
        before = seen[look.name] if facts_of(look) else before
    return seen


def _changed(material: Material, look: Looked, found: Sequence[tuple[Confounder, Looked]], *, is_told: bool) -> Block:
    """What a look found to be another way than at T0, but for what is told of a later one already."""
    refs = [_ref(material, each, "configuration") for each in (look, material.at_t0) if each]
    if found:
        rows = [Row(cells=list(_difference(each, first)), evidence=refs) for each, first in found]
        title = f"Changed between T0 and {when(look)}"
        return Table(title=title, columns=list(_CHANGES), rows=rows, folded=look is not material.last)
    if is_told:
        text, tone = f"{when(look)}: nothing else than what is told of the looks after it", Tone.PLAIN
    elif facts_of(look) is None or facts_of(material.at_t0) is None:
        text, tone = f"{when(look)}: nothing was recorded of the cluster, so changes are not known", Tone.OPEN
    else:
        read = "of what its pods read and what runs around them, nothing that could be read changed since T0"
        text, tone = f"{when(look)}: {read}{_elsewhere(material)}", Tone.GOOD
    return Sentences(items=[Sentence(text=text, tone=tone, evidence=refs)])


def _elsewhere(material: Material) -> str:
    """Where else changes are told: a ConfigMap of a contract or a flag need not be one that pods read."""
    spec = material.review.spec
    told = (("contracts see Integration Points", spec.contracts), ("flags see Feature Flags", spec.flags))
    sections = [section for section, declared in told if declared]
    return f"; for {', for '.join(sections)}" if sections else ""


def _difference(found: Confounder, first: Looked) -> Iterator[Cell]:
    """With its time, or the first look that saw it where the object says none."""
    yield Cell(text=found.what)
    yield Cell(text=found.before)
    yield Cell(text=found.after)
    yield Cell(text=format_time(found.at) if found.is_dated else f"by {when(first)}")
