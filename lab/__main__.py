"""``python -m lab``: the lab from a terminal."""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab import binaries, gobuild
from lab.errors import LabError
from lab.named import DEFAULT, NamedLab, differences, exports
from lab.web import is_healthy

NOT_RUNNING = 3
app = typer.Typer(
    help="A real Kubernetes control plane and a real Prometheus as processes of this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def _checked_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise typer.BadParameter("use small letters, digits and dashes")
    return value


Name = Annotated[str, typer.Option(callback=_checked_name, help="Which lab; several can run side by side.")]
Prometheus = Annotated[bool, typer.Option("--prometheus/--no-prometheus", help="With a Prometheus.")]
Pods = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Run pods annotated lab.driftreview.dev/run=true as processes with this working directory.",
    ),
]


class _Progress:
    """One line per program: what takes long ends in "..." and is completed on the same line."""

    def __init__(self) -> None:
        self._open: str | None = None

    def say(self, name: str, what: str) -> None:
        begin = "" if self._open == name else f"  {name:<24}"
        self.end_line(unless=name)
        self._open = name if what.endswith("...") else None
        typer.echo(f"{begin} {what}", nl=self._open is None)

    def end_line(self, unless: str | None = None) -> None:
        if self._open not in {None, unless}:
            typer.echo()
            self._open = None


_progress = _Progress()


def _colour(text: str, colour: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else typer.style(text, fg=colour)


@app.command()
def tools() -> None:
    """Find or build the lab's programs (the first build takes some minutes)."""
    binaries.find(say=_progress.say)
    gobuild.kwok_stages(_progress.say)


@app.command()
def up(name: Name = DEFAULT, prometheus: Prometheus = True, pods: Pods = None) -> None:  # noqa: FBT002 - an option
    """Start a lab that stays until `down`; one that runs already must have the same options."""
    lab = NamedLab(name)
    if (state := lab.state()) is not None:
        if others := differences(state, prometheus=prometheus, pods=pods):
            raise LabError(
                f"lab {name!r} runs already, with other options: {'; '.join(others)}. End it first "
                f"({lab.command('down')}), or start one of another name beside it"
            )
        typer.echo(f"lab {name!r} runs already")
    else:
        binaries.find(say=_progress.say)  # here and not in the daemon: a build takes minutes and people want to see it
        state = lab.up(prometheus=prometheus, pods=pods)
        typer.echo(_colour(f"lab {name!r} is ready after {state['started_in']} s", "green"))
    typer.echo(f"  kubeconfig  {state['kubeconfig']}")
    if state["prometheus"]:
        typer.echo(f"  Prometheus  {state['prometheus']}")
    typer.echo(f"  context     {lab.context}")
    typer.echo(f"Next:  . {shlex.quote(str(lab.environment))} && kubectl get nodes")
    typer.echo(f"Look:  {lab.command('status')}")
    typer.echo(f"End:   {lab.command('down')}")


@app.command()
def down(name: Name = DEFAULT) -> None:
    """End a lab and remove its files."""
    ran = NamedLab(name).down()
    typer.echo(f"lab {name!r} " + ("is ended, its files are removed" if ran else "was not running"))


@app.command()
def status(name: Name = DEFAULT) -> None:
    """Show the processes of a lab; exit code 3 if it does not run."""
    lab = NamedLab(name)
    state = lab.state()
    if state is None:
        typer.echo(f"lab {name!r} " + ("is starting" if lab.runs() else f"does not run; start it: {lab.command('up')}"))
        raise typer.Exit(NOT_RUNNING)
    typer.echo(f"{'PROCESS':<24} {'PID':>8} {'PORT':>6}  READY")
    for service in state["services"]:
        ready = is_healthy(service["health"], Path(state["ca"]))
        word = _colour("yes", "green") if ready else _colour("no", "red")
        typer.echo(f"{service['name']:<24} {service['pid']:>8} {service['port']:>6}  {word}")


@app.command()
def env(name: Name = DEFAULT) -> None:
    """Print shell lines that point kubectl and others to a lab; `up` names a file with the same lines."""
    lab = NamedLab(name)
    state = lab.state()
    if state is None:
        typer.echo("false")  # for eval, which does not see the exit code: what follows it by && shall not run
        typer.echo(f"lab {name!r} does not run; start it: {lab.command('up')}", err=True)
        raise typer.Exit(NOT_RUNNING)
    typer.echo(exports(state), nl=False)


@app.command(hidden=True)
def serve(name: Name, prometheus: Prometheus = True, pods: Pods = None) -> None:  # noqa: FBT002 - an option
    """Be the daemon behind `up`."""
    NamedLab(name).serve(prometheus=prometheus, pods=pods)


def main() -> None:
    """Run a command; what the lab cannot do is one clear message and exit code 1."""
    try:
        binaries.require_linux()
        app(prog_name="python -m lab")
    except LabError as error:
        _progress.end_line()
        typer.echo(_colour(f"lab: {error}", "red"), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
