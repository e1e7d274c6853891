"""What can go wrong with the API server.

ClusterError
├── NotFoundError      there is no such object, or no such kind; or its namespace is being deleted
├── ChangedError       the object is not as it was read (409, 410, or a failed JSON patch test): read again
├── ExistsError        there is one of that name already
├── RefusedError       the request will be refused again as it is (400, 413, 422): somebody must mend something
│   ├── ForbiddenError   a right is missing, or a policy or quota stands against it (403)
│   ├── NameTakenError   the name is that of an object that is not ours
│   └── OversizedError   the object is larger than is read of one
├── UnreadableError    the object is not what its kind promises, and not one that we wrote
└── UnavailableError   no answer, or one that says try later (timeouts, 429, 5xx)
    └── UnservedError    nobody serves that path: there is no such group of kinds, or something else than the API
                         server answered (404, but not in its words)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PATCH_FAILED: Final = "the server rejected our request"
_GOES: Final = "NamespaceTerminating"


class ClusterError(Exception):
    """The API server did not do what was asked."""


class NotFoundError(ClusterError):
    """There is no such object, or nothing can be made in its namespace, which is being deleted."""


class ChangedError(ClusterError):
    """The object changed since it was read."""


class ExistsError(ClusterError):
    """An object of that name exists."""


class RefusedError(ClusterError):
    """The API server will refuse this again.

    Attributes:
        status: of its answer, by HTTP; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ForbiddenError(RefusedError):
    """The API server forbids this to the operator's account."""


class NameTakenError(RefusedError):
    """There is an object of that name that belongs to somebody else."""


class OversizedError(RefusedError):
    """The object is larger than is read of one."""


class UnreadableError(ClusterError):
    """The object is not what its kind promises, and not one that we wrote."""


class UnavailableError(ClusterError):
    """The API server could not answer now."""


class UnservedError(UnavailableError):
    """Nobody serves that path: there is no such group of kinds, or it was not the API server that answered."""


def error_of(status: int, document: Mapping[str, Any], what: str) -> ClusterError:
    """What an answer other than HTTP's 2xx means.

    Args:
        status: by HTTP.
        document: what was answered, a Status where it was the API server itself.
        what: what was asked.
    """
    message = str(document.get("message", "")).strip()[:1000]
    reason = document.get("reason", "")
    text = f"{what} {message}"
    match status:
        case 403:
            causes = (document.get("details") or {}).get("causes") or []
            goes = any(each.get("reason") == _GOES for each in causes)  # nothing is made in it any more
            return NotFoundError(text) if goes else ForbiddenError(text, status)
        case 404:  # a proxy's page must not end a review
            return NotFoundError(text) if document.get("kind") == "Status" else UnservedError(text)
        case 409:
            return ExistsError(text) if reason == "AlreadyExists" else ChangedError(text)
        # A failed `test` of a JSON patch has the reason of an invalid object, but names none and says only this.
        case 422 if message.startswith(_PATCH_FAILED) and not document.get("details"):
            return ChangedError(text)
        case 410:
            return ChangedError(text)
        case _ if status in {408, 429} or status >= 500:  # noqa: PLR2004 - HTTP's 5xx
            return UnavailableError(text)
        case _:
            return RefusedError(text, status)
