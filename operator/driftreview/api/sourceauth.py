"""How the operator proves who it is to a metric source, and whom it trusts: credentials, headers, certificates."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import DnsName, Model, Pattern, SecretKey, atomic, rules

_PRINTABLE: Final = Pattern("^([!-~]([ -~]*[!-~])?)?$", "must be printable ASCII without a space at either end")
_OWN_HEADERS: Final = [
    *("authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"),
    *("x-amz-date", "x-amz-security-token"),
]


def server_address(example: str, *more: tuple[str, str]) -> dict[str, Any]:
    """Schema extension for the address of a server; credentials never stand in it."""
    return rules(
        (
            "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
            f"must be an http:// or https:// address such as {example}",
        ),
        (
            "!self.contains('?') && !self.contains('@') && !self.contains('#')",
            "must hold no user, query or fragment: credentials belong in a Secret named by auth",
        ),
        *more,
    )


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


class Authority(Model):
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


class ClientCert(Model):
    """The certificate that the operator shows to a server that wants one (mutual TLS)."""

    cert_secret: SecretKeyRef
    """The certificate as PEM, and those of the authorities between it and the one that the server trusts."""
    key_secret: SecretKeyRef
    """Its private key as PEM, not encrypted."""


class Tls(Model):
    """Which certificate authority to trust, and what to show; without an authority the system's are trusted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.caSecret) && has(self.caConfigMap))",
                "set one of caSecret and caConfigMap, not both",
            ),
            (
                "has(self.caSecret) || has(self.caConfigMap) || has(self.clientCert)",
                "set caSecret, caConfigMap or clientCert, or leave tls out",
            ),
        )
    )

    ca_secret: SecretKeyRef | None = None
    """A PEM bundle in a Secret."""
    ca_config_map: ConfigMapKeyRef | None = None
    """A PEM bundle in a ConfigMap."""
    client_cert: ClientCert | None = None
    """The certificate to show to a server that wants one."""


class ClientId(Model):
    """Name of an OAuth2 client."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.value) != has(self.valueFrom)", "set exactly one of value and valueFrom"),
        )
    )

    value: Annotated[str, Field(min_length=1, max_length=256), _PRINTABLE] | None = None
    """The name, in the open."""
    value_from: SecretKeyRef | None = None
    """The name, from a Secret."""


class ClientSecretIn(StrEnum):
    """Where the client's name and secret stand in the request for a token."""

    HEADER = "Header"
    """HTTP basic authentication, which every token endpoint must know (RFC 6749, section 2.3.1)."""
    BODY = "Body"
    """Fields of the form, for a token endpoint that wants them there."""


class OAuth2(Model):
    """An access token by OAuth2 client credentials (RFC 6749, section 4.4), sent as a bearer token."""

    token_url: Annotated[
        str, Field(max_length=1024, json_schema_extra=server_address("https://id.example.com/oauth2/token"))
    ]
    """Address of the token endpoint."""
    client_id: ClientId
    """Name of the client."""
    client_secret: SecretKeyRef
    """Where its secret is."""
    client_secret_in: ClientSecretIn = ClientSecretIn.HEADER
    """How the token endpoint wants name and secret."""
    scopes: Annotated[
        list[
            Annotated[
                str,
                Field(min_length=1, max_length=256),
                Pattern(r"^[!#-\[\]-~]+$", 'must be printable ASCII without spaces, \\" and \\\\'),
            ]
        ],
        Field(max_length=16, json_schema_extra=atomic()),
    ] = Field(default_factory=list)
    """What the token is wanted for."""
    audience: Annotated[str, Field(min_length=1, max_length=1024), _PRINTABLE] | None = None
    """For whom the token is wanted, where the token endpoint asks for that."""
    tls: Authority | None = None
    """Own certificate authority of the token endpoint; without it the system's are trusted."""


class SigV4(Model):
    """AWS Signature Version 4, as Amazon Managed Service for Prometheus wants it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.accessKey) == has(self.secretKey)", "accessKey and secretKey need each other"),
            ("!has(self.sessionToken) || has(self.accessKey)", "sessionToken needs accessKey and secretKey"),
        )
    )

    region: Annotated[
        str,
        Field(min_length=1, max_length=32),
        Pattern("^[a-z0-9-]+$", "must be an AWS region such as eu-central-1"),
    ]
    """Region of the workspace."""
    service: Annotated[
        str,
        Field(min_length=1, max_length=32),
        Pattern("^[a-z0-9-]+$", "must be the signing name of an AWS service such as aps"),
    ] = "aps"
    """Signing name of the service."""
    access_key: SecretKeyRef | None = None
    """Where the access key is; without it the operator's own AWS identity signs, for a ClusterMetricSource only."""
    secret_key: SecretKeyRef | None = None
    """Where the secret access key is."""
    session_token: SecretKeyRef | None = None
    """Where the session token is, if the keys are temporary."""


class Auth(Model):
    """How the operator proves who it is; exactly one way."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.bearer), has(self.basic), has(self.oauth2), has(self.sigV4)].filter(x, x).size() == 1",
                "set exactly one of auth.bearer, auth.basic, auth.oauth2 and auth.sigV4",
            ),
        )
    )

    bearer: SecretKeyRef | None = None
    """Send the key's value as a bearer token; re-read when the Secret changes."""
    basic: BasicAuth | None = None
    """Send a user name and password."""
    oauth2: OAuth2 | None = None
    """Ask for an access token with a client's name and secret, and send that."""
    sig_v4: Annotated[SigV4 | None, Field(alias="sigV4")] = None
    """Sign each query with AWS keys."""


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
    value: Annotated[str, Field(max_length=1024), _PRINTABLE] | None = None
    """Its value, in the open."""
    value_from: SecretKeyRef | None = None
    """Its value, from a Secret."""
