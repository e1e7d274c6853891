"""What is done, by what was found, the policy, the way back and the time: lived through for each row of the table.

`python -m tests.decisiontable` writes docs/decisions.md anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

from driftreview.api.act import ActType, Do
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.configuration import AutoscalerFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.api.rollout import FirstRelease, RolloutType
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.api.wayback import Hindrance, WayBackCheck
from driftreview.domain import decide
from driftreview.domain.finding import Finding
from driftreview.domain.owner import Owner, OwnerKind
from driftreview.domain.result import CheckpointResult, SignalResult
from driftreview.domain.steps import does
from driftreview.domain.stop import Stop
from driftreview.domain.wayback import Gathered, checked
from driftreview.domain.ways import empties, way_back
from driftreview.domain.workload import TargetView
from tests.builders import HOUR, MINUTE, T0, approval, review, signal, template
from tests.simulator import Deployment, Fault, Simulator

PAGE: Final = Path(__file__).parents[1] / "docs" / "decisions.md"
ANY: Final = "any"
LOOKS: Final = ("1h", "2h", "4h")
MODES: Final = ("Enforce", "Advise", "Observe")
FOUND: Final = {
    Verdict.PASS: SignalVerdict.STABLE,
    Verdict.HOLD: SignalVerdict.SUSPECT,
    Verdict.DRIFT: SignalVerdict.DEGRADED,
    Verdict.INCONCLUSIVE: SignalVerdict.MISSING,
}
WHEN: Final = {
    "when it is decided": 3 * MINUTE,
    "after the last safe moment": 16 * MINUTE,
    "after the window": 32 * MINUTE,
}
"""How long after the last look's due time; it settles two minutes, and the grace is thirty."""
GITS: Final = Owner(OwnerKind.APPLICATION, "web", "", "annotation argocd.argoproj.io/tracking-id", wrote=True)
EMPTIED: Final = "scaled to zero"
DONE: Final = {ActType.PROMOTE: "promoted", ActType.ROLL_BACK: "rolled back"}

LAST: Final = {
    "APPROVE": Verdict.PASS,
    "REJECT": Verdict.DRIFT,
    "INCONCLUSIVE": Verdict.INCONCLUSIVE,
    "Not judged": None,
}
STATES: Final[Mapping[str, tuple[Mapping[str, Any], Verdict]]] = {
    "is watched": ({}, Verdict.PASS),
    "holds for REJECT": ({"onDrift": "Hold"}, Verdict.DRIFT),
    "holds for INCONCLUSIVE": ({}, Verdict.INCONCLUSIVE),
    "waits for an approval": ({"approval": {"type": "Manual"}}, Verdict.PASS),
}

Case = Mapping[str, str]


@dataclass
class Told(Simulator):
    """A review whose looks come to what they are told."""

    verdicts: Sequence[Verdict | None] = field(default=())
    """Of each look; None is one that cannot be judged."""

    def _capture_checkpoint(self, review: DriftReview, index: int, view: TargetView) -> datetime:
        verdict = self.verdicts[index]
        if verdict is None:
            raise Fault
        finding = Finding(FOUND[verdict], Reason.EMPTY if verdict is Verdict.INCONCLUSIVE else None, "as it was told")
        result = CheckpointResult.of([SignalResult(signal(), finding)])
        ref = SnapshotRef(name=self._name(review.status.checkpoints[index].name), hash="sha256:told")
        self._write(review, decide.checkpoint_judged(review, index, result, ref, view, self.now))
        return self.now


@dataclass(frozen=True)
class Table:
    """One table of the page."""

    title: str
    about: str
    dimensions: Mapping[str, Sequence[str]]

    def cases(self) -> Iterator[Case]:
        """Every combination."""
        names = list(self.dimensions)
        return (dict(zip(names, values, strict=True)) for values in product(*self.dimensions.values()))


