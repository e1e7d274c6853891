"""Reads the release as it runs and how it is set up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from driftreview.adapters.errors import ChangedError
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.histories import TARGETS
from driftreview.adapters.kubernetes import (
    AUTOSCALERS,
    CONFIG_MAPS,
    NODES,
    SECRETS,
    SERVER_VERSION,
    Kind,
)
from driftreview.api.configuration import ConfigurationFact, DeploymentFact, NodeFact, ReferenceFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.domain.contracts import config_map_hash
from driftreview.domain.kinds import revision_hash, rules_of
from driftreview.domain.masking import secret_hash
from driftreview.domain.pods import Pod
from driftreview.domain.release import Release, deployment_fact, release
from driftreview.domain.running import autoscaler_of, edited_at

DEPLOYMENT: Final = "deployment"
CONFIGURATION: Final = "configuration"
MOST_REFERENCES: Final = 40
MOST_NODES: Final = 20
_MOST_SCALERS: Final = 200
_SCALERS: Final = 5
_VERSION: Final = 64
_HASHING: Final = threading.Lock()

_T = TypeVar("_T")


def read_target(reader: FactReader, review: DriftReview) -> Release | None:
    """The target; None if it cannot be had.

    Raises:
        ChangedError: it has another pod template than the one that is judged.
    """
    judged = review.status.judged
    with_hashes = _hashing(partial(release, review=review.metadata.uid, flags=review.spec.flags))
    target = reader.read(DEPLOYMENT, TARGETS[review.spec.target.kind], review.spec.target.name, with_hashes)
    if target is not None and judged is not None and target.template_hash != judged.template_hash:
        raise ChangedError(f"{review.spec.target.name} got another pod template while its facts were read")
    return target


def deployment_of(review: DriftReview, target: Release, pods: Sequence[Pod]) -> DeploymentFact:
    """The release as it runs."""
    judged, of = review.status.judged, review.spec.target
    hashed = revision_hash(of, judged.name) if judged else ""
    return deployment_fact(target, rules_of(review).counts(target.raw), pods, hashed)


def read_configuration(
    reader: FactReader, review: DriftReview, target: Release, pods: Sequence[Pod]
) -> ConfigurationFact:
    """How the release is set up, and what it refers to."""
    nodes = sorted({each.node for each in pods if each.node})
    left_out = [
        f"{len(names) - most} of {len(names)} {what}"
        for what, names, most in (
            ("ConfigMaps", target.config_maps, MOST_REFERENCES),
            ("Secrets", target.secrets, MOST_REFERENCES),
            ("nodes", nodes, MOST_NODES),
        )
        if len(names) > most
    ]
    scale = partial(autoscaler_of, kind=review.spec.target.kind, name=review.spec.target.name)
    scalers = reader.list(f"{CONFIGURATION}/{AUTOSCALERS.plural}", AUTOSCALERS, {}, scale, _MOST_SCALERS)
    version = reader.read(f"{CONFIGURATION}/kubernetes", SERVER_VERSION, "", lambda raw: str(raw.get("gitVersion", "")))
    return ConfigurationFact(
        containers=target.containers,
        autoscalers=[each for each in (scalers.found if scalers else []) if each][:_SCALERS],
        config_maps=[_config_map(reader, name) for name in target.config_maps[:MOST_REFERENCES]],
        secrets=[_secret(reader, name, review.metadata.uid) for name in target.secrets[:MOST_REFERENCES]],
        kubernetes=(version or "")[:_VERSION],
        nodes=_nodes(reader, nodes[:MOST_NODES]),
        left_out=", ".join(left_out),
    )


def _config_map(reader: FactReader, name: str) -> ReferenceFact:
    fact = reader.read(
        _about(CONFIG_MAPS, name),
        CONFIG_MAPS,
        name,
        lambda raw: ReferenceFact(name=name, hash=config_map_hash(raw, None), changed_at=edited_at(raw["metadata"])),
    )
    return fact or ReferenceFact(name=name)


def _secret(reader: FactReader, name: str, review: str) -> ReferenceFact:
    """Of a Secret only the hash leaves this function."""

    def reduce(raw: dict[str, Any]) -> ReferenceFact:
        return ReferenceFact(name=name, hash=secret_hash(raw, review), changed_at=edited_at(raw["metadata"]))

    return reader.read(_about(SECRETS, name), SECRETS, name, _hashing(reduce)) or ReferenceFact(name=name)


def _hashing(reduce: Callable[[dict[str, Any]], _T]) -> Callable[[dict[str, Any]], _T]:
    """The same, one at a time: each slow hash takes 16 MiB for some tens of milliseconds."""

    def alone(raw: dict[str, Any]) -> _T:
        with _HASHING:
            return reduce(raw)

    return alone


def _nodes(reader: FactReader, names: Sequence[str]) -> list[NodeFact]:
    """Nodes with the versions of their kubelets; who may not read one may read none."""
    found: list[NodeFact] = []
    may = True
    for name in names:
        noted = len(reader.problems)
        kubelet = reader.read(f"{CONFIGURATION}/kubelets", NODES, name, _kubelet) if may else None
        may = may and not any(each.reason is Reason.FORBIDDEN for each in reader.problems[noted:])
        found.append(NodeFact(name=name, kubelet=kubelet or ""))
    return found


def _kubelet(raw: Mapping[str, Any]) -> str:
    return str(((raw.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""))[:_VERSION]


def _about(kind: Kind, name: str) -> str:
    return f"{CONFIGURATION}/{kind.plural}/{name}"
