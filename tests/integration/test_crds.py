import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings

from driftreview.api.base import VALIDATIONS
from driftreview.api.crd import RESOURCES
from driftreview.api.driftreview import DriftReview
from driftreview.lint.budget import Budget
from driftreview.lint.finding import Severity
from driftreview.lint.objects import read
from driftreview.lint.yamltree import documents, tree
from lab import Lab
from lab.web import wait_until
from tests.crd_walk import BY_KIND, Node, all_nodes, rules
from tests.integration.crd_bounds import BROKEN, Bound, bounds
from tests.integration.crd_refusals import CHANGES, REFUSALS, Change, Refusal
from tests.integration.crd_samples import (
    BETWEEN,
    CHAIN,
    CHAINABLE,
    EXTEND,
    FROZEN,
    LONGER,
    MEMBER,
    MINIMAL_REVIEW,
    ODD,
    PROMOTING,
    REBASELINE,
    REBASELINED,
    REVIEW,
    SNAPSHOT,
    SPECS,
    STATUS,
    STEPS,
    WAITING,
    made,
    merged,
)
from tests.integration.crd_server import Refused, Server
from tests.support.changes import changed

pytestmark = pytest.mark.integration
_CHAINS = {"policy": {"onNewRevision": "Chain"}}
_ANEW = {
    **dict.fromkeys(("t0", "target", "judged", "previous", "baseline")),
    "phase": "Pending",
    "checkpoints": [],
    "members": [{name: MEMBER[name] for name in ("kind", "name", "kept")}],
}
_REJECT = {
    "recommendation": "REJECT",
    "reason": "SignalDegraded",
    "message": "it is bad",
    "by": "checkpoint 1h",
    "at": "2026-01-05T09:12:00Z",
}
CRDS = Path(__file__).parents[2] / "crds"
NAMES = [f"crd/{resource.plural}.driftreview.dev" for resource in RESOURCES]


@pytest.fixture(scope="module")
def cluster(lab_session: Lab) -> Lab:
    lab_session.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    lab_session.kubectl("wait", "--for=condition=Established", "--timeout=30s", *NAMES)
    return lab_session


@pytest.fixture(scope="module")
def server(cluster: Lab) -> Iterator[Server]:
    server = Server(cluster.kubeconfig, f"crds-{uuid.uuid4().hex[:8]}")

    def accepted() -> dict[str, Any] | None:  # a fresh kind is served a moment after it is established
        answers = [server.create(made(kind, specs[-1])) for kind, specs in SPECS.items()]
        return {} if all(isinstance(answer, dict) for answer in answers) else None

    try:
        wait_until(lambda: accepted() is not None or None, "the new kinds are served")
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def stored(server: Server) -> Server:
    for kind, name, spec in (
        ("DriftReview", "started", REVIEW),
        ("DriftReview", "ended", REVIEW),
        ("DriftReview", "pending", REVIEW),
        ("DriftReview", "fresh", REVIEW),
        ("DriftReview", "promoting", REVIEW),
        ("DriftReview", "chainable", merged(REVIEW, _CHAINS)),
        ("DriftReview", "rejected", merged(REVIEW, _CHAINS)),
        ("DriftReview", "between", merged(REVIEW, _CHAINS)),
        ("DriftReview", "freezing", REVIEW),
        ("DriftReview", "frozen", merged(REVIEW, _CHAINS)),
        ("DriftApproval", "started", EXTEND),
        ("DriftSnapshot", "started", SNAPSHOT),
    ):
        assert isinstance(server.create(made(kind, spec, name), store=True), dict)
    for name, status in (
        ("started", STATUS),
        ("ended", {"phase": "Promoted", "t0": STATUS["t0"]}),
        ("pending", WAITING),
        ("fresh", REBASELINED),
        ("promoting", PROMOTING),
        ("chainable", CHAINABLE),
        ("rejected", CHAINABLE | {"decision": _REJECT}),
        ("between", BETWEEN),
        ("freezing", {name: value for name, value in FROZEN.items() if name != "baseline"}),
        ("frozen", FROZEN),
    ):
        assert isinstance(server.patch("DriftReview", name, {"status": status}, status=True, store=True), dict)
    return server


