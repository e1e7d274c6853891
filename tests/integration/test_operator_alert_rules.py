"""Alert rules as the operator writes them once T0 is frozen: into a PrometheusRule, or into a ConfigMap."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from driftreview.cli.app import app
from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.test_operator_rights import USER, every_right, used
from tests.support.cluster import Api, Raw, path
from tests.support.stage import NAME, Stage, condition

pytestmark = pytest.mark.integration
GENERATE = {"alerts": {"rules": "Generate"}}


def written(stage: Stage) -> Raw:
    """What is said of the rules, once anything is."""
    status = stage.until(
        lambda found: bool(condition(found, "AlertRulesWritten")), "of the alert rules something is said"
    )
    return condition(status, "AlertRulesWritten")


@pytest.fixture
def prometheus_rules(api: Api) -> Iterator[None]:
    """The kind of the Prometheus Operator, which takes whatever it is given."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": "PrometheusRule", "listKind": "PrometheusRuleList", "plural": "prometheusrules"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": names | {"singular": "prometheusrule"},
            "versions": [version],
        },
    }
    api.create(definition)
    wait_until(lambda: api.ask("GET", path("PrometheusRule")).status == 200, "it is served")
    yield
    api.delete("CustomResourceDefinition", definition["metadata"]["name"])


def test_without_that_kind_they_are_in_a_config_map_as_the_command_prints_them(
    stage: Stage, operator: OperatorProcess, lab_session: Lab, tmp_path: Path
) -> None:
    stage.release("1", "2")
    stage.review(**GENERATE)
    said = written(stage)
    assert (said["status"], said["reason"]) == ("True", "Written")
    assert "1 rule in configmaps/web-2-rules, which Prometheus must be given" in said["message"]
    text = stage.api.get("ConfigMap", f"{NAME}-rules", stage.namespace)["data"]["rules.yaml"]
    (rule,) = yaml.safe_load(text)["groups"][0]["rules"]
    assert rule["alert"] == "LatencyWorseThanT0"
    where = ("-n", stage.namespace, "--kubeconfig", str(lab_session.kubeconfig))
    assert CliRunner().invoke(app, ["rules", NAME, *where]).stdout == text
    assert stage.ended()["phase"] == "Promoted"
    bundle = tmp_path / "review.tar.gz"
    CliRunner().invoke(app, ["export", NAME, *where, "-o", str(bundle)])
    proof = CliRunner().invoke(app, ["verify", str(bundle)])
    assert proof.exit_code == 0, proof.output
    assert operator.pid is not None


@pytest.mark.usefixtures("prometheus_rules")
def test_they_are_a_prometheus_rule_of_the_review_that_goes_with_it_and_nobody_elses(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    offset = lab_session.audit_log.stat().st_size
    stage.release("1", "2")
    stage.review(**GENERATE)
    assert "1 rule in prometheusrules/web-2-rules" in written(stage)["message"]
    found = stage.api.get("PrometheusRule", f"{NAME}-rules", stage.namespace)
    assert found["metadata"]["ownerReferences"][0]["uid"] == stage.read()["metadata"]["uid"]
    assert found["spec"]["groups"][0]["rules"][0]["labels"]["target"] == "web"

    def asked() -> set[tuple[str, str, str]]:
        events = (each for each in lab_session.audited(offset) if each["user"]["username"] == USER)
        return {used(each) for each in events if "objectRef" in each}

    wait_until(lambda: every_right("alert-rules") <= asked(), "the audit log has both of its requests")
    stage.api.delete("DriftReview", NAME, stage.namespace)
    gone = lambda: stage.api.find("PrometheusRule", f"{NAME}-rules", stage.namespace) is None  # noqa: E731
    wait_until(gone, "it is gone with the review", 60)
    theirs = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": f"{NAME}-rules"}}
    stage.api.create(theirs | {"spec": {"groups": []}}, stage.namespace)
    stage.review(source=False, **GENERATE)
    said = written(stage)
    assert (said["status"], said["reason"]) == ("False", "NameTaken")
    assert stage.ended()["phase"] == "Promoted", "no decision and no act waits for alert rules"
    assert stage.api.get("PrometheusRule", f"{NAME}-rules", stage.namespace)["spec"] == {"groups": []}
    assert operator.pid is not None
