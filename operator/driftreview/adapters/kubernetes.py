"""The API server, spoken to in raw objects: typed models drop fields they do not know (and a rollback with them)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config
from yaml import YAMLError

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ExistsError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from driftreview.api.base import GROUP, VERSION

JSON_PATCH: Final = "application/json-patch+json"
_PATCH_FAILED: Final = "the server rejected our request"
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 30


@dataclass(frozen=True)
class Kind:
    """Where objects of one kind are found."""

    prefix: str
    plural: str
    namespaced: bool = True


REVIEWS: Final = Kind(f"/apis/{GROUP}/{VERSION}", "driftreviews")
SNAPSHOTS: Final = Kind(f"/apis/{GROUP}/{VERSION}", "driftsnapshots")
METRIC_SOURCES: Final = Kind(f"/apis/{GROUP}/{VERSION}", "metricsources")
CLUSTER_METRIC_SOURCES: Final = Kind(f"/apis/{GROUP}/{VERSION}", "clustermetricsources", namespaced=False)
DEPLOYMENTS: Final = Kind("/apis/apps/v1", "deployments")
REPLICA_SETS: Final = Kind("/apis/apps/v1", "replicasets")
LEASES: Final = Kind("/apis/coordination.k8s.io/v1", "leases")
SECRETS: Final = Kind("/api/v1", "secrets")
CONFIG_MAPS: Final = Kind("/api/v1", "configmaps")
NAMESPACES: Final = Kind("/api/v1", "namespaces", namespaced=False)


class Cluster:
    """One API server. Safe to share between threads; every request ends after a bounded time."""

    def __init__(self, kubeconfig: Path | None = None, *, connections: int = 16) -> None:
        """Connect as the kubeconfig says, or as the pod's ServiceAccount.

        Raises:
            ClusterError: there is neither.
        """
        settings = client.Configuration()
        try:
            if kubeconfig is not None:
                config.load_kube_config(str(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
            else:
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        except (config.ConfigException, OSError, YAMLError) as error:
            tried = f"kubeconfig {kubeconfig}" if kubeconfig else "not in a pod, and no --kubeconfig given"
            raise ClusterError(f"no way to the API server: {tried}: {error}") from error
        settings.connection_pool_maxsize = connections
        # Reads are tried once more; writes never: the caller must know whether they were done.
        settings.retries = urllib3.Retry(connect=1, read=1, status=0, other=0, backoff_factor=0.2)
        self._api = client.ApiClient(settings)

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
        """Read one object."""
        return self._request("GET", _path(kind, namespace, name))

    def select(self, kind: Kind, namespace: str, selector: str, page: int) -> Iterator[dict[str, Any]]:
        """Read all objects of a kind that a label selector selects: so many at once, let go as they are handed out.

        Raises:
            ChangedError: it took so long that the API server does not know the list any more.
        """
        query = {"limit": str(page), "labelSelector": selector}
        while True:
            answer = self._request("GET", _path(kind, namespace), query)
            query["continue"] = answer.get("metadata", {}).get("continue") or ""
            items = answer.pop("items", [])
            items.reverse()
            while items:
                yield items.pop()
            if not query["continue"]:
                return

    def create(self, kind: Kind, body: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        """Create one object.

        Raises:
            ExistsError: there is one of that name.
        """
        return self._request("POST", _path(kind, namespace), {"fieldValidation": "Strict"}, body)

    def patch(
        self, kind: Kind, name: str, patch: Sequence[Mapping[str, Any]], namespace: str = "", subresource: str = ""
    ) -> dict[str, Any]:
        """Apply a JSON patch.

        Raises:
            ChangedError: a `test` in it failed.
        """
        path = _path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self._request("PATCH", path, {"fieldValidation": "Strict"}, patch)

    def replace(self, kind: Kind, name: str, body: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        """Write one object whole; its resourceVersion must be the one that was read."""
        return self._request("PUT", _path(kind, namespace, name), {"fieldValidation": "Strict"}, body)

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = JSON_PATCH if method == "PATCH" else "application/json"
        _, url, headers, body, _ = self._api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        if query:
            url = f"{url}?{urlencode(query)}"
        try:
            answer = self._api.call_api(method, url, headers, body, _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS))
            payload: bytes = answer.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
            raise UnavailableError(f"{method} {path}: no answer from the API server: {error}") from error
        return _checked(method, path, answer.status, payload)


def _checked(method: str, path: str, status: int, payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload) if payload else {}
    except ValueError:
        document = {}
    if status < 300:  # noqa: PLR2004 - HTTP's 2xx
        if not isinstance(document, dict):
            raise UnavailableError(f"{method} {path}: the answer is no object")
        return document
    raise _error(status, document if isinstance(document, dict) else {}, f"{method} {path}: {status}")


def _error(status: int, document: Mapping[str, Any], what: str) -> ClusterError:
    message = str(document.get("message", "")).strip()[:1000]
    reason = document.get("reason", "")
    text = f"{what} {message}"
    match status:
        case 403:
            return ForbiddenError(text)
        case 404:  # a proxy's page must not end a review
            return NotFoundError(text) if document.get("kind") == "Status" else UnavailableError(text)
        case 409:
            return ExistsError(text) if reason == "AlreadyExists" else ChangedError(text)
        # A failed `test` of a JSON patch has the reason of an invalid object, but names none and says only this.
        case 422 if message.startswith(_PATCH_FAILED) and not document.get("details"):
            return ChangedError(text)
        case 410:
            return ChangedError(text)
        case 429 | 408:
            return UnavailableError(text)
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's 5xx
            return UnavailableError(text)
        case _:
            return RefusedError(text)


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    parts = [kind.prefix]
    if kind.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(kind.plural)
    if name:
        parts.append(quote(name, safe=""))
    return "/".join(parts)
