"""Valid objects of every kind; together the samples of a kind use each of its spec fields at least once."""

from copy import deepcopy
from typing import Any

from driftreview.api.base import API_VERSION

Raw = dict[str, Any]
LEVEL: Raw = {
    "name": "latency",
    "query": 'sum(rate(latency_seconds_sum{pod=~"${pods}"}[5m]))',
    "control": 'sum(rate(latency_seconds_sum{pod=~"stable-.*"}[5m]))',
    "unit": "s",
    "kind": "Level",
    "worse": "Higher",
    "margin": {"relative": "5%", "absolute": "2m"},
    "covariate": "orders",
    "limits": {"baseline": "100m", "alert": "150m"},
    "each": "symbol",
    "severity": "Critical",
    "mode": "Enforce",
    "onMissing": "Hold",
    "minCoverage": "90%",
    "runbook": "Check broker connectivity",
    "section": "Performance",
}
RATIO: Raw = {
    "name": "errors",
    "query": "sum(rate(errors_total[5m])) or vector(0)",
    "per": "sum(rate(requests_total[5m]))",
    "minTraffic": "0.1",
    "margin": {"absolute": "10m"},
    "limits": {"alert": "50m"},
}
GROWTH: Raw = {
    "name": "memory",
    "kind": "Growth",
    "query": "memory_bytes",
    "unit": "By",
    "limits": {"perHour": "20Mi", "alert": "2Gi"},
}
EVENTS: Raw = {
    "name": "reconnects",
    "kind": "Events",
    "query": "sum(increase(ws_reconnects_total[5m]))",
    "margin": {"relative": "50%", "absolute": "100m"},
    "limits": {"alert": "5"},
    "for": "5m",
}
LIMIT: Raw = {"name": "mark-age", "kind": "Limit", "query": "mark_age", "limits": {"alert": 60}, "for": "1m"}
PRESENCE: Raw = {"name": "heartbeat", "kind": "Presence", "query": "heartbeat", "for": "5m"}
INFO: Raw = {"name": "orders", "kind": "Info", "query": "orders"}

CONTRACTS: list[Raw] = [
    {"name": "event-store", "from": {"configMap": {"name": "schema", "key": "openapi.yaml"}}, "mode": "Enforce"},
    {"name": "port", "from": {"service": "perps-bot"}},
    {"name": "orders", "from": {"customResourceDefinition": "orders.example.org"}},
]
FLAGS: list[Raw] = [
    {"name": "USE_NEW_CLI", "expect": "Present", "from": {"env": {"container": "app"}}, "mode": "Shadow"},
    {"name": "mode", "expect": "Value", "value": "dry", "from": {"configMap": {"name": "settings", "key": "mode"}}},
    {"name": "streaming", "expect": "Absent", "from": {"query": "streaming_enabled or vector(0)"}},
]
_FILE: Raw = {"configMap": {"name": "tests", "key": "junit.xml"}, "format": "JUnit", "measure": "tests"}
EVIDENCE: Raw = {
    "name": "unit-tests",
    "section": "Code",
    "baseline": 38,
    "current": "52",
    "unit": "tests",
    "worse": "Lower",
    "margin": {"relative": "0%", "absolute": "2"},
    "severity": "Major",
    "mode": "Enforce",
    "onMissing": "Hold",
    "source": "pytest tests/characterization",
}
COVERED: Raw = {
    "name": "coverage",
    "from": {
        "baseline": _FILE,
        "current": {
            "configMap": {"name": "coverage", "key": "coverage.json"},
            "format": "JSON",
            "pointer": "/totals/a~1b",
        },
    },
}
RUNTIME: Raw = {"name": "runtime", "from": {"baseline": COVERED["from"]["current"], "current": _FILE}}

