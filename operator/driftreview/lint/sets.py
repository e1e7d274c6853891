"""Signal sets in files: what is wrong with one by itself, and what a review in the same files has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signalset import ClusterSignalSet, SetSignal, SignalSet, SignalSetKind, SignalSetRef, SignalSetSpec
from driftreview.domain.query import QueryProblem, check, fill, resolve, used
from driftreview.domain.signalsets import Sets, resolved_sets, undeclared
from driftreview.lint.finding import Finding, Path, Severity, parsed, spelled
from driftreview.lint.objects import Parsed, named_in, not_in_files
from driftreview.lint.slips import slips

Set = SignalSet | ClusterSignalSet
_REFS: Final = "spec.signalSetRefs"
_OPEN: Final = "x"
"""Stands for a value that only a review gives."""
_REVIEW: Final = {"target": {"name": "target"}, "metrics": {"sourceRef": {"name": "source"}}, "signals": []}


def sets_of(review: DriftReview, known: Sequence[Set]) -> Sets:
    """What a review has of the sets in the files; for each that is not there a problem says so."""
    refs = enumerate(review.spec.signal_set_refs)
    return resolved_sets(review.spec, [_found(ref, f"{_REFS}[{index}]", review, known) for index, ref in refs])


def _found(ref: SignalSetRef, field: str, review: DriftReview, known: Sequence[Set]) -> SignalSetSpec | Problem:
    wanted = SignalSet if ref.kind is SignalSetKind.NAMESPACED else ClusterSignalSet
    if found := named_in(known, wanted, ref.name, review.metadata.namespace):
        return found.spec
    lacking = not_in_files(known, wanted, ref.name, review.metadata.namespace)
    message = f"{field}: {lacking}: name its file too"
    return Problem(reason=Reason.SIGNAL_SET_NOT_FOUND, message=message)


def of_refs(review: Parsed, model: DriftReview, sets: Sets, values: Mapping[str, str]) -> Iterator[Finding]:
    """What is wrong with a review's use of sets, and with their queries where it uses them."""
    for each in sets.problems:
        path, _, message = each.message.partition(": ")
        severity, check_ = Severity.ERROR, str(each.reason)
        if each.reason is Reason.SIGNAL_SET_NOT_FOUND:
            severity, check_ = Severity.NOTE, "set-elsewhere"
            message += "; until then its signals are not linted, nor whether all names differ"
        yield review.finding(severity, check_, parsed(path), message)
    for index, signal in enumerate(model.spec.signals):
        for field, text in signal.queries.items() if isinstance(signal, SetSignal) else ():
            query = resolve(text, values)
            problem = query if isinstance(query, QueryProblem) else check(query)
            if problem is not None:
                path_, said = placed(model, ("spec", "signals", index, field), problem.message)
                yield review.finding(Severity.ERROR, problem.reason, path_, said)


def placed(review: DriftReview, path: Path, message: str) -> tuple[Path, str]:
    """Where something stands in the review's own file, and what is said of it there."""
    match path:
        case ("spec", "signals", int(index), *field):
            signal = review.spec.signals[index]
            if isinstance(signal, SetSignal):
                whose = review.spec.place(index).split(": ")[1]
                where = spelled(("spec", "signals", signal.number, *field))
                return (*parsed(_REFS), signal.ref), f"{whose}: {where} (signal {signal.name}): {message}"
    return path, message


def of_set(found: Parsed, model: Set, values: Mapping[str, str]) -> Iterator[Finding]:
    """What is wrong with a set, whoever uses it; of queries that need a value from a review only their form is seen."""
    spec = model.spec
    for field, reason, message in undeclared(spec):
        yield found.finding(Severity.ERROR, reason, parsed(field.partition(" ")[0]), message)
    defaults = {each.name: each.default for each in spec.variables if each.default is not None}
    asked = [name for signal in spec.signals for query in signal.queries.values() for name in used(query)]
    for number, variable in enumerate(spec.variables):
        if variable.name not in asked:
            message = f"is used in no query; drop it, or write ${{{variable.name}}} where its value belongs"
            yield found.finding(Severity.WARNING, "unused-variable", ("spec", "variables", number), message)
    for number, signal in enumerate(spec.signals):
        for field, text in signal.queries.items():
            if not set(used(text)) <= defaults.keys() | values.keys():
                continue
            query = fill(text, defaults)
            query = query if isinstance(query, QueryProblem) else resolve(query, values)
            problem = query if isinstance(query, QueryProblem) else check(query)
            if problem is not None:
                yield found.finding(Severity.ERROR, problem.reason, ("spec", "signals", number, field), problem.message)
    open_ones = {each.name: _OPEN for each in spec.variables if each.default is None}
    review = DriftReview.model_validate({"spec": _REVIEW})
    review = review.model_copy(update={"spec": review.spec.model_copy(update={"signals": spec.signals})})
    for severity, check_, path, message in slips(review, {**values, **defaults, **open_ones}):
        yield found.finding(severity, check_, path, message)
