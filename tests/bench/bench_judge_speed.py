"""How long the judge takes, and how much memory: 50 Level signals, 4 checkpoints, 7 days in blocks of ten minutes.

Run by hand: `python tests/bench/bench_judge_speed.py` with `operator` and the root of the repository in PYTHONPATH.
The first round pays for what is remembered between looks; the best of the others is what a running operator sees.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.domain.blocks import decode
from driftreview.domain.judge import judge_looks
from tests.bench.judge.kayenta import is_above
from tests.builders import HOUR, T0, evidence, review, series, signal, snapshot
from tests.builders import noise as ar1

SIGNALS, ROUNDS = 50, 10
WEEK = 1008
HOURS = {"1h": 1, "6h": 6, "24h": 24, "48h": 48}
PER_HOUR = 6


def measured(blocks: int, seed: int, gaps: int) -> list[float | None]:
    """One series; the last `gaps` signals have a block without samples each, at different places."""
    values: list[float | None] = [100 + 2 * each for each in ar1(blocks, seed, 0.5)]
    if seed % SIGNALS >= SIGNALS - gaps:
        values[seed % blocks] = None
    return values


def frozen(checkpoint: str, blocks: int, offset: int, gaps: int) -> DriftSnapshotSpec:
    """Evidence of all signals."""
    signals = (evidence(f"s{number}", series(measured(blocks, number + offset, gaps))) for number in range(SIGNALS))
    return snapshot(*signals, checkpoint=checkpoint, hours=blocks / PER_HOUR)


def judge_all(spec: DriftReviewSpec, baseline: DriftSnapshotSpec, looks: Sequence[DriftSnapshotSpec]) -> None:
    """Judge every look."""
    list(judge_looks(spec, baseline, looks))


def kayenta(baseline: DriftSnapshotSpec, looks: Sequence[DriftSnapshotSpec]) -> list[bool]:
    """Kayenta's test of the same blocks: whether any signal is High, by each look."""
    before = np.array([decode(each.series[0].values) for each in baseline.signals], dtype=float)
    found = []
    for look in looks:
        after = np.array([decode(each.series[0].values) for each in look.signals], dtype=float)
        pairs = zip(after, before, strict=True)
        found.append(sum(is_above(now[np.isfinite(now)], old[np.isfinite(old)]) for now, old in pairs) > 0)
    return found


def peak() -> float:
    """Resident memory at most so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that a call takes: of processor time, which others on the machine touch least, and by the clock."""
    before, since = time.process_time(), time.perf_counter()
    work()
    return 1000 * (time.process_time() - before), 1000 * (time.perf_counter() - since)


def main() -> None:
    """Measure with no gaps, and with gaps in ten series."""
    window = {"checkpoints": list(HOURS), "rollback": "48h"}
    spec = review(signals=[signal(f"s{number}") for number in range(SIGNALS)], window=window).spec
    for gaps in (0, 10):
        baseline = frozen("T0", WEEK, 0, gaps)
        earlier = baseline.window.model_copy(update={"start": T0 - 169 * HOUR, "end": T0 - HOUR})
        baseline = baseline.model_copy(update={"window": earlier})
        looks = [frozen(name, PER_HOUR * hours, 1000 * hours, gaps) for name, hours in HOURS.items()]
        start = peak()
        rounds = [timed(partial(judge_all, spec, baseline, looks)) for _ in range(ROUNDS)]
        peers, _ = min(timed(partial(kayenta, baseline, looks)) for _ in range(3))
        (best, _), wall, more = min(rounds), min(wall for _, wall in rounds), peak() - start
        print(
            f"{SIGNALS} signals x {len(looks)} looks, {gaps} with a gap: first CPU {rounds[0][0]:.0f} ms, "
            f"best CPU {best:.0f} ms, wall {wall:.0f} ms, {best / peers:.2f} of Kayenta's rule ({peers:.0f} ms); "
            f"peak {start:.0f} MiB before, {more:.1f} MiB more"
        )


if __name__ == "__main__":
    main()