# The example of the design, reduced to the fields there are.
REVIEW: Raw = {
    "target": {"kind": "Deployment", "name": "perps-bot"},
    "context": {
        "revision": "084055d",
        "environment": "staging",
        "owner": "trading-platform",
        "scope": "Phase 1 extended",
        "change": "CHG-1042",
    },
    "metrics": {"sourceRef": {"kind": "ClusterMetricSource", "name": "prometheus"}},
    "window": {
        "t0": "2026-01-05T10:00:00+02:00",
        "warmup": "10m",
        "settle": "2m",
        "checkpoints": ["1h", "6h", "24h", "2d"],
        "rollback": "48h",
        "grace": "30m",
        "recovery": "30m",
    },
    "baseline": {"from": "History", "length": "7d"},
    "signals": [LEVEL, RATIO, GROWTH, EVENTS, LIMIT, PRESENCE, INFO],
    "signalSetRefs": [{"kind": "ClusterSignalSet", "name": "http", "variables": {"job": "web"}, "prefix": "edge"}],
    "contracts": CONTRACTS,
    "flags": FLAGS,
    "inventory": {"selector": {"matchLabels": {"stack": "perps"}}, "cpu": "cpu_cores", "memory": "memory_bytes"},
    "rollout": {
        "type": "Canary",
        "stable": {"name": "perps-stable", "takes": "Images"},
        "restingSize": 1,
        "promoteTo": [{"kind": "StatefulSet", "namespace": "production", "name": "perps-bot"}],
        "firstRelease": "ScaleToZero",
        "gitOps": "Pause",
        "gitOpsNamespace": "argocd",
    },
    "preflight": {
        "forbid": [
            {"arg": "--dry-run", "impact": "no orders", "fix": "use the canary profile"},
            {"env": "BROKER", "value": "mock"},
        ],
        "require": ["ContinuousOperation"],
        "warnOnly": ["ClockSkew"],
    },
    "guards": {"every": "10m"},
    "alerts": {"match": '{namespace="${namespace}"}', "heartbeat": "Watchdog", "mode": "Enforce", "rules": "Generate"},
    "observability": {"dashboards": [{"name": "shop", "url": "https://grafana.example.org/d/shop?var-pod=a"}]},
    "evidence": [EVIDENCE, COVERED, RUNTIME],
    "variables": {"broker": "ib"},
    "policy": {
        "mode": "Enforce",
        "falseAlarmBudget": "5%",
        "onDrift": "Rollback",
        "onInconclusive": "Hold",
        "onWindowEnd": "Notify",
        "onNewRevision": "Block",
        "approval": {"type": "Manual", "approvals": 2, "notByAuthor": True, "expiresAfter": "3d"},
        "freezes": [
            {
                "name": "weekend",
                "reason": "few people",
                "timeZone": "Europe/Berlin",
                "start": "2026-01-02T18:00",
                "end": "2026-01-05T08:00",
                "recurrence": "FREQ=WEEKLY;BYDAY=FR",
            },
            {"name": "year-end", "start": "2026-12-18T18:00:00", "duration": "17d"},
        ],
    },
    "author": "admin",
    "checklist": [{"name": "backup-workflow-unchanged", "required": True}, {"name": "told-support", "required": False}],
    "suspend": False,
}
MINIMAL_REVIEW: Raw = {
    "target": {"name": "app"},
    "metrics": {"sourceRef": {"name": "prometheus"}},
    "signals": [{"name": "up", "query": "up", "limits": {"alert": 60}}],
}
OTHER_KINDS: list[Raw] = [
    MINIMAL_REVIEW | {"target": {"kind": kind, "name": "app"}} for kind in ("StatefulSet", "DaemonSet")
]
OTHER_KINDS.append(MINIMAL_REVIEW | {"target": {"name": "app", "with": [{"kind": "StatefulSet", "name": "cart"}]}})

SET: Raw = {
    "description": "Requests, errors and latency.",
    "variables": [{"name": "job", "default": "web", "description": "label job of the metrics"}],
    "signals": [LEVEL, RATIO, GROWTH, EVENTS, LIMIT, PRESENCE, INFO],
}
MINIMAL_SET: Raw = {"signals": MINIMAL_REVIEW["signals"]}
USED_SET: Raw = {
    "kind": "SignalSet",
    "name": "http",
    "prefix": "edge",
    "hash": "sha256:5",
    "signalsHash": "sha256:6",
}

