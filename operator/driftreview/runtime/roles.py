"""What a process of each role watches, and by which Lease it is the only one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from driftreview.adapters.kubernetes import REVIEWS, Kind
from driftreview.domain.action import Role
from driftreview.runtime.index import WATCHED, version


def lease_name(role: Role) -> str:
    """A judge and an actor run beside each other."""
    return "driftreview-actor" if role is Role.ACTOR else "driftreview"


def watched(role: Role, namespaces: Sequence[str]) -> tuple[Kind, ...]:
    """Which kinds; of those without a namespace none where only some namespaces are watched."""
    kinds = (REVIEWS,) if role is Role.ACTOR else WATCHED
    return tuple(each for each in kinds if each.namespaced or not namespaces)


def concerns(role: Role, body: Mapping[str, Any]) -> bool:
    """Whether there may be something to do for it: an actor only acts."""
    return role is not Role.ACTOR or "act" in body.get("status", {})


def news(role: Role, body: Mapping[str, Any]) -> str:
    """What is looked at anew when it changes: what somebody else writes, which of two processes also is the other."""
    status = body.get("status", {})
    others = "" if role is Role.ALL else f"{status.get('phase')} {'act' in status}"
    return f"{version(body['metadata'])}{others}"
