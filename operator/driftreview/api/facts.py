"""Facts: what the cluster says of itself at one look, frozen beside the samples."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from driftreview.api.base import Identifier, Model, Time, atomic, list_map
from driftreview.api.elsewhere import EvidenceFact
from driftreview.api.reasons import Reason
from driftreview.api.status import Hash


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
    contracts: Annotated[list[ContractFact], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One for each declared contract."""
    evidence: Annotated[list[EvidenceFact], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One for each file that was read."""
    problems: Annotated[list[FactProblem], Field(max_length=200, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What could not be read: it is unknown, not absent."""
