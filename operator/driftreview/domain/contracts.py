"""Contracts: what of an object is one, and whether it is as it was at T0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from driftreview.api.contract import Contract
from driftreview.api.facts import Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.checks import CheckResult, problem_with
from driftreview.domain.display import short_hash
from driftreview.domain.evidence import content_hash

Raw = Mapping[str, Any]

SECTION: Final = "contracts"
_SERVICE: Final = ("type", "ports", "externalName")
_PORT: Final = ("name", "protocol", "appProtocol", "port", "targetPort")
_DEFINITION: Final = ("group", "names", "scope")
_VERSION: Final = ("name", "served", "storage", "schema", "subresources")


def config_map_hash(raw: Raw, key: str | None) -> str | None:
    """Hash of a ConfigMap's data, or of one key of it; None if it has no such key."""
    data = {**(raw.get("data") or {}), **(raw.get("binaryData") or {})}
    if key is None:
        return content_hash(data)
    return content_hash(data[key]) if key in data else None


def service_hash(raw: Raw) -> str:
    """Hash of what others see of a Service: its type and ports, not where the cluster put it."""
    spec = raw["spec"]
    seen = {name: spec[name] for name in _SERVICE if name in spec}
    ports = [{name: port[name] for name in _PORT if name in port} for port in spec.get("ports") or []]
    return content_hash(seen | {"ports": sorted(ports, key=lambda port: (port["port"], port.get("protocol", "")))})


def definition_hash(raw: Raw) -> str:
    """Hash of the names, scope and versions of a CustomResourceDefinition."""
    spec = raw["spec"]
    versions = [{name: version[name] for name in _VERSION if name in version} for version in spec["versions"]]
    return content_hash({name: spec[name] for name in _DEFINITION} | {"versions": versions})


def check_contract(contract: Contract, at_t0: Facts, now: Facts) -> CheckResult:
    """Whether a contract is as it was at T0. One that was not there at T0 may not be there now either."""
    before, after = (_hash(contract.name, facts) for facts in (at_t0, now))
    for when, facts in (("at T0", at_t0), ("now", now)):
        problem = problem_with(facts, SECTION, contract.name)
        if problem is not None and problem.reason is not Reason.NOT_FOUND:
            return _said(contract, CheckVerdict.UNKNOWN, f"it could not be read {when}: {problem.message}")
    if before == after:
        verdict = CheckVerdict.HELD if before else CheckVerdict.UNKNOWN
        return _said(contract, verdict, "as at T0" if before else "it was not there at T0, and is not there now")
    if after is None:
        return _said(contract, CheckVerdict.BROKEN, "it was there at T0 and is not there any more")
    if before is None:
        return _said(contract, CheckVerdict.BROKEN, "it was not there at T0 and is there now")
    short = f"{short_hash(before)} at T0, {short_hash(after)} now"
    return _said(contract, CheckVerdict.BROKEN, f"it has changed since T0 ({short}): who relies on it must agree")


def _said(contract: Contract, verdict: CheckVerdict, message: str) -> CheckResult:
    return CheckResult(SECTION, contract.name, verdict, message, counts=contract.mode is Mode.ENFORCE)


def _hash(name: str, facts: Facts) -> str | None:
    return next((each.hash for each in facts.contracts if each.name == name), None)