_KEY = {"name": "prometheus", "key": "token"}
SOURCE: Raw = {
    "url": "https://prometheus.monitoring:9090/prometheus",
    "auth": {"bearer": _KEY},
    "allowInsecureAuth": False,
    "headers": [{"name": "X-Scope-OrgID", "value": "team a"}, {"name": "X-Token", "valueFrom": _KEY}],
    "tls": {"caSecret": _KEY},
    "timeout": "10s",
    "resolution": "30s",
    "maxConcurrent": 4,
    "queriesPerSecond": 20,
    "maxPoints": 5000,
}
OTHER_SOURCE = SOURCE | {"auth": {"basic": {"username": _KEY, "password": _KEY}}, "tls": {"caConfigMap": _KEY}}
OAUTH2: Raw = {
    "tokenUrl": "https://id.example.com/oauth2/token",
    "clientId": {"value": "driftreview"},
    "clientSecret": _KEY,
    "clientSecretIn": "Body",
    "scopes": ["metrics.read"],
    "audience": "https://mimir.example.com",
    "tls": {"caSecret": _KEY},
}
TOKEN_SOURCE = SOURCE | {
    "auth": {"oauth2": OAUTH2},
    "tls": {"clientCert": {"certSecret": _KEY, "keySecret": _KEY}},
}
SECRET_TOKEN_SOURCE = TOKEN_SOURCE | {
    "auth": {"oauth2": OAUTH2 | {"clientId": {"valueFrom": _KEY}, "tls": {"caConfigMap": _KEY}}},
}
SIGV4: Raw = {
    "region": "eu-central-1",
    "service": "aps",
    "accessKey": _KEY,
    "secretKey": _KEY,
    "sessionToken": _KEY,
}
SIGNED_SOURCE = SOURCE | {"auth": {"sigV4": SIGV4}}
MINIMAL_SOURCE: Raw = {"url": "http://prometheus:9090"}
_ALLOWED = {"names": ["team-a"], "selector": {"matchLabels": {"metrics": "shared"}}}

