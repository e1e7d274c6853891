"""A promotion to any number of workloads, whatever happens: in order, each once, Promoted only if all run it."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.act import Do
from driftreview.api.phases import TERMINAL, Phase
from driftreview.domain.ways import is_asked_for
from driftreview.domain.workload import Rollout
from tests.builders import HOUR, MINUTE, review, signal
from tests.simulator import Deployment, Recipient, Simulator, intent_of

NAMES = ("stable", "a", "b", "c")
WINDOW = {"checkpoints": ["1h"], "rollback": "1h"}
ROLLOUTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda kind, count: {
        "type": kind,
        "promoteTo": [{"name": name} for name in NAMES[1 : count + 1]],
        **({"stable": {"name": "stable"}} if kind == "Canary" else {}),
    },
    st.sampled_from(["InPlace", "Canary", "Paused"]),
    st.integers(0, 3),
)
RECIPIENTS = st.lists(
    st.builds(
        Recipient,
        takes=st.sampled_from([timedelta(0), 3 * MINUTE, 30 * MINUTE]),
        fails=st.sampled_from([False, False, False, True]),
        hindrance=st.sampled_from(["", "", "", "it is not there"]),
    ),
    min_size=5,
    max_size=5,
)


def promoting(rollout: dict[str, Any], recipients: list[Recipient]) -> Simulator:
    """A good release right before its only look."""
    subject = Simulator(review(signals=[signal()], rollout=rollout, window=WINDOW), sleepy=True)
    paused = rollout["type"] == "Paused"
    subject.target = Deployment(paused=paused, partly=paused)
    keys = ["GiveTemplate Deployment shop/stable", "Scale Deployment shop/web"]
    keys += [f"GiveImages Deployment shop/{name}" for name in NAMES[1:]]
    for key, each in zip(keys, recipients, strict=True):
        subject.recipients[key] = each
    subject.pass_time(HOUR + (10 * MINUTE if paused else 0 * MINUTE))
    subject.sleepy = False
    return subject


def check(subject: Simulator) -> None:
    """What holds at any time; that each step comes in its turn and once, the simulator sees to."""
    act, phase = subject.stored().status.act, subject.phase
    assert act is not None
    assert is_asked_for(subject.stored(), act)
    assert subject.taken == [intent_of(each) for each in act.steps][: len(subject.taken)]
    if phase == Phase.PROMOTED:
        assert all(subject._recipient(each).view(subject.now).rollout is Rollout.COMPLETE for each in act.steps)
        assert all(each.completed_at for each in act.steps)
    if phase == Phase.FAILED:
        assert not all(each.completed_at for each in act.steps)
        assert sum(each.completed_at is not None for each in act.steps) <= len(subject.taken)


@settings(max_examples=10)
@given(ROLLOUTS, RECIPIENTS, st.lists(st.sampled_from(["wait", "mend", "suspend", "resume"]), max_size=4))
def test_it_ends_promoted_or_says_what_it_was_not_given_to(
    rollout: dict[str, Any], recipients: list[Recipient], happens: list[str]
) -> None:
    subject = promoting(rollout, recipients)
    for each in happens:
        subject.pass_time(4 * MINUTE)
        if each == "mend":
            for recipient in subject.recipients.values():
                recipient.hindrance = ""
        if each in {"suspend", "resume"}:
            subject.suspend(suspended=each == "suspend")
        check(subject)
    subject.suspend(suspended=False)
    subject.pass_time(50 * MINUTE)
    check(subject)
    assert subject.phase in TERMINAL
    summary = subject.stored().status.summary
    assert summary is not None
    for step in subject.stored().status.act.steps if subject.stored().status.act else ():
        if step.completed_at is None and step.do is not Do.SCALE:
            assert step.name in summary


@pytest.mark.parametrize("kind", ["Canary", "Paused"])
def test_killed_at_any_write_it_comes_to_the_same_end(kind: str) -> None:
    rollout = {"type": kind, "promoteTo": [{"name": "a"}, {"name": "b"}]}
    rollout |= {"stable": {"name": "stable"}} if kind == "Canary" else {}

    decided = promoting(rollout, [Recipient(takes=timedelta(seconds=10)) for _ in range(5)])

    def life(fuse: int | None) -> Simulator:
        subject = deepcopy(decided)
        subject.fuse, subject.writes = fuse, 0
        subject.pass_time(7 * MINUTE)
        return subject

    calm = life(None)
    assert calm.phase == Phase.PROMOTED
    for fuse in range(1, calm.writes + 1):
        killed = life(fuse)
        assert (killed.phase, killed.acts, killed.taken) == (calm.phase, calm.acts, calm.taken), fuse
