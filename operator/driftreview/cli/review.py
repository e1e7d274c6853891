"""`driftreview report`, `export`, `verify` and `rules`: a review as a document, a file, a proof, and as alert rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from driftreview.cli.usage import UsageError
from driftreview.cli.where import Context, Kubeconfig, Name, Namespace, connected
from driftreview.domain.display import counted, printable, shorten, some

if TYPE_CHECKING:
    from driftreview.api.approval import DriftApproval
    from driftreview.api.driftreview import DriftReview
    from driftreview.api.driftsnapshot import DriftSnapshot

_LONGEST: Final = 2000
_MOST_KEY: Final = 16_384
"""Bytes that are read of a key's file."""


class Output(StrEnum):
    """As what a report is written."""

    MARKDOWN = "md"
    PAGE = "html"
    JSON = "json"


def report(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the DriftReview.")] = None,
    *,
    namespace: Namespace = None,
    filename: Annotated[
        Path | None, typer.Option("-f", "--filename", metavar="FILE", help="A bundle of `driftreview export` instead.")
    ] = None,
    output: Annotated[Output, typer.Option("-o", "--output", help="md, html or json.")] = Output.MARKDOWN,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Write the report of a review to standard output, whole: from the cluster, or from an exported bundle.

    Exit code 0: written. 1: there is no such review, or no way to it. 2: wrong usage.
    """
    from driftreview.bundle.errors import readable  # noqa: PLC0415 - --help needs none of this
    from driftreview.domain.report.build import report as built  # noqa: PLC0415
    from driftreview.report.files import as_json  # noqa: PLC0415
    from driftreview.report.markdown import markdown  # noqa: PLC0415
    from driftreview.report.page import page  # noqa: PLC0415

    with _failures():
        review, snapshots, approvals = _read_review(name, filename, (namespace, context, kubeconfig))
        written = {Output.MARKDOWN: markdown, Output.PAGE: page, Output.JSON: as_json}[output]
        with readable():
            text = written(built(review, snapshots, approvals))
        _print(text)


def export(
    name: Name,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to, such as review.tar.gz.")],
    namespace: Namespace = None,
    sign_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sign with this Ed25519 private key (PEM).")
    ] = None,
    sign_secret: Annotated[
        str | None, typer.Option(metavar="NAMESPACE/NAME/KEY", help="Sign with the private key in this Secret.")
    ] = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Write a review with its evidence, approvals and report into one file that `driftreview verify` proves.

    Exit code 0: written. 1: there is no such review, or no way to it. 2: wrong usage.
    """
    from driftreview.bundle.contents import MOST_APPROVALS, in_clear, write  # noqa: PLC0415 - --help needs none of it
    from driftreview.cli.fetched import fetched, secret_key  # noqa: PLC0415

    with _failures():
        if sign_key is not None and sign_secret is not None:
            raise UsageError("--sign-key and --sign-secret: a bundle has one signature; leave one out")
        cluster, namespace = connected(namespace, context, kubeconfig)
        key = None if sign_key is None else _key(sign_key)
        key = key if sign_secret is None else secret_key(cluster, sign_secret)
        found = fetched(cluster, namespace, name)
        packed = write(found.review, found.snapshots, found.approvals, key)
        try:
            output.write_bytes(packed)
        except OSError as error:
            raise UsageError(f"--output {output}: cannot be written: {error.strerror}") from None
    signed = "" if key is None else ", signed"
    kept = min(len(found.approvals), MOST_APPROVALS)
    holds = f"{counted(len(found.snapshots), 'snapshot', 'snapshots')}, {counted(kept, 'approval', 'approvals')}"
    holds += f" (and no room for {len(found.approvals) - kept} more)" if kept < len(found.approvals) else ""
    typer.echo(f"{printable(str(output), None)}: {holds}, {len(packed)} bytes{signed}")
    if names := in_clear(found.snapshots):
        said = (
            f"the pod template that a rollback puts back is in it whole, with what looks like a secret: {some(names)}"
        )
        typer.echo(printable(f"note: {said}", None))


def verify(
    filename: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle of `driftreview export`.")],
    *,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="It must be signed with the key of this one (PEM).")
    ] = None,
) -> None:
    """Prove a bundle without a cluster: hashes, chain, signature, and every verdict judged again.

    Exit code 0: proved. 1: a difference, the first one is told with its path. 2: wrong usage.
    """
    from driftreview.bundle.verify import prove  # noqa: PLC0415 - --help needs none of this

    with _failures():
        proof = prove(_content(filename), None if public_key is None else _key(public_key))
    manifest, status = proof.bundle.manifest, proof.bundle.review.status
    acts, objects = len(status.approvals), len(proof.bundle.approvals)
    people = f"{counted(acts, 'act', 'acts')} of people recorded, {counted(objects, 'DriftApproval', 'DriftApprovals')}"
    files, looks = counted(len(manifest.files), "file", "files"), counted(proof.judged, "look", "looks")
    lines = [
        f"{filename}: {manifest.namespace}/{manifest.name} ({manifest.uid}), {status.phase or 'Pending'}",
        f"{files} and a chain of {counted(proof.chained, 'snapshot', 'snapshots')} unaltered",
        f"{looks} judged again: the same verdicts",
        f"T0 is {status.baseline.hash if status.baseline else 'not frozen yet'}",
        *([people] if acts or objects else []),
        *(f"note: {each}" for each in proof.notes),
    ]
    typer.echo("\n".join(printable(each, None) for each in lines))


