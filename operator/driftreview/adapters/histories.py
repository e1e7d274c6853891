"""Where each kind of workload is found, and where its revisions are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from driftreview.adapters.kubernetes import (
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Kind,
)
from driftreview.api.target import TargetKind
from driftreview.domain import controllerrevisions
from driftreview.domain.revisions import Listed, Stored, listed, replica_set


@dataclass(frozen=True)
class History:
    """How the revisions of a workload are kept."""

    kind: Kind
    listed: Callable[[str, Mapping[str, Any]], Listed | None]
    """Of the workload's UID and an object's metadata."""
    read: Callable[[Mapping[str, Any]], Stored | None]
    """Of the whole object; None if it is of no use."""
    numbered: bool
    """Whether the metadata tell the revision's number."""


_REVISED: Final = History(
    CONTROLLER_REVISIONS, controllerrevisions.listed, controllerrevisions.controller_revision, numbered=False
)
TARGETS: Final[Mapping[TargetKind, Kind]] = MappingProxyType(
    {
        TargetKind.DEPLOYMENT: DEPLOYMENTS,
        TargetKind.STATEFUL_SET: STATEFUL_SETS,
        TargetKind.DAEMON_SET: DAEMON_SETS,
    }
)
HISTORIES: Final[Mapping[TargetKind, History]] = MappingProxyType(
    {
        TargetKind.DEPLOYMENT: History(REPLICA_SETS, listed, replica_set, numbered=True),
        TargetKind.STATEFUL_SET: _REVISED,
        TargetKind.DAEMON_SET: _REVISED,
    }
)
