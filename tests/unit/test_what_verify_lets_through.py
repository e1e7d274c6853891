"""Every value of a status, removed or changed: what nothing proves is written down here."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from re import fullmatch
from typing import Any

import pytest
from pydantic import ValidationError

from driftreview.api.phases import TERMINAL
from driftreview.api.status import DriftReviewStatus
from driftreview.bundle.errors import BundleError, readable
from driftreview.domain.recheck import UNPROVED, Looked, differences, earlier, frozen, looked, looked_after
from tests.reportdata import STATES, Taken, taken

OTHER = {
    "Pass": "Drift", "Drift": "Pass", "Promoted": "RolledBack", "RolledBack": "Promoted", "APPROVE": "REJECT",
    "REJECT": "APPROVE", "INCONCLUSIVE": "APPROVE", "True": "False", "False": "True", "Stable": "Degraded",
    "Degraded": "Stable", "Promote": "RollBack", "RollBack": "Promote", "Hold": "Pass", "Held": "Broken",
}  # fmt: skip
EVER = {
    r"status\.observedGeneration",
    r"status\.conditions\[.*\]\.observedGeneration",
    r"status\.conditions\[(?!Reconciling).*\]\.lastTransitionTime",
    r"status\.conditions\[(Accepted|Preflight|MetricsAvailable|OwnedByGit|Approved|ActsStopped|ReportWritten|AlertRulesWritten)\].*",
    r"status\.conditions\[Guarded\].*",
    r"status\.guardedUntil",
    r"status\.conditions\[BaselineCaptured\]\.message",
    r"status\.aftermath(\..*)?",
    r"status\.conditions\[StaysBack\]\.(status|reason|message)",
    r"status\.conditions\[Recovered\]\.(status|reason|message)",  # while it is to be judged, or was given up
    r"status\.target\.(rolledOutAt|rolloutTook|uid)",
    r"status\.members\[\]\.(rolledOut|kept|check)(\..*|\[\].*)?",
    r"status\.members\[\]\.target\.(rolledOutAt|rolloutTook|historyEndsAt|firstRelease|breakGlass)",
    r"status\.act\.(generation|by|pause)",
    r"status\.act\.steps\[\]\.(uid|appliedAt)",  # when a step was begun that did not come to its end
    r"status\.approvals\[\]\.(counted|revision|why)",
    r"status\.approvals\[\](\.(at|by|message|name|uid))?",  # where the DriftApproval was deleted, or came just before
}
"""What may be altered so that nothing is found, each alone: `UNPROVED` names the same in words."""
WITHOUT_AN_ACT = {r"status\.conditions\[Reconciling\]\.lastTransitionTime"}
"""The same where nothing was carried out: later than all that is known."""
BEFORE_THE_END = {
    r"status\.nextCheckpoint",  # taken away, as while it is suspended
    r"status\.progress",
    r"status\.freeze(\..*)?",  # until the end
    r"status\.rollback\.left",
    r"status\.conditions\[(DecisionDue|NewRevisionRefused)\].*",
    r"status\.approvals",  # as if they waited to be seen
    r"status\.preflight(\[\].*)?",  # until T0 freezes it
}
"""The same of a review that goes on: it may have been exported between two steps."""
Place = tuple[str | int, ...]
GONE = object()


@cache
def state(name: str) -> tuple[Taken, tuple[Looked, ...]]:
    found = taken(STATES[name]())
    return found, looked(found[0], found[1])


def places(found: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value, and every list and object as a whole."""
    if path:
        yield path, found
    if isinstance(found, dict):
        for name, each in found.items():
            yield from places(each, (*path, name))
    elif isinstance(found, list):
        for index, each in enumerate(found):
            yield from places(each, (*path, index))


def others(found: Any) -> list[Any]:
    """What a forger might put there; a list or object is only taken away, whole or in part."""
    if isinstance(found, dict | list):
        return [GONE]
    if isinstance(found, bool):
        return [GONE, not found]
    if isinstance(found, int):
        return [GONE, found + 1]
    year = [found.replace("2026-", "2025-", 1), found.replace("2026-", "2027-", 1)] if found.startswith("2026-") else []
    return [GONE, found + "x", *year, *([OTHER[found]] if found in OTHER else [])]


def with_other(wire: dict[str, Any], path: Place, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(wire)
    found: Any = made
    for each in path[:-1]:
        found = found[each]
    if value is GONE:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return made


def named(wire: dict[str, Any], path: Place) -> str:
    """Where it is, items of lists by their type or not at all."""
    words, found = "status", wire
    for each in path:
        found = found[each]  # type: ignore[index]
        kind = found["type"] if isinstance(found, dict) and path[0] == "conditions" else ""
        words += f"[{kind}]" if isinstance(each, int) else f".{each}"
    return words


@cache
def unseen(name: str) -> frozenset[str]:
    """What of a state's status can be altered, each alone, so that no difference is found."""
    (review, snapshots, approvals), looks = state(name)
    results = {each.name: each.result for each in looks}
    after = looked_after(review, looks, snapshots)
    wire, missed = review.status.to_wire(), set[str]()
    for path, old in places(wire):
        for value in others(old):
            try:
                status = DriftReviewStatus.model_validate(with_other(wire, path, value))
            except ValidationError:
                continue
            if status == review.status:
                continue
            forged = review.model_copy(update={"status": status})
            anew = [replace(each, result=results.get(each.name)) for each in frozen(forged, snapshots)]
            with suppress(BundleError), readable():
                if not list(differences(forged, anew, earlier(forged, snapshots), approvals, after)):
                    missed.add(named(wire, path))
    return frozenset(missed)


@pytest.mark.parametrize("name", STATES)
def test_nothing_else_can_be_altered_unseen(name: str) -> None:
    status = state(name)[0][0].status
    acted = status.act is not None and status.act.completed_at is not None
    allowed = EVER | (set() if acted else WITHOUT_AN_ACT) | (set() if status.phase in TERMINAL else BEFORE_THE_END)
    assert {each for each in unseen(name) if not any(fullmatch(known, each) for known in allowed)} == set()


def test_each_of_these_can_be_altered_unseen_in_some_state() -> None:
    found = {each for name in STATES for each in unseen(name)}
    known = EVER | WITHOUT_AN_ACT | BEFORE_THE_END
    assert {each for each in known if not any(fullmatch(each, one) for one in found)} == set()


def test_the_docs_name_what_is_not_proved() -> None:
    told = (Path(__file__).parents[2] / "docs" / "report.md").read_text("utf-8")
    assert [each for each in UNPROVED if f"- {each}\n" not in told] == []