_REVISION: Raw = {
    "name": "app-1",
    "uid": "11",
    "templateHash": "sha256:1",
    "images": [{"container": "app", "image": "app:1"}],
    "template": '{"spec":{}}',
}
_PINNED: Raw = {name: value for name, value in _REVISION.items() if name != "template"}
_REFERENCE: Raw = {"name": "settings", "hash": "sha256:3", "changedAt": "2026-01-05T08:00:00Z"}
FACTS: Raw = {
    "takenAt": "2026-01-05T09:02:00Z",
    "deployment": {
        "version": "1.2",
        "podTemplateHash": "6d4b75cb6d",
        "images": [{"container": "app", "image": "app:1", "digests": ["app@sha256:1"]}],
        "pods": 2,
        "generation": 3,
        "desired": 2,
        "updated": 2,
        "ready": 2,
        "available": 2,
        "scaledAt": "2026-01-05T08:00:00Z",
    },
    "configuration": {
        "containers": [
            {
                "name": "app",
                "init": False,
                "image": "app:1",
                "command": ["app"],
                "args": ["--profile=dev"],
                "env": [{"name": "PROFILE", "value": "dev", "hash": "scrypt:1", "source": "configMap settings"}],
                "envFrom": ["secret more"],
                "resources": {"limits.cpu": "1"},
                "ports": ["http 80/TCP"],
                "probes": ["liveness: httpGet"],
                "leftOut": "nothing",
            }
        ],
        "autoscalers": [
            {"name": "app", "least": 1, "most": 3, "metrics": ["cpu"], "changedAt": "2026-01-05T08:00:00Z"}
        ],
        "configMaps": [_REFERENCE],
        "secrets": [_REFERENCE],
        "kubernetes": "v1.34.4",
        "nodes": [{"name": "node-1", "kubelet": "v1.34.4"}],
        "leftOut": "nothing",
    },
    "contracts": [{"name": "event-store", "hash": "sha256:4"}],
    "evidence": [
        {
            "name": "unit-tests",
            "hash": "sha256:4",
            "value": "52",
            "suite": {
                "tests": 52,
                "failures": 0,
                "skipped": 7,
                "runtime": "0.3",
                "slowest": [{"name": "tests.test_builder.test_identical", "seconds": "0.01"}],
            },
        }
    ],
    "inventory": {
        "services": [
            {
                "kind": "StatefulSet",
                "name": "db",
                "judged": False,
                "status": "Restarting",
                "reason": "exits 0 and is restarted",
                "restarts": 3,
                "images": ["db:1"],
                "ready": 1,
                "desired": 1,
                "cpu": "0.25",
                "memory": "20185088",
            }
        ],
        "cpu": "0.25",
        "memory": "20185088",
        "leftOut": "pods after the first 1000",
    },
    "preflight": [
        {"name": "ClockSkew", "severity": "Warning", "message": "a minute", "impact": "samples", "fix": "NTP"}
    ],
    "alerts": {
        "since": "2026-01-05T08:00:00Z",
        "until": "2026-01-05T09:00:00Z",
        "fired": [
            {
                "name": "Late",
                "severity": "critical",
                "since": "2026-01-05T08:10:00Z",
                "until": "2026-01-05T08:20:00Z",
                "seconds": 600,
                "firing": False,
            }
        ],
        "leftOut": 1,
        "heartbeat": True,
        "unwatched": ["latency"],
    },
    "observability": {
        "metrics": {"hash": "sha256:3", "count": 2, "names": "0,up 0,x"},
        "rules": {
            "count": 2,
            "alerting": 1,
            "failing": [
                {
                    "group": "shop",
                    "name": "Late",
                    "health": "err",
                    "error": "many-to-many",
                    "evaluated": "2026-01-05T08:59:00Z",
                }
            ],
            "oldest": "2026-01-05T08:59:00Z",
        },
    },
    "incidents": [
        {
            "kind": "OOMKilled",
            "object": "Pod/app-1-x, container app",
            "reason": "OOMKilled",
            "at": "2026-01-05T08:20:00Z",
            "count": 2,
            "exitCode": 137,
            "message": "killed",
        }
    ],
    "flags": [{"name": "USE_NEW_CLI", "present": True, "matches": True, "value": "true", "source": "plain value"}],
    "problems": [{"about": "contracts/other", "reason": "NotFound", "message": "there is no configmaps/other"}],
}
_SPELLS: Raw = {
    "since": "2026-01-05T08:10:00Z",
    "until": "2026-01-05T08:12:00Z",
    "number": 2,
    "total": "3m",
    "last": "2026-01-05T08:20:00Z",
    "still": True,
}
SNAPSHOT: Raw = {
    "reviewRef": {"name": "app", "uid": "1"},
    "checkpoint": "1h",
    "source": "ClusterMetricSource/prometheus http://prometheus:9090",
    "window": {"start": "2026-01-05T08:00:00Z", "end": "2026-01-05T09:00:00Z", "step": "30s", "block": "5m"},
    "judged": _REVISION,
    "previous": _REVISION,
    "members": [{"kind": "StatefulSet", "name": "cart", "uid": "12", "judged": _PINNED, "previous": _PINNED}],
    "signals": [
        {
            "name": "latency",
            "query": "latency",
            "controlQuery": "latency",
            "perQuery": "requests",
            "unit": "s",
            "series": [
                {
                    "labels": {"symbol": "BTC"},
                    "values": "0.1 - 0.2",
                    "samples": 20,
                    "expected": 30,
                    "longestOver": "1m",
                    "gaps": {
                        "longest": "277h46m40s",
                        "longestScraped": "0s",
                        "first": "0s",
                        "firstScraped": "0s",
                        "last": "90s",
                        "lastScraped": "30s",
                        "silent": _SPELLS,
                        "silentScraped": _SPELLS,
                    },
                    "over": _SPELLS,
                    "firings": {"times": 3, "total": "12m"},
                    "worst": "0.3",
                    "ending": 5,
                    "silent": 1,
                    "control": "0.1 0.1 -",
                    "controlSamples": 20,
                    "per": "10 - 12",
                }
            ],
            "problem": {"reason": "LowCoverage", "message": "20 of 30 samples"},
        }
    ],
    "signalSets": [USED_SET | {"signals": "[]"}],
    "scraping": {
        "silent": 3,
        "stretches": 2,
        "blocks": "0 3-4",
        "silentFrom": "2026-01-05T08:20:00Z",
        "silentUntil": "2026-01-05T08:21:00Z",
        "throughout": "672h",
        "problem": {"reason": "Empty", "message": "no `up`"},
    },
    "specHash": "sha256:3",
    "limitsOnly": "nothing of the target ran before this release",
    "facts": FACTS,
    "previousHash": "sha256:0",
    "hash": "sha256:2",
}
MINIMAL_SNAPSHOT: Raw = {
    "reviewRef": {"name": "app", "uid": "1"},
    "checkpoint": "T0",
    "judged": {"name": "app-1", "uid": "11", "templateHash": "sha256:1"},
    "hash": "sha256:0",
}