POLICY: Final = {
    "policy.mode": MODES,
    "policy.onDrift": ("Rollback", "Hold"),
    "policy.onInconclusive": ("Hold", "Promote", "Rollback"),
    "policy.onWindowEnd": ("Notify", "Promote", "Rollback"),
}
WAY_BACK: Final = ("open", "paused", "Git's", "none")
POLICIES: Final = (
    Table(
        "A look",
        "In mode Enforce with the defaults of the policy, right after the look; nothing is asked of people.",
        {"look": ("one before the last", "the last"), "verdict": tuple(Verdict)},
    ),
    Table(
        "APPROVE",
        "The last look passed.",
        {
            "policy.mode": MODES,
            "of people": ("has all it needs", "lacks an approval"),
            "promotions": ("open", "frozen"),
            "policy.onWindowEnd": POLICY["policy.onWindowEnd"],
            "time": tuple(WHEN),
        },
    ),
    Table(
        "REJECT",
        "The last look found a drift. A drift at an earlier look leads to the same, at once.",
        {
            "policy.mode": MODES,
            "policy.onDrift": POLICY["policy.onDrift"],
            "way back": WAY_BACK,
            "policy.onWindowEnd": POLICY["policy.onWindowEnd"],
            "time": tuple(WHEN),
        },
    ),
    Table(
        "INCONCLUSIVE",
        "The last look was a Hold or Inconclusive.",
        {
            "policy.mode": MODES,
            "policy.onInconclusive": POLICY["policy.onInconclusive"],
            "way back": WAY_BACK,
            "policy.onWindowEnd": POLICY["policy.onWindowEnd"],
            "time": tuple(WHEN),
        },
    ),
    Table(
        "Not judged",
        (
            "The last look could not be judged, as the operator itself failed at it. (A metric source that does not"
            " answer until the last safe moment makes the look Inconclusive.)"
        ),
        {
            "policy.mode": MODES,
            "way back": WAY_BACK,
            "policy.onWindowEnd": POLICY["policy.onWindowEnd"],
            "time": tuple(WHEN),
        },
    ),
    Table(
        "While acts are stopped",
        "By the emergency stop, in mode Enforce; `lifted` is what becomes of it when the stop is lifted right after.",
        {
            "the last look": ("APPROVE", "REJECT"),
            "policy.onDrift": POLICY["policy.onDrift"],
            "policy.onWindowEnd": POLICY["policy.onWindowEnd"],
            "time": tuple(WHEN),
            "acts": ("stopped", "lifted"),
        },
    ),
    Table(
        "What people say",
        "A DriftApproval, right after it is given.",
        {
            "policy.mode": MODES,
            "given": ("Reject", "Approve"),
            "while it": ("is watched", "holds for REJECT", "holds for INCONCLUSIVE", "waits for an approval"),
        },
    ),
    Table(
        "The target changes",
        "While the review goes on, whatever its policy is.",
        {
            "target": ("another template", "deleted", "created anew"),
            "while it": ("is watched", "holds for REJECT", "holds for INCONCLUSIVE", "waits for an approval"),
        },
    ),
)

ROLLOUTS: Final = Table(
    "Rollout types",
    (
        "In mode Enforce with the defaults of the policy, right after the look that decides. `before` is what ran"
        " before the judged revision; an autoscaler is one that owns the target's number of pods."
    ),
    {
        "the last look": ("APPROVE", "REJECT"),
        "rollout.type": tuple(RolloutType),
        "before": ("a revision", "nothing"),
        "rollout.firstRelease": tuple(FirstRelease),
        "autoscaler": ("none", "there is one"),
    },
)
NAMES: Final = ("a", "b", "c", "d")
TOGETHER: Final = Table(
    "Services that ship together",
    (
        "A review of web with a, b, c and d in `target.with`, in mode Enforce with the defaults of the policy, a while"
        " after the look that decides. The third is b."
    ),
    {
        "the last look": ("APPROVE", "REJECT"),
        "the third of five": (
            "is in order",
            "has a hindrance",
            "has no way back",
            "does not come back",
            "was given another template",
        ),
    },
)
TABLES: Final = (*POLICIES, ROLLOUTS, TOGETHER)


