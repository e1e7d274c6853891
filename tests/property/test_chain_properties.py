"""policy.onNewRevision: Chain, with new revisions at any time; the simulator checks every write (`_check_chain`)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.approvals import MOST_RETAKEN
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from tests.builders import HOUR, MINUTE, T0, approval, content_hash, review, template
from tests.reportdata import taken
from tests.simulator import Metrics, Simulator, play, same_target

RELEASES = st.lists(
    st.tuples(
        st.sampled_from(["newer", "newest", "new", "newer", "newest", "old"]),
        st.sampled_from([MINUTE, 12 * MINUTE, 25 * MINUTE, 90 * MINUTE, 5 * HOUR]),
    ),
    min_size=1,
    max_size=7,
)
PEOPLE = st.sampled_from(["", "", "Approve", "Reject", "Rebaseline", "Extend", "Note"])
POLICIES = st.sampled_from(
    [
        {},
        {"onDrift": "Hold"},
        {"approval": {"type": "Manual", "approvals": 1}},
        {"onWindowEnd": "Rollback", "onInconclusive": "Promote"},
        {"mode": "Advise"},
    ]
)


@dataclass(frozen=True)
class Life:
    """What happens to a review."""

    releases: list[tuple[str, timedelta]]
    person: str
    when: int
    shift: float
    forgets: bool

    def __call__(self, simulator: Simulator) -> None:
        simulator.run()
        for number, (version, pause) in enumerate(self.releases):
            simulator.pass_time(pause)
            if number == self.when and self.person:
                fields = {"for": "1h"} if self.person == "Extend" else {}
                moment = simulator.now.replace(microsecond=0)
                simulator.approvals.append(approval(self.person, "jane", moment, **fields))
                simulator.pass_time(MINUTE)
            target = simulator.target
            assert target is not None
            if simulator.phase not in TERMINAL and target.version != version:
                target.roll_out(version, simulator.now)
                target.forgotten = self.forgets
                simulator.metrics.shifts.append((simulator.now, self.shift if number % 2 else 1.0))
        simulator.pass_time(16 * HOUR)


LIVES = st.builds(
    Life, RELEASES, person=PEOPLE, when=st.integers(0, 3), shift=st.sampled_from([1.0, 1.5]), forgets=st.booleans()
)


def made(policy: dict[str, Any]) -> Simulator:
    subject = review(policy={"onNewRevision": "Chain", **policy}, baseline={"length": "6h"})
    return Simulator(subject, now=T0, metrics=Metrics(), sleepy=True)


@settings(deadline=None, max_examples=30)
@given(life=LIVES, policy=POLICIES)
def test_it_ends_goes_back_to_the_first_way_back_only_and_is_verified(life: Life, policy: dict[str, Any]) -> None:
    simulator = play(lambda: made(policy), life)
    status = DriftReviewStatus.model_validate(simulator.status)
    assert status.phase in TERMINAL or (status.t0 is None and status.chain is not None)
    assert len(status.chain.revisions if status.chain else []) <= (status.retaken or 0) <= MOST_RETAKEN
    asked = any(each.type == "Rebaseline" and each.counted for each in status.approvals)
    if status.phase is Phase.ROLLED_BACK and not asked:
        assert status.previous is not None
        assert status.previous.template_hash == content_hash(template("old"))
    subject, snapshots, _ = taken(simulator)
    looks = looked(subject, snapshots)
    after = looked_after(subject, looks, snapshots)
    assert list(differences(subject, looks, earlier(subject, snapshots), tuple(simulator.approvals), after)) == []


@settings(deadline=None, max_examples=20)
@given(life=LIVES, policy=POLICIES, fuse=st.integers(1, 60))
def test_killed_at_any_write_it_comes_to_the_same_end(life: Life, policy: dict[str, Any], fuse: int) -> None:
    whole = play(lambda: made(policy), life)
    killed = play(lambda: made(policy), life, fuse)
    assert killed.status == whole.status
    assert killed.evidence() == whole.evidence()
    assert killed.acts == whole.acts
    assert same_target(killed, whole)
