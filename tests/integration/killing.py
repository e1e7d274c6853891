"""Operators that die at writes and queries, and what must not depend on it."""

import queue
from collections.abc import Callable
from typing import Any

from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.faultproxy import Fault, Lost, Seen
from tests.support.stage import TERMINAL, Stage, assert_chained, condition

ACT = r"/deployments/[^?]+\?(?!.*dryRun)"
_MOVING = ("facts", "hash", "previousHash", "source")
_MEASURED = ("window", "signals", "scraping")


def essence(stage: Stage) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All that must not depend on crashes: the evidence without uids and hashes, and the status without times.

    Nor facts: the API server keeps no past, so they are of the moment at which they were read. Nor what was measured
    after a rollback, which is of the time at which that was done.
    """
    snapshots, evidence = stage.snapshots(), []
    assert_chained(snapshots)
    for each in snapshots:
        spec = each.spec.to_wire()
        for part in (spec["reviewRef"], spec["judged"], spec.get("previous", {})):
            part.pop("uid", None)
        # Of facts only which risks there were: their words name pods, which differ.
        spec["risks"] = sorted(found["name"] for found in spec.get("facts", {}).get("preflight", []))
        moving = _MOVING + (_MEASURED if each.spec.checkpoint == "Recovery" else ())
        evidence.append({key: value for key, value in spec.items() if key not in moving})
    status = stage.status()
    rows = [
        {key: row.get(key) for key in ("name", "due", "verdict", "message", "signals")} for row in status["checkpoints"]
    ]
    kept = {"phase": status["phase"], "t0": status["t0"], "rows": rows, "decision": status["decision"]["message"]}
    kept["recovery"] = {key: status.get("recovery", {}).get(key) for key in ("verdict", "message")}
    kept["aftermath"] = sorted(status.get("aftermath", {}))
    told = {kind: condition(status, kind) for kind in ("Ready", "Stalled", "Recovered", "StaysBack")}
    return evidence, kept | {kind: (each.get("status"), each.get("reason")) for kind, each in told.items()}


def footprint(stage: Stage) -> dict[str, Any]:
    """What was done to the Deployment, in numbers that count every change."""
    sets = stage.replica_sets()
    revisions = {
        version: each["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for version, each in sets.items()
    }
    deployment = stage.deployment()
    return {"generation": deployment["metadata"]["generation"], "revisions": revisions, "version": stage.version()}


class Killer:
    """Kills an operator at requests of a proxy, and starts it again."""

    def __init__(self, operators: Operators, operator: OperatorProcess) -> None:
        self._operators, self._operator = operators, operator
        self._killed: queue.Queue[str] = queue.Queue()
        self.deaths: list[str] = []

    def kill(self, seen: Seen) -> None:
        self._operator.kill()
        self._killed.put(f"{seen.method} {seen.path}")

    def see_it_through(self, stage: Stage, seconds: float = 180) -> None:
        def over() -> bool:
            return stage.status().get("phase") in TERMINAL

        self.until(over, "the review whose operator keeps dying ends", seconds)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 180) -> None:
        """Wait for it, and start the operator again whenever it was killed."""

        def so() -> bool:
            if not self._killed.empty():
                self.deaths.append(self._killed.get())
                if self._operator.pid is None:  # two requests of one process may have been struck at once
                    self._operators.restart(self._operator, wait=False)  # it may be killed before it is ready
            return holds() and self._killed.empty()

        wait_until(so, what, seconds)


def every_other() -> Callable[[], bool]:
    """True, False, True, False: each request is attempted again after the crash and then comes through."""
    state = iter(range(10_000))
    return lambda: next(state) % 2 == 0


def around_each_write(stage: Stage, killer: Killer, lost: Lost) -> Fault:
    """Kills at each write of a Deployment or of an act: after all of them, or before every other one."""
    turn = every_other()

    def strike(seen: Seen) -> bool:
        acting = b'"intentAt"' in seen.body or "/deployments/" in seen.path
        if stage.namespace not in seen.path or not acting or (lost is Lost.BEFORE and not turn()):
            return False
        killer.kill(seen)
        return True

    return Fault("PATCH", rf"/driftreviews/.+/status|{ACT}", lost=lost, call=strike)
