"""From raw objects to what a review needs to know of its target: what runs, what ran before, how far its rollout is.

Raw dicts on purpose: typed models drop fields they do not know, and a template that lost a field is another template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.status import Revision
from driftreview.domain.display import short_hash
from driftreview.domain.marks import break_glass, irreversible
from driftreview.domain.owner import owner_of
from driftreview.domain.revisions import Choice, Listed, Marks, Raw, current, previous, template_hash
from driftreview.domain.running import last_edit
from driftreview.domain.workload import (
    APPROVED,
    LONGEST_BASELINE,
    REJECTED,
    REJECTED_DURING,
    RESTORED,
    Rollout,
    Rules,
    Slim,
    TargetView,
    rolled_back,
)

_CLOCKS: Final = timedelta(seconds=5)
"""How far the clocks of API servers, controllers and the operator may differ; stored times are cut to the second."""


def label_selector(raw: Raw) -> str:
    """A workload's selector, as lists are asked with it."""
    selector = raw["spec"]["selector"]
    terms = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        terms.append(forms.get(each["operator"], f"!{key}"))
    return ",".join(terms)


def slim(raw: Raw) -> Slim:
    """Keep of a workload what a review needs."""
    metadata, spec = raw["metadata"], raw["spec"]
    managers = metadata.get("managedFields") or []
    edits = [
        entry.get("time")
        for entry in managers
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and not entry.get("subresource")
    ]
    reports = [entry["time"] for entry in managers if entry.get("subresource") == "status" and entry.get("time")]
    kept = {
        "metadata": {name: value for name, value in metadata.items() if name != "managedFields"},
        "spec": {name: value for name, value in spec.items() if name != "template"},
        "status": raw.get("status", {}),
    }
    return Slim(
        kept,
        template_hash(spec["template"]),
        tuple(map(datetime.fromisoformat, filter(None, edits))),
        max(map(datetime.fromisoformat, reports), default=None),
        last_edit(metadata, "template"),
        last_edit(metadata, "replicas"),
        owner_of(raw),
        irreversible(raw),
    )


def choose(
    rules: Rules,
    target: Slim,
    found: Sequence[Listed],
    known: Mapping[str, Revision],
    rejected: AbstractSet[str] = frozenset(),
) -> Choice:
    """What runs and what to go back to, or which revision must be read before that can be told.

    Args:
        rules: those of its kind.
        target: the workload.
        found: its own revisions.
        known: what was read of some of them, by UID.
        rejected: hashes of templates that are not gone back to, besides those that rollbacks noted.
    """
    annotations = target.raw["metadata"].get("annotations") or {}
    never = frozenset({*rejected, *rolled_back(annotations)})
    marks = Marks(target.template_hash, annotations.get(APPROVED, ""), never)
    runs = current(found, known, marks)
    if runs.current is None:
        return runs
    began_by = _began_by(rules, target, runs.current)
    older = [each for each in found if began_by is None or each.born <= began_by]
    # A history that was cut has counted on: only the first revision of all has the number 1.
    is_first = len(found) == runs.current.number == 1
    return replace(previous(runs.current, older, known, marks), is_first=is_first)


def view(rules: Rules, target: Slim, choice: Choice, known: Mapping[str, Revision]) -> TargetView:
    """Look at a workload and its own revisions, by the rules of its kind."""
    raw, metadata = target.raw, target.raw["metadata"]
    rollout, message = rules.rollout(raw)
    annotations = metadata.get("annotations") or {}
    finished = rules.finished_at(target) if rollout is Rollout.COMPLETE else None
    runs, before = choice.current, choice.previous
    return TargetView(
        uid=metadata["uid"],
        generation=metadata["generation"],
        template_hash=target.template_hash,
        rollout=rollout,
        rollout_message=message,
        rolled_out_at=finished,
        rollout_started_at=_started_at(target, runs, finished),
        current=None if runs is None else known[runs.uid],
        previous=None if before is None else known[before.uid],
        approved=annotations.get(APPROVED, ""),
        is_first=choice.is_first,
        replicas=rules.counts(raw).wanted,
        counts=rules.counts(raw) if _is_seen(raw) else None,
        restored=annotations.get(RESTORED) == target.template_hash,
        rejected=target.template_hash in rolled_back(annotations),
        rejected_during=tuple(_stretches(annotations.get(REJECTED_DURING, ""), _began_by(rules, target, runs))),
        passed_over=_passed_over(choice.passed_over, known, annotations),
        deadline_seconds=rules.deadline_seconds(raw),
        pace=rules.pace(raw),
        records_end=rules.records_end,
        scalable=rules.scalable,
        held=rules.held(raw),
        taken_back=rolled_back(annotations),
        edited=target.edited,
        scaled=target.scaled,
        owner=target.owner,
        irreversible=target.irreversible,
        break_glass=break_glass(metadata),
        keeps_history=raw["spec"].get("revisionHistoryLimit") != 0,
    )


def _is_seen(raw: Raw) -> bool:
    """Whether what a workload's status counts is of its present spec."""
    return bool(raw["status"].get("observedGeneration", 0) >= raw["metadata"]["generation"])


def _passed_over(each: Listed | None, known: Mapping[str, Revision], annotations: Mapping[str, str]) -> str:
    if each is None:
        return ""
    template = known[each.uid].template_hash
    # Whoever may write the target may write this: a way back that it takes must be seen to be taken by it.
    by = (
        f"the target's annotation {REJECTED} names it"
        if template in rolled_back(annotations)
        else "a review rejected it"
    )
    return f"{each.name} is not gone back to: {by} ({short_hash(template)})"


def _started_at(target: Slim, runs: Listed | None, finished: datetime | None) -> datetime | None:
    """When the current template was written: the later of its revision's birth and the last edit of the template.

    A rollout to an older template reuses its ReplicaSet, whose birth was long ago; then the edit tells. An edit after
    the rollout finished was one of something else. A ControllerRevision tells itself when it was last taken up.
    """
    if runs is not None and runs.began is not None:
        return runs.began
    born = [runs.born] if runs else []
    known = [each for each in [*target.edits, *born] if finished is None or each <= finished]
    return max(known, default=None)


def _began_by(rules: Rules, target: Slim, runs: Listed | None) -> datetime | None:
    """Until when the current rollout began at the latest; None if nothing tells.

    What somebody made after it never ran before it. Too late a time lets something in; too early a one would take from
    a review what it may go back to: an edit after the rollout finished hides when its manager edited the template.
    """
    if runs is not None and runs.began is not None:
        return runs.began + _CLOCKS
    finished = rules.finished_by(target) if rules.rollout(target.raw)[0] is Rollout.COMPLETE else None
    last = max(target.edits, default=None)
    if finished is not None and (last is None or last > finished):
        last = finished
    if last is None:
        return None
    return max(last, runs.born if runs else last) + _CLOCKS


def _stretches(text: str, began_by: datetime | None) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time that an annotation holds, as far as they can be ours.

    What was rejected ended before the current rollout began; and no baseline reaches further back than the longest.
    """
    for each in text.split(","):
        found = _stretch(each)
        if found and began_by and found[1] <= began_by and found[0] >= began_by - LONGEST_BASELINE:
            yield found


def _stretch(text: str) -> tuple[datetime, datetime] | None:
    """A stretch of time as we write it; None if somebody wrote something else."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
    except ValueError:
        return None
    return (start, end) if start.tzinfo and end.tzinfo and start <= end else None
