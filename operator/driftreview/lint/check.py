"""All checks over all files: what each object is, what of others in the files concerns it, and everything in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from driftreview.api.driftreview import DriftReview, SourceKind
from driftreview.api.metricsource import ClusterMetricSource, MetricSource, MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.api.signalset import ClusterSignalSet, SignalSet
from driftreview.api.values import parse_duration
from driftreview.domain.signalsets import with_sets
from driftreview.lint.accept import not_allowed, refusals, refused_queries, variables
from driftreview.lint.advice import Step, advice
from driftreview.lint.endings import endings
from driftreview.lint.finding import Finding, Report, Severity, bounded
from driftreview.lint.objects import Parsed, named_in, not_in_files, read
from driftreview.lint.sets import Set, of_refs, of_set, placed, sets_of
from driftreview.lint.slips import slips

Source = MetricSource | ClusterMetricSource
_MODELS = {SourceKind.NAMESPACED: MetricSource, SourceKind.CLUSTER: ClusterMetricSource}
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
    sets = [parsed.model for _, parsed in objects if isinstance(parsed.model, SignalSet | ClusterSignalSet)]
    for name, parsed in objects:
        found += [replace(finding, file=name) for finding in _of_object(parsed, sources, sets)]
    found += _twice(objects)
    kept, left_out = bounded(found)
    return Report(tuple(kept), count, ours, others, left_out)


def _of_object(parsed: Parsed, sources: list[Source], sets: list[Set]) -> Iterator[Finding]:
    if parsed.node.get("kind") == DriftReview.__name__:
        yield from refused_queries(parsed)
    review, values = parsed.model, variables(parsed.node)
    if isinstance(review, SignalSet | ClusterSignalSet):
        yield from of_set(parsed, review, values)
    if not isinstance(review, DriftReview):
        return
    used = sets_of(review, sets)
    review = with_sets(review, used)
    yield from of_refs(parsed, review, used, values)
    source = _source(review, sources)
    default = str(MetricSourceSpec.model_fields["resolution"].default)
    step = Step(parse_duration(source.spec.resolution if source else default), source is not None)
    yield from refusals(parsed, review, step, whole=not used.problems)
    if source is None:
        ref = review.spec.metrics.source_ref
        lacking = not_in_files(sources, _MODELS[ref.kind], ref.name, review.metadata.namespace)
        message = f"{lacking}: its spec.resolution is assumed to be {default}; name its file too, to lint with its own"
        yield parsed.finding(Severity.NOTE, "source-elsewhere", _SOURCE, message)
    elif message := not_allowed(review, source):
        yield parsed.finding(Severity.ERROR, Reason.SOURCE_NOT_ALLOWED, _SOURCE, message)
    for check, path, message in advice(review, step, values):
        yield parsed.finding(Severity.WARNING, check, *placed(review, path, message))
    for check, path, message in endings(review):
        yield parsed.finding(Severity.NOTE, check, *placed(review, path, message))
    for severity, check, path, message in slips(review, values):
        yield parsed.finding(severity, check, *placed(review, path, message))


def _source(review: DriftReview, sources: list[Source]) -> Source | None:
    """The source a review names."""
    ref = review.spec.metrics.source_ref
    return named_in(sources, _MODELS[ref.kind], ref.name, review.metadata.namespace)


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
