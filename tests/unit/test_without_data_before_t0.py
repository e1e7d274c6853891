"""A query that returns nothing before T0 keeps no review from starting, but it is said at once and until T0."""

from datetime import datetime, timedelta

import pytest

from driftreview.api.base import Condition
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.starting import is_accepted, silence
from driftreview.domain.status import condition
from driftreview.domain.workload import Rollout, TargetView
from tests.builders import HOUR, MINUTE, T0, review, signal, target

SIGNALS = [signal("latency"), signal("ratio"), signal("marks"), signal("age")]
SILENT = "no data yet for: latency (check metric names and labels in spec.signals[0].query)"
NOTHING = tuple(silence(review().spec, {"latency": Reason.EMPTY}))
ROLLING = target(rollout=Rollout.PROGRESSING, rolled_out_at=None, rollout_message="1 of 3 pods are updated")


def step(status: DriftReviewStatus, problems: tuple[Problem, ...], now: datetime, view: TargetView) -> Settle:
    action = plan(review(status), Observed(view, problems), now)
    assert isinstance(action, Settle)
    DriftReviewStatus.model_validate(action.status.to_wire())
    return action


def accepted(status: DriftReviewStatus) -> Condition:
    found = condition(status, ConditionType.ACCEPTED)
    assert found is not None
    return found


def stored(status: DriftReviewStatus, generation: int = 1) -> DriftReview:
    subject = review(status)
    return subject.model_copy(update={"metadata": subject.metadata.model_copy(update={"generation": generation})})


class TestWords:
    def said(self, **found: str) -> list[str]:
        return [each.message for each in silence(review(signals=SIGNALS).spec, found)]

    def test_the_signals_and_their_fields_are_named(self) -> None:
        (said,) = self.said(latency=Reason.EMPTY, age=Reason.EMPTY)
        where = "check metric names and labels in spec.signals[0].query, spec.signals[3].query"
        assert said == f"no data yet for: latency, age ({where})"

    def test_what_came_instead_of_numbers_is_told_apart(self) -> None:
        assert self.said(latency=Reason.ONLY_INFINITE, ratio=Reason.ONLY_NAN, marks=Reason.EMPTY) == [
            "no data yet for: marks (check metric names and labels in spec.signals[2].query)",
            "only NaN yet for: ratio (as a quotient without traffic is, see spec.signals[1].query)",
            "only infinite values yet for: latency (as a quotient by zero is, see spec.signals[0].query)",
        ]

    def test_where_all_have_data_nothing_is_said(self) -> None:
        assert self.said() == []

    def test_many_make_a_sentence_that_can_be_read(self) -> None:
        many = [signal(f"s{number}") for number in range(50)]
        (said,) = silence(review(signals=many).spec, {each.name: Reason.EMPTY for each in many})
        assert said.message == (
            "no data yet for: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 40 more (check metric names and labels in "
            "spec.signals[0].query, spec.signals[1].query, spec.signals[2].query and 47 more)"
        )


class TestBeforeT0:
    def test_the_review_is_accepted_and_says_so_in_its_condition_and_in_its_summary(self) -> None:
        status = step(DriftReviewStatus(), NOTHING, T0 - MINUTE, target()).status
        said = accepted(status)
        assert (said.status, said.reason, said.message) == ("True", Reason.NO_DATA_YET, SILENT)
        assert status.summary == f"waits for T0 of web-new at 2026-07-31T12:00:00Z; {SILENT}"

    def test_a_problem_comes_first(self) -> None:
        gone = Problem(reason=Reason.SOURCE_NOT_FOUND, message="there is no such source")
        status = step(DriftReviewStatus(), (*NOTHING, gone), T0 - MINUTE, target()).status
        assert status.summary == "not accepted: there is no such source"

    def test_while_it_rolls_out_nothing_is_asked_again_and_the_warning_stays(self) -> None:
        once = step(DriftReviewStatus(), NOTHING, T0 - HOUR, ROLLING).status
        assert once.summary == f"waits for web: 1 of 3 pods are updated; {SILENT}"
        assert is_accepted(stored(once))
        again = step(once, (), T0 - HOUR + timedelta(seconds=10), ROLLING)
        assert again.status == once

    def test_while_it_warms_up_it_is_asked_again_with_every_look_a_minute_apart(self) -> None:
        rolling = step(DriftReviewStatus(), NOTHING, T0 - HOUR, ROLLING).status
        warming = step(rolling, (), T0 - 9 * MINUTE, target())
        assert accepted(warming.status).message == SILENT
        assert not is_accepted(stored(warming.status))
        assert warming.again == T0 - 8 * MINUTE
        silent = step(warming.status, NOTHING, T0 - 8 * MINUTE, target())
        assert silent.status == warming.status
        assert silent.again == T0 - 7 * MINUTE

    def test_the_warning_goes_when_the_data_comes(self) -> None:
        silent = step(DriftReviewStatus(), NOTHING, T0 - 9 * MINUTE, target()).status
        status = step(silent, (), T0 - 8 * MINUTE, target()).status
        assert accepted(status).message == "target, source and queries are in order"
        assert status.summary == "waits for T0 of web-new at 2026-07-31T12:00:00Z"
        assert accepted(status).last_transition_time == accepted(silent).last_transition_time
        assert is_accepted(stored(status))

    def test_another_spec_is_asked_anew(self) -> None:
        status = step(DriftReviewStatus(), (), T0 - 9 * MINUTE, target()).status
        assert not is_accepted(stored(status, generation=2))
        assert not is_accepted(stored(step(DriftReviewStatus(), NOTHING, T0 - HOUR, ROLLING).status, generation=2))

    def test_before_there_is_a_replica_set_nothing_is_accepted(self) -> None:
        status = step(DriftReviewStatus(), (), T0 - MINUTE, target(current=None)).status
        assert accepted(status).status == "Unknown"
        assert not is_accepted(stored(status))
        assert accepted(step(status, (), T0 - MINUTE, target()).status).status == "True"


class TestAtT0:
    @pytest.mark.parametrize("waited", [True, False])
    def test_it_starts_and_says_what_was_without_data(self, *, waited: bool) -> None:
        before = step(DriftReviewStatus(), NOTHING, T0 - MINUTE, target()).status if waited else DriftReviewStatus()
        status = step(before, NOTHING, T0, target()).status
        assert (status.phase, status.t0) == (Phase.BASELINING, T0)
        said = accepted(status)
        assert (said.status, said.reason) == ("True", Reason.ACCEPTED)
        assert said.message == f"target, source and queries are in order; before T0: {SILENT}"
        assert status.summary == f"T0 is 2026-07-31T12:00:00Z: freezing the baseline; {SILENT}"

    def test_with_data_it_says_nothing_of_it(self) -> None:
        status = step(DriftReviewStatus(), (), T0, target()).status
        assert accepted(status).message == "target, source and queries are in order"
        assert status.summary == "T0 is 2026-07-31T12:00:00Z: freezing the baseline"
