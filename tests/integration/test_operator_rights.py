"""Least rights, measured: nothing is refused in a normal run, and no right is granted that is never used."""

from typing import Any

import pytest
import yaml

from lab import Lab
from lab.install import ROOT, SYSTEM
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.rights import granted
from tests.support.stage import Stage, ago, condition, deployment, steady, stepping, wire
from tests.support.workloads import KINDS, Kind

pytestmark = pytest.mark.integration
_ELSEWHERE = ("gitops", "alert-rules")
"""Used by test_operator_gitops.py and test_operator_alert_rules.py."""
USER = f"system:serviceaccount:{SYSTEM}:driftreview"


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}
OURS = {"apiVersion": "driftreview.dev/v1alpha1"}
CONTRACTS = [
    {"name": "port", "from": {"service": "web"}},
    {"name": "reviews", "from": {"customResourceDefinition": "driftreviews.driftreview.dev"}},
]


def reading(version: str) -> dict[str, Any]:
    """A Deployment that reads a ConfigMap and a Secret."""
    document = deployment(version)
    sources = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "broker"}}]
    document["spec"]["template"]["spec"]["containers"][0]["envFrom"] = sources
    return document


def storing(version: str) -> dict[str, Any]:
    """A Deployment with an account and a volume of its own."""
    document = deployment(version)
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    document["spec"]["template"]["spec"] |= {"serviceAccountName": "default", "volumes": [volume]}
    return document


def volumes(name: str, namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A claim, and the volume that it is bound to."""
    shared = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    claim = shared | {"volumeName": name, "resources": {"requests": {"storage": "1Mi"}}}
    volume = shared | {"capacity": {"storage": "1Mi"}, "hostPath": {"path": "/nowhere"}}
    volume["claimRef"] = {"namespace": namespace, "name": "data"}
    return (
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim},
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume},
    )


def a_set(kind: str, name: str) -> dict[str, Any]:
    """A signal set of one signal."""
    return {"kind": kind, "metadata": {"name": name}, "spec": {"signals": [steady(kind.lower())]}}


def used(event: dict[str, Any]) -> tuple[str, str, str]:
    """Group, resource (with its subresource) and verb of a request."""
    ref = event["objectRef"]
    resource = "/".join(part for part in (ref["resource"], ref.get("subresource")) if part)
    return ref.get("apiGroup", ""), resource, event["verb"]


def every_right(only: str = "") -> set[tuple[str, str, str]]:
    """Every single right of the operator, or of one file; those of _ELSEWHERE are used by tests of their own."""
    files = sorted((ROOT / "charts" / "driftreview" / "rules").glob("*.yaml"))
    named = [path for path in files if (path.stem == only if only else path.stem not in _ELSEWHERE)]
    rules = [rule for path in named for rule in yaml.safe_load(path.read_text("utf-8"))]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_whole_run_is_refused_nothing_and_uses_every_right_it_has(
    stage: Stage, operators: Operators, lab_session: Lab
) -> None:
    api, shared = stage.api, f"rights-{stage.namespace[-6:]}"
    offset = lab_session.audit_log.stat().st_size
    source = {
        "apiVersion": "driftreview.dev/v1alpha1",
        "kind": "ClusterMetricSource",
        "metadata": {"name": shared},
        "spec": {"url": stage.prometheus, "allowedNamespaces": {"selector": {"matchLabels": {"metrics": "shared"}}}},
    }
    api.merge("Namespace", stage.namespace, "", {"metadata": {"labels": {"metrics": "shared"}}})
    api.create(source)
    try:
        with granted(api, "secrets", stage.namespace), granted(api, "nodes"), operators.own() as operator:
            for kind, name in (("Secret", "broker"), ("ConfigMap", "settings")):
                api.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}, stage.namespace)
            api.create(SERVICE, stage.namespace)
            claim, volume = volumes(shared, stage.namespace)
            api.create(volume)
            api.create(claim, stage.namespace)
            stage.release("1")
            stage.apply(storing("2"))
            stage.rolled_out()
            stage.apply(reading("3"))
            stage.rolled_out()
            stage.review(contracts=CONTRACTS, inventory={})
            assert stage.ended()["phase"] == "Promoted"
            for kind in ("SignalSet", "ClusterSignalSet"):
                home = "" if kind.startswith("Cluster") else stage.namespace
                api.create(OURS | a_set(kind, shared), home)
            stage.review(
                "other",
                source=False,
                metrics={"sourceRef": {"kind": "ClusterMetricSource", "name": shared}},
                window={"t0": wire(ago(minutes=30))},
                signals=[stepping(ago(minutes=30))],
                signalSetRefs=[{"name": shared}, {"kind": "ClusterSignalSet", "name": shared}],
            )
            assert stage.ended(name="other")["phase"] == "RolledBack"
            for each in KINDS:
                other = Kind(stage, each, name=each.lower())
                other.release("1", "2")
                drifting = {"window": {"t0": wire(ago(minutes=30))}, "signals": [stepping(ago(minutes=30))]}
                stage.review(each.lower(), source=False, target=other.target, **drifting)
                assert stage.ended(60, name=each.lower())["phase"] == "RolledBack"
            answers = lambda: condition(api.get("ClusterMetricSource", shared).get("status", {}), "Ready")  # noqa: E731
            wait_until(answers, "the source was tried")
            operator.stop()
    finally:
        api.delete("ClusterMetricSource", shared)
        api.delete("ClusterSignalSet", shared)
        api.delete("PersistentVolume", shared)
    events = [each for each in lab_session.audited(offset) if each["user"]["username"] == USER]
    refused = [each["responseStatus"] for each in events if each.get("responseStatus", {}).get("code") == 403]
    # Of reviews of tests before this one it comes to what happened in them, and may meet their namespaces' end.
    assert [each for each in refused if "is being terminated" not in each.get("message", "")] == []
    missing = every_right() - {used(each) for each in events if "objectRef" in each}
    assert missing == set()
