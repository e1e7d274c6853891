"""The commands of `driftreview`, and `driftreview run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from driftreview import __version__
from driftreview.cli import lint, people, review, stop
from driftreview.cli.replay import replay

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The 48-hour drift review as a resource.")
app.command()(replay)
app.command("lint")(lint.command)
for _act in (people.approve, people.reject, people.note, people.rebaseline, people.extend, people.override):
    app.command()(_act)
app.command("sign-off")(people.sign_off)
app.command()(stop.stop)
app.command()(stop.go)
app.command()(review.report)
app.command()(review.export)
app.command()(review.verify)
app.command()(review.rules)


@app.callback()
def _root() -> None:
    """The 48-hour drift review as a resource."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def run(
    role: Annotated[str | None, typer.Option(help="all, or judge beside another process that is actor.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubeconfig file; in a pod, leave it out.")] = None,
    namespace: Annotated[str | None, typer.Option(help="The operator's own namespace.")] = None,
    watch: Annotated[
        list[str] | None, typer.Option(help="Namespace to look after; repeat it; all if left out.")
    ] = None,
    listen_port: Annotated[int | None, typer.Option(help="Port of /healthz, /readyz and /metrics.")] = None,
    log_format: Annotated[str | None, typer.Option(help="json or text.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
) -> None:
    """Run the operator. Every option is also an environment variable: DRIFTREVIEW_LISTEN_PORT and so on."""
    from driftreview.adapters.errors import ClusterError  # noqa: PLC0415 - --help and version need none of this
    from driftreview.runtime.operator import run as run_operator  # noqa: PLC0415 - kopf takes its time to import
    from driftreview.runtime.settings import Settings  # noqa: PLC0415

    given: dict[str, Any] = {
        "role": role,
        "kubeconfig": kubeconfig,
        "namespace": namespace,
        "watch_namespaces": tuple(watch) if watch else None,
        "listen_port": listen_port,
        "log_format": log_format,
        "log_level": log_level,
    }
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for each in error.errors():
            name = ".".join(str(part) for part in each["loc"])
            typer.echo(f"driftreview: {name}: {each['msg']} (found {each['input']!r})", err=True)
        raise typer.Exit(2) from None
    if settings.kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(settings.kubeconfig)  # kopf's own login reads it there
    try:
        code = run_operator(settings)
    except (ClusterError, OSError) as error:
        typer.echo(f"driftreview: {error}", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the console scripts."""
    app()
