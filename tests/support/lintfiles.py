"""Files for tests of lint, and its findings as short lines."""

from typing import Any

import yaml

from driftreview.lint.check import lint
from driftreview.lint.finding import Finding, Report, Severity
from tests.integration.crd_samples import MINIMAL_REVIEW, made, merged

HEAD = """apiVersion: driftreview.dev/v1alpha1
kind: DriftReview
metadata: {name: shop}
spec:
  target: {name: shop}
  metrics: {sourceRef: {name: prometheus}}
"""
SIGNALS = """  signals:
    - {name: up, query: up, limits: {alert: 60}}
"""
SOURCE = """---
apiVersion: driftreview.dev/v1alpha1
kind: MetricSource
metadata: {name: prometheus}
spec: {url: "http://prometheus:9090", resolution: 1m}
"""


def report(*texts: str | bytes) -> Report:
    """What lint says of files 0.yaml, 1.yaml and so on."""
    return lint([(f"{n}.yaml", text.encode() if isinstance(text, str) else text) for n, text in enumerate(texts)])


def lines(*texts: str | bytes, notes: bool = False) -> list[str]:
    """The findings as `line:column severity text`."""
    return [
        f"{each.place.line}:{each.place.column} {each.severity} {each.text}"
        for each in report(*texts).findings
        if notes or each.severity is not Severity.NOTE
    ]


def errors(*texts: str | bytes) -> list[Finding]:
    """The errors."""
    return [each for each in report(*texts).findings if each.severity is Severity.ERROR]


def of(rule: str, *texts: str) -> list[Finding]:
    """The findings of one check."""
    return [each for each in report(*texts).findings if each.check == rule]


def review(**spec: Any) -> str:
    """The smallest review, with some of its spec changed."""
    return yaml.safe_dump(made("DriftReview", merged(MINIMAL_REVIEW, spec)), sort_keys=False)
