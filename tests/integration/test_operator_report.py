"""The report as the operator writes it, into the review's own ConfigMap; and a review as a file that proves itself."""

import base64
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from driftreview.cli.app import app
from lab import Lab
from lab.install import OperatorProcess
from tests.support.cluster import Raw
from tests.support.stage import NAME, Stage, ago, condition, wire

pytestmark = pytest.mark.integration


def written(stage: Stage, about: str) -> dict[str, str]:
    """The data of the report once it is about this state."""
    prefix = f"{about}: "
    status = stage.until(
        lambda found: condition(found, "ReportWritten").get("message", "").startswith(prefix), f"report of {about}"
    )
    assert condition(status, "ReportWritten")["status"] == "True", status
    data: dict[str, str] = stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["data"]
    return data


def test_it_is_written_at_t0_and_at_the_end_and_belongs_to_the_review(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1", "2")
    soon = {"t0": wire(ago(minutes=5, seconds=40)), "checkpoints": ["6m"]}
    review = stage.review(window=soon)
    at_t0 = written(stage, "T0")
    assert json.loads(at_t0["review.json"])["about"] == "T0"
    assert stage.ended(60)["phase"] == "Promoted"
    data = written(stage, "Promoted")
    assert set(data) == {"review.md", "review.html", "review.json"}
    found = json.loads(data["review.json"])
    assert (found["recommendation"], found["phase"]) == ("APPROVE", "Promoted")
    assert "## 1. Deployment Context" in data["review.md"]
    assert re.search(r"^## 2. System Configuration\n\n(- .*\n)+- Kubernetes: v\d", data["review.md"], re.MULTILINE)
    assert "Status and evidence agree: 1 look was" in data["review.md"]
    (owner,) = stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["metadata"]["ownerReferences"]
    assert owner["uid"] == review["metadata"]["uid"]
    assert operator.pid is not None


def test_a_config_map_of_that_name_that_is_not_the_reviews_is_left_alone(
    stage: Stage, operator: OperatorProcess
) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{NAME}-report"}, "data": {"mine": "yes"}}
    stage.api.create(theirs, stage.namespace)
    stage.release("1", "2")
    stage.review()
    assert stage.ended()["phase"] == "Promoted", "no decision and no act waits for a report"
    said = condition(
        stage.until(lambda found: condition(found, "ReportWritten")["reason"] != "ReportDue", "said"), "ReportWritten"
    )
    assert (said["status"], said["reason"]) == ("False", "NameTaken")
    assert stage.api.get("ConfigMap", f"{NAME}-report", stage.namespace)["data"] == {"mine": "yes"}
    assert operator.pid is not None


def acts(stage: Stage, kind: str, **fields: str) -> Raw:
    """Do something about the review."""
    ref = {"name": NAME, "uid": stage.read()["metadata"]["uid"]}
    spec = {"reviewRef": ref, "by": "admin", "type": kind, "message": f"{kind} it is"} | fields
    named = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftApproval", "metadata": {"name": kind.lower()}}
    made: Raw = stage.api.create(named | {"spec": spec}, stage.namespace)
    return made


def test_what_people_did_is_reported_at_once_exported_with_every_t0_and_proved(
    stage: Stage, operator: OperatorProcess, lab_session: Lab, tmp_path: Path
) -> None:
    stage.release("1", "2")
    stage.review(window={"t0": wire(ago(minutes=3)), "warmup": "0s"}, checklist=[{"name": "backup"}])
    written(stage, "T0")
    acts(stage, "SignOff", item="backup")
    assert "| SignOff backup |" in written(stage, "T0 with 1 act of people")["review.md"]
    acts(stage, "Rebaseline")
    at_t0 = written(stage, "T0 with 2 acts of people")["review.md"]
    assert at_t0.count("| Earlier T0 |") == 1
    assert "Rebaseline it is" in at_t0
    acts(stage, "Reject")
    assert stage.ended()["phase"] == "RolledBack"
    whole = written(stage, "RolledBack with 3 acts of people")["review.md"]
    assert "by a person, admin: rejected by admin: Reject it is" in whole
    stage.api.delete("DriftApproval", "signoff", stage.namespace)
    where = ("-n", stage.namespace, "--kubeconfig", str(lab_session.kubeconfig))
    path = tmp_path / "review.tar.gz"
    done = CliRunner().invoke(app, ["export", NAME, *where, "-o", str(path)])
    assert "2 snapshots, 2 approvals" in done.output, done.output
    proof = CliRunner().invoke(app, ["verify", str(path)])
    assert proof.exit_code == 0, proof.output
    assert "a chain of 2 snapshots unaltered" in proof.stdout
    assert "3 acts of people recorded, 2 DriftApprovals" in proof.stdout
    assert "as there is no such object any more: DriftApproval signoff (SignOff by admin)" in proof.stdout
    assert operator.pid is not None


def test_a_review_is_exported_proved_offline_and_an_alteration_in_the_cluster_is_found(
    stage: Stage, operator: OperatorProcess, lab_session: Lab, tmp_path: Path
) -> None:
    stage.release("1", "2")
    stage.review(contracts=[{"name": "web", "from": {"service": "nothing"}, "mode": "Shadow"}])
    assert stage.ended()["phase"] == "Promoted"
    written(stage, "Promoted")
    key, public, path = (tmp_path / name for name in ("key.pem", "public.pem", "review.tar.gz"))
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(pem)
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "signing"}}
    stage.api.create(secret | {"data": {"key.pem": base64.b64encode(pem).decode()}}, stage.namespace)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(each) for each in arguments])

    where = ("-n", stage.namespace, "--kubeconfig", lab_session.kubeconfig)
    made = run("report", NAME, *where)
    assert "Recommendation: **APPROVE**" in made.stdout, made.output
    assert run("report", "none", *where).exit_code == 1
    for signed in (("--sign-key", key), ("--sign-secret", f"{stage.namespace}/signing/key.pem")):
        done = run("export", NAME, *where, "-o", path, *signed)
        assert done.exit_code == 0, done.output
        proof = run("verify", path, "--public-key", public)
        assert proof.exit_code == 0, proof.output
        assert "3 looks judged again" in proof.stdout
    before = path.read_bytes()
    run("export", NAME, *where, "-o", path, "--sign-key", key)
    assert path.read_bytes() == before
    rows = stage.status()["checkpoints"]
    rows[1]["message"] = "all is well"
    stage.api.merge("DriftReview", NAME, stage.namespace, {"status": {"checkpoints": rows}}, "/status")
    run("export", NAME, *where, "-o", path)
    altered = run("verify", path)
    assert altered.exit_code == 1
    assert "review.json: status.checkpoints[1].message: stored is all is well" in altered.stderr
    assert operator.pid is not None
