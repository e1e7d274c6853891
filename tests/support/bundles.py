"""Reviews as an export finds them in a cluster, and bundles of them."""

from typing import Any

from driftreview.bundle.contents import write
from tests.reportdata import STATES
from tests.simulator import Simulator

Raw = dict[str, Any]


def objects(simulator: Simulator) -> tuple[Raw, list[Raw]]:
    """A review and its snapshots as the API server has them."""
    kind = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftReview"}
    stored = simulator.stored().to_wire()
    review = kind | stored | {"metadata": stored["metadata"] | {"managedFields": [{"manager": "somebody"}]}}
    snapshots = [
        {"apiVersion": kind["apiVersion"], "kind": "DriftSnapshot", "metadata": {"name": name}, "spec": spec}
        for name, spec in simulator.snapshots.items()
    ]
    return review, snapshots


def bundle(state: str = "promoted", **how: Any) -> bytes:
    """The bundle of a review in a state."""
    return write(*objects(STATES[state]()), **how)
