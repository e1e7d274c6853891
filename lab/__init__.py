"""The lab: a real Kubernetes control plane and a real Prometheus as plain processes of one Linux machine.

No containers, no root, no downloads of binaries: what is not installed is built from Go modules pinned by checksum
(``lab/tools``). Only nodes are played, by kwok; who needs pods that really run adds :class:`lab.podrunner.PodRunner`.

The tests and the demo use the two classes exported here; people use ``python -m lab up``. Nothing in this package may
import ``driftreview``: the lab must not know what is tried in it.
"""

from lab.errors import LabError
from lab.plane import Lab
from lab.prometheus import PrometheusServer

__all__ = ["Lab", "LabError", "PrometheusServer"]
