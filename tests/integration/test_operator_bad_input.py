"""What the schema lets through but cannot work: said at once with the field's name, and mended without a restart."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import pytest

from lab.install import SYSTEM
from lab.ports import free_port
from tests.support.cluster import Api, Raw
from tests.support.stage import NAME, SOURCE, Stage, condition, steady, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
SECRET = "sesame-4711"
QUERY = "spec.signals[0].query (signal latency)"


def watching(stage: Stage, seconds: float = 25) -> Raw:
    """Wait until the review was accepted and judged."""
    status = stage.ended(seconds=seconds)
    assert (status["phase"], condition(status, "Accepted")["status"]) == ("Promoted", "True")
    return status


def edit(stage: Stage, **spec: Any) -> None:
    stage.api.merge("DriftReview", NAME, stage.namespace, {"spec": spec})


@pytest.fixture
def released(stage: Stage) -> Stage:
    stage.release("1", "2")
    return stage


@pytest.mark.parametrize(
    ("query", "reason", "words"),
    [
        ("sum(latency_ms", "QueryInvalid", "is not PromQL"),
        ("latency_ms[5m]", "QueryInvalid", "range vector"),
        ("rate(latency_ms[18446744073709551616])", "QueryInvalid", "out of range"),
        ('latency_ms{replica="${replicaa}"}', "VariableUnknown", "${replicaa} is not defined"),
        ("latency_ms", "SeveralSeries", "replica"),
        ("holt_winters(latency_ms[5m], 0.5, 0.5)", "QueryInvalid", ""),
    ],
)
def test_a_query_that_cannot_be_judged_is_named_and_taken_once_the_spec_is_mended(
    released: Stage, query: str, reason: str, words: str
) -> None:
    released.review(signals=[steady() | {"query": query}])
    message = released.refused(reason)
    assert message.startswith(QUERY)
    assert words in message
    assert condition(released.status(), "Stalled")["status"] == "True"
    edit(released, signals=[steady()])
    watching(released)


def test_a_label_of_each_that_is_not_there_is_named(released: Stage) -> None:
    signal = steady() | {"query": "latency_ms", "each": "symbol"}
    released.review(signals=[signal])
    message = released.refused("EachLabelMissing")
    assert message.startswith(QUERY)
    assert "symbol" in message
    edit(released, signals=[signal | {"each": "replica"}])
    watching(released)


def test_a_missing_target_is_waited_for(stage: Stage) -> None:
    stage.review()
    message = stage.refused("TargetNotFound")
    assert "spec.target.name" in message
    assert stage.namespace in message
    stage.release("1", "2")
    watching(stage)


def test_a_missing_source_is_waited_for(released: Stage) -> None:
    released.review(source=False)
    message = released.refused("SourceNotFound")
    assert "spec.metrics.sourceRef" in message
    assert SOURCE in message
    released.source()
    watching(released)


def test_an_unreachable_source_is_waited_for(released: Stage) -> None:
    released.source(url=f"http://127.0.0.1:{free_port()}")
    released.review(source=False)
    message = released.refused("SourceUnavailable")
    assert "spec.metrics.sourceRef" in message
    assert "no connection" in message
    released.api.merge("MetricSource", SOURCE, released.namespace, {"spec": {"url": released.prometheus}})
    watching(released)


@contextmanager
def serving(answer: Callable[[str], tuple[int, str, bytes]]) -> Iterator[str]:
    """A server that answers every GET by its Authorization header."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = answer(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_login_page_instead_of_prometheus_is_told_as_such(released: Stage) -> None:
    page = b"<html><title>Sign in</title><body>Please sign in</body></html>"
    with serving(lambda _: (200, "text/html", page)) as url:
        released.source(url=url)
        released.review(source=False)
        message = released.refused("SourceUnavailable")
        assert "spec.metrics.sourceRef" in message
        assert "HTML" in message
        released.api.merge("MetricSource", SOURCE, released.namespace, {"spec": {"url": released.prometheus}})
        watching(released)


def vector_of_one(authorization: str) -> tuple[int, str, bytes]:
    """Lets only the right token in, and then is a very small Prometheus."""
    if authorization != f"Bearer {SECRET}":
        return 401, "text/plain", f"who is {authorization}?".encode()
    return 200, "application/json", b'{"status":"success","data":{"resultType":"vector","result":[]}}'


def secret(name: str, **data: str) -> Raw:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def grant(api: Api, namespace: str, name: str) -> None:
    """Let the operator read one Secret."""
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]}
    api.create({"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": name}, "rules": [rule]}, namespace)
    account = {"kind": "ServiceAccount", "name": "driftreview", "namespace": SYSTEM}
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
        "subjects": [account],
    }
    api.create(binding, namespace)


