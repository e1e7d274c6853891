"""The methods on trial. One more design is one more entry."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.bench.judge import ours, plain
from tests.bench.judge.kayenta import KAYENTA
from tests.bench.judge.outcome import Method
from tests.bench.judge.peers import PEERS, Peer

PLAIN: Final = "plain"
METHODS: Final[dict[str, Method]] = {PLAIN: plain.judge, "ours": ours.judge}
"""On log block medians: these can hold, and do not promote what they do not know."""
CONCURRENT: Final[dict[str, Method]] = METHODS | {PLAIN: partial(plain.judge, fewest=10)}
"""On the rows with a stable release beside the canary, where the specification asks for ten batches."""
SAMPLED: Final[dict[str, Peer]] = PEERS | KAYENTA
"""On raw samples: what these do not roll back they promote."""
