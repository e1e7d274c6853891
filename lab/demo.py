"""`python -m lab.demo`: two releases of perps-bot, one good and one that leaks, reviewed and decided for real.

By default on backfilled data, with a T0 48 hours ago and the rollback window still open: the whole review runs in
seconds. With `--live` the service itself runs and is looked at every minute.
"""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from lab.errors import LabError
from lab.install import (
    Kubectl,
    OperatorProcess,
    create_namespace,
    install,
    installed,
    of_context,
    operator_kubeconfig,
    refuse_second,
    removal,
)
from lab.perps import (
    EXAMPLE,
    NEW,
    OLD,
    Past,
    deployment,
    live_signals,
    metric_source,
    pods,
    review,
    roll_out,
    write_history,
)
from lab.plane import Lab
from lab.podrunner import PodRunner
from lab.prometheus import PrometheusServer

GOOD: Final = "perps-good"
LEAKING: Final = "perps-leaking"
NAME: Final = "perps-bot-084055d"
_FINAL: Final = ("Promoted", "RolledBack", "Decided", "Inconclusive", "Superseded", "Failed")
_PAUSE_IMAGE: Final = "registry.k8s.io/pause:3.10"
_LIVE_HISTORY: Final = timedelta(seconds=90)


@dataclass
class Screen:
    """What the demo tells, with the time since it began."""

    began: float

    def say(self, text: str) -> None:
        """A step."""
        stamp = typer.style(f"[{time.monotonic() - self.began:5.1f} s] ", dim=True)
        typer.echo(stamp + typer.style(text, bold=True))  # echo, unlike print, leaves colours out of pipes

    def show(self, command: str, output: str) -> None:
        """A command and what it printed."""
        typer.secho(f"\n$ {command}", fg="cyan")
        typer.echo(output.rstrip() + "\n")


@dataclass(frozen=True)
class Stage:
    """Where the demo plays."""

    kubectl: Kubectl
    prometheus: PrometheusServer
    directory: Path
    image: str | None
    """Set where no image of perps-bot is: the pods then only have to run."""
    before: Sequence[str] = ()
    """What of DriftReview was in the cluster before the demo."""


def run_history(stage: Stage, screen: Screen) -> None:
    """Days of history, T0 48 hours ago."""
    screen.say("48 hours in seconds: T0 is set two days back, on metrics written for that time; all else is real")
    screen.say(f"releasing perps-bot {OLD}, then {NEW}, in two namespaces: {GOOD} and {LEAKING} (with FAULT=leak)")
    now = datetime.now(UTC).replace(microsecond=0)
    release = now - timedelta(hours=48, minutes=12)
    with ThreadPoolExecutor() as together:
        pasts = list(together.map(lambda each: _released(stage, each, release, now), ((GOOD, ""), (LEAKING, "leak"))))
        screen.say("writing 7 days before and 48 hours after each release as OpenMetrics")
        files = list(together.map(lambda past: write_history(past, stage.directory / f"{past.namespace}.om"), pasts))
    screen.say("loading them into Prometheus")
    stage.prometheus.add_blocks(*files)
    for file in files:
        file.unlink()
    # Two minutes more than 48 hours: everything up to the last look is due at once, the window is still open.
    t0 = release + timedelta(minutes=10)
    window = {"t0": t0.isoformat(), "settle": "90s", "backdated": True}
    for namespace in (GOOD, LEAKING):
        _apply_review(stage, namespace, "60s", window=window)


def _released(stage: Stage, which: tuple[str, str], release: datetime, end: datetime) -> Past:
    namespace, fault = which
    create_namespace(stage.kubectl, namespace)
    roll_out(stage.kubectl, namespace, deployment(OLD, {}, stage.image))
    before = pods(stage.kubectl, namespace, OLD)
    roll_out(stage.kubectl, namespace, deployment(NEW, {"FAULT": fault}, stage.image))
    after = pods(stage.kubectl, namespace, NEW)
    return Past(namespace, release - timedelta(days=7), release, end, before, after, fault)


