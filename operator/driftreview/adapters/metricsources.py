"""From the metric source a review names to a connection: found, allowed, and with its credentials read anew."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.errors import NotFoundError, RefusedError
from driftreview.adapters.kubernetes import (
    CLUSTER_METRIC_SOURCES,
    CONFIG_MAPS,
    METRIC_SOURCES,
    NAMESPACES,
    SECRETS,
    Cluster,
    Kind,
)
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.sigv4 import Keys
from driftreview.adapters.sources import Sources
from driftreview.api.driftreview import DriftReview, SourceKind
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import (
    ClusterMetricSource,
    MetricSource,
    MetricSourceSpec,
    MetricSourceStatus,
)
from driftreview.api.reasons import Reason
from driftreview.api.sourceauth import Authority, ClientId, ConfigMapKeyRef, SecretKeyRef, SigV4, Tls
from driftreview.domain.evidence import content_hash

_FIELD = "spec.metrics.sourceRef"
_DIGITS = 12


@dataclass(frozen=True)
class FoundSource:
    """A source that can be asked, and how evidence names it."""

    source: PrometheusSource
    label: str
    """kind/name, address, and a digest of the headers and of which Secrets are sent, where there are any."""


def _sent(spec: MetricSourceSpec) -> str:
    """What else than the address says whose metrics are answered, such as a tenant's header: people read it, so hashed.

    Which Secrets are sent counts, what they hold does not: tokens are renewed. Nor does the certificate authority.
    """
    shown = {"clientCert": spec.tls.client_cert.to_wire()} if spec.tls and spec.tls.client_cert else {}
    headers = {header.name.lower(): header.to_wire() | {"name": ""} for header in spec.headers}
    if not headers and spec.auth is None and not shown:
        return ""
    auth = spec.auth.to_wire() if spec.auth else {}
    digest = content_hash({"auth": auth, "headers": headers} | shown).removeprefix("sha256:")
    return f" (headers, Secrets: {digest[:_DIGITS]})"


def _name(client: ClientId, secret: Callable[[SecretKeyRef], str]) -> str:
    return secret(client.value_from) if client.value_from else client.value or ""


def _keys(sig_v4: SigV4, secret: Callable[[SecretKeyRef], str]) -> Keys | None:
    """The AWS keys that a source names; None where the operator's own identity is meant."""
    if sig_v4.access_key is None or sig_v4.secret_key is None:
        return None
    session = secret(sig_v4.session_token).strip() if sig_v4.session_token else None
    return Keys(secret(sig_v4.access_key).strip(), secret(sig_v4.secret_key).strip(), session)


class _MissingKeyError(Exception):
    """A Secret or ConfigMap key is not to be had."""


