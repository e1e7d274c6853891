"""Contracts: what must be the same at every look as it was at T0."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from driftreview.api.base import DnsName, Identifier, Model, SecretKey, rules
from driftreview.api.signal import Mode


class ConfigMapPart(Model):
    """A ConfigMap of the review's namespace, whole or one key of it."""

    name: DnsName
    """Its name."""
    key: SecretKey | None = None
    """One of its keys, such as openapi.yaml; by default all of its data."""


class ContractFrom(Model):
    """Where a contract stands. Exactly one of these."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.configMap), has(self.service), has(self.customResourceDefinition)].filter(x, x).size() == 1",
                "must name exactly one of configMap, service and customResourceDefinition",
            )
        )
    )

    config_map: ConfigMapPart | None = None
    """Its data, such as a schema or an OpenAPI document."""
    service: DnsName | None = None
    """The type and ports of a Service of the review's namespace."""
    custom_resource_definition: DnsName | None = None
    """The names, scope and versions (with their schemas) of a CustomResourceDefinition."""


class Contract(Model):
    """An interface that others rely on: it must hash the same as at T0."""

    name: Identifier
    """Its name in this review."""
    from_: ContractFrom = Field(alias="from")
    """Where it stands."""
    mode: Mode = Mode.ENFORCE
    """Enforce (a change holds the review) or Shadow (a change is only said)."""
