"""What is peculiar to Thanos, Mimir, VictoriaMetrics and Amazon Managed Prometheus, as their documentation has it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from driftreview.adapters.clock import now
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.serverinfo import Told, told
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Samples, Window
from tests.unit.test_prometheus_adapter_faults import (
    AT,
    GOOD,
    WINDOW,
    Handler,
    Serve,
    Stage,
    assert_failed,
    replying,
    sample,
    stage,
    success,
)

__all__ = ["stage"]
TIME = {"status": "success", "data": {"resultType": "scalar", "result": [AT.timestamp(), "1"]}}


def serving(**pages: Serve) -> Serve:
    """A server that has some of the API's pages, by the end of their path; the rest is 404."""

    def serve(handler: Handler) -> None:
        page = handler.path.partition("?")[0].rpartition("/")[2]
        pages.get(page, replying(404, b"404 page not found"))(handler)

    return serve


def mimir(handler: Handler) -> None:
    """Grafana Mimir.

    Without X-Scope-OrgID every request is refused with 401 and the text `no org id` (dskit's middleware;
    https://grafana.com/docs/mimir/latest/manage/secure/authentication-and-authorization/). It names itself in
    https://grafana.com/docs/mimir/latest/references/http-api/#build-information.
    """
    if not handler.headers.get("X-Scope-OrgID"):
        handler.reply(401, b"no org id\n", "text/plain")
        return
    built = {"application": "Grafana Mimir", "version": "2.17.0", "features": {"ruler_config_api": "true"}}
    serving(
        buildinfo=replying(200, {"status": "success", "data": built}),
        query=replying(200, TIME),
        query_range=replying(200, GOOD),
    )(handler)


def test_mimir_without_a_tenant_says_which_header_it_wants(stage: Stage) -> None:
    result = stage.source(stage.server(mimir).url, Credentials()).range("up", WINDOW)
    wanted = '("no org id"): name a tenant by the header X-Scope-OrgID in spec.headers'
    assert_failed(result, Reason.UNAUTHORIZED, wanted)


def test_mimir_with_a_tenant_answers_and_names_itself(stage: Stage) -> None:
    source = stage.source(stage.server(mimir).url, Credentials(open_headers={"X-Scope-OrgID": "team-a"}))
    assert isinstance(source.range("up", WINDOW), Samples)
    found = told(source, now)
    assert isinstance(found, Told)
    assert (found.version, found.retention) == ("Grafana Mimir 2.17.0", None)


def test_thanos_without_one_of_its_stores_is_a_partial_answer(stage: Stage) -> None:
    """https://thanos.io/tip/components/query.md/#partial-response: 200 with `warnings`, and the data of the others."""
    warning = "receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable desc = connection refused"
    result = stage.ask(replying(200, GOOD | {"warnings": [warning]}), Credentials())
    assert_failed(result, Reason.PARTIAL_ANSWER, "10.0.0.7:10901", "mend the query or the store it speaks of")


@pytest.mark.parametrize(("shift", "answered"), [(0, True), (7, False)])
def test_a_query_frontend_that_aligns_ranges_leaves_ours_as_they_are(
    stage: Stage,
    shift: int,
    answered: bool,  # noqa: FBT001
) -> None:
    """https://thanos.io/tip/components/query-frontend.md/: `--query-range.align-range-with-step` is on by default.

    Windows lie on multiples of their step (`fit`), which are where such a frontend moves them; any other is refused.
    """

    def aligned(handler: Handler) -> None:
        times = [sample(index, "1") for index in range(4)]
        handler.json(200, success("matrix", [{"metric": {}, "values": times}]))

    asked = Window(WINDOW.start + timedelta(seconds=shift), WINDOW.end + timedelta(seconds=shift), WINDOW.step)
    result = stage.source(stage.server(aligned).url, Credentials()).range("up", asked)
    if answered:
        assert isinstance(result, Samples)
    else:
        assert_failed(result, Reason.NOT_A_PROMETHEUS, "use the address of the querier behind it")


def victoria_metrics(handler: Handler) -> None:
    """VictoriaMetrics.

    The points of an answer are moved to multiples of the step unless `nocache=1`
    (https://docs.victoriametrics.com/victoriametrics/keyconcepts/#range-query), gaps are bridged as `max_lookback`
    says (https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#prometheus-querying-api-enhancements).
    It names itself as an old Prometheus (app/vmselect/main.go), and does not say how long it keeps samples.
    """
    params = handler.server.seen[-1].params
    shift = 0 if params.get("nocache") == "1" else 7
    points = [[at + shift, value] for at, value in (sample(index, "1") for index in range(4))]
    serving(
        buildinfo=replying(200, {"status": "success", "data": {"version": "2.24.0"}}),
        query=replying(200, success("vector", [{"metric": {}, "value": [AT.timestamp(), "1"]}])),
        query_range=replying(200, success("matrix", [{"metric": {}, "values": points}])),
        runtimeinfo=replying(400, b'unsupported path requested: "/api/v1/status/runtimeinfo"'),
    )(handler)


def test_victoria_metrics_is_asked_so_that_it_moves_no_points(stage: Stage) -> None:
    server = stage.server(victoria_metrics)
    source = stage.source(f"{server.url}/select/0/prometheus", Credentials())
    assert isinstance(source.range("up", WINDOW), Samples)
    assert server.seen[0].params["max_lookback"] == "60s"
    found = told(source, now)
    assert isinstance(found, Told)
    assert (found.version, found.retention) == ("2.24.0", None)
    assert found.ahead is not None


def test_victoria_metrics_without_one_of_its_storage_nodes_is_a_partial_answer(stage: Stage) -> None:
    """https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#cluster-availability: `isPartial`."""
    result = stage.ask(replying(200, GOOD | {"isPartial": True}), Credentials())
    assert_failed(result, Reason.PARTIAL_ANSWER, "a storage node did not take part")


def test_amazon_says_neither_what_it_is_nor_how_long_it_keeps_samples(stage: Stage) -> None:
    """https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-APIReference-Prometheus-Compatible-Apis.html."""
    source = stage.source(stage.server(serving(query=replying(200, TIME))).url, Credentials())
    found = told(source, now)
    assert isinstance(found, Told)
    assert (found.version, found.retention) == (None, None)
    assert found.ahead is not None


def test_amazon_that_throttles_is_left_alone(stage: Stage) -> None:
    """https://docs.aws.amazon.com/prometheus/latest/userguide/AMP_quotas.html: 429 beyond the quota."""
    server = stage.server(replying(429, {"message": "Rate exceeded"}))
    source = stage.source(server.url, Credentials())
    source._backoff._uniform = lambda *_: 60.0
    for _ in range(5):
        assert_failed(source.range("up", WINDOW), Reason.RATE_LIMITED, "lower spec.queriesPerSecond")
    assert len(server.seen) == 1