class MetricSources:
    """The metric sources of a cluster."""

    def __init__(self, cluster: Cluster, sources: Sources, own_namespace: str) -> None:
        """Use this cluster; the Secrets of a ClusterMetricSource are in the operator's own namespace."""
        self._cluster, self._sources, self._own_namespace = cluster, sources, own_namespace

    def find(self, review: DriftReview) -> FoundSource | Problem:
        """The source of a review, or why it cannot be used."""
        ref, namespace = review.spec.metrics.source_ref, review.metadata.namespace
        try:
            if ref.kind is SourceKind.CLUSTER:
                shared = ClusterMetricSource.model_validate(self._cluster.get(CLUSTER_METRIC_SOURCES, ref.name))
                found = self._not_allowed(shared, namespace) or self.connect(shared)
            else:
                own = self._cluster.get(METRIC_SOURCES, ref.name, namespace)
                found = self.connect(MetricSource.model_validate(own))
        except NotFoundError:
            where = "" if ref.kind is SourceKind.CLUSTER else f" in namespace {namespace!r}"
            message = f"{_FIELD}: there is no {ref.kind} {ref.name!r}{where}; create it or correct kind and name"
            return Problem(reason=Reason.SOURCE_NOT_FOUND, message=message)
        if isinstance(found, Problem) and not found.message.startswith(_FIELD):
            return found.model_copy(update={"message": f"{_FIELD}: {found.message}"})
        return found

    def connect(self, found: MetricSource | ClusterMetricSource) -> FoundSource | Problem:
        """A connection to a source with its credentials as they are now, or which of them is not to be had."""
        kind, name, spec = type(found).__name__, found.metadata.name, found.spec
        home = found.metadata.namespace or self._own_namespace
        try:
            credentials = self._credentials(spec, home)
        except _MissingKeyError as missing:
            return Problem(reason=Reason.SECRET_NOT_FOUND, message=f"{kind} {name!r}: {missing}")
        key = "/".join(part for part in (kind, found.metadata.namespace, name) if part)
        return FoundSource(
            self._sources.get(key, spec, credentials), f"{kind}/{name} {spec.url.rstrip('/')}{_sent(spec)}"
        )

    def write_status(self, found: MetricSource | ClusterMetricSource, status: MetricSourceStatus) -> Mapping[str, Any]:
        """Replace a source's status, if the source is still the one that was read.

        Raises:
            ChangedError: it is not.
        """
        kind = METRIC_SOURCES if isinstance(found, MetricSource) else CLUSTER_METRIC_SOURCES
        metadata = found.metadata
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
            {"op": "add", "path": "/status", "value": status.to_wire()},
        ]
        return self._cluster.patch(kind, metadata.name, patch, metadata.namespace, subresource="status")

    def _not_allowed(self, shared: ClusterMetricSource, namespace: str) -> Problem | None:
        allowed = shared.spec.allowed_namespaces
        if allowed is None or namespace in allowed.names:
            return None
        if allowed.selector is not None:
            labels = self._cluster.get(NAMESPACES, namespace)["metadata"].get("labels") or {}
            if allowed.selector.match_labels.items() <= labels.items():
                return None
        message = (
            f"{_FIELD}: ClusterMetricSource {shared.metadata.name!r} does not serve namespace {namespace!r}; "
            "ask its owner to add it to spec.allowedNamespaces, or use a MetricSource of your own"
        )
        return Problem(reason=Reason.SOURCE_NOT_ALLOWED, message=message)

    def _credentials(self, spec: MetricSourceSpec, namespace: str) -> Credentials:
        """Read what the spec names; each object once."""
        read: dict[tuple[str, str], Mapping[str, Any]] = {}

        def secret(ref: SecretKeyRef) -> str:
            encoded = self._value(read, SECRETS, namespace, ref)
            return base64.b64decode(encoded).decode("utf-8", errors="replace")

        def bundle(tls: Tls | Authority | None) -> str | None:
            if tls and tls.ca_config_map:
                return self._value(read, CONFIG_MAPS, namespace, tls.ca_config_map)
            return secret(tls.ca_secret) if tls and tls.ca_secret else None

        auth, shown = spec.auth, spec.tls.client_cert if spec.tls else None
        basic, oauth2 = (auth.basic, auth.oauth2) if auth else (None, None)
        return Credentials(
            bearer=secret(auth.bearer) if auth and auth.bearer else None,
            basic=(secret(basic.username), secret(basic.password)) if basic else None,
            headers={header.name: secret(header.value_from) for header in spec.headers if header.value_from},
            open_headers={header.name: header.value or "" for header in spec.headers if not header.value_from},
            ca_pem=bundle(spec.tls),
            client=(_name(oauth2.client_id, secret), secret(oauth2.client_secret)) if oauth2 else None,
            token_ca_pem=bundle(oauth2.tls) if oauth2 else None,
            client_cert=(secret(shown.cert_secret), secret(shown.key_secret)) if shown else None,
            aws=_keys(auth.sig_v4, secret) if auth and auth.sig_v4 else None,
        )

    def _value(
        self,
        read: dict[tuple[str, str], Mapping[str, Any]],
        kind: Kind,
        namespace: str,
        ref: SecretKeyRef | ConfigMapKeyRef,
    ) -> str:
        what = "Secret" if kind is SECRETS else "ConfigMap"
        where = f"{what} {ref.name!r} in namespace {namespace!r}"
        if (kind.plural, ref.name) not in read:
            try:
                read[kind.plural, ref.name] = self._cluster.get(kind, ref.name, namespace).get("data") or {}
            except NotFoundError:
                raise _MissingKeyError(f"there is no {where}; create it") from None
            except RefusedError:
                raise _MissingKeyError(f"the operator may not read {where}; grant it `get` on this {what}") from None
        data = read[kind.plural, ref.name]
        if ref.key not in data:
            raise _MissingKeyError(f"{where} has no key {ref.key!r}; add it")
        return str(data[ref.key])
