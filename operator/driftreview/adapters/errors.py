"""What can go wrong with the API server.

ClusterError
├── NotFoundError      there is no such object, or no such kind
├── ChangedError       the object is not as it was read (409, 410, or a failed JSON patch test): read again
├── ExistsError        there is one of that name already
├── RefusedError       the request will be refused again as it is (400, 413, 422): somebody must mend something
│   ├── ForbiddenError   a right is missing, or a policy or quota stands against it (403)
│   ├── NameTakenError   the name is that of an object that is not ours
│   └── OversizedError   the object is larger than is read of one
├── UnreadableError    the object is not what its kind promises, and not one that we wrote
└── UnavailableError   no answer, or one that says try later (timeouts, 429, 5xx)
"""

from __future__ import annotations


class ClusterError(Exception):
    """The API server did not do what was asked."""


class NotFoundError(ClusterError):
    """There is no such object."""


class ChangedError(ClusterError):
    """The object changed since it was read."""


class ExistsError(ClusterError):
    """An object of that name exists."""


class RefusedError(ClusterError):
    """The API server will refuse this again."""


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
