"""MetricSource and ClusterMetricSource: one Prometheus-compatible endpoint, its authentication and its limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Conditions, Identifier, Metadata, Model, Rule, ShortText, list_map, rules
from driftreview.api.sourceauth import Auth, Header, Tls, server_address
from driftreview.api.values import Duration, between


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
            (
                (
                    "self.?allowInsecureAuth.orValue(false)"
                    " || self.?auth.oauth2.tokenUrl.orValue('https://').startsWith('https://')"
                ),
                (
                    "the client secret over http:// can be read on the way:"
                    " use https:// in auth.oauth2.tokenUrl, or set allowInsecureAuth: true"
                ),
            ),
        )
    )

    url: Annotated[
        str,
        Field(
            max_length=1024,
            json_schema_extra=server_address(
                "http://prometheus.monitoring:9090",
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
    """Own certificate authority, and the certificate that the operator shows."""
    timeout: Annotated[Duration, between("1s", "2m")] = "10s"
    """How long one query may take."""
    resolution: Annotated[Duration, between("1s", "5m", ": the scrape interval of the judged metrics")] = "30s"
    """Step of range queries: the scrape interval of the judged metrics."""
    max_concurrent: Annotated[int, Field(ge=1, le=64)] = 4
    """How many queries the operator sends this server at once."""
    queries_per_second: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many queries the operator sends this server in a second; as many as it can, if left out."""
    max_points: Annotated[int, Field(ge=1000, le=11_000)] = 11_000
    """Points of one range query, for each series; longer ranges are asked for in pieces."""


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
    version: ShortText | None = None
    """What the server says it is, where it says so."""
    retention: ShortText | None = None
    """How long the server says it keeps samples."""
    clock_skew_seconds: int | None = None
    """By how much at least the server's clock is ahead of the operator's; negative if it is behind."""
    conditions: Conditions = Field(default_factory=list)
    """Ready: the endpoint answers a query. ClockInSync: its clock and the operator's agree."""


class MetricSource(Model):
    """One Prometheus-compatible endpoint for the reviews of its namespace."""

    metadata: Metadata = Metadata()
    spec: Annotated[
        MetricSourceSpec,
        Rule(
            "!has(self.auth) || !has(self.auth.sigV4) || has(self.auth.sigV4.accessKey)",
            (
                "auth.sigV4 without accessKey signs as the operator itself: name accessKey and secretKey,"
                " or use a ClusterMetricSource"
            ),
        ),
    ]
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
