"""The example application in a cluster: its Deployment in any version, and its history in a Prometheus."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from lab.errors import CommandFailed
from lab.install import ROOT, Kubectl

EXAMPLE: Final = ROOT / "examples" / "perps-bot"
OLD: Final = "88d7df9"
NEW: Final = "084055d"


def deployment(version: str, env: Mapping[str, str], image: str | None = None) -> dict[str, Any]:
    """The example's Deployment in another version.

    `image` replaces the container by one that only has to run, for clusters that have no image of perps-bot.
    """
    manifest: dict[str, Any] = yaml.safe_load((EXAMPLE / "manifests" / "deployment.yaml").read_text("utf-8"))
    template = manifest["spec"]["template"]
    template["metadata"]["labels"]["app.kubernetes.io/version"] = version
    container = template["spec"]["containers"][0]
    container["image"] = image or f"perps-bot:{version}"
    values = {each["name"]: each["value"] for each in container["env"]} | {"VERSION": version} | dict(env)
    container["env"] = [{"name": name, "value": value} for name, value in values.items()]
    if image is not None:
        for key in ("command", "args", "readinessProbe"):
            container.pop(key, None)
    return manifest


def roll_out(kubectl: Kubectl, namespace: str, manifest: Mapping[str, Any], timeout: str = "120s") -> None:
    """Apply a Deployment and wait until it is rolled out."""
    kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))
    kubectl("rollout", "status", f"deployment/{manifest['metadata']['name']}", "-n", namespace, f"--timeout={timeout}")


def pods(kubectl: Kubectl, namespace: str, version: str) -> tuple[str, ...]:
    """Names of the running pods of one version."""
    selector = f"app.kubernetes.io/version={version}"
    items = json.loads(kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"]
    return tuple(sorted(each["metadata"]["name"] for each in items if not each["metadata"].get("deletionTimestamp")))


@dataclass(frozen=True)
class Past:
    """One release of perps-bot in the past of a Prometheus."""

    namespace: str
    start: datetime
    release: datetime
    end: datetime
    before_pods: Sequence[str]
    after_pods: Sequence[str]
    fault: str = ""


def write_history(past: Past, path: Path) -> Path:
    """Write it as OpenMetrics, as the example's own generator does.

    Raises:
        CommandFailed: the generator refused.
    """
    command = [sys.executable, str(EXAMPLE / "history.py"), "--namespace", past.namespace, "-o", str(path)]
    for name in ("start", "release", "end"):
        command += [f"--{name}", getattr(past, name).isoformat()]
    command += ["--before-pods", ",".join(past.before_pods), "--after-pods", ",".join(past.after_pods)]
    if past.fault:
        command += ["--after-fault", past.fault]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"history.py: {done.stderr.strip()}", done.returncode, done.stderr)
    return path


def review(**spec: Any) -> dict[str, Any]:
    """The example's DriftReview with parts of its spec replaced; mappings are merged one level deep."""
    manifest: dict[str, Any] = yaml.safe_load((EXAMPLE / "driftreview.yaml").read_text("utf-8"))
    for name, value in spec.items():
        old = manifest["spec"].get(name)
        manifest["spec"][name] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    return manifest


def metric_source(url: str, resolution: str) -> dict[str, Any]:
    """The example's MetricSource for another Prometheus."""
    manifest: dict[str, Any] = yaml.safe_load((EXAMPLE / "metricsource.yaml").read_text("utf-8"))
    manifest["spec"] |= {"url": url, "resolution": resolution}
    return manifest


def live_signals() -> Iterator[dict[str, Any]]:
    """What three minutes can decide: limits. Margins of a few percent need hours, and growth does too.

    So what has an alert limit is held against that, growth and failures are only watched along (Shadow).
    """
    alerts = {"memory": "200M", "cpu": "80"}
    for each in review()["spec"]["signals"]:
        if each.get("kind") == "Growth" or "limits" not in each:
            each["mode"] = "Shadow"
        elif each.get("kind") == "Events":
            del each["margin"]
        elif "kind" not in each:
            del each["margin"]
            alert = alerts.get(each["name"], each["limits"]["alert"])
            each |= {"kind": "Limit", "limits": {"alert": alert}, "for": "20s"}
        yield each
