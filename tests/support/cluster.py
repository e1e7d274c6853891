"""The API server as tests speak to it: raw objects, every answer to be looked at."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests
import yaml

Raw = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_OURS = "/apis/driftreview.dev/v1alpha1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_KINDS = {
    "Application": ("/apis/argoproj.io/v1alpha1", "applications"),
    "ClusterMetricSource": (_OURS, "clustermetricsources"),
    "ClusterRole": (_RBAC, "clusterroles"),
    "ClusterRoleBinding": (_RBAC, "clusterrolebindings"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "ControllerRevision": ("/apis/apps/v1", "controllerrevisions"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    "DriftApproval": (_OURS, "driftapprovals"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Event": ("/api/v1", "events"),
    "DriftReview": (_OURS, "driftreviews"),
    "DriftSnapshot": (_OURS, "driftsnapshots"),
    "HelmRelease": ("/apis/helm.toolkit.fluxcd.io/v2", "helmreleases"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "MetricSource": (_OURS, "metricsources"),
    "Namespace": ("/api/v1", "namespaces"),
    "Node": ("/api/v1", "nodes"),
    "PersistentVolume": ("/api/v1", "persistentvolumes"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Pod": ("/api/v1", "pods"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "PrometheusRule": ("/apis/monitoring.coreos.com/v1", "prometheusrules"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "Role": (_RBAC, "roles"),
    "RoleBinding": (_RBAC, "rolebindings"),
    "SignalSet": (_OURS, "signalsets"),
    "ClusterSignalSet": (_OURS, "clustersignalsets"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "ValidatingAdmissionPolicy": (_ADMISSION, "validatingadmissionpolicies"),
    "ValidatingAdmissionPolicyBinding": (_ADMISSION, "validatingadmissionpolicybindings"),
}


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    document: Raw


class Api:
    """One API server, as one user."""

    def __init__(self, url: str, ca: str | None, token: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca or True
        self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def of(cls, kubeconfig: Path) -> Self:
        """Read a kubeconfig whose certificate authority is a file."""
        config = yaml.safe_load(kubeconfig.read_text("utf-8"))
        cluster = config["clusters"][0]["cluster"]
        return cls(cluster["server"], cluster.get("certificate-authority"), config["users"][0]["user"]["token"])

    def impersonating(self, user: str) -> Self:
        """The same API server as another user, by the right to impersonate."""
        other = type(self)(self.url, None, "")
        other._session.verify = self._session.verify
        other._session.headers.update(self._session.headers)
        other._session.headers["Impersonate-User"] = user
        return other

    def ask(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        """Send one request."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        for _ in range(20):
            with self._session.request(method, self.url + path, data=data, headers=headers, timeout=30) as response:
                # What is not served yet is told in words.
                spoken = "json" not in response.headers.get("Content-Type", "")
                answer = Answer(response.status_code, {"message": response.text} if spoken else response.json())
            if answer.status != 429:  # a kind whose definition was just installed is served a moment later
                break
            time.sleep(0.25)
        return answer

    def find(self, kind: str, name: str, namespace: str = "") -> Raw | None:
        """One object, or None."""
        answer = self.ask("GET", path(kind, namespace, name))
        assert answer.status in (200, 404), answer
        return answer.document if answer.status == 200 else None

    def get(self, kind: str, name: str, namespace: str = "") -> Raw:
        """One object that is there."""
        return self._done(self.ask("GET", path(kind, namespace, name)))

    def list(self, kind: str, namespace: str = "") -> list[Raw]:
        """All objects of a kind."""
        items: list[Raw] = self._done(self.ask("GET", path(kind, namespace)))["items"]
        return items

    def create(self, document: Raw, namespace: str = "") -> Raw:
        """Create an object."""
        where = path(document["kind"], namespace) + "?fieldValidation=Strict"
        return self._done(self.ask("POST", where, document))

    def replace(self, document: Raw) -> Raw:
        """Write an object that was read."""
        metadata = document["metadata"]
        return self._done(
            self.ask("PUT", path(document["kind"], metadata.get("namespace", ""), metadata["name"]), document)
        )

    def merge(self, kind: str, name: str, namespace: str, patch: Raw, sub: str = "") -> Raw:
        """Merge a patch into an object."""
        where = path(kind, namespace, name) + sub
        return self._done(self.ask("PATCH", where, patch, MERGE_PATCH))

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete an object; none is fine too."""
        answer = self.ask("DELETE", path(kind, namespace, name))
        assert answer.status in (200, 202, 404), answer

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    @staticmethod
    def _done(answer: Answer) -> Raw:
        assert answer.status < 300, answer
        return answer.document


def path(kind: str, namespace: str = "", name: str = "") -> str:
    """Where objects of a kind are, or one of them."""
    prefix, plural = _KINDS[kind]
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{prefix}{where}/{plural}" + (f"/{name}" if name else "")
