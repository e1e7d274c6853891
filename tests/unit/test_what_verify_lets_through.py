"""Every value of a status, removed or changed: what nothing proves is written down here, in `verify` and in the docs."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError

from driftreview.api.status import DriftReviewStatus
from driftreview.bundle.errors import BundleError, readable
from driftreview.domain.recheck import Looked, differences, earlier, frozen, looked
from tests.reportdata import STATES, Taken, taken

OTHER = {
    "Pass": "Drift", "Drift": "Pass", "Promoted": "RolledBack", "RolledBack": "Promoted", "APPROVE": "REJECT",
    "REJECT": "APPROVE", "INCONCLUSIVE": "APPROVE", "True": "False", "False": "True", "Stable": "Degraded",
    "Degraded": "Stable", "Promote": "RollBack", "RollBack": "Promote", "Hold": "Pass", "Held": "Broken",
}  # fmt: skip
Path = tuple[str | int, ...]
GONE = object()


@cache
def state(name: str) -> tuple[Taken, tuple[Looked, ...]]:
    found = taken(STATES[name]())
    return found, looked(found[0], found[1])


def places(found: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
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


def with_other(wire: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(wire)
    found: Any = made
    for each in path[:-1]:
        found = found[each]
    if value is GONE:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return made


def named(wire: dict[str, Any], path: Path) -> str:
    """Where it is, items of lists by their type or not at all."""
    words, found = "status", wire
    for each in path:
        found = found[each]  # type: ignore[index]
        words += (
            f"[{found['type'] if isinstance(found, dict) and path[0] == 'conditions' else ''}]"
            if isinstance(each, int)
            else f".{each}"
        )
    return words


def unseen(name: str) -> set[str]:
    """What of a state's status can be altered, each alone, so that no difference is found."""
    (review, snapshots, approvals), looks = state(name)
    results = {each.evidence.metadata.name: each.result for each in looks}
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
            anew = [
                replace(each, result=results.get(each.evidence.metadata.name)) for each in frozen(forged, snapshots)
            ]
            with suppress(BundleError), readable():
                if not list(differences(forged, anew, earlier(forged, snapshots), approvals)):
                    missed.add(named(wire, path))
    return missed


if __name__ == "__main__":
    import collections
    import time

    acc = collections.defaultdict(list)
    for n in STATES:
        t = time.time()
        for e in unseen(n):
            acc[e].append(n)
        print(n, round(time.time() - t, 1), flush=True)
    for e in sorted(acc):
        print(e, "ALL" if len(acc[e]) == len(STATES) else acc[e])