def rules(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the DriftReview.")] = None,
    *,
    namespace: Namespace = None,
    filename: Annotated[
        Path | None, typer.Option("-f", "--filename", metavar="FILE", help="A bundle of `driftreview export` instead.")
    ] = None,
    tests: Annotated[
        bool, typer.Option("--tests", help="Their unit tests for `promtool test rules`, beside rules.yaml.")
    ] = False,
    prometheus_rule: Annotated[
        bool, typer.Option("--prometheus-rule", help="As a PrometheusRule of the Prometheus Operator.")
    ] = False,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the alert rules that a review recommends once its T0 is frozen, as a rules file of Prometheus.

    Exit code 0: printed. 1: there is no such review, no T0, or no way to it. 2: wrong usage.
    """
    from driftreview.bundle.errors import readable  # noqa: PLC0415 - --help needs none of this
    from driftreview.domain.recommended import frozen_t0, recommended  # noqa: PLC0415
    from driftreview.domain.rulewriting import rules_name  # noqa: PLC0415
    from driftreview.report.rulefiles import prometheus_rule_file, rules_file, tests_file  # noqa: PLC0415

    with _failures():
        if tests and prometheus_rule:
            raise UsageError("--tests and --prometheus-rule: one of the two at a time")
        review, snapshots, _ = _read_review(name, filename, (namespace, context, kubeconfig))
        at_t0 = frozen_t0(review, snapshots)
        if at_t0 is None:
            why = (
                "its T0 is not frozen yet"
                if review.status.baseline is None
                else "the evidence of its T0 is gone or altered"
            )
            _say(f"{review.metadata.full_name}: {why}: rules are made of it")
            raise typer.Exit(1)
        with readable():
            found = recommended(review, at_t0)
            if prometheus_rule:
                text = prometheus_rule_file(review, found, rules_name(review.metadata.name))
            else:
                text = (tests_file if tests else rules_file)(review, found)
        _print(text)


def _read_review(
    name: str | None, filename: Path | None, where: tuple[str | None, str | None, Path | None]
) -> tuple[DriftReview, list[DriftSnapshot], list[DriftApproval]]:
    """A review with all that belongs to it, from the cluster (namespace, context, kubeconfig) or from a bundle."""
    from driftreview.api.approval import DriftApproval  # noqa: PLC0415
    from driftreview.api.driftreview import DriftReview  # noqa: PLC0415
    from driftreview.api.driftsnapshot import DriftSnapshot  # noqa: PLC0415
    from driftreview.bundle.contents import read  # noqa: PLC0415
    from driftreview.cli.fetched import fetched  # noqa: PLC0415

    if (name is None) == (filename is None):
        raise UsageError("name a review, or a bundle with -f, and not both")
    if filename is not None:
        bundle = read(_content(filename))
        return bundle.review, list(bundle.snapshots.values()), list(bundle.approvals.values())
    found = fetched(*connected(*where), name or "")
    return (
        DriftReview.model_validate(found.review),
        [DriftSnapshot.model_validate(each) for each in found.snapshots],
        [DriftApproval.model_validate(each) for each in found.approvals],
    )


def _print(text: str) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    typer.echo(text, nl=False)


@contextmanager
def _failures() -> Iterator[None]:
    """Say what went wrong in one line, and with the exit code."""
    from pydantic import ValidationError  # noqa: PLC0415

    from driftreview.adapters.errors import ClusterError  # noqa: PLC0415
    from driftreview.bundle.errors import BundleError, SigningKeyError  # noqa: PLC0415

    try:
        yield
    except (UsageError, SigningKeyError) as error:
        _say(error)
        raise typer.Exit(2) from None
    except (ClusterError, BundleError) as error:
        _say(error)
        raise typer.Exit(1) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        _say(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; is the review of a newer version?")
        raise typer.Exit(1) from None


def _say(what: object) -> None:
    typer.echo(f"driftreview: {printable(shorten(str(what), _LONGEST), None)}", err=True)


def _content(path: Path) -> bytes:
    """A bundle, or the beginning of what is too large to be one."""
    from driftreview.bundle.archive import MOST_PACKED  # noqa: PLC0415

    return _read(path, MOST_PACKED + 1)


def _key(path: Path) -> bytes:
    return _read(path, _MOST_KEY)


def _read(path: Path, most: int) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file")
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; check the path") from None