def run_live(stage: Stage, screen: Screen) -> None:
    """The service itself, looked at every minute."""
    screen.say(f"starting perps-bot {OLD} in {GOOD} and {LEAKING}: every pod is a real process")
    env = {"INTERVAL": "0.5", "WORKING_SET_MB": "20"}
    for namespace in (GOOD, LEAKING):
        create_namespace(stage.kubectl, namespace)
        roll_out(stage.kubectl, namespace, deployment(OLD, env))
    _count_down(screen, _LIVE_HISTORY, "of history to compare with")
    screen.say(f"releasing {NEW} in both; the one in {LEAKING} leaks 100 MB a minute")
    leak = {"FAULT": "leak", "FAULT_LEAK_MB_PER_HOUR": "6000"}
    for namespace, fault in ((GOOD, {}), (LEAKING, leak)):
        roll_out(stage.kubectl, namespace, deployment(NEW, env | fault))
    window = {"warmup": "15s", "settle": "5s", "grace": "2m", "checkpoints": ["1m", "2m", "3m"], "rollback": "5m"}
    for namespace in (GOOD, LEAKING):
        _apply_review(
            stage, namespace, "1s", window=window, baseline={"length": "1m"}, variables={"rate": "20s"},
            signals=list(live_signals()),
        )  # fmt: skip


def _apply_review(stage: Stage, namespace: str, resolution: str, **spec: Any) -> None:
    documents = [metric_source(stage.prometheus.url, resolution), review(**spec)]
    stage.kubectl("apply", "-n", namespace, "-f", "-", input=yaml.safe_dump_all(documents))


def _count_down(screen: Screen, length: timedelta, what: str) -> None:
    screen.say(f"waiting for {length.total_seconds():.0f} s {what}")
    end = time.monotonic() + length.total_seconds()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 1))
        if sys.stdout.isatty():
            print(f"\r  {max(left, 0):3.0f} s left ", end="", flush=True)
    if sys.stdout.isatty():
        print("\r              \r", end="")


def follow(stage: Stage, screen: Screen, patience: float) -> bool:
    """Show every change until both reviews have ended as they should."""
    seen: dict[str, Any] = {}
    told = time.monotonic()
    give_up = told + patience
    while time.monotonic() < give_up:
        reviews = [_review(stage, namespace) for namespace in (GOOD, LEAKING)]
        state = {each["metadata"]["namespace"]: _state(each) for each in reviews}
        if state != seen:
            seen, told = state, time.monotonic()
            screen.show("kubectl get driftreviews -A", stage.kubectl("get", "driftreviews", "-A"))
        elif time.monotonic() - told > 15:  # noqa: PLR2004 - seconds of silence
            told = time.monotonic()
            screen.say("waiting for the next checkpoint")
        if all(each.get("status", {}).get("phase") in _FINAL for each in reviews):
            return _tell(stage, screen, reviews)
        time.sleep(0.3)
    screen.say("the reviews have not ended in time")
    return False


