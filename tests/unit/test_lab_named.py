"""Labs with a name: what is printed about one is right for that one, wherever it is pasted."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from lab.named import NamedLab, differences, exports

STATE: dict[str, Any] = {
    "kubeconfig": "/labs/it's own/kubeconfig",
    "prometheus": "http://127.0.0.1:1",
    "pods": None,
    "kubectl": "/cache of/kubectl",
}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "context"), [("default", "lab"), ("own", "lab-own"), ("lab", "lab-lab")])
def test_the_context_says_which_lab_it_is(name: str, context: str) -> None:
    assert NamedLab(name).context == context


@pytest.mark.parametrize(("name", "words"), [("default", []), ("own", ["NAME=own"])])
def test_a_command_names_its_lab_and_works_from_anywhere(name: str, words: list[str]) -> None:
    assert shlex.split(NamedLab(name).command("down")) == ["make", "-C", str(ROOT), "lab-down", *words]
    assert "lab-down:" in (ROOT / "Makefile").read_text("utf-8")


def test_the_exported_lines_are_words_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/kubectl")
    said = exports(STATE).splitlines()
    assert [shlex.split(line) for line in said] == [
        ["export", "KUBECONFIG=/labs/it's own/kubeconfig"],
        ["export", "PROMETHEUS_URL=http://127.0.0.1:1"],
    ]
    assert len(exports(STATE | {"prometheus": None}).splitlines()) == 1


def test_where_there_is_no_kubectl_the_one_of_the_lab_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert shlex.split(exports(STATE).splitlines()[-1]) == ["export", "PATH=$PATH:/cache of"]


@pytest.mark.parametrize(
    ("running", "prometheus", "pods", "said"),
    [
        ({}, True, None, []),
        ({"pods": "/shop"}, True, Path("/shop"), []),
        ({"pods": "/shop"}, True, Path("/shop/../shop"), []),
        ({}, True, Path("/shop"), ["it runs with no --pods, asked for is --pods=/shop"]),
        ({"pods": "/shop"}, True, Path("/bot"), ["it runs with --pods=/shop, asked for is --pods=/bot"]),
        ({"pods": "/shop"}, True, None, ["it runs with --pods=/shop, asked for is no --pods"]),
        ({"prometheus": None}, True, None, ["it runs with --no-prometheus, asked for is --prometheus"]),
        ({}, False, None, ["it runs with --prometheus, asked for is --no-prometheus"]),
    ],
)
def test_other_options_than_the_running_lab_has_are_named(
    running: dict[str, Any],
    prometheus: bool,  # noqa: FBT001
    pods: Path | None,
    said: list[str],
) -> None:
    assert differences(STATE | running, prometheus=prometheus, pods=pods) == said
