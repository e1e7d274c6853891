"""How much of a status people's acts may take: bounded, and never full for what takes a release back.

Who may create DriftApprovals decides how many there are. What there is no room for is left off and can be tried for
again at each look; a status that is too large would be refused by the API server, and with it every decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from driftreview.api.approval import ApprovalRecord, ApprovalType

ROOM: Final = 8 * 1024
"""Bytes of a status for approvals and sign-offs that count."""
ROOM_FOR_OTHERS: Final = 3 * 1024
"""Bytes of a status for notes and for what does not count."""
ROOM_FOR_ALL: Final = 2 * ROOM + ROOM_FOR_OTHERS
"""Bytes of both: what counted when it was given may not count any more, and those who give it again need room."""
MOST_ACTS: Final = 70
"""Records of both. A status takes 100: a Reject, an Override, four Rebaselines and four Extends for each of
five T0s are beside."""
_BOUNDED: Final = frozenset({ApprovalType.REJECT, ApprovalType.REBASELINE, ApprovalType.EXTEND, ApprovalType.OVERRIDE})
"""Types of which only so many can ever count."""


class Room:
    """Weighs records, each once, however many acts ask for room beside them."""

    def __init__(self) -> None:
        """Nothing was weighed yet."""
        self._sizes: dict[tuple[str, bool, str], int] = {}

    def is_there_for(self, record: ApprovalRecord, beside: Iterable[ApprovalRecord]) -> bool:
        """Whether a record fits beside the others; what was written down once is never dropped for another.

        Args:
            record: `counted` if it counts beside these.
            beside: what is written down, with it or without it.
        """
        if _always_fits(record):
            return True
        others = [each for each in beside if not _always_fits(each) and each.uid != record.uid]
        if len(others) >= MOST_ACTS:
            return False
        matters, size = _matters(record), self._size(record)
        sizes = [(_matters(each), self._size(each)) for each in others]
        alike = size + sum(each for which, each in sizes if which is matters)
        whole = size + sum(each for _, each in sizes)
        return alike <= (ROOM if matters else ROOM_FOR_OTHERS) and whole <= ROOM_FOR_ALL

    def _size(self, record: ApprovalRecord) -> int:
        state = (record.uid, record.counted, record.why)  # nothing else of a record ever changes
        if state not in self._sizes:
            self._sizes[state] = len(json.dumps(record.to_wire(), ensure_ascii=False).encode())
        return self._sizes[state]


def _always_fits(record: ApprovalRecord) -> bool:
    return record.counted and record.type in _BOUNDED


def _matters(record: ApprovalRecord) -> bool:
    """Whether something follows from an act now."""
    return record.counted and record.type is not ApprovalType.NOTE
