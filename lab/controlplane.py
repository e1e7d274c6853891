"""The command lines and files of the control plane; values in, values out, nothing is started here."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.binaries import Tool
from lab.processes import Ports

SERVICE_RANGE = "10.96.0.0/16"
SERVICE_IP = "10.96.0.1"  # the first of the range: Service "kubernetes" in namespace default
FAKE_NODE = {"kwok.x-k8s.io/node": "fake"}
# A laptop that sleeps or a starved machine must not evict pods: the lease outlives minutes without renewal.
_LEASE_SECONDS = 200
_NODE_GRACE_SECONDS = 300
_NODE_SIZE = {"cpu": "64", "memory": "256Gi", "pods": "5000"}
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
_GROUPS = {
    "admin": "system:masters",
    "kwok": "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
}


@dataclass(frozen=True)
class Plane:
    """Everything the command lines depend on.

    Attributes:
        directory: of the lab.
        tools: the programs.
        context: name of the context in every kubeconfig.
        tokens: bearer token by user name; each component has its own user, so that the audit log tells them apart.
    """

    directory: Path
    tools: dict[str, Tool]
    context: str = "lab"
    tokens: dict[str, str] = field(default_factory=lambda: {user: secrets.token_hex(16) for user in _GROUPS})

    @property
    def pki(self) -> Path:
        """Folder of certificates and keys."""
        return self.directory / "pki"

    def kubeconfig(self, user: str) -> Path:
        """Where the kubeconfig of a user is."""
        return self.directory / ("kubeconfig" if user == "admin" else f"{user.rpartition(':')[2]}.kubeconfig")

    def write_files(self) -> None:
        """Write what the API server reads when it starts."""
        lines = [f'{token},{user},{user},"{_GROUPS[user]}"' for user, token in self.tokens.items()]
        tokens = self.directory / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.directory / "audit.yaml").write_text(json.dumps(_AUDIT_POLICY), encoding="utf-8")

    def write_kubeconfigs(self, server: str) -> None:
        """Write one kubeconfig per user, once the API server has its port."""
        for user, token in self.tokens.items():
            self.write_kubeconfig(self.kubeconfig(user), server, user, token)

    def write_kubeconfig(self, path: Path, server: str, user: str, token: str, namespace: str = "default") -> None:
        """Write a kubeconfig (JSON is YAML) with one context, readable by its owner only."""
        cluster = {"server": server, "certificate-authority": str(self.pki / "ca.crt")}
        context = {"cluster": self.context, "user": user, "namespace": namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.context, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": self.context, "context": context}],
            "current-context": self.context,
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def etcd(self, ports: Ports) -> list[str]:
        """The store, without fsync: a lab's data need not survive a power cut."""
        client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("client", "peer"))
        return [
            *(self._program("etcd"), "--unsafe-no-fsync", "--data-dir", str(self.directory / "etcd")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        ]

    def apiserver(self, ports: Ports, etcd_port: int) -> list[str]:
        """The API server with RBAC, default admission (ServiceAccount included) and an audit log."""
        return [
            self._program("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",  # else it looks for a route, which an offline machine lacks
            "--endpoint-reconciler-type=none",  # an Endpoints object refuses loopback addresses
            f"--secure-port={ports['https']}",
            f"--tls-cert-file={self.pki / 'server.crt'}",
            f"--tls-private-key-file={self.pki / 'server.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.pki / 'sa.pub'}",
            f"--service-account-signing-key-file={self.pki / 'sa.key'}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            f"--audit-policy-file={self.directory / 'audit.yaml'}",
            f"--audit-log-path={self.directory / 'audit.log'}",
        ]

    def controller_manager(self, ports: Ports) -> list[str]:
        """The controllers, each under its own ServiceAccount as on a real cluster."""
        return [
            self._program("kube-controller-manager"),
            *self._component("system:kube-controller-manager", ports),
            f"--service-account-private-key-file={self.pki / 'sa.key'}",
            f"--root-ca-file={self.pki / 'ca.crt'}",
            "--use-service-account-credentials",
            *("--kube-api-qps=500", "--kube-api-burst=1000"),  # throttled to 20/s, those accounts alone take 5 s
            f"--node-monitor-grace-period={_NODE_GRACE_SECONDS}s",
            "--node-monitor-period=500ms",  # new nodes lose their not-ready taint at the next look, else after 5 s
        ]

    def scheduler(self, ports: Ports) -> list[str]:
        """The scheduler."""
        return [self._program("kube-scheduler"), *self._component("system:kube-scheduler", ports)]

    def kwok(self, ports: Ports, stages: Sequence[Path]) -> list[str]:
        """The player of the kubelet of every node annotated with FAKE_NODE."""
        ((key, value),) = FAKE_NODE.items()
        return [
            self._program("kwok"),
            f"--kubeconfig={self.kubeconfig('kwok')}",
            "--manage-all-nodes=false",
            f"--manage-nodes-with-annotation-selector={key}={value}",
            f"--node-lease-duration-seconds={_LEASE_SECONDS}",
            f"--server-address=127.0.0.1:{ports['http']}",
            *(f"--config={stage}" for stage in stages),
        ]

    def _program(self, name: str) -> str:
        return str(self.tools[name].path)

    def _component(self, user: str, ports: Ports) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig(user)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['https']}",
            f"--tls-cert-file={self.pki / 'server.crt'}",
            f"--tls-private-key-file={self.pki / 'server.key'}",
        ]


def node(name: str) -> dict[str, Any]:
    """A node that kwok keeps Ready."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": FAKE_NODE, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": _NODE_SIZE, "capacity": _NODE_SIZE},
    }
