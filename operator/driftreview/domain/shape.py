"""Whether a query returned what its signal declares: one series, or one for each value of a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.domain.display import shorten

MAX_SERIES: Final = 20
"""Series one signal may have: evidence must fit into one object of the API server."""
MAX_MESSAGE: Final = 1024
"""Characters of a problem's message."""
POD_LABELS: Final = frozenset(
    {"pod", "pod_name", "pod_uid", "pod_ip", "kubernetes_pod_name", "k8s_pod_name", "podname"}
)
"""Labels that name pods, which a release replaces: `each` of one would find none of its baseline."""
PERHAPS_POD_LABELS: Final = frozenset({"instance", "hostname", "host", "container_id", "id", "host_name"})
"""Labels that name pods where pods are asked."""
_MAX_LABEL: Final = 256
"""Bytes of a label's value: names of pods have 253 at most."""


def shape_problem(signal: Signal, labels: Sequence[Mapping[str, str]]) -> Problem | None:
    """Say what is wrong with the series a query returned, if they are not what the signal declares."""
    count = len(labels)
    if signal.each is None:
        if count <= 1:
            return None
        message = (
            f"the query returned {count} series but a signal without `each` is one series: aggregate it, for example "
            f"sum(...){_or_each(_differing(labels))}"
        )
        return Problem(reason=Reason.SEVERAL_SERIES, message=shorten(message, MAX_MESSAGE))
    if count > MAX_SERIES:
        message = f"the query returned {count} series, more than {MAX_SERIES}: aggregate, or select with topk()"
        return Problem(reason=Reason.TOO_MANY_SERIES, message=message)
    names = [each.get(signal.each) for each in labels]
    if None in names or len(set(names)) < count:
        message = (
            f"`each` is {signal.each}, but the {count} series returned do not each have their own value of that label: "
            f"use max by ({signal.each}) (...) or the like"
        )
        return Problem(reason=Reason.EACH_LABEL_MISSING, message=message)
    if any(len((name or "").encode()) > _MAX_LABEL for name in names):
        message = (
            f"a value of the label {signal.each} is longer than {_MAX_LABEL} bytes: shorten it with label_replace()"
        )
        return Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)
    return None


def companion_shape_problem(signal: Signal, labels: Sequence[Mapping[str, str]]) -> Problem | None:
    """The same of a signal's second query: one series without the label serves all."""
    serves_all = len(labels) == 1 and signal.each is not None and signal.each not in labels[0]
    problem = None if serves_all else shape_problem(signal, labels)
    return problem and about_companion(signal, problem)


def about_companion(signal: Signal, problem: Problem) -> Problem:
    """A problem of a signal's second query, named as such."""
    field = signal.companion[0] if signal.companion else "query"
    name = "the control" if field == "control" else f"`{field}`"
    return problem.model_copy(update={"message": shorten(f"{name}: {problem.message}", MAX_MESSAGE)})


def _or_each(differing: Sequence[str]) -> str:
    """What else can be done; of pods nothing, since those of the baseline are gone."""
    shown = ", ".join(differing[:5]) or "none"
    if POD_LABELS.isdisjoint(differing):
        return f", or set `each` to the label that tells them apart ({shown})"
    kept = [each for each in differing if each not in POD_LABELS | PERHAPS_POD_LABELS]
    each = f" or, with `each`, sum by ({kept[0]}) (...)" if kept else " or max(...) for the worst pod"
    return f"{each}; what tells them apart ({shown}) names pods, and a release replaces all of those"


def _differing(labels: Sequence[Mapping[str, str]]) -> list[str]:
    names = sorted({name for each in labels for name in each})
    return [name for name in names if len({each.get(name) for each in labels}) > 1]
