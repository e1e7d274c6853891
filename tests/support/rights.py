"""Rights that are bound for one test."""

from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from lab.install import ACCOUNT, ROOT, SYSTEM
from tests.support.cluster import Api

_RBAC = "rbac.authorization.k8s.io"


@contextmanager
def granted(api: Api, rules: str, namespace: str = "", account: str = ACCOUNT) -> Iterator[None]:
    """Bind a file of charts/driftreview/rules to an account, in a namespace or everywhere."""
    found = yaml.safe_load((ROOT / "charts" / "driftreview" / "rules" / f"{rules}.yaml").read_text("utf-8"))
    kind, metadata = "Role" if namespace else "ClusterRole", {"name": f"{account}-{rules}"}
    api.create({"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": found}, namespace)
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": SYSTEM}],
    }
    api.create(binding, namespace)
    try:
        yield
    finally:
        api.delete(f"{kind}Binding", metadata["name"], namespace)
        api.delete(kind, metadata["name"], namespace)
