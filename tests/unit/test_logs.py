"""One event is one line, whatever a server or a user put into it."""

import logging

import pytest

from driftreview.api.act import ActType, Do, Step
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.target import TargetKind
from driftreview.api.wayback import Hindrance, WayBackCheck
from driftreview.domain.action import Observed, Settle
from driftreview.domain.decide import with_rollback
from driftreview.domain.plan import plan
from driftreview.runtime.logs import _TextFormatter, tell
from tests.builders import T0, intent, review, target


def line(message: str, **extra: object) -> str:
    record = logging.LogRecord("driftreview", logging.INFO, "", 0, message, None, None)
    record.__dict__.update(extra)
    return _TextFormatter("%(levelname)s %(message)s").format(record)


def test_a_line_names_its_review() -> None:
    assert line("Promoted", review="prod/payments") == "INFO Promoted  [prod/payments]"


def test_nothing_in_a_message_makes_another_line_or_moves_the_cursor() -> None:
    assert line("pod a\n12:00:00 INFO Promoted\x1b[31m") == r"INFO pod a\n12:00:00 INFO Promoted\x1b[31m"


def test_that_the_way_back_turned_is_a_warning_and_that_it_turned_again_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = plan(review(), Observed(target()), T0)
    assert isinstance(begun, Settle)
    found = WayBackCheck(
        at=T0, generation=7, hindrances=[Hindrance(reason=Reason.ROLLBACK_REFUSED, message="a policy says no")]
    )
    good, bad = begun.status, with_rollback(review(), begun.status, target(check=found), T0)
    with caplog.at_level(logging.INFO, "driftreview"):
        tell("shop/web", good, bad)
        tell("shop/web", bad, bad)
        tell("shop/web", bad, good)
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", "rollback not possible: RollbackRefused: a policy says no"),
        ("INFO", "rollback possible: Possible: to web-old until 2026-07-31T16:30:00Z"),
    ]


def test_a_rollback_of_several_that_others_end_half_way_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    step = Step(do=Do.PUT_BACK, kind=TargetKind.DEPLOYMENT, namespace="shop", name="api")
    begun = intent(ActType.ROLL_BACK, T0, applied_at=T0, steps=[step])
    over = DriftReviewStatus(phase=Phase.SUPERSEDED, summary="web was changed", act=begun)
    alone = over.model_copy(update={"act": begun.model_copy(update={"steps": []})})
    with caplog.at_level(logging.INFO, "driftreview"):
        tell("shop/web", DriftReviewStatus(), over)
        tell("shop/web", DriftReviewStatus(), alone)
        tell("shop/web", DriftReviewStatus(), alone.model_copy(update={"not_back": ["Deployment api"]}))
    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO", "WARNING"]
