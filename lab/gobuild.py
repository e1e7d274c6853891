"""Builds the lab's programs from pinned Go modules into a cache outside the repository.

The cache folder's name holds a hash of everything that decides about the result, so a changed pin never meets an old
program, and a program once built needs no Go any more.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import BuildFailed, ToolMissing

MODULES = Path(__file__).parent / "tools"
KUBERNETES_VERSION = "v1.34.4"
_STAMP = {
    "k8s.io/component-base/version.gitVersion": KUBERNETES_VERSION,
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": "34",
    "k8s.io/component-base/version.gitTreeState": "clean",
    "k8s.io/component-base/version.buildDate": "2026-01-01T00:00:00Z",
    "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES_VERSION,
}
# Clients refuse a server without a version, and `go build` alone leaves it out.
_KUBERNETES_LDFLAGS = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in _STAMP.items())])
# Prometheus without the clouds' service discoveries: a quarter of the time and of the size.
_PROMETHEUS_TAGS = "remove_all_sd,enable_kubernetes_sd"
_KWOK_MODULE = "sigs.k8s.io/kwok"


@dataclass(frozen=True)
class Recipe:
    """How one program is built.

    Attributes:
        family: folder of ``lab/tools`` whose go.mod pins it; Prometheus and Kubernetes want different client-go.
        package: the Go main package.
        seconds: how long it takes on two cores with an empty Go cache, in the order of RECIPES.
    """

    family: str
    package: str
    seconds: int
    ldflags: str = "-s -w"
    tags: str = ""


RECIPES: dict[str, Recipe] = {
    "kube-apiserver": Recipe("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 195, _KUBERNETES_LDFLAGS),
    "kube-controller-manager": Recipe(
        "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 50, _KUBERNETES_LDFLAGS
    ),
    "kube-scheduler": Recipe("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 5, _KUBERNETES_LDFLAGS),
    "kubectl": Recipe("kubernetes", "k8s.io/kubernetes/cmd/kubectl", 20, _KUBERNETES_LDFLAGS),
    "etcd": Recipe("kubernetes", "go.etcd.io/etcd/server/v3", 10),
    "kwok": Recipe("kwok", "sigs.k8s.io/kwok/cmd/kwok", 65),
    "prometheus": Recipe("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", 115, tags=_PROMETHEUS_TAGS),
    "promtool": Recipe("prometheus", "github.com/prometheus/prometheus/cmd/promtool", 5, tags=_PROMETHEUS_TAGS),
}

Say = Callable[[str, str], None]  # (program, what happens to it)


def cache_root() -> Path:
    """Where built programs are kept: ``$XDG_CACHE_HOME/driftreview/lab``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "driftreview" / "lab"


def family_cache(family: str) -> Path:
    """The cache folder for one family of programs; the same for the same sources, flags and machine type."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULES / family / name).read_bytes())
    recipes = sorted(repr(recipe) for recipe in RECIPES.values() if recipe.family == family)
    digest.update("\n".join([*recipes, platform.system(), platform.machine()]).encode())
    return cache_root() / f"{family}-{digest.hexdigest()[:16]}"


def cached(name: str) -> Path | None:
    """The program built earlier, if there is one."""
    path = family_cache(RECIPES[name].family) / name
    return path if path.is_file() else None


def build(name: str, say: Say) -> Path:
    """Build one program, or wait for another process that is at it.

    Raises:
        ToolMissing: there is no Go on this machine.
        BuildFailed: the compiler or the download of modules failed.
    """
    recipe = RECIPES[name]
    folder = family_cache(recipe.family)
    with build_lock(lambda: say(name, "waiting for another build of the lab's programs ...")):
        if (found := cached(name)) is not None:
            say(name, "built by another process")
            return found
        _require_go(recipe.family)
        for leftover in cache_root().glob("build-*"):  # of a build that was killed: we hold the lock
            shutil.rmtree(leftover, ignore_errors=True)
        say(name, f"building, about {recipe.seconds} s when Go's cache is empty ...")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="build-") as scratch:
            out = Path(scratch) / name
            tags = ["-tags", recipe.tags] if recipe.tags else []
            _go(recipe.family, "build", "-trimpath", *tags, "-ldflags", recipe.ldflags, "-o", str(out), recipe.package)
            folder.mkdir(parents=True, exist_ok=True)
            out.replace(folder / name)  # atomic: nobody ever starts half a program
        say(name, f"built in {time.monotonic() - started:.0f} s")
    return folder / name


def kwok_stages(say: Say) -> list[Path]:
    """The files that tell kwok how nodes and pods behave; copied beside kwok so that Go is needed once only.

    Raises:
        ToolMissing: they are not cached and there is no Go.
        BuildFailed: the module cannot be fetched.
    """
    folder = family_cache("kwok") / "stages"
    if not folder.is_dir():
        with build_lock(lambda: say("kwok", "waiting for another build of the lab's programs ...")):
            _copy_stages(folder)
            say("kwok", "stage files are there")
    return sorted(folder.glob("*.yaml"))


def _copy_stages(folder: Path) -> None:
    if folder.is_dir():  # another process was faster
        return
    _go("kwok", "mod", "download", _KWOK_MODULE)
    module = Path(_go("kwok", "list", "-m", "-f", "{{.Dir}}", _KWOK_MODULE).strip())
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix="stages-"))
    for kind in ("node", "pod"):
        for stage in (module / "kustomize" / "stage" / kind / "fast").glob(f"{kind}-*.yaml"):
            shutil.copyfile(stage, scratch / stage.name)
    scratch.rename(folder)


@contextmanager
def build_lock(waiting: Callable[[], None]) -> Iterator[None]:
    """One build at a time on this machine: two would only take twice as long and twice the memory."""
    cache_root().mkdir(parents=True, exist_ok=True)
    with (cache_root() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _require_go(family: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise ToolMissing(
            f"The lab must build a program of the {family} family, but there is no Go here. Install Go 1.26 or newer "
            "(https://go.dev/dl, or a package of your system), or set KUBEBUILDER_ASSETS to a folder with "
            f"{', '.join(RECIPES)}; then run `python -m lab tools` again."
        )
    return go


def _go(family: str, *arguments: str) -> str:
    # The user's GOFLAGS must not change what is built; the committed go.sum decides.
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    done = subprocess.run(
        [_require_go(family), *arguments],
        cwd=MODULES / family,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise BuildFailed(
            f"`go {' '.join(arguments)}` failed in {MODULES / family}:\n{tail}\n"
            "If modules cannot be fetched, look at `go env GOPROXY`; if Go is too old, install the one go.mod names."
        )
    return done.stdout
