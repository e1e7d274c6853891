"""Signal sets: which signals a review has of them, what is wrong with them, and how they are found again after T0.

A review's own signals and those of its sets are one list from here on: `with_sets` before T0, `as_at_t0` after it make
the review that everything else looks at. Names of signals are unique over all, so no verdict depends on the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, ReviewRef, RevisionEvidence
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason
from driftreview.api.signalset import GIVEN, MOST_SIGNALS, SetSignal, SignalSetRef, SignalSetSpec, UsedSet
from driftreview.api.status import Revision
from driftreview.domain.display import near
from driftreview.domain.evidence import content_hash, pinned, seal, set_signals, snapshot_name
from driftreview.domain.query import QueryProblem, fill, used

SIGNALS: Final = "signals"
"""What a snapshot is of that holds the signal sets until T0's own does."""
_LONGEST_NAME: Final = 63
_LONGEST_QUERY: Final = 4096
_MESSAGE: Final = 1024


@dataclass(frozen=True)
class Sets:
    """What the signal sets of a review came to when they were read."""

    used: tuple[UsedSet, ...] = ()
    """As the status names them."""
    signals: tuple[SetSignal, ...] = ()
    """Those of all sets, in the order of the refs and of each set."""
    problems: tuple[Problem, ...] = ()
    """Why the review cannot use them; then `signals` are those of the other sets, and nothing is `used`."""


NO_SETS: Final = Sets()


def resolved_sets(spec: DriftReviewSpec, found: Sequence[SignalSetSpec | Problem]) -> Sets:
    """What a review has of its sets.

    Args:
        spec: of the review, with its own signals.
        found: for each of its signalSetRefs the set, or why it is not to be had.
    """
    signals: list[SetSignal] = []
    problems: list[Problem] = []
    for index, (ref, each) in enumerate(zip(spec.signal_set_refs, found, strict=True)):
        if isinstance(each, Problem):
            problems.append(each)
            continue
        wrong = [_problem(f"spec.signalSetRefs[{index}]{text}", reason) for reason, text in _of_ref(ref, each)]
        problems += wrong
        if not wrong:
            signals += (_signal(each, ref, index, number) for number in range(len(each.signals)))
    whole = with_signals(spec, signals)
    problems += _clashes(whole)
    if not problems and len(whole.signals) > MOST_SIGNALS:
        text = (
            f"spec.signalSetRefs: {len(spec.signals)} signals of its own and {len(signals)} of its sets make "
            f"{len(whole.signals)}, {MOST_SIGNALS} at most: leave some out, or split the review"
        )
        problems.append(_problem(text))
    if problems:
        return Sets((), tuple(signals), tuple(problems))
    refs = enumerate(zip(spec.signal_set_refs, found, strict=True))
    return Sets(tuple(_used(whole, ref, index, each) for index, (ref, each) in refs), tuple(signals))


def with_sets(review: DriftReview, sets: Sets) -> DriftReview:
    """The review with the signals of its sets behind its own."""
    return review.model_copy(update={"spec": with_signals(review.spec, sets.signals)})


def with_signals(spec: DriftReviewSpec, signals: Sequence[SetSignal]) -> DriftReviewSpec:
    """The spec with these signals of sets, and no others of them, behind its own."""
    own = [each for each in spec.signals if not isinstance(each, SetSignal)]
    return spec.model_copy(update={"signals": [*own, *signals]})


def as_at_t0(review: DriftReview, evidence: DriftSnapshotSpec) -> DriftReview:
    """The review with the signals of its sets as a snapshot of T0 holds them; doing it twice changes nothing."""
    signals = [
        SetSignal.model_validate(raw | {"ref": ref, "number": number})
        for ref, each in enumerate(evidence.signal_sets or [])
        for number, raw in enumerate(read_json(each.signals))
    ]
    return review.model_copy(update={"spec": with_signals(review.spec, signals)})


def pin(review: DriftReview, judged: Revision) -> DriftSnapshotSpec:
    """What holds the sets of a review that starts, until T0's own snapshot does: that may be hours later."""
    return seal(
        DriftSnapshotSpec(
            review_ref=ReviewRef(name=review.metadata.name, uid=review.metadata.uid),
            checkpoint=SIGNALS,
            judged=RevisionEvidence(**judged.model_dump()),
            signal_sets=pinned(review),
            hash="",
        )
    )


def pin_name(review: DriftReview) -> str:
    """Name of the snapshot that holds a review's sets until T0's own does: it is made of what they are."""
    digest = content_hash([each.to_wire() for each in review.status.signal_sets or []]).removeprefix("sha256:")
    return snapshot_name(review.metadata.name, review.metadata.uid, f"{SIGNALS}-{digest[:12]}")


