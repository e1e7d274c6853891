"""Finds the lab's programs: $KUBEBUILDER_ASSETS, then PATH, then the build cache, then a build."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import gobuild
from lab.errors import UnsupportedSystem
from lab.gobuild import Say

# Programs that must come from one place: a control plane of mixed versions fails in ways nobody wants to debug.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    ("etcd",),
    ("kubectl",),
    ("kwok",),
    ("prometheus", "promtool"),
)
_KUBERNETES = (1, 30)
SUPPORTED: dict[str, tuple[int, int]] = {
    "kube-apiserver": _KUBERNETES,
    "kube-controller-manager": _KUBERNETES,
    "kube-scheduler": _KUBERNETES,
    "kubectl": _KUBERNETES,
    "etcd": (3, 5),
    "kwok": (0, 6),
    "prometheus": (2, 42),
    "promtool": (2, 42),
}
# As in: Kubernetes v1.34.4; Client Version: v1.32.4; etcd Version: 3.6.4; prometheus, version 2.42.0+ds
_VERSION = re.compile(r"(?:\bKubernetes|\bversion:?) v?(\d+)\.(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Tool:
    """A program and where it came from (``KUBEBUILDER_ASSETS``, ``PATH``, ``cache`` or ``built``)."""

    path: Path
    origin: str


def require_linux() -> None:
    """Raise :class:`UnsupportedSystem` elsewhere, with the way out."""
    if not sys.platform.startswith("linux"):
        raise UnsupportedSystem(
            f"The lab runs on Linux only (this is {sys.platform}): it ties its processes to their starter with Linux "
            "calls. Use a cluster instead: `kind create cluster`, or point KUBECONFIG to one you may change."
        )


def quiet(_name: str, _what: str) -> None:
    """A listener that says nothing."""


def find(names: Sequence[str] = tuple(gobuild.RECIPES), say: Say = quiet) -> dict[str, Tool]:
    """Find or build programs, together with the others of their group.

    Args:
        names: keys of :data:`lab.gobuild.RECIPES`.
        say: told one or two short lines per program.

    Raises:
        ToolMissing, BuildFailed: see :mod:`lab.gobuild`.
        UnsupportedSystem: not Linux.
    """
    require_linux()
    found: dict[str, Tool] = {}
    for group in GROUPS:
        if not set(group).isdisjoint(names):
            found |= _find_group(group, say)
    return found


def _find_group(group: Sequence[str], say: Say) -> dict[str, Tool]:
    for origin, search in (("KUBEBUILDER_ASSETS", os.environ.get("KUBEBUILDER_ASSETS")), ("PATH", None)):
        if origin == "KUBEBUILDER_ASSETS" and not search:
            continue
        paths = {name: Path(found) for name in group if (found := shutil.which(name, path=search)) is not None}
        if not paths:
            continue
        reason = _unfit(group, paths)
        if reason is None:
            for name, path in paths.items():
                say(name, f"found in {origin}: {path}")
            return {name: Tool(path, origin) for name, path in paths.items()}
        for name, path in paths.items():
            say(name, f"{path} is left aside: {reason}")
    return {name: _own(name, say) for name in group}


def _unfit(group: Sequence[str], paths: dict[str, Path]) -> str | None:
    if missing := [name for name in group if name not in paths]:
        return f"{' and '.join(missing)} should be from the same place and cannot be found there"
    versions = {name: version_of(name, path) for name, path in paths.items()}
    for name, version in versions.items():
        if version is None:
            return f"{name} does not tell its version"
        if version < SUPPORTED[name]:
            return f"{name} is {_dotted(version)}, the lab needs {_dotted(SUPPORTED[name])} or newer"
    if len(set(versions.values())) > 1:
        return "versions differ: " + ", ".join(f"{n} {_dotted(v)}" for n, v in versions.items() if v)
    return None


def _own(name: str, say: Say) -> Tool:
    if (path := gobuild.cached(name)) is not None:
        say(name, "found in cache")
        return Tool(path, "cache")
    return Tool(gobuild.build(name, say), "built")


@functools.cache
def version_of(name: str, path: Path) -> tuple[int, int] | None:
    """Ask a program for (major, minor); None when it does not run or does not say."""
    command = [str(path), "version", "--client"] if name == "kubectl" else [str(path), "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else parse_version(done.stdout + done.stderr)


def parse_version(text: str) -> tuple[int, int] | None:
    """(major, minor) out of what a program prints about its version."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
