"""A source is the same as at T0 only if it says the same of itself: address, tenant, and whose credentials are sent."""

import base64
from typing import Any, cast

import pytest

from driftreview.adapters.kubernetes import SECRETS, Cluster, Kind
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.sigv4 import Keys
from driftreview.adapters.sources import Sources
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.reasons import Reason
from driftreview.runtime.gather import same_server

URL = "https://mimir:9009"
TENANT = {"name": "X-Scope-OrgID", "value": "tenant-a"}
FROM_SECRET = {"name": "X-Key", "valueFrom": {"name": "tokens", "key": "one"}}
AUTH = {"bearer": {"name": "tokens", "key": "one"}}
BASIC = {"basic": {"username": {"name": "tokens", "key": "one"}, "password": {"name": "tokens", "key": "two"}}}
KEY = {"name": "tokens", "key": "one"}
OAUTH2: dict[str, Any] = {
    "oauth2": {"tokenUrl": "https://id", "clientId": {"valueFrom": KEY}, "clientSecret": KEY | {"key": "two"}}
}
SIGV4: dict[str, Any] = {"sigV4": {"region": "eu-central-1", "accessKey": KEY, "secretKey": KEY, "sessionToken": KEY}}
SHOWN = {"clientCert": {"certSecret": KEY, "keySecret": KEY}}


class Secrets:
    """Stands for the API server: every Secret has the same two keys."""

    def __init__(self, value: str) -> None:
        self.value = base64.b64encode(value.encode()).decode()

    def get(self, kind: Kind, *_: str) -> dict[str, Any]:
        assert kind is SECRETS
        return {"data": dict.fromkeys(("one", "two"), self.value)}


def found(value: str = "s3cret-value", **spec: Any) -> FoundSource:
    """The source of a spec whose Secrets hold a value."""
    sources = MetricSources(cast(Cluster, Secrets(value)), Sources(), "driftreview-system")
    metadata = {"name": "mimir", "namespace": "shop"}
    source = sources.connect(MetricSource.model_validate({"metadata": metadata, "spec": {"url": URL} | spec}))
    assert isinstance(source, FoundSource)
    return source


def label(value: str = "s3cret-value", **spec: Any) -> str:
    return found(value, **spec).label


def test_without_headers_and_credentials_it_is_kind_name_and_address() -> None:
    assert label(url=URL + "/") == f"MetricSource/mimir {URL}"
    assert label(timeout="20s", resolution="10s", maxConcurrent=9) == label()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"headers": [TENANT]}, {"headers": [TENANT | {"value": "tenant-b"}]}),
        ({"headers": [TENANT]}, {"headers": [TENANT, {"name": "X-Other", "value": ""}]}),
        ({"headers": [TENANT]}, {"headers": [TENANT | {"name": "X-Tenant"}]}),
        ({"headers": [TENANT]}, {}),
        ({"headers": [FROM_SECRET]}, {"headers": [FROM_SECRET | {"valueFrom": {"name": "others", "key": "one"}}]}),
        ({"headers": [FROM_SECRET]}, {"headers": [FROM_SECRET | {"valueFrom": {"name": "tokens", "key": "two"}}]}),
        ({"auth": AUTH}, {"auth": {"bearer": {"name": "tokens", "key": "two"}}}),
        ({"auth": AUTH}, {"auth": BASIC}),
        ({"auth": AUTH}, {}),
        ({"auth": OAUTH2}, {"auth": {"oauth2": OAUTH2["oauth2"] | {"audience": "tenant-b"}}}),
        ({"auth": SIGV4}, {"auth": {"sigV4": SIGV4["sigV4"] | {"region": "us-east-1"}}}),
        ({"tls": SHOWN}, {}),
        ({"tls": SHOWN}, {"tls": {"clientCert": {"certSecret": KEY, "keySecret": KEY | {"key": "two"}}}}),
    ],
)
def test_another_tenant_or_other_credentials_make_it_another(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert label(**before) != label(**after)
    baseline = DriftSnapshotSpec.model_construct(source=label(**before))
    assert isinstance(same_server(found(**before), baseline), FoundSource)
    problem = same_server(found(**after), baseline)
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.SOURCE_CHANGED
    for words in ("another address, another header or names another Secret", "restore it, or delete this review"):
        assert words in problem.message


@pytest.mark.parametrize(
    "spec",
    [
        *({"auth": AUTH}, {"auth": BASIC}, {"auth": OAUTH2}, {"auth": SIGV4}, {"tls": SHOWN}),
        {"headers": [FROM_SECRET, TENANT]},
    ],
)
def test_a_token_that_is_renewed_changes_nothing_and_shows_nowhere(spec: dict[str, Any]) -> None:
    assert label("s3cret-value", **spec) == label("another-value", **spec)
    assert not [word for word in ("s3cret", "tenant-a", "tokens") if word in label(**spec)]


def test_every_secret_of_a_source_is_read() -> None:
    source = found("s3cret\n", auth=OAUTH2, tls=SHOWN).source.credentials
    assert source.client == ("s3cret", "s3cret")
    assert source.client_cert == ("s3cret\n", "s3cret\n")
    named = {"oauth2": OAUTH2["oauth2"] | {"clientId": {"value": "drift"}, "tls": {"caSecret": KEY}}}
    source = found("s3cret\n", auth=named).source.credentials
    assert (source.client, source.token_ca_pem) == (("drift", "s3cret"), "s3cret\n")
    assert found("s3cret\n", auth=SIGV4).source.credentials.aws == Keys("s3cret", "s3cret", "s3cret")
    assert found(auth={"sigV4": {"region": "eu-central-1"}}).source.credentials.aws is None


def test_upper_and_lower_case_and_the_order_of_headers_are_the_same_to_http() -> None:
    lower = TENANT | {"name": "x-scope-orgid"}
    assert label(headers=[TENANT, FROM_SECRET]) == label(headers=[FROM_SECRET, lower])


def test_the_longest_names_and_addresses_fit_into_evidence_and_into_the_message() -> None:
    longest = "http://" + "a" * 1017
    sources = MetricSources(cast(Cluster, Secrets("")), Sources(), "driftreview-system")
    spec = {"url": longest, "headers": [TENANT]}
    shared = sources.connect(ClusterMetricSource.model_validate({"metadata": {"name": "n" * 253}, "spec": spec}))
    assert isinstance(shared, FoundSource)
    evidence = {"reviewRef": {"name": "r", "uid": "u"}, "checkpoint": "T0", "source": shared.label, "hash": ""}
    judged = {"name": "web-1", "uid": "u", "templateHash": ""}
    baseline = DriftSnapshotSpec.model_validate(evidence | {"judged": judged})
    assert isinstance(same_server(found(), baseline), Problem)
