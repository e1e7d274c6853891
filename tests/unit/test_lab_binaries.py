import sys
from pathlib import Path

import pytest

from lab import binaries, gobuild
from lab.errors import ToolMissing, UnsupportedSystem
from lab.install import of_context

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lab is for Linux")


def program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No program and no Go anywhere but where the test puts them."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Kubernetes v1.34.4", (1, 34)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32)),
        ("etcd Version: 3.5.16\nGit SHA: f20bbad", (3, 5)),
        ("kwok version v0.8.0 go1.26.8 (linux/amd64)", (0, 8)),
        ("prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0)\n  go version: go1.19.8", (2, 42)),
        ("promtool, version  (branch: , revision: unknown)\n  go version:       go1.26.8", None),
        ("", None),
    ],
)
def test_versions_are_read_as_each_program_prints_them(text: str, version: tuple[int, int] | None) -> None:
    assert binaries.parse_version(text) == version


def test_kubebuilder_assets_come_before_path(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(places / "path", "etcd", "etcd Version: 3.5.0")
    mine = program(places / "assets", "etcd", "etcd Version: 3.6.0")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(places / "assets"))
    assert binaries.find(["etcd"]) == {"etcd": binaries.Tool(mine, "KUBEBUILDER_ASSETS")}


def test_what_is_too_old_is_left_aside_with_a_word(places: Path) -> None:
    program(places / "path", "etcd", "etcd Version: 3.3.25")
    said: list[str] = []
    with pytest.raises(ToolMissing):
        binaries.find(["etcd"], lambda name, what: said.append(f"{name} {what}"))
    assert any("is 3.3, the lab needs 3.5" in line for line in said)


def test_a_program_that_does_not_run_is_left_aside(places: Path) -> None:
    program(places / "path", "kwok", "kwok version v0.8.0").write_text("#!/bin/sh\nexit 1\n")
    said: list[str] = []
    with pytest.raises(ToolMissing):
        binaries.find(["kwok"], lambda _, what: said.append(what))
    assert any("does not tell its version" in line for line in said)


def test_the_control_plane_comes_from_one_place(places: Path) -> None:
    program(places / "path", "kube-apiserver", "Kubernetes v1.33.0")
    said: list[str] = []
    with pytest.raises(ToolMissing):  # the other two would have to be built, so all three are
        binaries.find(["kube-apiserver"], lambda _, what: said.append(what))
    assert any("kube-controller-manager and kube-scheduler should be from the same place" in line for line in said)


def test_a_control_plane_of_mixed_versions_is_left_aside(places: Path) -> None:
    program(places / "path", "kube-apiserver", "Kubernetes v1.33.0")
    program(places / "path", "kube-controller-manager", "Kubernetes v1.33.0")
    program(places / "path", "kube-scheduler", "Kubernetes v1.31.0")
    said: list[str] = []
    with pytest.raises(ToolMissing):
        binaries.find(["kube-scheduler"], lambda _, what: said.append(what))
    assert any("versions differ" in line for line in said)


def test_without_programs_and_go_the_error_says_what_to_install(places: Path) -> None:
    with pytest.raises(ToolMissing, match=r"Install Go .* KUBEBUILDER_ASSETS"):
        binaries.find(["etcd"])
    assert (places / "cache").is_dir()


def test_a_cached_program_needs_no_go(places: Path) -> None:
    cache = gobuild.family_cache("kubernetes")
    assert cache.is_relative_to(places / "cache")
    cache.mkdir(parents=True)
    program(cache, "etcd", "")
    assert binaries.find(["etcd"])["etcd"] == binaries.Tool(cache / "etcd", "cache")


def test_another_pin_means_another_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = gobuild.family_cache("kwok")
    folder = tmp_path / "kwok"
    folder.mkdir()
    for name in ("go.mod", "go.sum"):
        (folder / name).write_bytes((gobuild.MODULES / "kwok" / name).read_bytes())
    monkeypatch.setattr(gobuild, "MODULES", tmp_path)
    assert gobuild.family_cache("kwok") == before
    (folder / "go.sum").write_text("changed")
    assert gobuild.family_cache("kwok") != before


def test_elsewhere_than_on_linux_it_points_to_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UnsupportedSystem, match=r"Linux only .*KUBECONFIG"):
        binaries.find(["etcd"])


def test_an_installation_without_kubectl_is_told_where_one_is() -> None:
    with pytest.raises(ToolMissing, match="nosuchctl is not on PATH: install it, or, for a lab, source the file"):
        of_context("lab", kubectl="nosuchctl")("version")
