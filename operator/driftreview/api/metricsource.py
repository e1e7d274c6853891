"""MetricSource and ClusterMetricSource: one Prometheus-compatible endpoint, its authentication and its limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Conditions, DnsName, Identifier, Metadata, Model, Pattern, SecretKey, list_map, rules
from driftreview.api.values import Duration, between


class SecretKeyRef(Model):
    """One key of a Secret in the source's namespace (for a ClusterMetricSource: the operator's namespace)."""

    name: DnsName
    """Name of the Secret."""
    key: SecretKey
    """Key in its data."""


class ConfigMapKeyRef(Model):
    """One key of a ConfigMap in the source's namespace (for a ClusterMetricSource: the operator's namespace)."""

    name: DnsName
    """Name of the ConfigMap."""
    key: SecretKey
    """Key in its data."""


class BasicAuth(Model):
    """HTTP basic authentication."""

    username: SecretKeyRef
    """Where the user name is."""
    password: SecretKeyRef
    """Where the password is."""


class Auth(Model):
    """How the operator proves who it is; exactly one way."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.bearer) != has(self.basic)", "set exactly one of auth.bearer and auth.basic"),
        )
    )

    bearer: SecretKeyRef | None = None
    """Send the key's value as a bearer token; re-read when the Secret changes."""
    basic: BasicAuth | None = None
    """Send a user name and password."""


_OWN_HEADERS = ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"]


class Header(Model):
    """One more request header, such as X-Scope-OrgID for a Mimir tenant."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.value) != has(self.valueFrom)", "set exactly one of value and valueFrom"),
            (
                f"!(self.name.lowerAscii() in {_OWN_HEADERS})",
                "the operator sets this header itself: drop it; credentials belong in auth",
            ),
        )
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=64),
        Pattern("^[A-Za-z0-9-]+$", "must be a header's name: letters, digits and '-', such as X-Scope-OrgID"),
    ]
    """Name of the header."""
    value: (
        Annotated[
            str,
            Field(max_length=1024),
            Pattern("^([!-~]([ -~]*[!-~])?)?$", "must be printable ASCII without a space at either end"),
        ]
        | None
    ) = None
    """Its value, in the open."""
    value_from: SecretKeyRef | None = None
    """Its value, from a Secret."""


class Tls(Model):
    """Which certificate authority to trust; there is no way to trust none."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.caSecret) != has(self.caConfigMap)", "set exactly one of caSecret and caConfigMap"),
        )
    )

    ca_secret: SecretKeyRef | None = None
    """A PEM bundle in a Secret."""
    ca_config_map: ConfigMapKeyRef | None = None
    """A PEM bundle in a ConfigMap."""


class MetricSourceSpec(Model):
    """One endpoint that speaks the Prometheus query API (Prometheus 2.42 and later, Thanos, Mimir, VictoriaMetrics)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.url.startsWith('https://') || self.?allowInsecureAuth.orValue(false) || (!has(self.auth) &&"
                    " (!has(self.headers) || !self.headers.exists(header, has(header.valueFrom))))"
                ),
                (
                    "credentials (auth, headers with valueFrom) over http:// can be read on the way:"
                    " use https://, or set allowInsecureAuth: true"
                ),
            ),
            (
                "!has(self.tls) || self.url.startsWith('https://')",
                "tls is for an https:// url: drop it, or use https://",
            ),
        )
    )

    url: Annotated[
        str,
        Field(
            max_length=1024,
            json_schema_extra=rules(
                (
                    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
                    "must be an http:// or https:// address such as http://prometheus.monitoring:9090",
                ),
                (
                    "!self.contains('?') && !self.contains('@') && !self.contains('#')",
                    "must hold no user, query or fragment: credentials belong in a Secret named by auth",
                ),
                (
                    "!self.contains('/api/v1')",
                    "must be the address before /api/v1, such as http://prometheus.monitoring:9090",
                ),
            ),
        ),
    ]
    """Address of the server, without /api/v1."""
    auth: Auth | None = None
    """Credentials, from Secrets."""
    allow_insecure_auth: bool | None = None
    """Send credentials over plain http all the same (a mesh encrypts it, say)."""
    headers: Annotated[
        list[Header],
        Field(
            max_length=16,
            json_schema_extra=list_map("name")
            | rules(
                (
                    "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))",
                    "two headers have the same name: upper and lower case are the same to HTTP; drop one",
                )
            ),
        ),
    ] = Field(default_factory=list)
    """More request headers."""
    tls: Tls | None = None
    """Own certificate authority; without it the system's are trusted."""
    timeout: Annotated[Duration, between("1s", "2m")] = "10s"
    """How long one query may take."""
    resolution: Annotated[Duration, between("1s", "5m", ": the scrape interval of the judged metrics")] = "30s"
    """Step of range queries: the scrape interval of the judged metrics."""
    max_concurrent: Annotated[int, Field(ge=1, le=64)] = 4
    """How many queries the operator sends this server at once."""


class LabelSelector(Model):
    """Labels a namespace must carry, all of them."""

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=16)]
    """Label and value."""


class AllowedNamespaces(Model):
    """Which namespaces may use a ClusterMetricSource; one named or one matching is enough."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.names) && self.names.size() > 0) || has(self.selector)",
                "set names, selector or both; leave allowedNamespaces out for all",
            ),
        )
    )

    names: Annotated[list[Identifier], Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"})] = (
        Field(default_factory=list)
    )
    """By name."""
    selector: LabelSelector | None = None
    """By label."""


class ClusterMetricSourceSpec(MetricSourceSpec):
    """As a MetricSource, for the namespaces it allows; its Secrets are in the operator's namespace."""

    allowed_namespaces: AllowedNamespaces | None = None
    """Which namespaces may use it; all, if left out."""


class MetricSourceStatus(Model):
    """What the operator found when it last asked."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the spec that was tried."""
    conditions: Conditions = Field(default_factory=list)
    """Ready: the endpoint answers a query."""


class MetricSource(Model):
    """One Prometheus-compatible endpoint for the reviews of its namespace."""

    metadata: Metadata = Metadata()
    spec: MetricSourceSpec
    """Where it is and how to ask it."""
    status: MetricSourceStatus = MetricSourceStatus()
    """What the operator found."""


class ClusterMetricSource(Model):
    """One Prometheus-compatible endpoint for many namespaces, kept by the platform team."""

    metadata: Metadata = Metadata()
    spec: ClusterMetricSourceSpec
    """Where it is, how to ask it, and who may."""
    status: MetricSourceStatus = MetricSourceStatus()
    """What the operator found."""
