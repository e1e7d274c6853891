"""Reviews as an export finds them in a cluster, and bundles of them."""

from typing import Any

from driftreview.bundle.contents import write
from tests.reportdata import STATES
from tests.simulator import Simulator

Raw = dict[str, Any]


def objects(simulator: Simulator) -> tuple[Raw, list[Raw], list[Raw]]:
    """A review, its snapshots and what people did about it as the API server has them."""
    kind = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftReview"}
    stored = simulator.stored().to_wire()
    review = kind | stored | {"metadata": stored["metadata"] | {"managedFields": [{"manager": "somebody"}]}}
    snapshots = [
        {"apiVersion": kind["apiVersion"], "kind": "DriftSnapshot", "metadata": {"name": name}, "spec": spec}
        for name, spec in simulator.snapshots.items()
    ]
    approvals = [
        {"apiVersion": kind["apiVersion"], "kind": "DriftApproval"} | each.to_wire() for each in simulator.approvals
    ]
    return review, snapshots, approvals


def bundle(state: str = "promoted", private_pem: bytes | None = None) -> bytes:
    """The bundle of a review in a state."""
    return write(*objects(STATES[state]()), private_pem)
