"""Reads objects for facts; what cannot be had is noted with its reason, and what was not answered is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from driftreview.adapters.errors import ForbiddenError, NotFoundError, RefusedError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.api.facts import FactProblem
from driftreview.api.reasons import Reason
from driftreview.domain.display import shorten

_T = TypeVar("_T")
_MESSAGE: Final = 1024
_MOST_PAGES: Final = 60
"""Requests for one list: where objects are so large that a page holds few, the end is left out."""


@dataclass(frozen=True)
class Listing(Generic[_T]):
    """What a list holds."""

    found: list[_T]
    whole: bool = True
    """Whether nothing was left out."""


@dataclass
class FactReader:
    """Reads for the facts of one look."""

    cluster: Cluster
    namespace: str
    problems: list[FactProblem] = field(default_factory=list)
    """What could not be had so far."""

    def read(self, about: str, kind: Kind, name: str, reduce: Callable[[dict[str, Any]], _T]) -> _T | None:
        """Read one object of the review's namespace (or of none) and keep only what is made of it.

        Args:
            about: what it is read for, such as contracts/event-store.
            kind: its kind.
            name: its name.
            reduce: makes the fact of it.

        Returns:
            The fact; None if the object is not there or may not be read, which is noted.

        Raises:
            UnavailableError: the API server did not answer.
        """
        try:
            return self.cluster.keep(kind, name, self.namespace if kind.namespaced else "", reduce)
        except NotFoundError:
            self.note(about, Reason.NOT_FOUND, f"there is no {kind.plural}/{name}")
        except ForbiddenError as error:
            self.note(about, Reason.FORBIDDEN, f"the operator may not read {kind.plural}/{name}: {error}")
        except RefusedError as error:
            self.note(about, Reason.REFUSED, f"{kind.plural}/{name}: {error}")
        return None

    def list(
        self, about: str, kind: Kind, selectors: Mapping[str, str], reduce: Callable[[dict[str, Any]], _T], most: int
    ) -> Listing[_T] | None:
        """Read objects of the review's namespace page by page, and keep only what is made of each.

        Args:
            about: what they are read for.
            kind: their kind.
            selectors: labelSelector and fieldSelector; all objects, where there is none.
            reduce: makes the fact of one.
            most: after so many no more are read.

        Returns:
            What was found; None if it may not be read, which is noted.

        Raises:
            UnavailableError: the API server did not answer.
            ChangedError: it took so long that the API server does not know the list any more.
        """
        found: list[_T] = []
        try:
            for number, page in enumerate(self.cluster.objects(kind, self.namespace, selectors, reduce), start=1):
                found += page
                if len(found) > most or number == _MOST_PAGES:
                    return Listing(found[:most], whole=False)
        except NotFoundError:
            self.note(about, Reason.NOT_FOUND, f"this API server knows no {kind.plural}")
        except ForbiddenError as error:
            self.note(about, Reason.FORBIDDEN, f"the operator may not list {kind.plural}: {error}")
        except RefusedError as error:
            self.note(about, Reason.REFUSED, f"{kind.plural}: {error}")
        else:
            return Listing(found)
        return None

    def note(self, about: str, reason: Reason, message: str) -> None:
        """Write down why something is not known."""
        self.problems.append(FactProblem(about=about[:253], reason=reason, message=shorten(message, _MESSAGE)))