def test_the_crds_are_structural_and_established(cluster: Lab) -> None:
    for item in json.loads(cluster.kubectl("get", *NAMES, "-o", "json"))["items"]:
        conditions = {condition["type"]: condition["status"] for condition in item["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}, item["metadata"]["name"]


def test_the_crds_fit_the_cost_budget_of_older_servers_too(cluster: Lab) -> None:
    # Before Kubernetes 1.34 the estimate did not know maxLength beside int-or-string.
    def forget(schema: Any) -> Any:
        if isinstance(schema, list):
            return [forget(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        drop = {"maxLength"} if schema.get("x-kubernetes-int-or-string") else set()
        return {key: forget(value) for key, value in schema.items() if key not in drop}

    for path in CRDS.glob("*.yaml"):
        text = json.dumps(forget(yaml.safe_load(path.read_text(encoding="utf-8"))))
        options = ("--server-side", "--force-conflicts", "--dry-run=server")
        said = cluster.kubectl("apply", *options, "-f", "-", input=text)
        assert f"/{path.stem}.driftreview.dev serverside-applied" in said


@pytest.mark.parametrize(("kind", "spec"), [(kind, spec) for kind, specs in SPECS.items() for spec in specs])
def test_every_sample_is_accepted(server: Server, kind: str, spec: dict[str, Any]) -> None:
    assert isinstance(server.create(made(kind, spec)), dict)


@pytest.mark.parametrize("patch", ODD, ids=str)
def test_what_looks_odd_but_is_right_is_accepted(server: Server, patch: dict[str, Any]) -> None:
    assert isinstance(server.create(made("DriftReview", merged(REVIEW, patch))), dict)


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.id)
def test_bad_input_is_refused_with_its_field_and_the_fix(server: Server, case: Refusal) -> None:
    answer = server.create(made(case.kind, merged(SPECS[case.kind][0], case.patch)))
    assert isinstance(answer, Refused)
    assert answer.says(case.path, case.message), answer.message
    assert "evaluating rule" not in answer.message, "another rule could not be evaluated"


@pytest.mark.parametrize("bound", list(bounds()), ids=str)
def test_every_bound_holds(server: Server, bound: Bound) -> None:
    answer = server.create(made(bound.kind, bound.broken_spec()))
    assert isinstance(answer, Refused)
    assert answer.says(bound.path, bound.message), answer.message


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.id)
def test_what_is_fixed_cannot_be_changed(stored: Server, case: Change) -> None:
    answer = stored.patch(case.kind, case.of, case.patch, status=case.status)
    assert isinstance(answer, Refused)
    assert answer.says(case.path, case.message), answer.message


@pytest.mark.parametrize(
    ("name", "patch", "status"),
    [
        ("started", {"spec": {"suspend": True}}, False),
        ("started", {"metadata": {"labels": {"a": "b"}}}, False),
        ("started", {"spec": {"window": {"t0": "2026-01-05T08:00:00Z"}}}, False),  # the same moment, spelt otherwise
        ("started", {"status": {"t0": "2026-01-05T10:10:00+02:00", "phase": "RolledBack"}}, True),
        ("started", {"status": {"act": {"appliedAt": "2026-01-05T09:13:00Z"}}}, True),
        ("started", {"status": {"checkpoints": [STATUS["checkpoints"][0] | {"verdict": "Drift"},
                                               STATUS["checkpoints"][1]]}}, True),
        ("pending", {"spec": {"target": {"name": "other"}}}, False),
        ("pending", {"status": {"t0": STATUS["t0"], "checkpoints": STATUS["checkpoints"]}}, True),
        ("started", {"spec": {"policy": {"approval": {"approvals": 1}}}}, False),
        ("started", {"status": {"approvals": [*STATUS["approvals"], REBASELINE | {"counted": False}]}}, True),
        ("started", {"status": {"checkpoints": [*STATUS["checkpoints"], {"name": "30h", "due": "2026-01-06T14:10:00Z"}],
                                "approvals": [*STATUS["approvals"], LONGER]}}, True),
        ("fresh", {"status": {"phase": "Pending", "t0": None, "checkpoints": [], "retaken": 1,
                              "approvals": [REBASELINE]}}, True),
        ("chainable", {"status": BETWEEN}, True),
        ("between", {"status": CHAINABLE | {"t0": "2026-01-05T08:40:00Z"}}, True),
        ("freezing", {"status": {"baseline": FROZEN["baseline"], "previous": None,
                                 "members": [merged(MEMBER, {"previous": None, "kept": None})]}}, True),
        ("frozen", {"status": {"members": [MEMBER | {"check": None}], "summary": "all is well"}}, True),
        ("frozen", {"status": _ANEW | {"retaken": 1, "approvals": [REBASELINE]}}, True),
        ("frozen", {"status": _ANEW | BETWEEN}, True),
        ("ended", {"status": {"phase": "Promoted", "summary": "all is well"}}, True),
        ("promoting", {"status": {"act": {"steps": [STEPS[0], STEPS[1] | {"uid": "8", "appliedAt": STATUS["t0"]}]}}},
         True),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_change_can(stored: Server, name: str, patch: dict[str, Any], status: bool) -> None:  # noqa: FBT001
    assert isinstance(stored.patch("DriftReview", name, patch, status=status), dict)


def test_what_somebody_left_out_of_a_status_does_not_keep_the_operator_from_writing_it(server: Server) -> None:
    chained = CHAINABLE | {"chain": CHAIN}
    spec = merged(REVIEW, _CHAINS)
    forged = [
        (path, left) for status in (STATUS, PROMOTING, WAITING, FROZEN, chained) for path, left in _without_one(status)
    ]
    taken = set()
    for index, (path, status) in enumerate(forged):
        name = f"forged-{index}"
        assert isinstance(server.create(made("DriftReview", spec, name), store=True), dict)
        found = server.patch("DriftReview", name, {"status": status}, status=True, store=True)
        if isinstance(found, Refused):
            continue
        taken.add(path)
        written = DriftReview.model_validate(found).status.to_wire()
        answer = server.patch("DriftReview", name, {"status": written}, status=True)
        assert isinstance(answer, dict), (path, answer)
    assert {".act.steps", ".act.pause", ".act.steps.0.uid", ".approvals", ".checkpoints", ".chain"} <= taken


def _without_one(status: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of a status that is there, and the status without it."""
    for key in status if isinstance(status, dict) else range(len(status)) if isinstance(status, list) else ():
        where = f"{path}.{key}"
        if isinstance(status, dict):
            yield where, {name: value for name, value in status.items() if name != key}
        for inner, left in _without_one(status[key], where):
            whole = status.copy()
            whole[key] = left
            yield inner, whole


def test_labels_of_evidence_may_change(stored: Server) -> None:
    patch = {"metadata": {"labels": {"a": "b"}}}
    assert isinstance(stored.patch("DriftSnapshot", "started", patch), dict)


def test_a_change_of_the_status_does_not_come_in_with_the_spec(stored: Server) -> None:
    answer = stored.patch("DriftReview", "started", {"status": {"phase": "Promoted"}})
    assert isinstance(answer, dict)
    assert answer["status"]["phase"] == "RollingBack"


def test_every_rule_has_a_case_that_it_refuses() -> None:
    cases: list[Refusal | Change | Bound] = [*REFUSALS, *CHANGES, *bounds()]
    seen: dict[tuple[str, str], set[str]] = {}
    for case in cases:
        seen.setdefault((case.kind, re.sub(r"\[\d+]", "[]", case.path)), set()).add(case.message)
    missing = [rule for rule in rules() if not any(words in rule[2] for words in seen.get(rule[:2], ()))]
    assert not missing


def test_an_unknown_field_is_refused_by_kubectl_apply(cluster: Lab, server: Server) -> None:
    text = json.dumps(made("DriftReview", MINIMAL_REVIEW | {"windwo": {}, "target": {"name": "app", "knid": "Job"}}))
    said = cluster.kubectl("apply", "--dry-run=server", "-n", server.namespace, "-f", "-", input=text, check=False)
    assert 'unknown field "spec.windwo"' in said
    assert 'unknown field "spec.target.knid"' in said


def test_defaults_of_the_models_and_of_the_crds_are_the_same(server: Server) -> None:
    for kind, specs in SPECS.items():
        sent = made(kind, specs[-1])
        answer = server.create(sent)
        assert isinstance(answer, dict)
        model: Any = BY_KIND[kind].model
        assert model.model_validate(answer).spec == model.model_validate(sent).spec, kind


def test_what_a_model_writes_is_accepted_and_read_back(server: Server) -> None:
    for kind, specs in SPECS.items():
        model: Any = BY_KIND[kind].model
        for spec in specs:
            read = model.model_validate(made(kind, spec))
            answer = server.create(made(kind, read.spec.to_wire()))
            assert isinstance(answer, dict)
            assert model.model_validate(answer).spec == read.spec, kind


def test_kubectl_explains_a_signal(cluster: Lab, server: Server) -> None:
    assert server.namespace

    def explained(path: str, words: str) -> bool | None:  # the OpenAPI documents follow a little later
        return words in re.sub(r"\s+", " ", cluster.kubectl("explain", path, check=False)) or None

    wait_until(
        lambda: explained("driftreview.spec.signals", "One query and how its answer is judged."), "kubectl explains it"
    )
    wait_until(lambda: explained("drv.spec.window.grace", "How long after the rollback window"), "kubectl explains it")


def test_kubectl_lists_by_short_name_and_category(cluster: Lab, stored: Server) -> None:
    def get(*what: str) -> str:
        return cluster.kubectl("get", *what, "-n", stored.namespace)

    assert get("drv").split("\n")[0].split() == (
        ["NAME", "TARGET", "REVISION", "PHASE", "CHECKPOINTS", "VERDICT", "RECOMMENDATION", "NEXT", "LEFT", "AGE"]
    )
    assert get("dsnap").split("\n")[0].split() == ["NAME", "REVIEW", "CHECKPOINT", "WINDOW", "END", "AGE"]
    assert get("driftreview", "started").split("\n")[1].split()[:4] == [
        "started",
        "perps-bot",
        "084055d",
        "RollingBack",
    ]
    everything = get("drift")
    assert "driftreview.driftreview.dev/started" in everything
    assert "driftsnapshot.driftreview.dev/started" in everything
    cluster.kubectl("get", "msrc,cmsrc", "-A")


def test_the_end_of_the_rollback_window_is_shown_only_while_a_rollback_is_possible(
    cluster: Lab, stored: Server
) -> None:
    closes = "2026-01-07T08:40:00Z"
    rollback = {"possible": True, "closesAt": closes, "lastSafeMoment": closes, "reason": "Possible", "until": closes}
    for change in ({}, {"possible": False, "reason": "WindowClosed", "until": None}):
        patch = {"status": {"rollback": rollback | change}}
        assert isinstance(stored.patch("DriftReview", "pending", patch, status=True, store=True), dict)
        shown = cluster.kubectl("get", "drv", "pending", "-n", stored.namespace, "-o", "wide")
        assert "ROLLBACK UNTIL" in shown
        assert (closes in shown) is (not change), shown


def test_every_place_with_a_bound_is_in_a_sample() -> None:
    found = {bound.node for bound in bounds()}
    bounded = {str(node) for node in all_nodes() if node.path[:1] == ("spec",) and _bounded(node)}
    assert bounded - found == set()


def _bounded(node: Node) -> bool:
    patterns = any(re.match(BROKEN, rule["rule"]) for rule in node.schema.get(VALIDATIONS, []))
    return patterns or bool({"enum", "pattern", "maxLength", "maxItems", "minimum", "required"} & node.schema.keys())


@given(changed())
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lint_refuses_exactly_what_the_server_refuses(server: Server, document: dict[str, Any]) -> None:
    data = yaml.safe_dump(document).encode()
    told = read(data)
    found = {each.path for each in told.findings if each.severity is Severity.ERROR}
    assume(not any(each.check == "yaml" for each in told.findings))  # such as NaN, which is no JSON
    (sent,) = (tree(each, Budget())[0].plain() for each in documents(data))  # as kubectl sends it: 2.0 as 2
    answer = server.create(sent)
    assume(
        not isinstance(answer, Refused) or "ValidatingAdmissionPolicy" not in answer.message
    )  # who asks, no file knows
    assert isinstance(answer, Refused) is bool(found), answer
    if isinstance(answer, Refused):
        assert {cause["field"] for cause in answer.causes} - {"<nil>", ""} <= found
