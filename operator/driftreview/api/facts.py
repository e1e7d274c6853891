"""Facts: what the cluster says of itself at one look, frozen beside the samples."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from driftreview.api.alerts import AlertsFact
from driftreview.api.base import Identifier, Model, Time, atomic, list_map
from driftreview.api.checkpoint import Hash
from driftreview.api.configuration import ConfigurationFact, DeploymentFact
from driftreview.api.elsewhere import EvidenceFact
from driftreview.api.flag import FlagFact
from driftreview.api.incident import MOST_INCIDENTS, Incident
from driftreview.api.inventory import InventoryFact
from driftreview.api.observability import ObservabilityFact
from driftreview.api.preflight import Findings
from driftreview.api.reasons import Reason


class FactProblem(Model):
    """Something that could not be read."""

    about: Annotated[str, Field(max_length=253)]
    """What: the section, and the name in it, such as contracts/event-store."""
    reason: Reason
    """In a word."""
    message: Annotated[str, Field(max_length=1024)]
    """In a sentence."""


class ContractFact(Model):
    """A contract as it stood."""

    name: Identifier
    """The contract."""
    hash: Hash | None = None
    """SHA-256 of what it is made of; absent where it was not there, or could not be read."""


class Facts(Model):
    """What the cluster said at one look."""

    taken_at: Time
    """When the API server was asked: it keeps no past."""
    deployment: DeploymentFact | None = None
    """The release as it runs."""
    configuration: ConfigurationFact | None = None
    """How it is set up."""
    inventory: InventoryFact | None = None
    """The services beside it; absent where none was asked for."""
    contracts: Annotated[list[ContractFact], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One for each declared contract."""
    flags: Annotated[list[FlagFact], Field(max_length=30, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One for each declared flag."""
    preflight: Findings = Field(default_factory=list)
    """What was not in order before T0, and is a risk; at T0 only."""
    alerts: AlertsFact | None = None
    """Which alerts fired, where alerts are declared."""
    observability: ObservabilityFact | None = None
    """What of the release can be seen; absent where the source could not be asked."""
    incidents: Annotated[list[Incident], Field(max_length=MOST_INCIDENTS, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What happened to the judged pods since the look before, at T0 since the warm-up began; the latest first."""
    evidence: Annotated[list[EvidenceFact], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One for each file that was read."""
    problems: Annotated[list[FactProblem], Field(max_length=200, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What could not be read: it is unknown, not absent."""
