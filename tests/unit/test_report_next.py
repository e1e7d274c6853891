"""Next Steps: what may be going on right now, and what a rollback leaves as it is, are told to whoever reads them."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.configuration import ReferenceFact
from driftreview.api.facts import Facts
from driftreview.api.phases import Phase
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Entries
from tests import factdata
from tests.builders import HOUR, MINUTE, T0, limit, signal
from tests.reportdata import BOT_SIGNALS, life, passes, taken
from tests.simulator import Simulator
from tests.unit.test_report import blocks, said

WIDE = signal(margin={"relative": "100%"})
WARNED: dict[str, Any] = {"name": "queue", "alert": "120", "for": "30m", "mode": "Shadow"}


def steps(simulator: Simulator) -> list[str]:
    return said(report(*taken(simulator)), "outlook", "Next")


def beyond(shift_at: timedelta, length: timedelta = 5 * HOUR) -> Simulator:
    """A review whose queue is beyond its limit from some time on, which does not count."""
    return passes(life(shift_at, signals=[WIDE, limit(**WARNED)]), 12 * MINUTE + length)


class TestWhatIsStillSo:
    def test_a_promoted_release_may_be_beyond_a_limit_right_now(self) -> None:
        simulator = beyond(4 * HOUR - 10 * MINUTE)
        assert simulator.phase == Phase.PROMOTED
        first, last = steps(simulator)
        assert first == "Look at queue now: beyond its limit at the end of T0+4h, since 2026-07-31T15:55:00Z, still"
        assert last == "Nothing else: the revision is approved, and nothing more is looked at"

    def test_while_it_goes_on_as_well(self) -> None:
        simulator = beyond(2 * HOUR - 10 * MINUTE, 2 * HOUR + 5 * MINUTE)
        assert any(
            each.startswith("Look at queue now: beyond its limit at the end of T0+2h") for each in steps(simulator)
        )

    def test_what_is_over_is_nothing_to_look_at(self) -> None:
        simulator = life(signals=[WIDE, limit(**WARNED)])
        simulator.metrics.shifts = [(T0 + 90 * MINUTE, 1.5), (T0 + 100 * MINUTE, 1.0)]
        assert steps(passes(simulator, 5 * HOUR)) == ["None: the revision is approved, and nothing more is looked at"]

    @pytest.mark.parametrize(("last", "told"), [("10m", True), ("5m", False)])
    def test_a_silence_of_more_than_a_step_and_which_series_it_is_of(self, last: str, *, told: bool) -> None:
        simulator = beyond(4 * HOUR - 10 * MINUTE)
        name = next(each for each in simulator.snapshots if each.endswith("-4h"))
        queue = simulator.snapshots[name]["signals"][1]["series"][0]
        over = queue.pop("over")
        gaps = dict.fromkeys(("longest", "longestScraped", "first", "firstScraped"), "0s")
        queue |= {"gaps": gaps | {"lastScraped": last, "silentScraped": over}, "labels": {"symbol": "a"}}
        spec = simulator.review.spec.model_copy(update={"signals": [WIDE, limit(**WARNED, each="symbol")]})
        simulator.review = simulator.review.model_copy(update={"spec": spec})
        step = (
            "Look at queue (symbol a) now: silent while the source was scraping at the end of T0+4h, since "
            "2026-07-31T15:55:00Z, still"
        )
        assert (step in steps(simulator)) == told


def facts(hours: float = 0, settings: str = "a") -> Facts:
    """What a look finds, with a ConfigMap by the digit of its hash."""
    edited = T0 + hours * HOUR - MINUTE
    reference = ReferenceFact(name="settings", hash=f"sha256:{settings * 64}", changed_at=edited)
    configured = factdata.configuration(config_maps=[reference])
    return factdata.at_t0().model_copy(update={"taken_at": T0 + hours * HOUR, "configuration": configured})


def test_a_rollback_leaves_what_changed_beside_the_pod_template() -> None:
    simulator = life(30 * MINUTE, signals=BOT_SIGNALS)
    simulator.facts = lambda name: facts() if name == "T0" else facts(1, "b")
    assert passes(simulator, 5 * HOUR).phase == Phase.ROLLED_BACK
    assert steps(simulator)[-1] == (
        "Take back by hand what was not meant to stay under web-old: configmaps/settings (2026-07-31T12:59:00Z) "
        "changed since T0, and a rollback takes back the pod template only"
    )


def test_and_where_nothing_did_there_is_nothing_to_take_back() -> None:
    simulator = life(30 * MINUTE, signals=BOT_SIGNALS)
    simulator.facts = lambda name: facts(0 if name == "T0" else 1)
    passes(simulator, 5 * HOUR)
    assert not any(each.startswith("Take back") for each in steps(simulator))


def test_replicas_are_told_with_their_time() -> None:
    simulator = life(signals=BOT_SIGNALS)
    crashing = factdata.deployment(ready=0, available=0)
    simulator.facts = lambda name: facts() if name == "T0" else facts(1).model_copy(update={"deployment": crashing})
    made = report(*taken(passes(simulator, 90 * MINUTE)))
    entries = next(block for block in blocks(made, "configuration") if isinstance(block, Entries))
    told = {row.cells[0].text: row.cells[1].text for row in entries.rows}
    assert told["Replicas at T0"] == "1 wanted, 1 of this revision, 1 ready, 1 available"
    assert told["Replicas at T0+1h"] == "1 wanted, 1 of this revision, 0 ready, 0 available"