def test_a_secret_is_missed_then_unreadable_then_without_its_key_then_wrong_and_then_right(released: Stage) -> None:
    stage, api = released, released.api
    with serving(vector_of_one) as url:
        bearer = {"bearer": {"name": "token", "key": "value"}}
        stage.source(url=url, auth=bearer, allowInsecureAuth=True)
        stage.review(source=False)
        assert "may not read Secret 'token'" in stage.refused("SecretNotFound")
        grant(api, stage.namespace, "token")
        said = lambda words: lambda status: words in condition(status, "Accepted").get("message", "")  # noqa: E731
        stage.until(said("there is no Secret 'token'"), "the Secret is missed")
        api.create(secret("token", other=SECRET), stage.namespace)
        stage.until(said("has no key 'value'"), "the key is missed")
        api.merge("Secret", "token", stage.namespace, {"data": secret("", value="wrong-0815")["data"]})
        status = stage.until(said("credentials were refused"), "the token is refused")
        assert "wrong-0815" not in str(status)
        api.merge("Secret", "token", stage.namespace, {"data": secret("", value=SECRET)["data"]})
        status = stage.until(lambda found: found.get("t0"), "accepted")
    assert condition(status, "Accepted")["status"] == "True"


@pytest.fixture
def shared_source(released: Stage) -> Iterator[Callable[..., str]]:
    name = f"shared-{released.namespace[-6:]}"

    def create(**allowed: Any) -> str:
        released.api.create(
            {
                "apiVersion": "driftreview.dev/v1alpha1",
                "kind": "ClusterMetricSource",
                "metadata": {"name": name},
                "spec": {"url": released.prometheus, "allowedNamespaces": allowed},
            }
        )
        return name

    yield create
    released.api.delete("ClusterMetricSource", name)


def test_a_cluster_source_serves_only_the_namespaces_it_names(
    released: Stage, shared_source: Callable[..., str]
) -> None:
    name = shared_source(names=["somebody-else"])
    released.review(source=False, metrics={"sourceRef": {"kind": "ClusterMetricSource", "name": name}})
    message = released.refused("SourceNotAllowed")
    assert "spec.metrics.sourceRef" in message
    assert released.namespace in message
    allowed = {"names": ["somebody-else", released.namespace]}
    released.api.merge("ClusterMetricSource", name, "", {"spec": {"allowedNamespaces": allowed}})
    watching(released)


def test_a_cluster_source_serves_only_the_namespaces_its_selector_matches(
    released: Stage, shared_source: Callable[..., str]
) -> None:
    name = shared_source(selector={"matchLabels": {"metrics": "shared"}})
    released.review(source=False, metrics={"sourceRef": {"kind": "ClusterMetricSource", "name": name}})
    released.refused("SourceNotAllowed")
    released.api.merge("Namespace", released.namespace, "", {"metadata": {"labels": {"metrics": "shared"}}})
    watching(released)


def test_series_that_would_be_too_many_together_are_refused_when_they_are_seen(released: Stage) -> None:
    each = steady() | {"query": "latency_ms", "each": "replica"}
    baseline, window = {"from": "History", "length": "7d"}, {"checkpoints": ["6m"]}
    released.review(signals=[each | {"name": f"s{number}"} for number in range(4)], baseline=baseline, window=window)
    message = released.refused("InvalidSpec")
    assert message.startswith("spec.signals: 4 signals with 8 series over 7d in blocks of 1m make about 1049 kB")
    assert "fewer series (s0 has 2)" in message
    edit(released, signals=[each], baseline={"length": "30m"}, window={"checkpoints": ["6m"]})
    watching(released)


def test_a_query_without_data_is_accepted_and_named_until_its_data_comes(released: Stage) -> None:
    begins, metric = datetime.now(UTC) + timedelta(seconds=6), steady()["query"]
    coming = steady("coming") | {"query": f"{metric} and on () (vector(time()) > {begins.timestamp():.0f})"}
    ratio = steady("ratio") | {"query": f"{metric} * 0 / 0"}
    released.review(signals=[steady(), coming, ratio], window={"t0": wire(begins + timedelta(minutes=2))})
    status = released.until(lambda found: condition(found, "Accepted").get("status") == "True", "it is accepted")
    ratio_said = "only NaN yet for: ratio (as a quotient without traffic is, see spec.signals[2].query)"
    accepted = condition(status, "Accepted")
    assert accepted["reason"] == "NoDataYet"
    assert accepted["message"] == (
        f"no data yet for: coming (check metric names and labels in spec.signals[1].query); {ratio_said}"
    )
    assert status["summary"].startswith("waits for T0 of web-")
    assert status["summary"].endswith(f"; {accepted['message']}")
    sleep(max(0, (begins - datetime.now(UTC)).total_seconds()) + 1)
    look_now = {"metadata": {"labels": {"look": "now"}}}  # at the latest it would look after a minute
    released.api.merge("DriftReview", NAME, released.namespace, look_now)
    status = released.until(lambda found: condition(found, "Accepted")["message"] == ratio_said, "the data has come")
    assert status["summary"].endswith(f"Z; {ratio_said}")


def test_evidence_that_would_be_too_large_is_refused_before_anything_is_measured(released: Stage) -> None:
    many = [steady(f"s{number}") for number in range(50)]
    released.review(signals=many, baseline={"from": "History", "length": "7d"}, window={"checkpoints": ["6m"]})
    message = released.refused("InvalidSpec")
    assert message.startswith("spec.signals: 50 signals with 50 series over 7d in blocks of 1m make about 6559 kB")
    edit(released, signals=many[:1], baseline={"length": "30m"}, window={"checkpoints": ["6m"]})
    watching(released)
