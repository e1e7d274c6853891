"""What people do about a review, as real users of a real API server, and what the operator makes of it."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from driftreview.cli.app import app
from lab import Lab
from lab.install import ROOT
from lab.web import wait_until
from tests.support.cluster import MERGE_PATCH, Answer, Api, Raw, path
from tests.support.stage import NAME, Stage, ago, assert_chained, condition, stepping, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
ADMIN = "admin"
UNDECIDED = {"checkpoints": ["6m", "12m", "50m"]}
"""The last look is still to come."""


@dataclass(frozen=True)
class Person:
    """A user of the cluster."""

    name: str
    api: Api
    stage: Stage

    def tries(self, kind: str, by: str = "", review: Raw | None = None, **fields: str) -> Answer:
        """Try to create a DriftApproval."""
        about = review or self.stage.read()
        ref = {"name": about["metadata"]["name"], "uid": about["metadata"]["uid"]}
        spec = {"reviewRef": ref, "by": by or self.name, "type": kind} | fields
        if kind in {"Reject", "Note", "Rebaseline", "Override"}:
            spec |= {"message": f"{self.name} says so"}
        document = {
            "apiVersion": "driftreview.dev/v1alpha1",
            "kind": "DriftApproval",
            "metadata": {"generateName": f"{kind.lower()}-"},
            "spec": spec,
        }
        where = path("DriftApproval", self.stage.namespace) + "?fieldValidation=Strict"
        return self.api.ask("POST", where, document)

    def does(self, kind: str, review: Raw | None = None, **fields: str) -> Raw:
        """Create a DriftApproval."""
        answer = self.tries(kind, review=review, **fields)
        assert answer.status == 201, answer
        return answer.document


def role() -> Raw:
    """The Role of the documentation."""
    text = (ROOT / "docs" / "approvals.md").read_text("utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
    found: Raw = next(each for each in blocks if each["kind"] == "Role")
    return found


def bind(stage: Stage, subject: Raw) -> None:
    document = role()
    name = document["metadata"]["name"]
    document["metadata"]["namespace"] = stage.namespace
    if stage.api.find("Role", name, stage.namespace) is None:
        stage.api.create(document, stage.namespace)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"approver-{uuid.uuid4().hex[:6]}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [subject],
    }
    stage.api.create(binding, stage.namespace)


People = Callable[[str], Person]


@pytest.fixture
def people(stage: Stage) -> Iterator[People]:
    """Users by name, each with the Role of the documentation; the policies are at work."""
    made: list[Api] = []

    def person(name: str) -> Person:
        api = stage.api if name == ADMIN else stage.api.impersonating(name)
        if name != ADMIN:
            made.append(api)
            bind(stage, {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name})
        return Person(name, api, stage)

    probe = {"metadata": {"name": "probe", "uid": "1"}}
    admin = Person(ADMIN, stage.api, stage)

    def guarded() -> bool | None:
        answer = admin.tries("Note", by="somebody", review=probe)
        return answer.status == 403 or None

    wait_until(guarded, "the policies are at work")
    yield person
    for api in made:
        api.close()


def records(status: Raw) -> list[tuple[str, str, bool]]:
    return [(each["type"], each["by"], each["counted"]) for each in status.get("approvals", [])]


def seen(stage: Stage, count: int) -> Raw:
    return stage.until(lambda status: len(status.get("approvals", [])) == count, f"{count} acts are recorded", 5)


class TestWhoSays:
    def test_nobody_acts_in_the_name_of_another(self, stage: Stage, people: People) -> None:
        stage.release("1", "2")
        stage.review(window=UNDECIDED)
        jane, admin = people("jane@example.org"), people(ADMIN)
        for person in (jane, admin):
            answer = person.tries("Approve", by="joe@example.org")
            assert answer.status == 403
            said = (
                f"spec.by: found joe@example.org, but you are {person.name}: write that, or let `driftreview approve`"
            )
            assert said in answer.document["message"]
        made = jane.does("Note")
        changed = {"spec": {"message": "something else"}}
        where = path("DriftApproval", stage.namespace, made["metadata"]["name"])
        answer = stage.api.ask("PATCH", where, changed, MERGE_PATCH)
        assert answer.status == 422
        assert "what a person did is never changed: create another DriftApproval" in answer.document["message"]
        labels = {"metadata": {"labels": {"team": "shop"}}}
        assert stage.api.ask("PATCH", where, labels, MERGE_PATCH).status == 200

    def test_without_the_role_it_is_refused(self, stage: Stage, people: People) -> None:
        assert people
        stage.release("1", "2")
        stage.review(window=UNDECIDED)
        nobody = Person("nobody", stage.api.impersonating("nobody"), stage)
        assert nobody.tries("Approve").status == 403

    def test_the_author_is_who_applies_the_review(self, stage: Stage, people: People) -> None:
        assert people
        with pytest.raises(
            AssertionError, match=r"spec\.author: found joe, but you are admin: write that, or leave it"
        ):
            stage.review(author="joe")
        stage.review(source=False, author=ADMIN)
        assert stage.read()["spec"]["author"] == ADMIN


def test_a_reject_rolls_back_at_once_and_names_who(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    stage.review(window=UNDECIDED)
    jane = people("jane")
    stage.until(lambda status: status.get("progress") == "2/3", "two looks")
    began = time.monotonic()
    jane.does("Reject")
    status = stage.ended()
    assert time.monotonic() - began < 20, "no minute's look around was waited for"
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    decision = status["decision"]
    assert (decision["recommendation"], decision["reason"], decision["by"]) == ("REJECT", "Rejected", "jane")
    assert decision["message"] == "rejected by jane: jane says so"
    assert records(status) == [("Reject", "jane", True)]


@pytest.mark.parametrize("kind", ["Approve", "SignOff"])
def test_a_hundred_and_twenty_of_one_sort_freeze_no_review(stage: Stage, people: People, kind: str) -> None:
    stage.release("1", "2")
    stage.review(window={"t0": wire(ago(minutes=30)), **UNDECIDED}, checklist=[{"name": "backup"}])
    stage.until(lambda status: status.get("progress") == "2/3", "two looks")
    jane, item = people("jane"), {"item": "backup"} if kind == "SignOff" else {}
    for _ in range(120):
        jane.does(kind, **item)
    stage.until(lambda status: len(status.get("approvals", [])) >= 5, "they are seen", 20)
    jane.does("Reject")
    status = stage.ended()
    assert (status["phase"], stage.version(), status["decision"]["by"]) == ("RolledBack", "1", "jane")
    assert ("Reject", "jane", True) in records(status)


def test_a_promotion_waits_for_two_people_who_are_not_the_author(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    stage.review(author=ADMIN, policy={"approval": {"type": "Manual", "approvals": 2, "notByAuthor": True}})
    jane, joe, admin = people("jane"), people("joe"), people(ADMIN)
    stage.in_phase("Holding")
    admin.does("Approve")
    jane.does("Approve")
    jane.does("Approve")
    seen(stage, 3)
    lacks = "; the promotion has 1 of 2 approvals (jane), not by the author admin; waits for a person until "
    status = stage.until(lambda found: lacks in found["summary"], "it is said who approved", 5)
    assert status["phase"] == "Holding"
    assert condition(status, "Approved")["status"] == "False"
    assert sorted(records(status)) == [
        ("Approve", "admin", False), ("Approve", "jane", False), ("Approve", "jane", True)
    ]  # fmt: skip
    joe.does("Approve")
    status = stage.ended()
    assert (status["phase"], condition(status, "Approved")["status"]) == ("Promoted", "True")
    assert status["decision"]["by"] == "checkpoint 18m"


def test_the_rule_may_be_changed_while_the_review_waits(stage: Stage, people: People) -> None:
    assert people
    stage.release("1", "2")
    stage.review(policy={"approval": {"type": "Manual"}})
    stage.in_phase("Holding")
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"policy": {"approval": {"type": "Automatic"}}}})
    assert stage.ended()["phase"] == "Promoted"


def test_a_sign_off_lets_a_promotion_go_on_and_outlives_its_object(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    checklist = [{"name": "backup"}, {"name": "support"}, {"name": "nice", "required": False}]
    stage.review(checklist=checklist)
    jane = people("jane")
    status = stage.in_phase("Holding")
    assert "the promotion lacks the sign-off of backup, support" in status["summary"]
    made = jane.does("SignOff", item="backup")
    seen(stage, 1)
    stage.api.delete("DriftApproval", made["metadata"]["name"], stage.namespace)
    jane.does("SignOff", item="support")
    status = stage.ended()
    assert (status["phase"], records(status)) == ("Promoted", [("SignOff", "jane", True)] * 2)


def test_a_drift_that_was_left_to_a_person_is_promoted_by_one(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)], policy={"onDrift": "Hold"})
    jane = people("jane")
    decided = stage.until(lambda status: status.get("progress") == "3/3", "all looks")
    assert (decided["phase"], decided["decision"]["recommendation"]) == ("Holding", "REJECT")
    time.sleep(1.1)  # an answer is younger than the question, and times have whole seconds
    jane.does("Approve", message="wanted")
    status = stage.ended()
    assert (status["phase"], stage.version()) == ("Promoted", "2")
    assert (status["decision"]["recommendation"], status["decision"]["by"]) == ("APPROVE", "jane")
    assert status["decision"]["message"].startswith("approved by jane (jane: wanted); before: REJECT, T0+6m: ")


def test_an_approval_of_an_earlier_review_of_the_name_does_not_count(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    rule = {"policy": {"approval": {"type": "Manual"}}}
    first = stage.review(**rule)
    jane = people("jane")
    stage.api.delete("DriftReview", NAME, stage.namespace)
    stage.review(source=False, **rule)
    stage.in_phase("Holding")
    jane.does("Approve", review=first)
    status = seen(stage, 1)
    assert (status["phase"], status["approvals"][0]["why"]) == ("Holding", "it is for an earlier review of this name")
    jane.does("Approve")
    assert stage.ended()["phase"] == "Promoted"


def test_t0_is_taken_anew_for_another_revision_and_the_chain_goes_on(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    jane = people("jane")
    stage.review(window={"t0": wire(ago(minutes=3)), "warmup": "0s"})
    before = stage.until(lambda status: status.get("baseline"), "T0 is frozen")
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": True}})
    stage.until(lambda status: "suspended" in status["summary"], "it is suspended")
    stage.release("3")
    jane.does("Rebaseline")
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": {"suspend": False}})
    status = stage.until(lambda found: found.get("retaken") == 1 and found.get("baseline"), "T0 is frozen anew")
    assert status["judged"]["images"][0]["image"].endswith(":3")
    assert status["t0"] > before["t0"]
    assert status["earlier"] == before["baseline"]
    old, new = stage.snapshots()
    assert_chained([old, new])
    assert new.metadata.name == f"{old.metadata.name}-2"
    assert [old.spec.hash, new.spec.hash] == [before["baseline"]["hash"], status["baseline"]["hash"]]
    assert [each["due"] for each in status["checkpoints"]] != [each["due"] for each in before["checkpoints"]]
    jane.does("Reject")
    assert stage.ended()["phase"] == "RolledBack"
    assert stage.version() == "2"


def test_an_extension_adds_a_look_and_moves_none(stage: Stage, people: People) -> None:
    stage.release("1", "2")
    jane = people("jane")
    t0 = ago(minutes=13)
    window = {"t0": wire(t0), "checkpoints": ["6m", "12m", "20m"], "rollback": "20m", "grace": "10m"}
    stage.review(window=window)
    before = stage.until(lambda status: status.get("progress") == "2/3", "two looks")
    jane.does("Extend", **{"for": "1h"})
    status = stage.until(lambda found: len(found["checkpoints"]) == 4, "there is one more look", 5)
    assert [each["due"] for each in status["checkpoints"][:3]] == [each["due"] for each in before["checkpoints"]]
    assert (status["checkpoints"][3]["name"], status["progress"]) == ("80m", "2/4")
    closes = before["rollback"]["closesAt"]
    stage.until(lambda found: found["rollback"]["closesAt"] > closes, "a rollback is possible for longer", 5)
    jane.does("Rebaseline")
    whys = {each["type"]: each.get("why", "") for each in seen(stage, 2)["approvals"]}
    assert whys["Rebaseline"].startswith("the first look was judged, and T0 stays")


class TestCommandLine:
    @pytest.fixture
    def kubeconfig(self, stage: Stage, lab_session: Lab, tmp_path: Path) -> Path:
        """Of an account of the namespace, which may do nothing yet."""
        lab_session.kubectl("create", "serviceaccount", "ann", "-n", stage.namespace)
        token = lab_session.kubectl("create", "token", "ann", "-n", stage.namespace).strip()
        config = yaml.safe_load(lab_session.kubeconfig.read_text("utf-8"))
        config["users"][0]["user"] = {"token": token}
        config["contexts"][0]["context"]["namespace"] = stage.namespace
        found = tmp_path / "ann.kubeconfig"
        found.write_text(yaml.safe_dump(config), encoding="utf-8")
        return found

    def test_it_acts_in_the_callers_own_name_or_says_which_right_lacks(
        self, stage: Stage, people: People, kubeconfig: Path, run: Callable[..., tuple[int, str]]
    ) -> None:
        assert people
        stage.release("1", "2")
        stage.review(policy={"approval": {"type": "Manual"}}, checklist=[{"name": "backup"}])
        ann = f"system:serviceaccount:{stage.namespace}:ann"
        code, said = run("approve", NAME, "--kubeconfig", str(kubeconfig))
        assert code == 1
        assert f"{ann} may not get driftreviews in namespace {stage.namespace}" in said
        assert f"--role=drift-approver-driftreviews --user={ann}" in said
        bind(stage, {"kind": "ServiceAccount", "name": "ann", "namespace": stage.namespace})
        stage.in_phase("Holding")

        def do(*arguments: str) -> tuple[int, str]:
            return run(*arguments, "--kubeconfig", str(kubeconfig))

        def bound() -> bool | None:
            return do("note", NAME, "-m", "we look at it")[0] == 0 or None

        wait_until(bound, "the binding is known")
        code, said = do("sign-off", NAME, "--item", "bakcup")
        assert (code, "nothing would follow from it: the review has no such checklist item; it has backup" in said) == (
            1,
            True,
        )
        assert do("approve", "web-3")[1].startswith(
            f"driftreview: there is no DriftReview web-3 in namespace {stage.namespace}"
        )
        assert do("rebaseline", NAME, "-m", "again")[1].startswith(
            "driftreview: nothing would follow from it: the first look"
        )
        assert do("sign-off", NAME, "--item", "backup")[0] == 0
        code, said = do("approve", NAME, "-m", "all is well")
        assert code == 0
        assert f"Approve by {ann}" in said
        status = stage.ended()
        assert status["phase"] == "Promoted"
        assert ("Approve", ann, True) in records(status)
        owner = stage.api.list("DriftApproval", stage.namespace)[0]["metadata"]["ownerReferences"][0]
        assert owner["uid"] == stage.read()["metadata"]["uid"]
        code, said = do("reject", NAME, "-m", "too late")
        assert (code, "the review is over (Promoted)" in said) == (1, True)


@pytest.fixture
def run() -> Callable[..., tuple[int, str]]:
    """The command line, as its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments))
        return result.exit_code, result.output

    return run
