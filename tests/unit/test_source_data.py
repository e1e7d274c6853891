"""Endpoints beside the query API: what not every server has is no fault of the source, and is not waited for."""

from typing import Any

import pytest

from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed
from tests.unit.test_prometheus_adapter_faults import Serve, Stage, assert_failed, assert_hides, replying, stage

__all__ = ["stage"]


def said(stage: Stage, serve: Serve) -> Any:
    return stage.source(stage.server(serve).url).data("status/runtimeinfo", {"a": "b"})


def test_what_is_said_is_handed_on_as_it_is(stage: Stage) -> None:
    body = {"status": "success", "data": {"storageRetention": "15d"}}
    assert said(stage, replying(200, body)) == {"storageRetention": "15d"}
    assert said(stage, replying(200, {"status": "success", "data": []})) == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, Reason.FORBIDDEN), (403, Reason.FORBIDDEN), (404, Reason.NOT_FOUND), (405, Reason.NOT_FOUND)],
)
def test_what_is_not_served_is_not_asked_again(stage: Stage, status: int, reason: Reason) -> None:
    found = said(stage, replying(status, b"<html>no</html>"))
    assert_failed(found, reason, f"HTTP {status}: it does not serve this", retryable=False)


@pytest.mark.parametrize(
    "serve",
    [
        replying(200, {"status": "success"}),
        replying(200, {"status": "success", "data": [], "warnings": ["a store is down"]}),
        replying(200, b"<html>"),
        replying(503, b"busy"),
    ],
)
def test_what_is_no_whole_answer_is_none(stage: Stage, serve: Serve) -> None:
    found = said(stage, serve)
    assert isinstance(found, Failed)
    assert found.retryable
    assert_hides(found.message)
