"""Services that ship together, whatever happens to one of them: all or a beginning of them, in order, each once."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.wayback import Hindrance, WayBackCheck
from driftreview.domain.ways import is_asked_for
from tests.builders import HOUR, MINUTE, T0, review, revision, signal
from tests.simulator import Deployment, Metrics, Simulator

NAMES = ("a", "b", "c", "d")
WINDOW = {"checkpoints": ["1h"], "rollback": "1h"}
HINDRANCE = Hindrance(reason=Reason.DEPENDENCY_MISSING, message="ConfigMap settings is not there")


@dataclass(frozen=True)
class Fate:
    """What becomes of a workload."""

    takes: timedelta
    """How long it takes until its pods are back."""
    fails: bool
    """Whether its pods do not come back."""
    hindered: bool
    first: bool
    """Whether nothing of it ran before."""


FATES = st.lists(
    st.builds(
        Fate,
        takes=st.sampled_from([timedelta(0), 3 * MINUTE, 8 * MINUTE]),
        fails=st.sampled_from([False, False, False, True]),
        hindered=st.sampled_from([False, False, False, False, True]),
        first=st.sampled_from([False, False, False, False, True]),
    ),
    min_size=1,
    max_size=4,
)


def released(fates: list[Fate], *, bad: bool, empties: bool = False) -> Simulator:
    """A release of several right before its only look."""
    rollout = {"firstRelease": "ScaleToZero" if empties else "Hold"}
    beside = [{"name": name} for name in NAMES[: len(fates)]]
    given = {"target": {"name": "web", "with": beside}, "signals": [signal()], "window": WINDOW, "rollout": rollout}
    shifts = [(T0 - 10 * MINUTE, 1.5)] if bad else []
    subject = Simulator(review(**given), metrics=Metrics(shifts), sleepy=True)
    for name, fate in zip(NAMES, fates, strict=False):
        each = Deployment(uid=f"{name}-uid", before="" if fate.first else "old", is_first=fate.first)
        if fate.hindered:
            each.check = WayBackCheck(at=T0, generation=each.generation, hindrances=[HINDRANCE])
        subject.members.append(each)
    subject.pass_time(30 * MINUTE)
    for each, fate in zip(subject.members, fates, strict=True):
        assert each is not None
        each.takes, each.fails = fate.takes, fate.fails
    subject.pass_time(30 * MINUTE)
    subject.sleepy = False
    return subject


def back(subject: Simulator) -> list[bool]:
    """Of the target and each beside it, whether it was taken back."""
    every = [subject.target, *subject.members]
    return [each is not None and (each.version == "old" or not each.replicas) for each in every]


def check(subject: Simulator, fates: list[Fate]) -> None:
    """What holds at any time; that each step comes in its turn and once, the simulator sees to."""
    found, act = back(subject), subject.stored().status.act
    assert found == sorted(found, reverse=True), "a beginning of them, in order"
    if act is not None:
        assert is_asked_for(subject.stored(), act)
    if subject.phase == Phase.ROLLED_BACK:
        assert all(found)
        assert not any(each.fails for each in fates)
    if subject.phase == Phase.PROMOTED:
        assert not any(found)
        assert {each.approved for each in subject.members if each} == {revision("new").template_hash}


@settings(max_examples=25, deadline=None)
@given(FATES, st.booleans())
def test_all_are_taken_back_or_it_is_told_which(fates: list[Fate], empties: bool) -> None:  # noqa: FBT001
    subject = released(fates, bad=True, empties=empties)
    for _ in range(10):
        subject.pass_time(10 * MINUTE)
        check(subject, fates)
    stuck = any(each.hindered or (each.first and not empties) for each in fates)
    fails = next((index for index, each in enumerate(fates) if each.fails), None)
    if stuck:
        assert (subject.phase, any(back(subject))) == (Phase.FAILED, False), "one that cannot go back holds all"
    elif fails is not None:
        assert (subject.phase, sum(back(subject))) == (Phase.FAILED, fails + 2)
        assert f"/{NAMES[fails]}: its pods were not all" in str(subject.stored().status.summary)
    else:
        assert (subject.phase, subject.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])


@settings(max_examples=10, deadline=None)
@given(FATES)
def test_what_stands_against_a_way_back_holds_up_no_promotion(fates: list[Fate]) -> None:
    subject = released(fates, bad=False)
    subject.pass_time(10 * MINUTE)
    check(subject, fates)
    assert subject.phase == Phase.PROMOTED


@settings(max_examples=8, deadline=None)
@given(FATES, st.data())
def test_killed_at_any_write_it_comes_to_the_same_end(fates: list[Fate], data: st.DataObject) -> None:
    start = released(fates, bad=True)
    whole = deepcopy(start)
    whole.pass_time(2 * HOUR)
    if whole.writes == start.writes:
        pytest.skip("nothing is written any more")
    killed = deepcopy(start)
    killed.fuse = data.draw(st.integers(1, whole.writes - start.writes))
    killed.pass_time(2 * HOUR)
    assert (killed.phase, back(killed)) == (whole.phase, back(whole))
    assert (killed.acts, killed.taken) == (whole.acts, whole.taken)