# Of the lab's own user: another name is refused by the policy that proves who asks.
_ABOUT: Raw = {"reviewRef": {"name": "app", "uid": "1"}, "by": "admin"}
EXTEND: Raw = _ABOUT | {"type": "Extend", "for": "24h", "message": "the weekend is to be seen too"}
SIGN_OFF: Raw = _ABOUT | {"type": "SignOff", "item": "backup-workflow-unchanged"}
MINIMAL_APPROVAL: Raw = _ABOUT | {"type": "Approve"}

SPECS: dict[str, list[Raw]] = {
    "DriftReview": [REVIEW, *OTHER_KINDS, MINIMAL_REVIEW],
    "DriftSnapshot": [SNAPSHOT, MINIMAL_SNAPSHOT],
    "DriftApproval": [EXTEND, SIGN_OFF, MINIMAL_APPROVAL],
    "SignalSet": [SET, MINIMAL_SET],
    "ClusterSignalSet": [SET, MINIMAL_SET],
    "MetricSource": [SOURCE, OTHER_SOURCE, MINIMAL_SOURCE, TOKEN_SOURCE, SECRET_TOKEN_SOURCE, SIGNED_SOURCE],
    "ClusterMetricSource": [
        *(SOURCE | {"allowedNamespaces": _ALLOWED}, OTHER_SOURCE, MINIMAL_SOURCE),
        *(TOKEN_SOURCE, SECRET_TOKEN_SOURCE, SIGNED_SOURCE | {"auth": {"sigV4": {"region": "eu-central-1"}}}),
        SIGNED_SOURCE,
    ],
}

# Changes of the first sample that look odd and are right.
ODD: list[Raw] = [
    {"signals": None},
    {"signals": [], "baseline": {"from": "Declared"}},
    {"signals": [INFO]},
    {"window": {"t0": "2026-01-05T08:00:00.25-05:30"}},
    {"window": {"t0": "2026-01-05T08:00:00.1234567891234+23:59"}},
    {"window": {"checkpoints": ["90s", "1h30m", "2d"], "rollback": "2d", "settle": "0s", "grace": "0s"}},
    {"window": {"checkpoints": ["1h30m15s"], "rollback": "1h30m15s"}},
    {"baseline": {"from": "Snapshot", "length": "30m"}},
    {"baseline": {"from": "Snapshot", "length": "5h"}, "window": {"checkpoints": ["6h"]}},
    {"baseline": {"from": "Declared"}},
    {"signals": [{"name": "a", "query": "up", "worse": "Either", "margin": {"relative": "0%", "absolute": 0}}]},
    {"signals": [{"name": "a", "query": "up", "limits": {"baseline": -5, "alert": "-1.5e3"}}]},
    {
        "signals": [
            {"name": "a", "query": "up", "margin": {"relative": "5%"}, "covariate": "b", "each": "symbol"},
            {"name": "b", "query": "up", "kind": "Info", "each": "symbol"},
        ]
    },
    {"signals": [{"name": "a", "query": "up", "limits": {"baseline": "1Ei", "alert": "5E"}}]},
    {"signals": [{"name": "a", "query": "up", "margin": {"absolute": "1.5E-3"}, "limits": {"alert": "+2e+3"}}]},
    {"signals": [{"name": "a", "query": "up", "margin": {"absolute": "999999999999999.123456789e-12"}}]},
]