def _review(stage: Stage, namespace: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(stage.kubectl("get", "driftreview", NAME, "-n", namespace, "-o", "json"))
    return document


def _state(document: dict[str, Any]) -> tuple[Any, ...]:
    status = document.get("status", {})
    return status.get("phase"), status.get("progress"), status.get("verdict")


def _tell(stage: Stage, screen: Screen, reviews: Sequence[dict[str, Any]]) -> bool:
    for document in reviews:
        namespace = document["metadata"]["namespace"]
        rows = "\n".join(_table(document))
        screen.say(f"what {namespace}'s review found (from .status.checkpoints)")
        typer.echo(rows + "\n")
        summary = document["status"].get("summary", "")
        screen.show(f"kubectl get driftreview {NAME} -n {namespace} -o jsonpath='{{.status.summary}}'", summary)
    columns = {
        "NAMESPACE": ".metadata.namespace",
        "VERSION": r".spec.template.metadata.labels.app\.kubernetes\.io/version",
        "APPROVED-TEMPLATE": r".metadata.annotations.driftreview\.dev/approved-revision",
    }
    shown = "custom-columns=" + ",".join(f"{name}:{path}" for name, path in columns.items())
    table = stage.kubectl("get", "deployments", "-A", "-l", "part-of=trading", "-o", shown)
    screen.show(f"kubectl get deployments -A -l part-of=trading -o '{shown}'", table)
    phases = [document["status"]["phase"] for document in reviews]
    screen.say(f"{GOOD}: {phases[0]}; {LEAKING}: {phases[1]}")
    return phases == ["Promoted", "RolledBack"]


def _table(document: dict[str, Any]) -> Iterator[str]:
    yield f"{'CHECKPOINT':<11}{'VERDICT':<14}WHY"
    for row in document["status"]["checkpoints"]:
        yield f"T0+{row['name']:<8}{row.get('verdict', '-'):<14}{row.get('message', 'not looked at')}"


def main(
    live: Annotated[bool, typer.Option(help="Run the service itself and look every minute.")] = False,  # noqa: FBT002
    context: Annotated[str, typer.Option(help="Use this kubeconfig context instead of a lab.")] = "",
    image: Annotated[str, typer.Option(help="With --context: an image the cluster can run.")] = _PAUSE_IMAGE,
    keep: Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")] = False,  # noqa: FBT002
) -> None:
    """Show a good release promoted and a leaking one rolled back, on a real control plane and a real Prometheus."""
    screen = Screen(time.monotonic())
    signal.signal(signal.SIGTERM, _exit)
    if live and context:
        raise typer.BadParameter("the live demo runs the pods as processes of this machine: leave --context out")
    try:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="driftreview-demo-")))
            stage = _stage(stack, screen, directory, context, image, live=live)
            screen.say("starting the operator, under its own ServiceAccount")
            operator = OperatorProcess(directory, operator_kubeconfig(stage.kubectl, directory / "operator.kubeconfig"))
            stack.callback(operator.close)
            operator.start()
            play: Callable[[Stage, Screen], None] = run_live if live else run_history
            play(stage, screen)
            done = follow(stage, screen, 480.0 if live else 180.0)
            if not done:
                print(operator.log.read_text("utf-8")[-4000:], file=sys.stderr)
            if keep:
                _keep(stage, screen)
            elif context:
                screen.say("what the demo left in your cluster is removed by:")
                left = removal(context, stage.before, installed(stage.kubectl), GOOD, LEAKING)
                typer.echo("\n".join(f"  {command}" for command in left))
                if stage.before:
                    screen.say(f"there before, so left alone, but as of this version now: {', '.join(stage.before)}")
    except LabError as error:
        typer.secho(f"demo: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    screen.say("done" if done else "this is not what should have happened")
    raise typer.Exit(0 if done else 1)


def _stage(stack: ExitStack, screen: Screen, directory: Path, context: str, image: str, *, live: bool) -> Stage:
    def progress(name: str, what: str) -> None:
        print(f"          {name:<24} {what}")

    if context:
        screen.say(f"using the cluster of context {context}, and a Prometheus of our own")
        kubectl = of_context(context)
        refuse_second(kubectl)
        prometheus = stack.enter_context(PrometheusServer.start(directory / "prometheus"))
        stage = Stage(kubectl, prometheus, directory, image, installed(kubectl))
    else:
        screen.say("starting a control plane and Prometheus (their programs are built the first time)")
        lab = stack.enter_context(Lab.start(directory / "lab", say=progress))
        if lab.prometheus is None:
            raise LabError("the lab has no Prometheus")
        stage = Stage(lab.kubectl, lab.prometheus, directory, None)
        if live:
            stack.enter_context(PodRunner(lab.kubeconfig, EXAMPLE, lab.prometheus.targets, directory / "pods"))
    screen.say("installing the CRDs and the operator's account")
    install(stage.kubectl)
    return stage


def _exit(_number: int, _frame: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does, with everything it started and wrote."""
    raise KeyboardInterrupt


def _keep(stage: Stage, screen: Screen) -> None:
    config = stage.directory / "lab" / "kubeconfig"
    screen.say(f"left running until Ctrl-C; Prometheus is {stage.prometheus.url}")
    if config.exists():
        print(f"  export KUBECONFIG={config}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    typer.run(main)
