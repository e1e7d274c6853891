"""When alert rules are written, into what, and that nothing ever waits for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import yaml

from driftreview.adapters.errors import (
    ClusterError,
    ExistsError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UnservedError,
)
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.ruleobjects import RuleObjects
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.domain.rulewriting import rules_name
from driftreview.domain.status import condition
from driftreview.runtime.rulewriting import REFUSED, RETRY, RuleWriter
from tests.builders import HOUR, MINUTE, T0
from tests.reportdata import after, does, passes
from tests.simulator import Simulator

Raw = dict[str, Any]
NOW = T0 + HOUR
LATER = T0 + 2 * HOUR
RULES = {"alerts": {"rules": "Generate"}}


@dataclass
class Server(Cluster):
    """An API server with a review and objects of two kinds."""

    review: Raw
    snapshots: Mapping[str, Raw]
    objects: dict[str, Raw] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fails: dict[str, ClusterError] = field(default_factory=dict)

    def _send(
        self,
        method: str,
        path: str,
        query: Any = None,  # noqa: ARG002 - as the one it stands in for
        body: Any = None,
        **_: Any,
    ) -> bytes:
        kind, _, name = path.partition("/namespaces/shop/")[2].partition("/")
        self.calls.append(f"{method} {kind}")
        failure = self.fails.get(f"{method} {kind}") or self.fails.get(kind)
        if failure is not None:
            raise failure
        return json.dumps(self._answer(method, kind, name, body)).encode()

    def _answer(self, method: str, kind: str, name: str, body: Any) -> Raw:
        if kind == "driftreviews":
            self.review["status"] = body[-1]["value"]
            return self.review
        if method == "POST":
            place = f"{kind}/{body['metadata']['name']}"
            if place in self.objects:
                raise ExistsError(place)
            self.objects[place] = body
            return dict(body)
        if f"{kind}/{name}" not in self.objects:
            raise NotFoundError(name)
        _, add = body
        self.objects[f"{kind}/{name}"][add["path"][1:]] = add["value"]
        return self.objects[f"{kind}/{name}"]


def server(simulator: Simulator) -> Server:
    return Server(simulator.stored().to_wire(), simulator.snapshots)


def writer(found: Server, now: datetime = NOW) -> RuleWriter:
    def baseline(review: DriftReview) -> DriftSnapshotSpec | None:
        name = review.status.baseline.name if review.status.baseline else ""
        stored = found.snapshots.get(name)
        return None if stored is None else DriftSnapshotSpec.model_validate(stored)

    return RuleWriter(Reviews(found), RuleObjects(found), baseline, lambda: now)


def told(found: Server) -> tuple[str, str, str]:
    said = condition(DriftReview.model_validate(found.review).status, "AlertRulesWritten")
    assert said is not None
    return said.status, said.reason, said.message


def test_they_are_written_once_as_an_object_that_belongs_to_the_review() -> None:
    found = server(after(MINUTE, **RULES))
    raw, again = writer(found).after(found.review, LATER)
    assert again == LATER
    body = found.objects["prometheusrules/release-rules"]
    assert body["metadata"]["ownerReferences"][0]["uid"] == "review-uid"
    assert [each["alert"] for each in body["spec"]["groups"][0]["rules"]] == ["LatencyWorseThanT0", "LagWorseThanT0"]
    assert told(found) == (
        "True",
        "Written",
        "T0 2026-07-31T12:00:00Z: 2 rules (1 without: driftreview rules release) in prometheusrules/release-rules",
    )
    found.calls.clear()
    assert writer(found).after(raw, LATER) == (raw, LATER)
    assert found.calls == []


@pytest.mark.parametrize(
    ("failure", "why"),
    [(UnservedError("404"), "does not serve monitoring.coreos.com/v1"), (ForbiddenError("403"), "alert-rules.yaml")],
)
def test_without_that_kind_or_the_right_to_it_they_go_into_a_config_map(failure: ClusterError, why: str) -> None:
    found = server(after(MINUTE, **RULES))
    found.fails["prometheusrules"] = failure
    writer(found).after(found.review, LATER)
    data = found.objects["configmaps/release-rules"]["data"]
    assert len(yaml.safe_load(data["rules.yaml"])["groups"][0]["rules"]) == 2
    status, _, message = told(found)
    assert status == "True"
    assert "in configmaps/release-rules, which Prometheus must be given: no PrometheusRule, as" in message
    assert why in message


def test_none_are_written_where_none_are_asked_for_or_nothing_is_frozen_or_more_is_to_be_done() -> None:
    for simulator, again in ((after(MINUTE), LATER), (after(MINUTE, **RULES), NOW)):
        found = server(simulator)
        assert writer(found).after(found.review, again) == (found.review, again)
        assert found.calls == []
    pending = server(after(-10 * MINUTE, **RULES))
    assert pending.review["status"].get("baseline") is None
    writer(pending).after(pending.review, LATER)
    assert pending.calls == []


def test_a_t0_that_was_taken_anew_has_its_own() -> None:
    simulator = after(20 * MINUTE, **RULES)
    found = server(simulator)
    writer(found).after(found.review, LATER)
    objects = found.objects
    simulator.status = found.review["status"]
    does(simulator, "Rebaseline")
    passes(simulator, MINUTE)
    found = server(simulator)
    found.objects = objects
    writer(found).after(found.review, LATER)
    assert told(found)[2].startswith("T0 2026-07-31T12:")
    assert not told(found)[2].startswith("T0 2026-07-31T12:00:00Z")
    assert found.calls == ["PATCH prometheusrules", "PATCH driftreviews"]


@pytest.mark.parametrize(
    ("failure", "reason"), [(RefusedError("no", 422), "Refused"), (ExistsError("there"), "NameTaken")]
)
def test_what_is_refused_is_said_and_tried_again_after_a_while(failure: ClusterError, reason: str) -> None:
    found = server(after(MINUTE, **RULES))
    found.fails["POST prometheusrules"] = failure
    first = writer(found)
    raw, again = first.after(found.review, LATER)
    assert again == LATER
    status, said, message = told(found)
    assert (status, said) == ("False", reason)
    assert message.endswith("; `driftreview rules release` prints them")
    found.calls.clear()
    first.after(raw, LATER)
    assert found.calls == []
    late = RuleWriter(first.reviews, first.objects, first.baseline, lambda: NOW + REFUSED, first.refused)
    found.fails.clear()
    late.after(raw, LATER + REFUSED)
    assert told(found)[0] == "True"


def test_what_is_not_answered_is_tried_again_soon_and_nothing_is_said() -> None:
    found = server(after(MINUTE, **RULES))
    found.fails["PATCH prometheusrules"] = UnavailableError("later")
    assert writer(found).after(found.review, LATER) == (found.review, NOW + RETRY)
    assert condition(DriftReview.model_validate(found.review).status, "AlertRulesWritten") is None


def test_evidence_that_is_gone_or_altered_makes_no_rules() -> None:
    found = server(after(MINUTE, **RULES))
    found.snapshots = {}
    writer(found).after(found.review, LATER)
    assert told(found)[:2] == ("False", "EvidenceAltered")
    assert found.objects == {}


def test_whatever_goes_wrong_stops_no_review(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("driftreview.runtime.rulewriting.recommended", broken)
    found = server(after(MINUTE, **RULES))
    writer(found).after(found.review, LATER)
    assert told(found)[:2] == ("False", "InternalError")


def test_a_long_name_is_cut() -> None:
    assert rules_name("a" * 253) == "a" * 247 + "-rules"
