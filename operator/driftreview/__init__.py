"""DriftReview: a Kubernetes operator that watches a release for days and promotes it or rolls it back.

What lives where: `api` (the resources), `domain` (what decides), `adapters` (Kubernetes and Prometheus),
`runtime` (the running operator), `cli` (the command line). Layers are enforced by import-linter; a lower
layer never imports a higher one.
"""

__version__ = "0.1.0"
