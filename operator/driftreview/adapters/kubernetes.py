"""The API server, spoken to in raw objects: typed models drop fields they do not know (and a rollback with them)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config
from yaml import YAMLError

from driftreview.adapters.errors import ClusterError, OversizedError, UnavailableError, error_of
from driftreview.api.base import GROUP, VERSION
from driftreview.api.jsontext import read_json
from driftreview.domain.owner import MANAGER

JSON_PATCH: Final = "application/json-patch+json"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_NO_CONTENT: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_WHOLE: Final = "application/json"
_DATE: Final = "Sat, 01 Aug 2026 12:00:00 GMT"
_AS_US: Final = {"fieldValidation": "Strict", "fieldManager": MANAGER}
_HTTP_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"
_PAGE: Final = 25
"""Objects that are read at once, where these have no more than MOST_BYTES; if they have, fewer."""
_FEWER: Final = 5
"""By how much a page that was too large is cut."""
MOST_BYTES: Final = 1_500_000
"""Longest JSON that is read of a target and its revisions. etcd takes 1.5 MiB of a form that is more compact: what is
made of many small parts may be stored there and still be longer than this."""
_AT_ONCE: Final = 2
"""How many of these are parsed at the same time: parsed, one takes twenty times its length and more."""
_CHUNK: Final = 2**16
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
APPROVALS: Final = Kind(f"/apis/{GROUP}/{VERSION}", "driftapprovals")
METRIC_SOURCES: Final = Kind(f"/apis/{GROUP}/{VERSION}", "metricsources")
CLUSTER_METRIC_SOURCES: Final = Kind(f"/apis/{GROUP}/{VERSION}", "clustermetricsources", namespaced=False)
DEPLOYMENTS: Final = Kind("/apis/apps/v1", "deployments")
REPLICA_SETS: Final = Kind("/apis/apps/v1", "replicasets")
CONTROLLER_REVISIONS: Final = Kind("/apis/apps/v1", "controllerrevisions")
LEASES: Final = Kind("/apis/coordination.k8s.io/v1", "leases")
SELF_SUBJECT_REVIEWS: Final = Kind("/apis/authentication.k8s.io/v1", "selfsubjectreviews", namespaced=False)
SECRETS: Final = Kind("/api/v1", "secrets")
EVENTS: Final = Kind("/api/v1", "events")
PODS: Final = Kind("/api/v1", "pods")
CONFIG_MAPS: Final = Kind("/api/v1", "configmaps")
SERVICES: Final = Kind("/api/v1", "services")
CUSTOM_RESOURCE_DEFINITIONS: Final = Kind(
    "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False
)
NAMESPACES: Final = Kind("/api/v1", "namespaces", namespaced=False)
NODES: Final = Kind("/api/v1", "nodes", namespaced=False)
STATEFUL_SETS: Final = Kind("/apis/apps/v1", "statefulsets")
DAEMON_SETS: Final = Kind("/apis/apps/v1", "daemonsets")
AUTOSCALERS: Final = Kind("/apis/autoscaling/v2", "horizontalpodautoscalers")
SERVER_VERSION: Final = Kind("", "version", namespaced=False)
"""What the API server says of itself; everybody may ask it."""

_T = TypeVar("_T")


class Cluster:
    """One API server. Safe to share between threads; every request ends after a bounded time."""

    def __init__(self, kubeconfig: Path | None = None, *, context: str | None = None, connections: int = 16) -> None:
        """Connect as the kubeconfig (its current context, or another) says, or as the pod's ServiceAccount.

        Raises:
            ClusterError: there is neither.
        """
        settings = client.Configuration()
        try:
            if kubeconfig is not None:
                config.load_kube_config(str(kubeconfig), context, client_configuration=settings)  # type: ignore[no-untyped-call]
            else:
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        except (config.ConfigException, OSError, YAMLError) as error:
            tried = f"kubeconfig {kubeconfig}" if kubeconfig else "not in a pod, and no --kubeconfig given"
            raise ClusterError(f"no way to the API server: {tried}: {error}") from error
        settings.connection_pool_maxsize = connections
        # Reads are tried once more; writes never: the caller must know whether they were done.
        settings.retries = urllib3.Retry(connect=1, read=1, status=0, other=0, backoff_factor=0.2)
        self._api = client.ApiClient(settings)
        self._parsing = threading.Semaphore(_AT_ONCE)
        self._read_seconds = float(_READ_SECONDS)

    def hurried(self, seconds: float) -> Cluster:
        """The same, but no answer is waited for longer: for what can do without one."""
        other = copy(self)
        other._read_seconds = seconds  # noqa: SLF001 - of our own kind
        return other

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
        """Read one object."""
        return self._request("GET", _path(kind, namespace, name))

    def look_for(self, kind: Kind, name: str, namespace: str) -> None:
        """See whether an object is there; of what it holds nothing is sent but its metadata, and nothing is kept.

        Raises:
            NotFoundError: it is not.
        """
        self._send("GET", _path(kind, namespace, name), accept=_NO_CONTENT, most=MOST_BYTES)

    def items(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        """Read all objects of a kind in a namespace, whole: there must be few. None where there is no such kind."""
        served = self._request("GET", kind.prefix).get("resources") or []
        if all(each.get("name") != kind.plural for each in served):  # asked for its objects it names no reason
            return []
        answer = self._request("GET", _path(kind, namespace))
        known = {"apiVersion": answer.get("apiVersion"), "kind": str(answer.get("kind", "")).removesuffix("List")}
        return [known | each for each in answer.get("items") or []]

    def keep(self, kind: Kind, name: str, namespace: str, reduce: Callable[[dict[str, Any]], _T]) -> _T:
        """Read one object that may be large, and keep only what is made of it.

        Raises:
            OversizedError: it is larger than MOST_BYTES.
        """
        path = _path(kind, namespace, name)
        payload = self._send("GET", path, most=MOST_BYTES)
        with self._parsing:
            return reduce(_document(path, payload))

    def metadata(
        self, kind: Kind, namespace: str, selector: str, reduce: Callable[[dict[str, Any]], _T]
    ) -> Iterator[list[_T]]:
        """Read the metadata of all objects that a label selector selects, and keep only what is made of each.

        Yields:
            page by page.

        Raises:
            ChangedError: it took so long that the API server does not know the list any more.
            OversizedError: the metadata of one alone is larger than MOST_BYTES.
        """
        selectors = {"labelSelector": selector}
        return self._pages(_path(kind, namespace), selectors, _METADATA, lambda raw: reduce(raw["metadata"]))

    def objects(
        self, kind: Kind, namespace: str, selectors: Mapping[str, str], reduce: Callable[[dict[str, Any]], _T]
    ) -> Iterator[list[_T]]:
        """Read all objects that selectors (labelSelector, fieldSelector) select, as `metadata` does, but whole."""
        return self._pages(_path(kind, namespace), selectors, _WHOLE, reduce)

    def time(self) -> datetime | None:
        """What time it is at the API server, to the second; None if it does not say."""
        said = self._answer("GET", "/version", None, None, _WHOLE, MOST_BYTES)[1].get("Date")
        try:
            # A proxy may add its own, which stands behind it.
            return datetime.strptime((said or "")[: len(_DATE)], _HTTP_DATE).replace(tzinfo=UTC)
        except ValueError:
            return None

    def _pages(
        self, path: str, selectors: Mapping[str, str], accept: str, reduce: Callable[[dict[str, Any]], _T]
    ) -> Iterator[list[_T]]:
        page, going_on = _PAGE, ""
        while True:
            query = {"limit": str(page), "continue": going_on, **selectors}
            try:
                payload = self._send("GET", path, query, accept=accept, most=MOST_BYTES)
            except OversizedError:
                if page == 1:
                    raise
                page = page // _FEWER or 1
                continue
            with self._parsing:
                answer = _document(path, payload)
                going_on = answer.get("metadata", {}).get("continue") or ""
                kept = [reduce(each) for each in answer.pop("items", None) or []]
            yield kept
            if not going_on:
                return

    def create(self, kind: Kind, body: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        """Create one object.

        Raises:
            ExistsError: there is one of that name.
        """
        return self._request("POST", _path(kind, namespace), _AS_US, body)

    def patch(
        self, kind: Kind, name: str, patch: Sequence[Mapping[str, Any]], namespace: str = "", subresource: str = ""
    ) -> dict[str, Any]:
        """Apply a JSON patch.

        Raises:
            ChangedError: a `test` in it failed.
        """
        path = _path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self._request("PATCH", path, _AS_US, patch)

    def rehearse(self, kind: Kind, name: str, patch: Sequence[Mapping[str, Any]], namespace: str) -> None:
        """Have a JSON patch tried, admission and all, without anything being changed; raises as `patch` does."""
        self._request("PATCH", _path(kind, namespace, name), _AS_US | {"dryRun": "All"}, patch)

    def replace(self, kind: Kind, name: str, body: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        """Write one object whole; its resourceVersion must be the one that was read."""
        return self._request("PUT", _path(kind, namespace, name), _AS_US, body)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Delete one object."""
        self._request("DELETE", _path(kind, namespace, name))

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        return _document(path, self._send(method, path, query, body))

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        accept: str = _WHOLE,
        most: int | None = None,
    ) -> bytes:
        """What the API server answers, if it did what was asked."""
        return self._answer(method, path, query, body, accept, most)[0]

    def _answer(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, accept: str, most: int | None
    ) -> tuple[bytes, Mapping[str, str]]:
        """The same, with the answer's headers."""
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = JSON_PATCH if method == "PATCH" else "application/json"
        _, url, headers, body, _ = self._api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        if query:
            url = f"{url}?{urlencode(query)}"
        try:
            answer = self._api.call_api(
                method, url, headers, body, _request_timeout=(_CONNECT_SECONDS, self._read_seconds)
            )
            payload: bytes = answer.response.read(None if most is None else most + 1)
            more = 0  # not `stream()`: after a `read` it loses its place in a chunked answer
            while most is not None and (rest := answer.response.read(_CHUNK)):
                more += len(rest)
        except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
            raise UnavailableError(f"{method} {path}: no answer from the API server: {error}") from error
        if answer.status >= 300:  # noqa: PLR2004 - all but HTTP's 2xx
            raise error_of(answer.status, _parsed(payload), f"{method} {path}: {answer.status}")
        if most is not None and len(payload) > most:
            raise OversizedError(f"{path} has {len(payload) + more} bytes as JSON, more than the {most} that are read")
        return payload, answer.response.headers


def _document(path: str, payload: bytes) -> dict[str, Any]:
    document = _parsed(payload)
    if payload and not document:
        raise UnavailableError(f"{path}: the answer is no object")
    return document


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        document = read_json(payload) if payload else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    parts = [kind.prefix]
    if kind.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts += [kind.plural, quote(name, safe="")] if name else [kind.plural]
    return "/".join(parts)