@dataclass(frozen=True)
class Outcome:
    """Where a review has got to, and what was done."""

    phase: str
    done: str

    def __str__(self) -> str:
        """As a row has it."""
        return f"{self.phase} | {self.done}"


def _given(title: str, case: Case) -> tuple[dict[str, Any], list[Verdict | None]]:
    """The policy of a row, and what its looks come to."""
    policy: dict[str, Any] = {name.removeprefix("policy."): case[name] for name in POLICY if name in case}
    verdicts: list[Verdict | None] = [Verdict.PASS, Verdict.PASS, LAST.get(case.get("the last look", title))]
    if case.get("promotions") == "frozen":
        policy["freezes"] = [{"name": "fair", "start": "2026-07-01T00:00", "duration": "90d"}]
    if case.get("of people") == "lacks an approval":
        policy["approval"] = {"type": "Manual"}
    if title == "A look":
        found = Verdict(case["verdict"])
        verdicts = [Verdict.PASS, found, found]
    if "while it" in case:
        state, verdicts[2] = STATES[case["while it"]]
        policy |= state
    return policy, verdicts


def lived(table: Table, case: Case) -> Outcome:
    """Live through a row."""
    return _lived(table.title, tuple(case.items()))


@cache
def _lived(title: str, items: tuple[tuple[str, str], ...]) -> Outcome:
    case = dict(items)
    policy, verdicts = _given(title, case)
    before = "" if case.get("way back") == "none" or case.get("before") == "nothing" else "old"
    target = Deployment(before=before, is_first="before" in case and not before)
    subject = review(policy=policy, rollout=_rollout(case), target=_target(case))
    simulator = Told(subject, target=target, sleepy=True, verdicts=verdicts)
    _see_together(simulator, case)
    if "rollout.type" in case:
        target.paused = target.partly = case["rollout.type"] == RolloutType.PAUSED
        target.check = _looked_at(simulator.review, target, autoscaled=case["autoscaler"] != "none")
    assert simulator.target is not None
    simulator.stop = Stop("all acts were stopped") if "acts" in case else None
    simulator.pass_time(MINUTE)
    simulator.target.paused = simulator.target.paused or case.get("way back") == "paused"
    simulator.target.owner = GITS if case.get("way back") == "Git's" else None
    ends = {"one before the last": 2 * HOUR, "is watched": 3 * HOUR}
    due = ends.get(case.get("look", "")) or ends.get(case.get("while it", "")) or 4 * HOUR
    due += 10 * MINUTE if simulator.target.partly else timedelta(0)  # found paused at first, it is warmed up then
    match case.get("the third of five"):
        case "was given another template":
            _third(simulator).roll_out("newer", simulator.now)
        case "does not come back":
            _third(simulator).fails = True  # as soon as it is rolled out anew
    simulator.pass_time(due + WHEN[case.get("time", "when it is decided")] - MINUTE)
    simulator.stop = None if case.get("acts") == "lifted" else simulator.stop
    if "given" in case:
        simulator.approvals.append(approval(case["given"], at=simulator.now))
    match case.get("target"):
        case "another template":
            simulator.target.roll_out("newer", simulator.now)
        case "created anew":
            simulator.target.uid = "another-uid"
        case "deleted":
            simulator.target = None
    simulator.run()
    if simulator.phase in {"Promoting", "RollingBack"}:
        simulator.sleepy = False
        simulator.pass_time((25 if simulator.members else 12) * MINUTE)
    return Outcome(str(simulator.phase), _done(simulator))


def _target(case: Case) -> dict[str, Any]:
    """Which workloads are reviewed."""
    return {"name": "web", "with": [{"name": name} for name in NAMES] if "the third of five" in case else []}