_WORKLOAD = {"name": "app-1", "uid": "11", "templateHash": "sha256:1"}
STATUS: Raw = {
    "baseline": {"name": "app-1-t0", "hash": "sha256:1"},
    "observedGeneration": 1,
    "phase": "RollingBack",
    "t0": "2026-01-05T08:10:00Z",
    "judged": _WORKLOAD,
    "signalSets": [USED_SET],
    "checkpoints": [
        {"name": "1h", "due": "2026-01-05T09:10:00Z"},
        {"name": "6h", "due": "2026-01-05T14:10:00Z"},
    ],
    "approvals": [
        {
            "type": "Reject",
            "by": "jane",
            "at": "2026-01-05T09:12:00Z",
            "name": "app-reject-x",
            "uid": "r1",
            "revision": "app-1",
            "message": "errors",
            "counted": True,
        },
        {"type": "Note", "by": "joe", "at": "2026-01-05T09:12:01Z", "name": "app-note-x", "uid": "n1", "counted": True},
    ],
    "act": {"type": "RollBack", "do": "PutBack", "targetUid": "1", "generation": 3, "intentAt": "2026-01-05T09:12:00Z",
            "by": "by field manager argocd-controller (Apply)",
            "pause": {"kind": "Application", "namespace": "argocd", "name": "app", "intentAt": "2026-01-05T09:12:00Z"}},
    "recovery": {
        "due": "2026-01-05T10:20:00Z",
        "judgedAt": "2026-01-05T10:22:00Z",
        "verdict": "Recovered",
        "message": "all enforced signals (2) pass",
        "snapshot": {"name": "app-1-recovery", "hash": "sha256:1"},
    },
    "aftermath": {"returnedAt": "2026-01-05T11:00:00Z"},
}  # fmt: skip
WAITING: Raw = {
    "phase": "Pending",
    "checkpoints": [],
    "conditions": [],
    "rolledOut": {"templateHash": "sha256:1", "by": "2026-01-05T08:00:00Z"},
}
"""Before T0, of a target that does not say when its rollout finished."""
_STEP: Raw = {"do": "GiveImages", "kind": "Deployment", "namespace": "production", "name": "app"}
STEPS: list[Raw] = [
    _STEP | {"uid": "7", "appliedAt": "2026-01-05T15:10:00Z", "completedAt": "2026-01-05T15:11:00Z"},
    {"do": "Scale", "kind": "Deployment", "namespace": "staging", "name": "app", "replicas": 0},
]
PROMOTING: Raw = {
    "phase": "Promoting",
    "t0": "2026-01-05T08:10:00Z",
    "act": {
        "type": "Promote",
        "do": "Approve",
        "targetUid": "1",
        "generation": 3,
        "intentAt": "2026-01-05T15:09:00Z",
        "appliedAt": "2026-01-05T15:09:02Z",
        "steps": STEPS,
    },
}
"""The first of two steps is done."""
REBASELINED: Raw = {
    "phase": "Watching",
    "t0": "2026-01-05T08:10:00Z",
    "judged": _WORKLOAD,
    "checkpoints": [
        {"name": "1h", "due": "2026-01-05T09:10:00Z"},
        {"name": "6h", "due": "2026-01-05T14:10:00Z"},
    ],
    "approvals": [],
}
"""Started, with nothing judged: T0 may still be taken anew."""
CHAINABLE: Raw = REBASELINED | {
    "target": {"uid": "1", "rolledOutAt": "2026-01-05T08:00:00Z", "historyEndsAt": "2026-01-05T07:50:00Z"},
    "previous": _WORKLOAD,
}
"""Started, so that another revision may follow in a chain."""
CHAIN: Raw = {
    "targetUid": "1",
    "historyEndsAt": "2026-01-05T07:50:00Z",
    "previous": _WORKLOAD,
    "revisions": [
        {
            "name": "app-1",
            "templateHash": _WORKLOAD["templateHash"],
            "t0": "2026-01-05T08:10:00Z",
            "until": "2026-01-05T08:30:00Z",
            "followedBy": "by field manager kubectl (Update) at 2026-01-05T08:29:30Z",
        }
    ],
}
BETWEEN: Raw = {"phase": "Pending", "t0": None, "checkpoints": [], "retaken": 1, "chain": CHAIN}
"""What is written when another revision follows."""
_OTHER = {"name": "worker-1", "uid": "21", "templateHash": "sha256:2"}
MEMBER: Raw = {
    "kind": "Deployment",
    "name": "worker",
    "target": CHAINABLE["target"] | {"uid": "2"},
    "judged": _OTHER,
    "previous": _OTHER | {"name": "worker-0"},
    "kept": [_OTHER | {"name": "worker-0"}],
}
FROZEN: Raw = CHAINABLE | {"baseline": STATUS["baseline"], "members": [MEMBER]}
"""Its T0 evidence is frozen: what it pins is no more changed."""
REBASELINE: Raw = {
    "type": "Rebaseline", "by": "jane", "at": "2026-01-05T08:12:00Z", "name": "app-rebaseline-x", "uid": "b1",
    "revision": "app-1", "message": "wrong data", "counted": True,
}  # fmt: skip
LONGER: Raw = REBASELINE | {"type": "Extend", "name": "app-extend-x", "uid": "e1", "for": "24h"}


def made(kind: str, spec: Raw, name: str = "sample") -> Raw:
    """An object of this kind."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": deepcopy(spec)}


def merged(whole: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386) applied: None removes, a list replaces."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    result = dict(whole) if isinstance(whole, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
