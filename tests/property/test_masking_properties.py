"""Whatever a pod looks like, no secret of it stands in a fact."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.adapters.configuration import read_configuration
from driftreview.domain import masking
from driftreview.domain.masking import Mask, secret_hash
from driftreview.domain.podtemplate import containers
from driftreview.domain.release import release
from tests.support.factcluster import FactCluster
from tests.unit.test_configuration import started


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Hashes that are not slow: here they only stand for what they replace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_COST", 2)
        yield


SECRET = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=20).map(lambda text: f"zq{text}")
WORDS = st.sampled_from(["PASSWORD", "token", "ApiKey", "SECRET", "credentials", "DSN", "AUTH", "db_pass"])
PLAIN = st.text("abcdef gh/.,", max_size=12)


@st.composite
def variables(draw: st.DrawFn, secret: str) -> dict[str, Any]:
    """A variable that holds a secret by its name or by its value."""
    affix = draw(st.sampled_from(["", "X_", "_0"]))
    by_name = {"name": f"{affix}{draw(WORDS)}", "value": secret}
    forms = st.sampled_from(
        ["http://user:{}@host/x", "https://{}@host", "a;Password={};b", '{{"token": "{}"}}', "Bearer {}"]
    )
    return draw(st.sampled_from([by_name, {"name": "ADDRESS", "value": draw(forms).format(secret)}]))


@st.composite
def arguments(draw: st.DrawFn, secret: str) -> list[str]:
    """Arguments that hold one."""
    word = draw(WORDS)
    forms = [
        [f"--{word}={secret}"],
        [f"--{word}", secret],
        [f"{word}={secret}"],
        ["-c", f"export {word}={secret}; run"],
    ]
    return [*draw(st.lists(PLAIN, max_size=2)), *draw(st.sampled_from(forms)), *draw(st.lists(PLAIN, max_size=2))]


@st.composite
def templates(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """A pod template, and the secrets in it."""
    first, second, third = draw(SECRET), draw(SECRET), draw(SECRET)
    plain = [{"name": "PLAIN", "value": draw(PLAIN)}, {"name": "COPY", "value": f"x{first}y"}]
    container = {
        "name": "app",
        "env": draw(st.permutations([draw(variables(first)), *plain])),
        "args": draw(arguments(second)),
        "command": draw(arguments(third)),
    }
    place = draw(st.sampled_from(["containers", "initContainers"]))
    return {"spec": {place: [container]}}, [first, second, third]


@given(templates())
@settings(deadline=None)
def test_no_value_that_looks_secret_stands_in_a_fact(made: tuple[dict[str, Any], list[str]]) -> None:
    template, secrets = made
    written = "".join(str(each.to_wire()) for each in containers(template, Mask("uid")))
    copied = next(each for each in template["spec"].popitem()[1][0]["env"] if each["name"] == "COPY")
    for each in secrets:
        assert each not in written
    assert copied["value"] not in written


@given(st.dictionaries(st.text("abcxyz", min_size=3, max_size=8).map(lambda name: f"zq{name}"), SECRET, min_size=1))
@settings(deadline=None)
def test_no_content_of_a_secret_stands_in_a_fact(data: dict[str, str]) -> None:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    raw = {"metadata": {"name": "broker", "uid": "7"}, "data": encoded}
    reference = {"name": "app", "envFrom": [{"secretRef": {"name": "broker"}}]}
    cluster = FactCluster({"secrets": {"broker": raw}, "version": {"": {"gitVersion": "v1"}}})
    target = release({"metadata": {}, "spec": {"template": {"spec": {"containers": [reference]}}}}, "uid", [])
    reader = cluster.reader()
    fact = read_configuration(reader, started(), target, [])
    assert fact.secrets[0].hash == secret_hash(raw, "review-uid")
    written = str(fact.to_wire()) + str([each.to_wire() for each in reader.problems])
    for each in (*data, *data.values(), *encoded.values()):
        assert each not in written
