"""Contracts: what of an object is one, and what a change of it makes of a checkpoint."""

from typing import Any

import pytest

from driftreview.api.contract import Contract
from driftreview.api.facts import ContractFact, FactProblem, Facts
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict
from driftreview.domain.checks import CheckResult, deciding_check, with_checks
from driftreview.domain.contracts import check_contract, config_map_hash, definition_hash, service_hash
from driftreview.domain.expected import check_facts
from driftreview.domain.finding import Finding
from driftreview.domain.result import CheckpointResult, SignalResult
from tests import builders
from tests.builders import review, signal

HELD, BROKEN, UNKNOWN = CheckVerdict.HELD, CheckVerdict.BROKEN, CheckVerdict.UNKNOWN

PORT = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}
SERVICE: dict[str, Any] = {"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": [PORT]}}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
DEFINITION: dict[str, Any] = {
    "spec": {"group": "example.org", "names": {"kind": "Order"}, "scope": "Namespaced", "versions": [VERSION]},
    "status": {"storedVersions": ["v1"]},
}


def contract(**fields: Any) -> Contract:
    return Contract.model_validate({"name": "store", "from": {"configMap": {"name": "schema"}}} | fields)


def facts(value: str | None, *problems: FactProblem) -> Facts:
    found = None if value is None else f"sha256:{value * 64}"
    return Facts(taken_at=builders.T0, contracts=[ContractFact(name="store", hash=found)], problems=list(problems))


def problem(reason: Reason) -> FactProblem:
    return FactProblem(about="contracts/store", reason=reason, message="because")


def test_a_config_map_is_its_data_and_not_its_metadata() -> None:
    raw = {"metadata": {"resourceVersion": "1"}, "data": {"a": "1"}, "binaryData": {"b": "MQ=="}}
    assert config_map_hash(raw, None) == config_map_hash(raw | {"metadata": {"resourceVersion": "2"}}, None)
    assert config_map_hash(raw, None) != config_map_hash(raw | {"data": {"a": "2"}}, None)
    assert config_map_hash({}, None) == config_map_hash({"data": None}, None)


def test_a_key_of_a_config_map_is_that_key_alone() -> None:
    assert config_map_hash({"data": {"a": "1", "b": "2"}}, "a") == config_map_hash({"data": {"a": "1"}}, "a")
    assert config_map_hash({"data": {"b": "2"}}, "a") is None


def test_a_service_is_its_type_and_ports_in_any_order() -> None:
    more = PORT | {"port": 443, "name": "https"}
    both = {"spec": {"type": "ClusterIP", "ports": [PORT, more]}}
    assert service_hash(SERVICE) == service_hash({"spec": SERVICE["spec"] | {"clusterIP": "10.0.0.2"}})
    assert service_hash(both) == service_hash({"spec": both["spec"] | {"ports": [more, PORT]}})
    assert len({service_hash(each) for each in (SERVICE, both, {"spec": {"type": "ExternalName"}})}) == 3


def test_a_definition_is_its_names_and_versions() -> None:
    changed = DEFINITION["spec"] | {"versions": [VERSION | {"schema": {"openAPIV3Schema": {"type": "string"}}}]}
    assert definition_hash(DEFINITION) == definition_hash(DEFINITION | {"status": {}})
    assert definition_hash(DEFINITION) != definition_hash({"spec": changed})


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"),
    [
        (facts("a"), facts("a"), CheckVerdict.HELD, "as at T0"),
        (facts("a"), facts("b"), CheckVerdict.BROKEN, "changed since T0 (aaaaaaaaaaaa at T0, bbbbbbbbbbbb now)"),
        (facts("a"), facts(None, problem(Reason.NOT_FOUND)), CheckVerdict.BROKEN, "not there any more"),
        (facts(None, problem(Reason.NOT_FOUND)), facts("a"), CheckVerdict.BROKEN, "is there now"),
        (facts(None), facts(None), CheckVerdict.UNKNOWN, "not there at T0"),
        (facts("a"), facts(None, problem(Reason.FORBIDDEN)), CheckVerdict.UNKNOWN, "could not be read now: because"),
        (facts(None, problem(Reason.TIMEOUT)), facts("a"), CheckVerdict.UNKNOWN, "could not be read at T0"),
    ],
)
def test_a_contract_holds_only_if_it_is_known_to_be_the_same(
    before: Facts, after: Facts, verdict: CheckVerdict, said: str
) -> None:
    found = check_contract(contract(), before, after)
    assert found.verdict is verdict
    assert said in found.message


