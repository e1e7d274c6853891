"""What touches the world: Kubernetes, Prometheus, the clock. The only place that imports their clients.

Imports `domain` and `api`; never import runtime, cli or kopf here.
"""
