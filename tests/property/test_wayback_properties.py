"""Nothing lengthens the way back: what failed to be read, or is not known, never keeps a rollback from being done."""

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision
from driftreview.api.verdicts import Recommendation
from driftreview.api.wayback import Rehearsal, RehearsalOutcome, WayBackCheck
from driftreview.domain.action import Observed, PatchTarget, Settle
from driftreview.domain.headroom import Budget, Quota
from driftreview.domain.plan import plan
from driftreview.domain.wayback import Gathered, Need, Unread, checked
from tests.builders import HOUR, T0, drifted, intent, review, target, template

TEXT = st.text(max_size=300)
AMOUNTS = st.dictionaries(st.sampled_from(["pods", "cpu", "requests.memory"]), st.sampled_from(["0", "1", "5Gi"]))
HARMLESS = st.builds(
    Gathered,
    st.sampled_from([{}, template("old")]),
    st.lists(st.builds(Need, st.just("pull Secret"), TEXT), max_size=20).map(tuple),
    st.lists(st.builds(Unread, TEXT, TEXT), max_size=40).map(tuple),
    st.lists(st.builds(Quota, TEXT, AMOUNTS, AMOUNTS, st.booleans()), max_size=5).map(tuple),
    st.lists(st.builds(Budget, TEXT, st.just({"matchLabels": {"app": "web"}}), st.integers(0, 3)), max_size=20).map(
        tuple
    ),
    st.just(()),
    st.sampled_from([None, *(Rehearsal(outcome=RehearsalOutcome(each)) for each in ("Accepted", "Unknown"))]),
)
"""Whatever a look can find out, or fail to find out, without anything being certain."""


def intended() -> DriftReview:
    begun = plan(review(), Observed(target()), T0)
    assert isinstance(begun, Settle)
    decision = Decision(
        recommendation=Recommendation.REJECT, reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0
    )
    act = intent(at=T0 + HOUR)
    update = {"act": act, "decision": decision, "phase": Phase.ROLLING_BACK}
    return review(drifted(begun.status).model_copy(update=update))


@given(HARMLESS)
def test_what_is_not_certain_holds_no_rollback_up(gathered: Gathered) -> None:
    found = checked(intended(), target(), gathered, T0 + HOUR)
    assert plan(intended(), Observed(target(check=found)), T0 + HOUR) == PatchTarget(ActType.ROLL_BACK)


@given(HARMLESS, st.lists(st.builds(Need, st.sampled_from(["Secret", "ConfigMap"]), TEXT), max_size=80).map(tuple))
def test_whatever_is_found_fits_into_a_status(gathered: Gathered, missing: tuple[Need, ...]) -> None:
    everything = Gathered(gathered.template, missing, gathered.unread, gathered.quotas, gathered.budgets)
    found = checked(intended(), target(), everything, T0)
    assert WayBackCheck.model_validate(found.to_wire()) == found
