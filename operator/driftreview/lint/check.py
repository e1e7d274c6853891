"""All checks over all files: what each object is, what of others in the files concerns it, and everything in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from driftreview.api.driftreview import DriftReview, SourceKind
from driftreview.api.metricsource import ClusterMetricSource, MetricSource, MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.api.values import parse_duration
from driftreview.lint.accept import not_allowed, refusals, refused_queries, variables
from driftreview.lint.advice import Step, advice
from driftreview.lint.finding import Finding, Report, Severity, bounded
from driftreview.lint.objects import Parsed, read
from driftreview.lint.slips import slips

Source = MetricSource | ClusterMetricSource
_SOURCE = ("spec", "metrics", "sourceRef")


def lint(files: Iterable[tuple[str, bytes]], unread: Iterable[Finding] = ()) -> Report:
    """Everything that can be known of these files.

    Args:
        files: name and content of each.
        unread: what was found of files that could not be opened.
    """
    found = list(unread)
    objects: list[tuple[str, Parsed]] = []
    count = ours = others = 0
    for name, data in files:
        contents = read(data)
        found += [replace(finding, file=name) for finding in contents.findings]
        objects += [(name, parsed) for parsed in contents.objects]
        count, ours, others = count + 1, ours + contents.ours, others + contents.others
    sources = [parsed.model for _, parsed in objects if isinstance(parsed.model, MetricSource | ClusterMetricSource)]
    for name, parsed in objects:
        found += [replace(finding, file=name) for finding in _of_object(parsed, sources)]
    found += _twice(objects)
    kept, left_out = bounded(found)
    return Report(tuple(kept), count, ours, others, left_out)


def _of_object(parsed: Parsed, sources: list[Source]) -> Iterator[Finding]:
    if parsed.node.get("kind") == DriftReview.__name__:
        yield from refused_queries(parsed)
    review = parsed.model
    if not isinstance(review, DriftReview):
        return
    source = _source(review, sources)
    default = str(MetricSourceSpec.model_fields["resolution"].default)
    step = Step(parse_duration(source.spec.resolution if source else default), source is not None)
    yield from refusals(parsed, review, step.length)
    if source is None:
        ref = review.spec.metrics.source_ref
        message = (
            f"{ref.kind} '{ref.name}' is not in these files, or not without errors: its resolution is taken to be"
            f" {default}; name its file too, to lint with its own"
        )
        yield parsed.finding(Severity.NOTE, "source-elsewhere", _SOURCE, message)
    elif message := not_allowed(review, source):
        yield parsed.finding(Severity.ERROR, Reason.SOURCE_NOT_ALLOWED, _SOURCE, message)
    values = variables(parsed.node)
    for check, path, message in advice(review, step, values):
        yield parsed.finding(Severity.WARNING, check, path, message)
    for severity, check, path, message in slips(review, values):
        yield parsed.finding(severity, check, path, message)


def _source(review: DriftReview, sources: list[Source]) -> Source | None:
    """The source a review names; where one of the two says no namespace, they are taken to share one."""
    ref, namespace = review.spec.metrics.source_ref, review.metadata.namespace
    wanted = MetricSource if ref.kind is SourceKind.NAMESPACED else ClusterMetricSource
    for source in sources:
        near = wanted is ClusterMetricSource or not (source.metadata.namespace and namespace)
        if (
            type(source) is wanted
            and source.metadata.name == ref.name
            and (near or source.metadata.namespace == namespace)
        ):
            return source
    return None


def _twice(objects: list[tuple[str, Parsed]]) -> Iterator[Finding]:
    """Objects that overwrite each other when all files are applied."""
    seen: dict[tuple[object, ...], tuple[str, Parsed]] = {}
    for name, parsed in objects:
        node = parsed.node
        key = (node.get("kind"), node.get("metadata", "namespace"), node.get("metadata", "name"))
        if None not in (key[0], key[2]) and key in seen:
            other, first = seen[key]
            message = f"is in {other}, line {first.node.at.line} too; the later one overwrites it: rename or drop one"
            finding = parsed.finding(Severity.WARNING, "object-twice", ("metadata", "name"), message)
            yield replace(finding, file=name)
        seen.setdefault(key, (name, parsed))
