"""Reads contracts as they stand."""

from __future__ import annotations

from functools import partial

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, SERVICES
from driftreview.api.contract import Contract
from driftreview.api.facts import ContractFact
from driftreview.api.reasons import Reason
from driftreview.domain.contracts import SECTION, config_map_hash, definition_hash, service_hash


def read_contract(reader: FactReader, contract: Contract) -> ContractFact:
    """One contract as it stands now."""
    about, place = f"{SECTION}/{contract.name}", contract.from_
    found: str | None = None
    if place.config_map is not None:
        name, key = place.config_map.name, place.config_map.key
        noted = len(reader.problems)
        found = reader.read(about, CONFIG_MAPS, name, partial(config_map_hash, key=key))
        if found is None and len(reader.problems) == noted:
            reader.note(about, Reason.NOT_FOUND, f"configmaps/{name} has no key {key}")
    elif place.service is not None:
        found = reader.read(about, SERVICES, place.service, service_hash)
    elif place.custom_resource_definition is not None:
        found = reader.read(about, CUSTOM_RESOURCE_DEFINITIONS, place.custom_resource_definition, definition_hash)
    return ContractFact(name=contract.name, hash=found)
