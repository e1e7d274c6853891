"""Freezes, approvals that expire, overrides and the emergency stop, with real users and the real controllers."""

import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from driftreview.cli.app import app
from lab import Lab
from lab.install import SYSTEM, OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.integration.test_operator_approvals import Person, bind, records
from tests.support.cluster import Api, Raw
from tests.support.faultproxy import Canned, Fault, FaultProxy, failure
from tests.support.stage import NAME, THE_ACT, Stage, ago, condition, stepping, wire

pytestmark = pytest.mark.integration
STOP = "driftreview-stop"
_RBAC = "rbac.authorization.k8s.io"


def local(moment: datetime) -> str:
    """As freezes are written, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def freeze(end: datetime, **fields: Any) -> Raw:
    return {"name": "quiet", "reason": "few people", "start": local(ago(hours=1)), "end": local(end)} | fields


def soon(**length: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**length)


def person(stage: Stage, name: str) -> Person:
    """A user with the Role of the documentation."""
    bind(stage, {"kind": "User", "apiGroup": _RBAC, "name": name})
    return Person(name, stage.api.impersonating(name), stage)


def may_override(stage: Stage, name: str, *reviews: str) -> None:
    """Give the right of its own, for these reviews."""
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": {"name": "overrider"}}
    rule = {"apiGroups": ["driftreview.dev"], "resources": ["driftreviews"], "verbs": ["override"]}
    stage.api.create(role | {"rules": [rule | {"resourceNames": list(reviews)}]}, stage.namespace)
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "overrider"},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "overrider"},
        "subjects": [{"kind": "User", "apiGroup": _RBAC, "name": name}],
    }
    stage.api.create(binding, stage.namespace)


def reason(status: Raw) -> str:
    found: str = condition(status, "Reconciling").get("reason", "")
    return found


@pytest.mark.usefixtures("operator")
class TestFreeze:
    def test_a_decided_promotion_waits_and_goes_on_by_itself_at_its_end(self, stage: Stage) -> None:
        stage.release("1", "2")
        opens = soon(seconds=25)
        stage.review(policy={"freezes": [freeze(opens)]})
        status = stage.until(lambda found: reason(found) == "Frozen", "it is frozen")
        assert (status["phase"], "act" in status) == ("Holding", False)
        said = f"; promotions are frozen until {wire(opens)} by quiet (few people); it is done then"
        assert status["summary"].endswith(said)
        assert status["freeze"] == {"closed": True, "reason": "quiet (few people)", "nextOpen": wire(opens)}
        status = stage.ended(90)
        assert (status["phase"], "freeze" in status) == ("Promoted", False)
        assert status["act"]["intentAt"] >= wire(opens)
        assert status["act"]["intentAt"] < wire(opens + timedelta(seconds=30)), "not after a look around each minute"

    def test_one_that_is_lifted_keeps_nothing_back_any_more(self, stage: Stage) -> None:
        stage.release("1", "2")
        stage.review(policy={"freezes": [freeze(soon(days=60))]})
        stage.until(lambda found: reason(found) == "Frozen", "it is frozen")
        stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"policy": {"freezes": []}}})
        assert stage.ended()["phase"] == "Promoted"

    def test_a_drift_is_rolled_back_in_it(self, stage: Stage) -> None:
        stage.release("1", "2")
        t0 = ago(minutes=30)
        stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)], policy={"freezes": [freeze(soon(days=60))]})
        status = stage.ended()
        assert (status["phase"], stage.version()) == ("RolledBack", "1")

    def test_one_that_never_begins_is_refused_with_its_place(self, stage: Stage) -> None:
        stage.release("1", "2")
        never = freeze(soon(days=1), recurrence="FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
        stage.review(policy={"freezes": [never]})
        message = stage.refused("InvalidSpec")
        assert message.startswith(
            "spec.policy.freezes[0].recurrence: freeze quiet: 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30' "
        )
        assert "never begins after start" in message


@pytest.mark.usefixtures("operator")
class TestApprovals:
    def test_who_has_the_right_promotes_alone_and_in_a_freeze_and_who_has_not_is_told(self, stage: Stage) -> None:
        stage.release("1", "2")
        rule = {"approval": {"type": "Manual", "approvals": 2}, "freezes": [freeze(soon(days=60))]}
        stage.review(policy=rule)
        jane, ann = person(stage, "jane"), person(stage, "ann")
        may_override(stage, "ann", NAME)
        stage.until(lambda found: reason(found) == "ApprovalMissing", "it waits for people")
        answer = jane.tries("Override")
        assert answer.status == 403
        told = f"spec.type Override: jane may not override driftreviews/{NAME} in namespace {stage.namespace}: "
        assert told in answer.document["message"]
        assert jane.tries("Approve").status == 201

        def created() -> bool | None:
            return ann.tries("Override").status == 201 or None

        wait_until(created, "the right is known", 10)
        status = stage.ended()
        decision = status["decision"]
        assert (status["phase"], decision["reason"], decision["by"]) == ("Promoted", "Overridden", "ann")
        assert decision["message"].startswith("overridden by ann: ann says so; before: APPROVE, T0+18m: ")
        assert condition(status, "Ready")["reason"] == "Overridden"
        assert ("Override", "ann", True) in records(status)
        wait_until(lambda: "by a person with the right to override, ann" in _report(stage) or None, "the report", 20)

    def test_an_approval_that_is_too_old_counts_no_more(self, stage: Stage) -> None:
        stage.release("1", "2")
        stage.review(policy={"approval": {"type": "Manual", "approvals": 2, "expiresAfter": "1m"}})
        jane, joe = person(stage, "jane"), person(stage, "joe")
        stage.in_phase("Holding")
        jane.does("Approve")
        stage.until(lambda found: ("Approve", "jane", True) in records(found), "it counts")
        status = stage.until(lambda found: ("Approve", "jane", False) in records(found), "it expires", 150)
        assert status["approvals"][0]["why"].startswith("it expired at ")
        joe.does("Approve")
        lacks = "has 1 of 2 approvals (joe); 1 approval expired (jane): who still approves does so again"
        stage.until(lambda found: lacks in found["summary"], "it is said whose")
        jane.does("Approve")
        assert stage.ended()["phase"] == "Promoted"


def _report(stage: Stage) -> str:
    found = (
        stage.api.find("ConfigMap", f"{NAME}-report", stage.namespace) or {}
    )  # a review may end before it is written
    return str(found.get("data", {}).get("review.md", ""))


@pytest.fixture
def switch(api: Api) -> Iterator[Callable[[bool], None]]:
    """The emergency stop; nobody leaves it turned."""

    def turn(stopped: bool) -> None:  # noqa: FBT001 - a switch
        api.delete("ConfigMap", STOP, SYSTEM)
        if stopped:
            data = {"by": "jane", "reason": "the cluster\nis sick"}
            api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": STOP}, "data": data}, SYSTEM)

    yield turn
    api.delete("ConfigMap", STOP, SYSTEM)


def gauge(operator: OperatorProcess) -> str:
    with urllib.request.urlopen(f"{operator.url}/metrics", timeout=5) as answer:  # noqa: S310 - of this machine
        text = answer.read().decode()
    return next(line.split()[1] for line in text.splitlines() if line.startswith("driftreview_acts_stopped "))


def drifting(stage: Stage, **parts: Any) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(**{"window": {"t0": wire(t0)}, "signals": [stepping(t0)]} | parts)


class TestStop:
    def test_a_rollback_waits_through_a_kill_and_is_done_when_it_is_lifted(
        self, stage: Stage, operators: Operators, switch: Callable[[bool], None]
    ) -> None:
        switch(True)
        with operators.own() as operator:
            drifting(stage)
            status = stage.until(lambda found: reason(found) == "ActsStopped", "it waits")
            assert (status["phase"], status["decision"]["recommendation"], "act" in status) == (
                "Holding",
                "REJECT",
                False,
            )
            said = condition(status, "ActsStopped")
            assert (said["status"], said["reason"]) == ("True", "ActsStopped")
            assert f"by jane: the cluster\\nis sick (ConfigMap {SYSTEM}/{STOP})" in said["message"]
            assert condition(status, "Stalled")["message"] == said["message"]
            assert "; no act is done since " in status["summary"]
            assert float(gauge(operator)) == 1
            operator.kill()
            operators.restart(operator)
            wait_until(lambda: float(gauge(operator)) == 1 or None, "the next one knows it", 20)
            assert (stage.status()["phase"], stage.version()) == ("Holding", "2")
            switch(False)
            status = stage.ended()
            assert (status["phase"], stage.version()) == ("RolledBack", "1")
            assert condition(status, "ActsStopped") == {}
            assert float(gauge(operator)) == 0
            for each in ("all acts were stopped at", "acts are not stopped any more"):
                wait_until(lambda each=each: each in operator.log.read_text("utf-8"), f"it is logged: {each}")

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (failure(403), ("Unknown", "Forbidden", "cannot be read")),
            (failure(500), None),
            (Canned(200, b"<html>who are you?</html>", {"Content-Type": "text/html"}), None),
        ],
        ids=["403", "500", "malformed"],
    )
    def test_one_that_cannot_be_read_stops_all_acts_until_it_can(
        self,
        stage: Stage,
        operators: Operators,
        api_proxy: FaultProxy,
        answer: Canned,
        says: tuple[str, str, str] | None,
    ) -> None:
        with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
            stage.release("1", "2")
            t0 = ago(minutes=30)
            stage.review(window={"t0": wire(t0), "checkpoints": ["6h"]}, signals=[stepping(t0)])
            stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
            fault = api_proxy.add(Fault("GET", f"/{SYSTEM}/configmaps/{STOP}", answer=answer))
            person(stage, "jane").does("Reject")
            if says is None:  # nothing can be known, and of no answer nothing is made up
                wait_until(lambda: fault.hits >= 3 or None, "it was asked again and again", 40)
                assert condition(stage.status(), "ActsStopped") == {}
            else:
                status = stage.until(lambda found: reason(found) in ("ActsStopped", says[1]), "it waits", 40)
                said = condition(status, "ActsStopped")
                assert (said["status"], said["reason"]) == says[:2]
                assert f"ConfigMap {SYSTEM}/{STOP} {says[2]}" in said["message"]
            assert (stage.version(), api_proxy.count("PATCH", stage.namespace + THE_ACT)) == ("2", 0)
            api_proxy.remove(fault)
            status = stage.ended(60)
        assert (status["phase"], stage.version(), condition(status, "ActsStopped")) == ("RolledBack", "1", {})

    def test_the_window_that_closes_meanwhile_ends_it_and_that_is_said(
        self, stage: Stage, operators: Operators, switch: Callable[[bool], None]
    ) -> None:
        switch(True)
        with operators.own():
            stage.release("1", "2")
            t0 = ago(minutes=20)
            window = {"t0": wire(t0), "checkpoints": ["6m", "12m"], "rollback": "20m", "grace": "40s"}
            stage.review(window=window, signals=[stepping(t0)])
            stage.until(lambda found: reason(found) == "ActsStopped", "it waits")
            status = stage.ended(90)
            assert (status["phase"], condition(status, "Ready")["reason"]) == ("Failed", "WindowClosed")
            assert "all acts were stopped at" in condition(status, "Ready")["message"]
            switch(False)
            assert stage.version() == "2"

    def test_every_open_review_says_it_within_seconds_and_is_judged_on(
        self, stage: Stage, operators: Operators, switch: Callable[[bool], None]
    ) -> None:
        with operators.own():
            stage.release("1", "2")
            t0 = ago(minutes=11, seconds=20)  # the second look is due once there was time to be told of the stop
            stage.review(window={"t0": wire(t0), "checkpoints": ["6m", "12m", "50m"]})
            stage.until(lambda found: found.get("progress") == "1/3", "one look")
            switch(True)
            status = stage.until(lambda found: condition(found, "ActsStopped"), "it is said", 15)
            assert condition(status, "Stalled")["status"] == "False"
            stage.until(lambda found: found.get("progress") == "2/3", "it is judged on", 180)
            switch(False)
            stage.until(lambda found: not condition(found, "ActsStopped"), "it is taken back", 15)
            assert "no act is done" not in stage.status()["summary"]

    def test_the_command_line_turns_it(
        self, stage: Stage, operators: Operators, switch: Callable[[bool], None], lab_session: Lab
    ) -> None:
        switch(False)
        kubeconfig: Path = lab_session.kubeconfig

        def run(*arguments: str) -> tuple[int, str]:
            result = CliRunner().invoke(app, [*arguments, "--kubeconfig", str(kubeconfig)])
            return result.exit_code, result.output

        with operators.own():
            assert run("go")[0] == 1
            goes_on = f"no act begins from now on; driftreview go -n {SYSTEM} lets them go on\n"
            assert run("stop", "--reason", "the cluster is sick") == (
                0,
                f"ConfigMap {SYSTEM}/{STOP} created: {goes_on}",
            )
            code, said = run("stop", "--reason", "again")
            assert code == 1
            assert "by admin: the cluster is sick" in said
            drifting(stage)
            stage.until(lambda found: reason(found) == "ActsStopped", "it waits")
            code, said = run("note", NAME, "-n", stage.namespace, "-m", "we know")
            assert (code, "all acts were stopped at" in said) == (0, True)
            assert run("go") == (0, f"ConfigMap {SYSTEM}/{STOP} deleted: acts go on\n")
            assert stage.ended()["phase"] == "RolledBack"