def is_pinned(review: DriftReview, evidence: DriftSnapshotSpec) -> bool:
    """Whether evidence of a review holds the sets that its status names, with the signals that it had of them."""
    sets = evidence.signal_sets or []
    kept = [UsedSet.model_validate(each.model_dump(exclude={"signals"})) for each in sets]
    whole = all(each.signals_hash == content_hash(read_json(each.signals)) for each in sets)
    return evidence.review_ref.uid == review.metadata.uid and whole and kept == (review.status.signal_sets or [])


def _used(spec: DriftReviewSpec, ref: SignalSetRef, index: int, found: SignalSetSpec | Problem) -> UsedSet:
    content = found.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    signals = content_hash(read_json(set_signals(spec, index)))
    return UsedSet(kind=ref.kind, name=ref.name, prefix=ref.prefix, hash=content_hash(content), signals_hash=signals)


def _of_ref(ref: SignalSetRef, found: SignalSetSpec) -> Iterator[tuple[Reason, str]]:
    """Reason and field with message, for everything that a ref and its set do not agree on."""
    whose = f"{ref.kind} {ref.name!r}"
    declared = {each.name: each for each in found.variables}
    for name in (each for each in ref.variables if each not in declared):
        meant = near(name, declared) or (f"; it has {', '.join(declared)}" if declared else "")
        yield Reason.VARIABLE_UNKNOWN, f".variables.{name}: {whose} has no such variable{meant}"
    for each in found.variables:
        if each.default is None and each.name not in ref.variables:
            about = f" ({each.description})" if each.description else ""
            text = f".variables: {whose} needs a value for {each.name}{about}, and there is none: add {each.name}"
            yield Reason.VARIABLE_UNKNOWN, text
    for field, reason, text in undeclared(found):
        yield reason, f": {whose}: {field}: {text}"
    values = _values(ref, found)
    for number, signal in enumerate(found.signals):
        name = _name(ref, signal.name)
        if len(name) > _LONGEST_NAME:
            text = f"makes {name}, {len(name)} characters long, {_LONGEST_NAME} at most: take a shorter one"
            yield Reason.INVALID_SPEC, f".prefix: {text}"
        for field, query in signal.queries.items():
            where = f": {whose}: spec.signals[{number}].{field} (signal {signal.name}): "
            filled = fill(query, values)
            if isinstance(filled, QueryProblem):
                yield filled.reason, f"{where}{filled.message}"
            elif len(filled) > _LONGEST_QUERY:
                text = f"is {len(filled)} characters long with the set's variables put in, {_LONGEST_QUERY} at most"
                yield Reason.QUERY_INVALID, f"{where}{text}"


def undeclared(found: SignalSetSpec) -> Iterator[tuple[str, Reason, str]]:
    """Field, reason and message for each variable in a set's queries that the set does not declare."""
    known = [*(each.name for each in found.variables), *GIVEN]
    for number, signal in enumerate(found.signals):
        for field, query in signal.queries.items():
            for name in dict.fromkeys(used(query)):
                if name not in known:
                    meant = near(name, known, "${{{}}}")
                    text = f"${{{name}}} is no variable of the set: declare it in its spec.variables{meant}"
                    yield f"spec.signals[{number}].{field} (signal {signal.name})", Reason.VARIABLE_UNKNOWN, text


def _values(ref: SignalSetRef, found: SignalSetSpec) -> Mapping[str, str]:
    defaults = {each.name: each.default for each in found.variables if each.default is not None}
    return defaults | ref.variables


def _name(ref: SignalSetRef, name: str) -> str:
    return f"{ref.prefix}-{name}" if ref.prefix else name


def _signal(found: SignalSetSpec, ref: SignalSetRef, index: int, number: int) -> SetSignal:
    """One signal of a set, with prefix and values put in; that this can be done was looked at before."""
    signal = found.signals[number]
    filled = {field: fill(query, _values(ref, found)) for field, query in signal.queries.items()}
    changed: dict[str, Any] = {"name": _name(ref, signal.name), **filled}
    if signal.covariate in {each.name for each in found.signals}:
        changed["covariate"] = _name(ref, signal.covariate or "")
    raw = signal.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return SetSignal.model_validate(raw | changed | {"ref": index, "number": number})


def _clashes(spec: DriftReviewSpec) -> Iterator[Problem]:
    """Every signal of a set that has the name of one before it."""
    places: dict[str, int] = {}
    for index, signal in enumerate(spec.signals):
        first = places.setdefault(signal.name, index)
        if first != index:
            ref = signal.ref if isinstance(signal, SetSignal) else 0
            text = (
                f"spec.signalSetRefs[{ref}]: {spec.place(index).partition(': ')[2]} is named {signal.name}, and so is "
                f"{spec.place(first)}: give the set a prefix"
            )
            yield _problem(text)


def _problem(text: str, reason: Reason = Reason.INVALID_SPEC) -> Problem:
    return Problem(reason=reason, message=text[:_MESSAGE])
