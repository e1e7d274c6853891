"""Asking the API server about one object after the other, with every field checked and nothing stored."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from driftreview.api.base import GROUP, VERSION
from tests.crd_walk import BY_KIND

Raw = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """The API server's no."""

    message: str
    causes: list[Raw] = field(default_factory=list)

    def says(self, path: str, words: str) -> bool:
        """Whether one of the causes is at this path and has these words."""
        return any(cause["field"] == path and words in cause["message"] for cause in self.causes)


class Server:
    """Creates and patches, for good or (the usual way here) only to hear what the API server says."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self.client = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self.objects = client.CustomObjectsApi(self.client)
        client.CoreV1Api(self.client).create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))

    def close(self) -> None:
        """Remove the namespace and hang up."""
        client.CoreV1Api(self.client).delete_namespace(self.namespace)
        self.client.close()

    def create(self, made: Raw, *, store: bool = False) -> Raw | Refused:
        """Create an object."""
        return self._call("create_{}_custom_object", made["kind"], (), made, store=store)

    def patch(self, kind: str, name: str, patch: Raw, *, status: bool = False, store: bool = False) -> Raw | Refused:
        """Merge a patch into a stored object, or into its status."""
        method = "patch_{}_custom_object" + ("_status" if status else "")
        return self._call(method, kind, (name,), patch, store=store)

    def _call(self, method: str, kind: str, name: tuple[str, ...], body: Raw, *, store: bool) -> Raw | Refused:
        resource = BY_KIND[kind]
        namespaced = resource.scope == "Namespaced"
        call = getattr(self.objects, method.format("namespaced" if namespaced else "cluster"))
        where = (self.namespace, resource.plural) if namespaced else (resource.plural,)
        extra = {} if store else {"dry_run": "All"}
        try:
            answer: Raw = call(GROUP, VERSION, *where, *name, body, field_validation="Strict", **extra)
        except ApiException as no:
            said = json.loads(no.body or "{}")
            return Refused(said.get("message", no.reason), said.get("details", {}).get("causes", []))
        return answer
