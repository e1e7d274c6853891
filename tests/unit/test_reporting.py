"""When a report is written, into what, and that nothing ever waits for it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ExistsError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
)
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.reports import Reports
from driftreview.adapters.reviews import Reviews
from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType
from driftreview.domain.reporting import config_map_name, is_owed, owed, report_written
from driftreview.domain.status import condition
from driftreview.runtime.reporting import RETRY, Reporter
from tests.builders import HOUR, MINUTE, T0
from tests.reportdata import STATES, after, does, passes, retaken
from tests.simulator import Simulator

Raw = dict[str, Any]
NAME = "release-report"


@dataclass
class Server(Cluster):
    """An API server with a review, its snapshots and ConfigMaps."""

    review: Raw
    snapshots: Mapping[str, Raw]
    config_maps: dict[str, Raw] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fails: dict[str, ClusterError] = field(default_factory=dict)
    people: tuple[DriftApproval, ...] = ()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - as the one it stands in for
        body: Any = None,
        **_: Any,
    ) -> bytes:
        kind, _, name = path.partition("/namespaces/shop/")[2].partition("/")
        self.calls.append(f"{method} {kind}")
        if (failure := self.fails.get(f"{method} {kind}")) is not None:
            raise failure
        return json.dumps(getattr(self, f"_{method.lower()}_{kind}")(name, body)).encode()

    def _get_driftsnapshots(self, name: str, _: Any) -> Raw:
        if name not in self.snapshots:
            raise NotFoundError(name)
        return {"metadata": {"name": name}, "spec": self.snapshots[name]}

    def _patch_driftreviews(self, _: str, patch: list[Raw]) -> Raw:
        self.review["status"] = patch[-1]["value"]
        return self.review

    def _patch_configmaps(self, name: str, patch: list[Raw]) -> Raw:
        if name not in self.config_maps:
            raise NotFoundError(name)
        test, add = patch
        assert test["path"] == "/metadata/ownerReferences/0/uid"
        owners = self.config_maps[name]["metadata"].get("ownerReferences") or [{}]
        if owners[0].get("uid") != test["value"]:
            raise ChangedError("a test failed")
        self.config_maps[name]["data"] = add["value"]
        return self.config_maps[name]

    def _post_configmaps(self, _: str, body: Raw) -> Raw:
        name = body["metadata"]["name"]
        if name in self.config_maps:
            raise ExistsError(name)
        self.config_maps[name] = body
        return body


def server(simulator: Simulator) -> Server:
    return Server(simulator.stored().to_wire(), simulator.snapshots, people=tuple(simulator.approvals))


def turn(found: Server, again: datetime | None, now: datetime = T0 + HOUR) -> datetime | None:
    return Reporter(Reviews(found), Reports(found), lambda _: found.people, lambda: now).after(found.review, again)


def told(found: Server) -> tuple[str, str, str]:
    said = condition(DriftReview.model_validate(found.review).status, ConditionType.REPORT_WRITTEN)
    assert said is not None
    return said.status, said.reason, said.message


LATER = T0 + 2 * HOUR


def test_it_is_written_at_t0_at_each_look_and_at_the_end_with_few_requests() -> None:
    asked = []
    for length, about in ((MINUTE, "T0"), (65 * MINUTE, "T0+1h"), (125 * MINUTE, "T0+2h"), (5 * HOUR, "Promoted")):
        found = server(after(length))
        assert turn(found, LATER) == LATER
        files = found.config_maps[NAME]["data"]
        sums = ", ".join(f"{name} {hashlib.sha256(text.encode()).hexdigest()}" for name, text in sorted(files.items()))
        assert told(found) == ("True", "Written", f"{about}: in configmaps/{NAME} (sha256: {sums})")
        assert set(files) == {"review.md", "review.html", "review.json"}
        assert json.loads(found.config_maps[NAME]["data"]["review.json"])["about"] == about
        asked.append(len(found.calls))
        found.calls.clear()
        assert turn(found, LATER) == LATER
        assert found.calls == [], "and not again"
    assert asked == [4, 5, 6, 7]  # the snapshots, the ConfigMap (the first time two), the status


def test_it_is_written_anew_after_what_people_did_and_for_a_t0_that_they_had_taken_anew() -> None:
    simulator = after(20 * MINUTE)
    found = server(simulator)
    turn(found, LATER)
    assert told(found)[2].startswith("T0: ")
    simulator.status = found.review["status"]
    for count, (kind, about) in enumerate((("Note", "T0 with 1 act of people"), ("Rebaseline", "T0 with 2 acts")), 1):
        does(simulator, kind)
        passes(simulator, MINUTE)
        found = server(simulator)
        turn(found, LATER)
        assert told(found)[2].startswith(about)
        assert len(found.review["status"]["approvals"]) == count
        simulator.status = found.review["status"]
        found.calls.clear()
        turn(found, LATER)
        assert found.calls == [], "and once"
    assert "Earlier T0" in found.config_maps[NAME]["data"]["review.md"]


def test_the_evidence_of_every_t0_is_read_and_a_name_under_which_nothing_is_stored_costs_nothing_but_a_request() -> (
    None
):
    found = server(retaken())
    turn(found, LATER)
    assert found.calls.count("GET driftsnapshots") == 4
    written = found.config_maps[NAME]["data"]["review.md"]
    assert all(f"release-review-u-{name}" in written for name in ("t0", "t0-2", "t0-3", "1h-3"))
    assert "deleted in the cluster" not in written


def test_it_belongs_to_the_review_and_goes_with_it() -> None:
    found = server(after(MINUTE))
    turn(found, LATER)
    (owner,) = found.config_maps[NAME]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("DriftReview", "review-uid", True)


def test_one_that_is_there_is_replaced() -> None:
    found = server(after(MINUTE))
    turn(found, LATER)
    later = server(after(65 * MINUTE))
    later.config_maps = found.config_maps
    turn(later, LATER)
    assert json.loads(later.config_maps[NAME]["data"]["review.json"])["about"] == "T0+1h"
    assert "POST configmaps" not in later.calls


@pytest.mark.parametrize("owners", [None, [{"uid": "other"}]])
def test_a_config_map_of_somebody_else_is_left_alone_and_that_is_said(owners: Any) -> None:
    found = server(after(MINUTE))
    theirs = {"metadata": {"name": NAME, "ownerReferences": owners}, "data": {"mine": "yes"}}
    found.config_maps[NAME] = theirs
    assert turn(found, LATER) == LATER
    status, reason, message = told(found)
    assert (status, reason) == ("False", "NameTaken")
    assert message.startswith(f"T0: not in configmaps/{NAME}: configmaps/{NAME} is not of this review")
    assert theirs["data"] == {"mine": "yes"}


def test_a_missing_right_is_said_once_and_tried_again_at_the_next_look() -> None:
    found = server(after(MINUTE))
    found.fails["PATCH configmaps"] = ForbiddenError("may not")
    assert turn(found, LATER) == LATER
    assert told(found)[:2] == ("False", "Forbidden")
    found.calls.clear()
    assert turn(found, LATER) == LATER
    assert found.calls == []
    simulator = after(65 * MINUTE)
    later = server(simulator)
    later.review["status"]["conditions"] = [
        *(each for each in later.review["status"]["conditions"] if each["type"] != "ReportWritten"),
        *(each for each in found.review["status"]["conditions"] if each["type"] == "ReportWritten"),
    ]
    assert turn(later, LATER) == LATER
    assert told(later)[:2] == ("True", "Written")


@pytest.mark.parametrize("call", ["GET driftsnapshots", "PATCH configmaps", "POST configmaps", "PATCH driftreviews"])
def test_an_api_server_that_does_not_answer_is_asked_again_in_a_minute(call: str) -> None:
    found = server(after(MINUTE))
    found.fails[call] = UnavailableError("no answer")
    assert turn(found, None) == T0 + HOUR + RETRY
    assert turn(found, T0 + HOUR + timedelta(seconds=5)) == T0 + HOUR + timedelta(seconds=5)
    found.fails.clear()
    assert turn(found, None) is None
    assert told(found)[0] == "True"


def test_a_report_that_cannot_be_made_keeps_nothing_from_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("driftreview.runtime.reporting.report", broken)
    found = server(after(MINUTE))
    assert turn(found, LATER) == LATER
    assert told(found)[:2] == ("False", "InternalError")
    assert "ZeroDivisionError" in told(found)[2]


def test_while_there_is_something_to_do_nothing_is_written() -> None:
    found = server(after(MINUTE))
    assert turn(found, T0 + HOUR) == T0 + HOUR
    assert found.calls == []


def test_evidence_that_is_gone_is_said_in_the_report() -> None:
    found = server(after(65 * MINUTE))
    found.snapshots = {name: each for name, each in found.snapshots.items() if not name.endswith("1h")}
    turn(found, LATER)
    assert told(found)[0] == "True"
    assert "there is no such snapshot" in found.config_maps[NAME]["data"]["review.md"]


def test_nothing_is_owed_before_t0_nor_to_a_review_that_ended_before_there_were_reports() -> None:
    assert owed(after(-12 * MINUTE).stored()) is None
    ended = after(5 * HOUR).stored()
    conditions = [each for each in ended.status.conditions if each.type != "ReportWritten"]
    old = ended.model_copy(update={"status": ended.status.model_copy(update={"conditions": conditions})})
    assert owed(old) is None
    assert not is_owed(old.status.to_wire())
    assert is_owed(ended.status.to_wire())
    noted = ended.status.model_copy(update={"approvals": STATES["rejected"]().stored().status.approvals})
    told = report_written(ended.model_copy(update={"status": noted}), owed(ended) or "", {}, T0).to_wire()
    assert is_owed(told), "what people did is to be reported too"


def test_the_name_is_one_that_the_api_server_takes() -> None:
    assert config_map_name("web-2") == "web-2-report"
    assert len(config_map_name("x" * 253)) == 253
    assert config_map_name("x" * 245 + ".y" * 4) == "x" * 245 + "-report"