@pytest.mark.parametrize("known", [(None, None), (facts("a"), None), (None, facts("a"))])
def test_what_nobody_recorded_is_unknown(known: tuple[Facts | None, Facts | None]) -> None:
    (found,) = check_facts(review(contracts=[contract()]).spec, *known)
    assert found.verdict is CheckVerdict.UNKNOWN


def check(verdict: CheckVerdict, *, counts: bool = True) -> CheckResult:
    return CheckResult("contracts", "store", verdict, "because", counts=counts)


@pytest.mark.parametrize(
    ("measured", "found", "verdict"),
    [
        (Verdict.PASS, CheckVerdict.HELD, Verdict.PASS),
        (Verdict.PASS, CheckVerdict.BROKEN, Verdict.HOLD),
        (Verdict.PASS, CheckVerdict.UNKNOWN, Verdict.INCONCLUSIVE),
        (Verdict.INCONCLUSIVE, CheckVerdict.BROKEN, Verdict.HOLD),
        (Verdict.HOLD, CheckVerdict.UNKNOWN, Verdict.HOLD),
        (Verdict.DRIFT, CheckVerdict.BROKEN, Verdict.DRIFT),
        (Verdict.DRIFT, CheckVerdict.UNKNOWN, Verdict.DRIFT),
    ],
)
def test_a_check_holds_back_and_never_rolls_back(measured: Verdict, found: CheckVerdict, verdict: Verdict) -> None:
    assert with_checks(measured, [check(found)]) is verdict
    assert with_checks(measured, [check(found, counts=False)]) is measured
    if verdict is not measured:
        assert deciding_check(verdict, [check(CheckVerdict.HELD), check(found)]) == check(found)


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        (
            SignalVerdict.STABLE,
            "contracts/a is Broken (also Broken: contracts/b; Unknown: contracts/c): x; contracts/b is Broken: x; all ",
        ),
        (
            SignalVerdict.DEGRADED,
            "latency is Degraded (also Broken: contracts/a, contracts/b; Unknown: contracts/c): y; contracts/a is ",
        ),
    ],
)
def test_every_check_that_does_not_hold_is_named(verdict: SignalVerdict, message: str) -> None:
    found = [
        CheckResult("contracts", name, each, "x", counts=name != "d")
        for name, each in (("a", BROKEN), ("b", BROKEN), ("c", UNKNOWN), ("d", BROKEN), ("e", HELD))
    ]
    judged = SignalResult(signal("latency"), Finding(verdict, None, "y"))
    assert CheckpointResult.of([judged], found).message.startswith(message)


@pytest.mark.parametrize(("mode", "counts"), [("Enforce", True), ("Shadow", False)])
def test_what_nothing_is_known_of_counts_by_its_mode(mode: str, *, counts: bool) -> None:
    flag = {"name": "cli", "from": {"env": {"name": "CLI"}}, "expect": "Present", "mode": mode}
    spec = review(
        contracts=[contract(mode=mode)], flags=[flag], alerts={"match": "{}", "heartbeat": "Dog", "mode": mode}
    ).spec
    found = check_facts(spec, None, None)
    assert {each.section for each in found} == {"contracts", "flags", "alerts"}
    assert {each.counts for each in found} == {counts}