def _see_together(simulator: Simulator, case: Case) -> None:
    """The workloads beside the target, and what is the matter with the third of five."""
    if "the third of five" not in case:
        return
    simulator.members = [Deployment(uid=f"{name}-uid") for name in NAMES]
    third = _third(simulator)
    match case["the third of five"]:
        case "has a hindrance":
            found = Hindrance(reason=Reason.DEPENDENCY_MISSING, message="ConfigMap settings is not there")
            third.check = WayBackCheck(at=T0, generation=third.generation, hindrances=[found])
        case "has no way back":
            third.before = ""


def _third(simulator: Simulator) -> Deployment:
    found = simulator.members[1]
    assert found is not None
    return found


def _looked_at(review: DriftReview, target: Deployment, *, autoscaled: bool) -> WayBackCheck:
    """What a look at the way back finds, with or without an autoscaler."""
    scalers = (AutoscalerFact(name="web", least=1, most=9),) if autoscaled else ()
    empties = way_back(review, target.view(T0)) is Do.SCALE
    return checked(review, target.view(T0), Gathered(template(target.before), empties=empties, scalers=scalers), T0)


def _rollout(case: Case) -> dict[str, Any]:
    if "rollout.type" not in case:
        return {}
    canary = {"stable": {"name": "stable"}} if case["rollout.type"] == RolloutType.CANARY else {}
    return {"type": case["rollout.type"], "firstRelease": case["rollout.firstRelease"], **canary}


def _done(simulator: Simulator) -> str:
    """What was done to the target and then to others, in words."""
    act = simulator.stored().status.act
    if not simulator.acts or act is None:
        return "nothing"
    done = EMPTIED if empties(act) else DONE[act.type]
    steps = [f"{each.name} {does(each)}" for each in simulator.taken]
    return ", then ".join([done, *steps])


def collapsed(
    rows: Mapping[tuple[str, ...], Outcome], dimensions: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """The rows, with `any` where a value makes no difference; the last dimensions are merged first."""
    found = dict(rows)
    for index in reversed(range(len(dimensions))):
        values = tuple(dimensions.values())[index]
        groups: dict[tuple[str, ...], dict[str, Outcome]] = {}
        for row, outcome in found.items():
            groups.setdefault((*row[:index], "", *row[index + 1 :]), {})[row[index]] = outcome
        found = {}
        for row, outcomes in groups.items():
            if len(outcomes) == len(values) and len(set(outcomes.values())) == 1:
                found[*row[:index], ANY, *row[index + 1 :]] = next(iter(outcomes.values()))
            else:
                for value, outcome in outcomes.items():
                    found[*row[:index], value, *row[index + 1 :]] = outcome
    return [(*row, *str(outcome).split(" | ")) for row, outcome in found.items()]


def section(table: Table) -> str:
    """A table of the page."""
    rows = {tuple(case.values()): lived(table, case) for case in table.cases()}
    header = [*table.dimensions, "phase", "done"]
    lines = [f"## {table.title}", "", table.about, "", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in collapsed(rows, table.dimensions))]) + "\n"


_HEAD: Final = """\
# What is done, and when

Every combination of what was found, the policy, the way back and the time, lived through with the code that decides
(`python -m tests.decisiontable` writes this page). `any` stands where a value makes no difference. Way back: *open*,
the target's rollout is *paused* (whatever else [hinders a rollback](rollback.md#hindrances) does the same), the target
is *Git's* (`rollout.gitOps` is Report), or there is *none*, as there was no earlier revision. Time: right *when it is
decided*, *after the last safe moment*, or *after the window* with its grace.

| phase | |
|---|---|
| Watching, Holding | it goes on: looks are to come, or a person is waited for |
| Promoted, RolledBack | it was done |
| Decided | the recommendation is left to a person |
| Inconclusive, Superseded, Failed | it ended without an act, and says why |"""


if __name__ == "__main__":
    PAGE.write_text("\n".join([_HEAD + "\n", *map(section, TABLES)]), "utf-8")
