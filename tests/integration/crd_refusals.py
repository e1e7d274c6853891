"""What the API server must refuse: every CEL rule at least once, each with the message that names the fix."""

from dataclasses import dataclass
from typing import Any

from tests.integration.crd_samples import (
    BETWEEN,
    CHAIN,
    CHAINABLE,
    COVERED,
    EVENTS,
    EVIDENCE,
    FROZEN,
    GROWTH,
    INFO,
    LEVEL,
    LIMIT,
    LONGER,
    MEMBER,
    OAUTH2,
    PRESENCE,
    RATIO,
    REBASELINE,
    RUNTIME,
    SIGV4,
    STATUS,
    STEPS,
    USED_SET,
    Raw,
    merged,
)

SETS = ("SignalSet", "ClusterSignalSet")
SOURCES = ("MetricSource", "ClusterMetricSource")
DURATION = "must be a duration such as 90s, 10m, 1h30m, 48h or 7d: whole numbers, and days stand alone"


@dataclass(frozen=True)
class Refusal:
    """A change of a valid spec that makes it invalid."""

    id: str
    kind: str
    patch: Raw
    """Merged into the first sample's spec."""
    path: str
    """Where the API server must see the fault."""
    message: str


@dataclass(frozen=True)
class Change:
    """A change of a stored object that is refused; `patch` is of the whole object."""

    id: str
    kind: str
    patch: Raw
    path: str
    message: str
    status: bool = False
    """Sent to the status subresource."""
    of: str = "started"
    """Name of the stored object."""


def _window(name: str, message: str, path: str = "", **fields: Any) -> Refusal:
    return Refusal(name, "DriftReview", {"window": fields}, f"spec.window{path}", message)


def _signal(name: str, signal: Raw, message: str, path: str = "", **fields: Any) -> Refusal:
    patch = {"signals": [merged(signal, fields), LIMIT | {"name": "other"}]}
    return Refusal(name, "DriftReview", patch, f"spec.signals[0]{path}", message)


def _review(name: str, path: str, message: str, **fields: Any) -> Refusal:
    return Refusal(name, "DriftReview", fields, path, message)


def _evidence(name: str, evidence: Raw, message: str, path: str = "", **fields: Any) -> Refusal:
    return _review(name, f"spec.evidence[0]{path}", message, evidence=[merged(evidence, fields)])


def _freeze(name: str, path: str, message: str, **fields: Any) -> Refusal:
    freeze = merged({"name": "f", "start": "2026-12-18T18:00", "duration": "1h"}, fields)
    return _review(name, f"spec.policy.freezes[0]{path}", message, policy={"freezes": [freeze]})


def _source(name: str, path: str, message: str, **fields: Any) -> list[Refusal]:
    return [Refusal(f"{name}-{kind}", kind, fields, f"spec{path}", message) for kind in SOURCES]


def _approval(name: str, says: str, path: str = "", **fields: Any) -> Refusal:
    return Refusal(name, "DriftApproval", fields, f"spec{path}", says)


_ONE_OF = "must name exactly one of configMap, service and customResourceDefinition"
_TWO_PLACES: Raw = {"name": "store", "from": {"configMap": {"name": "store"}, "service": "store"}}
_KEY = {"name": "prometheus", "key": "token"}
_ORDER = "checkpoints must be in ascending order and differ"
_PATTERN = "should match '^[+-]?[0-9]{1,15}"
_TIME = "should match '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-]"
_QUANTITY = "must be a number such as 60, 0.15, 150m (a thousandth is m), 300M or 20Mi, in the signal's unit"
_PERCENT = "what is tolerated in percent of the baseline is margin.relative"
_UNIT = "5 ms of a signal in s is 5m"
_REST = "lower baseline.length, such as to half of the first checkpoint, or raise window.checkpoints[0]"
_COVERAGE = "must be more than 0%, at most 100%"
_ADDRESS = "must be an http:// or https:// address such as"
_OPEN = "must hold no user, query or fragment"
_PLAIN = {"auth": None, "tls": None, "headers": None}

REFUSALS: list[Refusal] = [
    _window("duration-unit", DURATION, ".checkpoints[1]", checkpoints=["1h", "48x"]),
    _window("duration-without-unit", DURATION, ".rollback", rollback="48"),
    _window("duration-empty", DURATION, ".grace", grace=""),
    _window("duration-days-and-hours", DURATION, ".warmup", warmup="1d2h"),
    _window("duration-number", "must be of type string", ".settle", settle=5),
    _window("checkpoint-number", "must be of type string", ".checkpoints[0]", checkpoints=[60]),
    _window("duration-decimal", f"'1.5h' {DURATION}", ".checkpoints[0]", checkpoints=["1.5h"]),
    _window("duration-in-two-lines", DURATION, ".checkpoints[0]", checkpoints=["1\n"]),
    _window("duration-with-quotes", f"""'"'\\ü' {DURATION}""", ".checkpoints[0]", checkpoints=["\"'\\ü"]),
    _window("checkpoint-after-rollback-named", "checkpoint 6h, rollback 90m: a checkpoint lies", rollback="90m"),
    _window("checkpoint-after-rollback-beside-a-bad-one", "checkpoint 2d, rollback 24h: a checkpoint lies",
            rollback="24h", checkpoints=["1h", "x", "2d"]),
    _window("settle-near-grace-named", "settle 16m, grace 30m: settle must be", settle="16m"),
    _window("checkpoint-too-early-named", "checkpoint 30s: a checkpoint must be", ".checkpoints",
            checkpoints=["30s", "1h"]),
    _window("checkpoint-after-rollback", "drop it, or raise window.rollback", rollback="24h"),
    _window("settle-near-grace", "lower window.settle, or raise window.grace", settle="16m"),
    _window("checkpoints-unsorted", _ORDER, ".checkpoints", checkpoints=["6h", "1h"]),
    _window("checkpoints-same", _ORDER, ".checkpoints", checkpoints=["1h", "1h"]),
    _window("checkpoints-same-spelt-otherwise", _ORDER, ".checkpoints", checkpoints=["60m", "1h"]),
    _window("checkpoint-too-early", "must be at least 1m after T0", ".checkpoints", checkpoints=["59s", "1h"]),
    _review("guards-too-often", "spec.guards.every", "must be between 1m and 1h", guards={"every": "59s"}),
    _review("guards-too-seldom", "spec.guards.every", "must be between 1m and 1h", guards={"every": "2h"}),
    _window("checkpoints-none", "should have at least 1 items", ".checkpoints", checkpoints=[]),
    _window("recovery-too-long", "must be between 0s and 24h", ".recovery", recovery="25h"),
    _window("recovery-without-unit", DURATION, ".recovery", recovery="30"),
    _window("t0-without-zone", "must be of type date-time", ".t0", t0="2026-01-05T10:00:00"),
    _window("t0-with-a-comma", _TIME, ".t0", t0="2026-01-05T10:00:00,5Z"),
    _window("t0-in-no-zone", _TIME, ".t0", t0="2026-01-05T10:00:00+24:00"),
    _window("t0-in-a-zone-of-too-many-minutes", _TIME, ".t0", t0="2026-01-05T10:00:00+10:60"),
    _window("t0-long-ago", "must be a time in the years 2000 to 2099", ".t0", t0="0001-01-01T00:00:00Z"),
    _window("t0-far", "must be a time in the years 2000 to 2099", ".t0", t0="9999-12-31T23:59:59Z"),
    _review(
        "forbid-both", "spec.preflight.forbid[0]", "must name exactly one of arg and env",
        preflight={"forbid": [{"arg": "-n", "env": "A"}]},
    ),
    _review(
        "forbid-value", "spec.preflight.forbid[0]", "value is that of env: name the variable in env, or drop value",
        preflight={"forbid": [{"arg": "-n", "value": "A"}]},
    ),
    _review(
        "forbid-name", "spec.preflight.forbid[0].env", "must be the name of an environment variable, such as BROKER",
        preflight={"forbid": [{"env": "A B"}]},
    ),
    *(
        _review(
            f"dashboard-{name}", "spec.observability.dashboards[0].url", message,
            observability={"dashboards": [{"name": "shop", "url": url}]},
        )
        for name, url, message in (
            ("file", "file:///etc/passwd", "must be an http:// or https:// address such as"),
            ("user", "https://me:secret@grafana/d/shop", "must hold no user or password"),
        )
    ),
    _review("baseline-short", "spec.baseline.length", "must be between 1m and 28d", baseline={"length": "59s"}),
    _review("baseline-long", "spec.baseline.length", "must be between 1m and 28d", baseline={"length": "29d"}),
    _review("contract-from-two", "spec.contracts[0].from", _ONE_OF, contracts=[_TWO_PLACES]),
    _review("contract-from-none", "spec.contracts[0].from", _ONE_OF, contracts=[{"name": "store", "from": {}}]),
    _review("snapshot-past-checkpoint", "spec", _REST, baseline={"from": "Snapshot"}),
    _review("snapshot-by-default", "spec", "baseline.length 7d (the default), first checkpoint 1h: with baseline.from",
            baseline={"from": "Snapshot", "length": None}),
    _review("snapshot-named", "spec", "baseline.length 2h, first checkpoint 1h: with baseline.from",
            baseline={"from": "Snapshot", "length": "2h"}),
    _review("snapshot-until-checkpoint", "spec", _REST, baseline={"from": "Snapshot", "length": "1h"}),
    _review("snapshot-over-half", "spec", _REST, baseline={"from": "Snapshot", "length": "1801s"}),
    _review("snapshot-without-an-hour", "spec", _REST,
            baseline={"from": "Snapshot", "length": "18001s"}, window={"checkpoints": ["6h"]}),
    _review("declared-by-margin", "spec", "every Level or Events signal needs limits.alert",
            baseline={"from": "Declared"}, signals=[LEVEL | {"limits": {"baseline": 1}}]),
    _review("declared-by-margin-of-events", "spec", "every Level or Events signal needs limits.alert",
            baseline={"from": "Declared"}, signals=[EVENTS | {"limits": None}]),
    _review("budget-scalar", "spec.policy.falseAlarmBudget", "must be a percentage such as 5%",
            policy={"falseAlarmBudget": "0.05"}),
    _review("budget-none", "spec.policy.falseAlarmBudget", "must be between 0.1% and 50%",
            policy={"falseAlarmBudget": "0%"}),
    _review("budget-all", "spec.policy.falseAlarmBudget", "must be between 0.1% and 50%",
            policy={"falseAlarmBudget": "51%"}),
    _review("target-kind", "spec.target.kind", 'supported values: "Deployment"', target={"kind": "Job"}),
    _review("source-missing", "spec.metrics.sourceRef", "Required value", metrics={"sourceRef": None}),
    _review("signals-only-info", "spec", "must have mode Enforce and a kind other than Info",
            signals=[INFO], signalSetRefs=None),
    _review("signals-only-shadow", "spec", "must have mode Enforce and a kind other than Info",
            signals=[LEVEL | {"mode": "Shadow"}], signalSetRefs=None),
    _review("signals-none", "spec", "at least one signal, here or in a set of signalSetRefs", signals=None,
            signalSetRefs=None),
    _review("set-variable-spelt", "spec.signalSetRefs[0].variables", "must be letters and digits",
            signalSetRefs=[{"name": "http", "variables": {"a-b": "c"}}]),
    _review("set-variable-given", "spec.signalSetRefs[0].variables", "are given by the review: choose another name",
            signalSetRefs=[{"name": "http", "variables": {"pods": "c"}}]),
    *(
        Refusal(f"variable-{case}-{kind}", kind, {"variables": [{"name": name}]}, "spec.variables[0].name", message)
        for kind in SETS
        for case, name, message in (
            ("spelt", "a-b", "must be letters and digits, starting with a letter"),
            ("given", "target", "are given by the review: choose another name"),
        )
    ),
    _review("evidence-alone-acts", "spec", "with policy.mode Advise or Observe evidence of mode Enforce is enough",
            signals=[INFO], signalSetRefs=None, evidence=[EVIDENCE]),
    _review("evidence-only-shadow", "spec", "must have mode Enforce and a kind other than Info",
            signals=[INFO], signalSetRefs=None, policy={"mode": "Observe"}, evidence=[EVIDENCE | {"mode": "Shadow"}]),
    _review("signals-same-name", "spec.signals[1]", "Duplicate value", signals=[LEVEL, LIMIT | {"name": "latency"}]),
    _review("contract-of-nothing", "spec.contracts[0].from", "must name exactly one of configMap",
            contracts=[{"name": "a", "from": {}}]),
    _review("flag-of-nothing", "spec.flags[0].from", "must name exactly one of env", flags=[{"name": "a", "from": {}}]),
    _review("flag-of-two", "spec.flags[0].from", "must name exactly one of env",
            flags=[{"name": "a", "from": {"env": {}, "query": "up"}}]),
    _review("flag-without-its-value", "spec.flags[0]", "set both or neither",
            flags=[{"name": "a", "expect": "Value", "from": {"env": {}}}]),
    _review("flag-with-a-value-unasked", "spec.flags[0]", "set both or neither",
            flags=[{"name": "a", "value": "b", "from": {"env": {}}}]),
    _review("variable-spelling", "spec.variables", "must be letters and digits", variables={"a-b": "c"}),
    _review("variable-given", "spec.variables", "choose another name", variables={"pods": "c"}),
    _signal("level-without-measure", LEVEL, "needs margin", margin=None, limits={"alert": None}),
    _signal("growth-without-rate", GROWTH, "needs limits.perHour", limits=None),
    _signal("unit-with-an-escape", LEVEL, "must be printable text, such as s, By or %", ".unit", unit="\x1b[2J"),
    _signal("covariate-of-another-kind", LIMIT, "covariate is for kind: Level", covariate="other"),
    _signal("covariate-without-margin", LEVEL, "a covariate explains", covariate="other", margin=None),
    _signal("rate-without-growth", LEVEL, "limits.perHour is for kind: Growth", limits={"perHour": 1}),
    _signal("limit-without-limit", LIMIT, "needs limits.alert", limits={"alert": None, "baseline": 1}),
    _signal("presence-without-for", PRESENCE, "a Presence signal needs `for`", **{"for": None}),
    _signal("presence-with-limits", PRESENCE, "a Presence signal has no limits", limits={"alert": 1}),
    _signal("control-of-limit", LIMIT, "control is for kind: Level", control="up"),
    _signal("per-of-growth", GROWTH, "per is for kind: Level", per="up"),
    _signal("control-without-margin", LEVEL, "a control is what margin is measured against", margin=None),
    _signal("control-and-per", LEVEL, "control and per exclude each other", per="up"),
    _signal("traffic-without-per", RATIO, "minTraffic is the least mean of `per`", per=None),
    _signal("traffic-negative", RATIO, "greater than or equal to 0", ".minTraffic", minTraffic=-1),
    _signal("traffic-negative-text", RATIO, "must have no sign", ".minTraffic", minTraffic="-1"),
    _signal("traffic-in-percent", RATIO, _PERCENT, ".minTraffic", minTraffic="1%"),
    _signal("traffic-with-a-unit", RATIO, _QUANTITY, ".minTraffic", minTraffic="1 rps"),
    _signal("margin-of-limit", LIMIT, "margin is for kind: Level and Events", margin={"relative": "5%"}),
    _signal("for-of-level", LEVEL, "`for` is for kind: Limit, Events and Presence", **{"for": "1m"}),
    _signal("events-without-measure", EVENTS, "an Events signal needs margin", margin=None, limits=None),
    _signal("events-without-span", EVENTS, "an Events signal needs `for`", **{"for": None}),
    _signal("events-per-hour", EVENTS, "limits.perHour is for kind: Growth", limits={"perHour": 1}),
    _signal("either-with-limits", LEVEL, "choose Higher or Lower, or leave limits out", worse="Either"),
    _signal("margin-empty", LEVEL, "set margin.relative, margin.absolute or both", ".margin",
            margin={"relative": None, "absolute": None}),
    _signal("limits-empty", INFO, "set at least one of limits.baseline", ".limits", limits={}),
    _signal("coverage-none", LEVEL, _COVERAGE, ".minCoverage", minCoverage="0.0%"),
    _signal("coverage-over-all", LEVEL, _COVERAGE, ".minCoverage", minCoverage="101%"),
    _signal("margin-scalar", LEVEL, "must be of type object", ".margin", margin="5ms"),
    _signal("percent-number", LEVEL, "must be of type string", ".margin.relative", margin={"relative": 5}),
    _signal("percent-without-sign", LEVEL, "'5' must be a percentage such as", ".margin.relative",
            margin={"relative": "5"}),
    _signal("quantity-fraction", LIMIT, "must be of type integer,string", ".limits.alert", limits={"alert": 60.5}),
    _signal("quantity-word", LIMIT, _QUANTITY, ".limits.alert", limits={"alert": "sixty"}),
    _signal("quantity-duration", LIMIT, _QUANTITY, ".limits.alert", limits={"alert": "60s"}),
    _signal("quantity-unit", LEVEL, _UNIT, ".margin.absolute", margin={"absolute": "5ms"}),
    _signal("quantity-space", LEVEL, _UNIT, ".margin.absolute", margin={"absolute": "5 m"}),
    _signal("quantity-comma", LEVEL, _UNIT, ".limits.baseline", limits={"baseline": "0,1"}),
    _signal("quantity-percent", GROWTH, _PERCENT, ".limits.perHour", limits={"perHour": "5%"}),
    _signal("quantity-percent-of-baseline", LEVEL, _PERCENT, ".limits.baseline", limits={"baseline": "5%"}),
    _signal("quantity-percent-of-alert", LIMIT, _PERCENT, ".limits.alert", limits={"alert": "5%"}),
    _signal("quantity-unit-per-hour", GROWTH, _UNIT, ".limits.perHour", limits={"perHour": "5MB"}),
    _signal("quantity-percent-of-margin", LEVEL, _PERCENT, ".margin.absolute", margin={"absolute": "1%"}),
    _signal("quantity-order", LIMIT, _PATTERN, ".limits.alert", limits={"alert": "20iM"}),
    _signal("quantity-empty", LIMIT, _PATTERN, ".limits.alert", limits={"alert": ""}),
    _signal("quantity-huge", LIMIT, "less than or equal to 999999999999999", ".limits.alert",
            limits={"alert": 10**15}),
    _signal("margin-negative", LEVEL, "greater than or equal to 0", ".margin.absolute", margin={"absolute": -1}),
    _signal("margin-negative-text", LEVEL, "must have no sign", ".margin.absolute", margin={"absolute": "-1m"}),
    _review("evidence-alone", "spec", "at least one signal, here or in a set", signals=None, signalSetRefs=None),
    _evidence("evidence-without-current", EVIDENCE, "set exactly one of current and from.current", current=None),
    _evidence("evidence-with-two-currents", COVERED, "set exactly one of current and from.current", current=1),
    _evidence("evidence-with-two-baselines", COVERED, "baseline and from.baseline exclude each other", baseline=1),
    _evidence("evidence-without-baseline", EVIDENCE, "there is nothing to compare with", baseline=None),
    _evidence("evidence-from-nowhere", EVIDENCE, "set from.baseline, from.current or both", ".from", **{"from": {}}),
    _evidence("evidence-baseline-unit", EVIDENCE, _UNIT, ".baseline", baseline="5ms"),
    _evidence("evidence-baseline-percent", EVIDENCE, _PERCENT, ".baseline", baseline="100%"),
    _evidence("evidence-current-unit", EVIDENCE, _UNIT, ".current", current="5ms"),
    _evidence("evidence-current-percent", EVIDENCE, _PERCENT, ".current", current="100%"),
    _evidence("evidence-margin-empty", EVIDENCE, "set margin.relative, margin.absolute or both", ".margin",
              margin={"relative": None, "absolute": None}),
    _evidence("evidence-margin-unit", EVIDENCE, _UNIT, ".margin.absolute", margin={"absolute": "5ms"}),
    _evidence("evidence-margin-percent", EVIDENCE, _PERCENT, ".margin.absolute", margin={"absolute": "1%"}),
    _evidence("evidence-margin-signed", EVIDENCE, "must have no sign", ".margin.absolute", margin={"absolute": "-1m"}),
    _evidence("evidence-unit", EVIDENCE, "must be printable text", ".unit", unit="a\nb"),
    _evidence("junit-without-measure", COVERED, "measure is what to read of format: JUnit", ".from.baseline",
              **{"from": {"baseline": {"measure": None}}}),
    _evidence("junit-with-pointer", COVERED, "pointer is where to read in format: JSON", ".from.baseline",
              **{"from": {"baseline": {"pointer": "/a"}}}),
    _evidence("json-without-pointer", COVERED, "pointer is where to read in format: JSON", ".from.current",
              **{"from": {"current": {"pointer": None}}}),
    _evidence("json-with-measure", COVERED, "measure is what to read of format: JUnit", ".from.current",
              **{"from": {"current": {"measure": "tests"}}}),
    _evidence("pointer-of-a-baseline", RUNTIME, "must be a JSON Pointer", ".from.baseline.pointer",
              **{"from": {"baseline": {"pointer": "totals"}}}),
    _evidence("number-with-measure", COVERED, "measure is what to read of format: JUnit", ".from.baseline",
              **{"from": {"baseline": {"format": "Number"}}}),
    _evidence("pointer-without-slash", COVERED, "must be a JSON Pointer", ".from.current.pointer",
              **{"from": {"current": {"pointer": "totals"}}}),
    _evidence("pointer-with-tilde", COVERED, "must be a JSON Pointer", ".from.current.pointer",
              **{"from": {"current": {"pointer": "/a~2"}}}),
    *_source("url-scheme", ".url", _ADDRESS, url="ftp://prometheus:9090"),
    *_source("url-none", ".url", _ADDRESS, url="prometheus:9090"),
    *_source("url-path-only", ".url", _ADDRESS, url="/prometheus"),
    *_source("url-without-host", ".url", _ADDRESS, url="http://"),
    *_source("url-user", ".url", _OPEN, url="https://a:b@prometheus"),
    *_source("url-query", ".url", _OPEN, url="https://prometheus?token=a"),
    *_source("url-empty-query", ".url", _OPEN, url="https://prometheus?"),
    *_source("url-fragment", ".url", _OPEN, url="https://prometheus#a"),
    *_source("url-api", ".url", "must be the address before /api/v1", url="https://prometheus/api/v1/query"),
    *_source("auth-over-http", "", "allowInsecureAuth", url="http://prometheus", tls=None, headers=None),
    *_source("secret-header-over-http", "", "allowInsecureAuth", url="http://prometheus", tls=None, auth=None),
    *_source("tls-over-http", "", "drop it, or use https://", url="http://prometheus", auth=None, headers=None),
    *_source("auth-both", ".auth", "exactly one", auth={"basic": {"username": _KEY, "password": _KEY}}),
    *_source("auth-none", ".auth", "exactly one", auth={"bearer": None}),
    *_source("tls-both", ".tls", "not both", tls={"caConfigMap": _KEY}),
    *_source("tls-none", ".tls", "or leave tls out", tls={"caSecret": None}),
    *_source("client-certificate-over-http", "", "drop it, or use https://", url="http://prometheus", auth=None,
             headers=None, tls={"caSecret": None, "clientCert": {"certSecret": _KEY, "keySecret": _KEY}}),
    *_source("token-endpoint-none", ".auth.oauth2.tokenUrl", "must be an http:// or https:// address such as https://id",
             auth={"bearer": None, "oauth2": OAUTH2 | {"tokenUrl": "id.example.com"}}),
    *_source("token-endpoint-with-secret", ".auth.oauth2.tokenUrl", _OPEN,
             auth={"bearer": None, "oauth2": OAUTH2 | {"tokenUrl": "https://a:b@id.example.com"}}),
    *_source("client-secret-over-http", "", "use https:// in auth.oauth2.tokenUrl",
             auth={"bearer": None, "oauth2": OAUTH2 | {"tokenUrl": "http://id.example.com"}}),
    *_source("client-without-name", ".auth.oauth2.clientId", "exactly one",
             auth={"bearer": None, "oauth2": OAUTH2 | {"clientId": {}}}),
    *_source("two-scopes-in-one", ".auth.oauth2.scopes[0]", "printable ASCII without spaces",
             auth={"bearer": None, "oauth2": OAUTH2 | {"scopes": ["read write"]}}),
    *_source("token-authorities-both", ".auth.oauth2.tls", "exactly one",
             auth={"bearer": None, "oauth2": OAUTH2 | {"tls": {"caSecret": _KEY, "caConfigMap": _KEY}}}),
    *_source("aws-key-without-secret", ".auth.sigV4", "need each other",
             auth={"bearer": None, "sigV4": {"region": "a", "accessKey": _KEY}}),
    *_source("aws-session-without-key", ".auth.sigV4", "sessionToken needs accessKey",
             auth={"bearer": None, "sigV4": {"region": "a", "sessionToken": _KEY}}),
    *_source("aws-region-none", ".auth.sigV4.region", "must be an AWS region",
             auth={"bearer": None, "sigV4": SIGV4 | {"region": "Frankfurt"}}),
    *_source("aws-service-none", ".auth.sigV4.service", "must be the signing name",
             auth={"bearer": None, "sigV4": SIGV4 | {"service": "APS!"}}),
    *_source("points-few", ".maxPoints", "should be greater than or equal to 1000", maxPoints=999),
    *_source("queries-none", ".queriesPerSecond", "should be greater than or equal to 1", queriesPerSecond=0),
    Refusal("operators-own-aws-identity", "MetricSource", {"auth": {"bearer": None, "sigV4": {"region": "a"}}},
            "spec", "or use a ClusterMetricSource"),
    *_source("header-both", ".headers[0]", "exactly one", headers=[{"name": "A", "value": "b", "valueFrom": _KEY}]),
    *_source("header-none", ".headers[0]", "exactly one", headers=[{"name": "A"}]),
    *_source("header-own", ".headers[0]", "belong in auth", headers=[{"name": "AUTHORIZATION", "value": "b"}]),
    *_source("headers-same", ".headers", "have the same name",
             headers=[{"name": "X-A", "value": "b"}, {"name": "x-a", "value": "b"}]),
    *_source("timeout-none", ".timeout", "must be between 1s and 2m", timeout="0s"),
    *_source("timeout-long", ".timeout", "must be between 1s and 2m", timeout="121s"),
    *_source("resolution-long", ".resolution", "must be between 1s and 5m", resolution="1d"),
    _freeze("freeze-without-end", "", "a freeze has either end or duration", duration=None),
    _freeze("freeze-with-both", "", "a freeze has either end or duration", end="2026-12-19T18:00"),
    _freeze("freeze-backwards", "", "end must be after start", end="2026-12-17T18:00", duration=None),
    _freeze("freeze-start-with-zone", ".start", "must be a local date and time", start="2026-12-18T18:00Z"),
    _freeze("freeze-end-with-zone", ".end", "must be a local date and time", end="2026-12-19T18:00+01:00"),
    _freeze("freeze-zone-is-a-file", ".timeZone", "must be a name of the IANA", timeZone="../../etc/localtime"),
    _freeze("freeze-every-second", ".recurrence", "must be a rule of RFC 5545", recurrence="FREQ=SECONDLY"),
    _freeze("freeze-by-hour", ".recurrence", "FREQ first", recurrence="FREQ=DAILY;BYHOUR=1,2,3"),
    _freeze("freeze-for-ever", ".duration", "must be between 1m and 90d", duration="91d"),
    _review("approval-expires-at-once", "spec.policy.approval.expiresAfter", "must be between 1m and 90d",
            policy={"approval": {"expiresAfter": "59s"}}),
    _review("chain-of-snapshots", "spec", "policy.onNewRevision: Chain goes on comparing with what ran before",
            baseline={"from": "Snapshot", "length": "30m"}, policy={"onNewRevision": "Chain"}),
    _review("author-unknown", "spec", "policy.approval.notByAuthor needs author", author=None),
    _approval("sign-off-of-nothing", "type SignOff needs item", type="SignOff", **{"for": None}),
    _approval("item-of-another-type", "item is for type SignOff only", item="backup"),
    _approval("extend-by-nothing", "type Extend needs for", **{"for": None}),
    _approval("for-of-another-type", "for is for type Extend only", type="Approve"),
    *(
        _approval(f"{kind}-without-a-word", "need message: say why", type=kind, message=None, **{"for": None})
        for kind in ("Reject", "Note", "Rebaseline", "Override")
    ),
    _approval("extend-short", "must be between 10m and 7d", ".for", **{"for": "9m"}),
    _approval("extend-long", "must be between 10m and 7d", ".for", **{"for": "8d"}),
    Refusal("allowed-nobody", "ClusterMetricSource", {"allowedNamespaces": {"names": [], "selector": None}},
            "spec.allowedNamespaces", "leave allowedNamespaces out for all"),
]  # fmt: skip
_ONLY_CANARY = "with type: Canary, and only with it, stable names the workload that serves beside the canary"
_FOR_DEPLOYMENTS = "rollout.type Canary and Paused are for Deployments: with another kind leave rollout.type out"

REFUSALS += [
    Refusal(name, "DriftReview", {"rollout": rollout, **rest}, path, message)
    for name, rollout, rest, path, message in (
        ("canary-without-stable", {"stable": None}, {}, "spec.rollout", _ONLY_CANARY),
        ("stable-without-canary", {"type": "Paused", "restingSize": None}, {}, "spec.rollout", _ONLY_CANARY),
        ("resting-size-without-canary", {"type": "InPlace", "stable": None}, {}, "spec.rollout",
         "restingSize is the size of a canary: it needs type: Canary"),
        ("canary-is-stable", {"stable": {"name": "perps-bot"}}, {}, "spec",
         "rollout.stable.name: the stable workload must be another one than the target, which is the canary"),
        ("canary-of-pods-with-names", {}, {"target": {"kind": "StatefulSet"}}, "spec", _FOR_DEPLOYMENTS),
        ("paused-on-every-node", {"type": "Paused", "stable": None, "restingSize": None, "firstRelease": None},
         {"target": {"kind": "DaemonSet"}}, "spec", _FOR_DEPLOYMENTS),
        ("scaled-to-zero-on-every-node", {"type": None, "stable": None, "restingSize": None},
         {"target": {"kind": "DaemonSet"}}, "spec",
         "rollout.firstRelease ScaleToZero: a DaemonSet has no number of pods, the nodes say how many"),
    )
]  # fmt: skip

_INPLACE = {"type": None, "stable": None, "restingSize": None, "firstRelease": None, "gitOps": None, "promoteTo": None}

REFUSALS += [
    Refusal(f"with-{name}", "DriftReview",
            {"target": {"with": beside}, "rollout": _INPLACE | rollout, **rest}, path, message)
    for name, beside, rollout, rest, path, message in (
        ("itself", [{"name": "perps-bot"}], {}, {}, "spec.target",
         "with names further workloads, not the target itself"),
        ("one-twice", [{"name": "a"}, {"kind": "Deployment", "name": "a"}], {}, {}, "spec.target",
         "with names each workload once"),
        ("a-chain", [{"name": "a"}], {}, {"policy": {"onNewRevision": "Block"}}, "spec",
         "target.with: services that ship together need policy.onNewRevision Supersede"),
        ("a-pause", [{"name": "a"}], {"type": "Paused"}, {}, "spec",
         "target.with: services that ship together need rollout.type InPlace"),
        ("a-paused-owner", [{"name": "a"}], {"gitOps": "Pause"}, {}, "spec",
         "target.with: rollout.gitOps Pause is for one workload: use Report or Override"),
        ("what-takes-the-images", [{"name": "a"}], {"promoteTo": [{"name": "a"}]}, {}, "spec",
         "rollout.promoteTo: what is named in target.with is promoted already"),
        ("no-number-of-pods", [{"kind": "DaemonSet", "name": "a"}], {"firstRelease": "ScaleToZero"}, {}, "spec",
         "rollout.firstRelease ScaleToZero: a DaemonSet of target.with has no number of pods"),
    )
]  # fmt: skip

REFUSALS += [
    Refusal(f"{case.id}-{kind}", kind, case.patch, case.path, case.message)
    for case in REFUSALS
    if case.path.startswith("spec.signals[0]") and case.patch.keys() == {"signals"}
    for kind in SETS
]


def _fixed(field: str, value: Any) -> Change:
    instead = "; a longer rollback window is had by driftreview extend" if field == "window" else ""
    said = (
        f"delete this review and apply a new one (only suspend, policy.approval and policy.freezes may change{instead})"
    )
    message = f"spec.{field} is fixed since T0: {said}"
    for part in reversed(field.split(".")):
        value = {part: value}
    return Change(f"fixed-{field}", "DriftReview", {"spec": value}, "<nil>", message)


def _status(name: str, path: str, message: str, status: Raw | None) -> Change:
    return Change(name, "DriftReview", {"status": status}, path, message, status=True)


def _frozen(name: str, message: str, status: Raw) -> Change:
    return Change(f"frozen-{name}", "DriftReview", {"status": status}, "status", message, status=True, of="frozen")


def _steps(name: str, message: str, steps: list[Raw] | None, at: str = "") -> Change:
    path = f"status.act.steps{at}" if at else "status.act"
    return Change(
        name, "DriftReview", {"status": {"act": {"steps": steps}}}, path, message, status=True, of="promoting"
    )


_LATER = "2026-01-05T12:00:00Z"
_DUES: list[Raw] = STATUS["checkpoints"]
_ROWS = "the checkpoints are written once"
_FOUND: list[Raw] = [{"name": name, "due": _LATER, "guard": True} for name in ("1h10m", "1h20m")]
_SAID: list[Raw] = STATUS["approvals"]
_AUTHOR = "spec.author is fixed since the review was created"
_ANEW = "T0 is taken anew once for each Rebaseline of a person"
_TARGET: Raw = {"uid": "1", "rolledOutAt": STATUS["t0"], "historyEndsAt": STATUS["t0"]}
_INTENT = "an intent is never changed"
_STEPS = "the steps of an intent are never changed"
_PINNED = "which object is judged, which revision, and which one is gone back to, is that of T0"
_PINNED_BESIDE = "what is judged and gone back to of the workloads beside the target is that of the frozen T0 evidence"
_CHAIN_STAYS = "what a chain keeps of the first T0 is never changed, and no revision leaves it"

CHANGES: list[Change] = [
    _fixed("target", {"name": "other"}),
    _fixed("context", {"revision": "other"}),
    _fixed("metrics", {"sourceRef": {"name": "other"}}),
    _fixed("window", {"settle": "3m"}),
    _fixed("baseline", {"length": "6d"}),
    _fixed("signals", [LIMIT]),
    _fixed("signalSetRefs", []),
    _fixed("contracts", []),
    _fixed("flags", []),
    _fixed("inventory", {"cpu": "other"}),
    _fixed("preflight", {"require": ["ClockSkew"]}),
    _fixed("guards", {"every": "20m"}),
    _fixed("alerts", {"heartbeat": "Other"}),
    _fixed("observability", {"dashboards": []}),
    _fixed("evidence", [EVIDENCE]),
    _fixed("variables", {"broker": "other"}),
    _fixed("rollout", {"gitOps": "Override"}),
    Change("fixed-variables-removed", "DriftReview", {"spec": {"variables": None}}, "<nil>", "spec.variables is fixed"),
    _fixed("policy.mode", "Advise"),
    _fixed("policy.falseAlarmBudget", "6%"),
    _fixed("policy.onDrift", "Hold"),
    _fixed("policy.onInconclusive", "Promote"),
    _fixed("policy.onWindowEnd", "Promote"),
    _fixed("policy.onNewRevision", "Supersede"),
    _fixed("contracts", [{"name": "other", "from": {"service": "other"}}]),
    _fixed("checklist", []),
    Change("author-changed", "DriftReview", {"spec": {"author": "jane"}}, "<nil>", _AUTHOR, of="pending"),
    Change("author-removed", "DriftReview", {"spec": {"author": None, "policy": {"approval": {"notByAuthor": False}}}},
           "<nil>", _AUTHOR, of="pending"),
    Change("approval-changed", "DriftApproval", {"spec": {"message": "other"}}, "spec", "is never changed"),
    _status("signal-sets-changed", "status", "the signal sets are those of T0",
            {"signalSets": [USED_SET | {"hash": "sha256:7"}]}),
    _status("signal-sets-removed", "status", "the signal sets are those of T0", {"signalSets": None}),
    _status("act-of-a-person-removed", "status", "stays recorded", {"approvals": _SAID[:1]}),
    _status("acts-of-people-removed", "status", "stays recorded", {"approvals": None}),
    _status("act-of-a-person-in-another-name", "status.approvals[1]", "what a person did is never changed",
            {"approvals": [_SAID[0], _SAID[1] | {"by": "jane"}]}),
    _status("reject-not-counted-any-more", "status.approvals[0]", "is not taken back",
            {"approvals": [_SAID[0] | {"counted": False}, _SAID[1]]}),
    _status("checkpoint-added-by-a-note", "status", _ROWS,
            {"checkpoints": [*_DUES, {"name": "7h", "due": _LATER}], "approvals": [*_SAID, _SAID[1] | {"uid": "n2"}]}),
    _status("extend-without-a-checkpoint", "status", _ROWS, {"approvals": [*_SAID, LONGER]}),
    _status("t0-taken-anew-after-the-act", "status", _ANEW,
            {"t0": None, "checkpoints": [], "retaken": 1, "approvals": [*_SAID, REBASELINE]}),
    Change("t0-taken-anew-by-nobody", "DriftReview", {"status": {"t0": None, "checkpoints": [], "retaken": 1}},
           "status", _ANEW, status=True, of="fresh"),
    Change("t0-taken-anew-twice-for-one", "DriftReview",
           {"status": {"t0": None, "checkpoints": [], "retaken": 2, "approvals": [REBASELINE]}},
           "status", _ANEW, status=True, of="fresh"),
    Change("t0-moved-as-it-is-taken-anew", "DriftReview",
           {"status": {"t0": _LATER, "retaken": 1, "approvals": [REBASELINE]}},
           "status", "T0 is written once", status=True, of="fresh"),
    Change("chain-without-the-policy", "DriftReview", {"status": BETWEEN}, "<nil>",
           "status.chain is there only with policy.onNewRevision: Chain", status=True, of="fresh"),
    Change("chain-without-t0-taken-anew", "DriftReview", {"status": {"chain": CHAIN}}, "status", _ANEW,
           status=True, of="chainable"),
    Change("chain-after-a-reject", "DriftReview", {"status": BETWEEN}, "status", _ANEW, status=True, of="rejected"),
    Change("chain-with-another-history", "DriftReview",
           {"status": BETWEEN | {"chain": CHAIN | {"historyEndsAt": _LATER}}}, "status",
           "a chain begins with the target, the history and the way back of the first T0",
           status=True, of="chainable"),
    Change("chain-with-another-way-back", "DriftReview", {"status": {"chain": {"previous": None}}}, "status",
           _CHAIN_STAYS, status=True, of="between"),
    Change("chain-without-its-first", "DriftReview",
           {"status": {"chain": {"revisions": [CHAIN["revisions"][0] | {"name": "app-0"}]}}}, "status",
           _CHAIN_STAYS, status=True, of="between"),
    Change("chain-removed", "DriftReview", {"status": {"chain": None}}, "status", _CHAIN_STAYS,
           status=True, of="between"),
    Change("chain-back-in-time", "DriftReview",
           {"status": CHAINABLE | {"t0": "2026-01-05T08:09:59Z"}}, "status", "in a chain T0 never moves back",
           status=True, of="between"),
    _status("t0-moved", "status", "T0 is written once", {"t0": _LATER}),
    _status("t0-removed", "status", "T0 is written once", {"t0": None}),
    _status("baseline-removed", "status", "evidence that was frozen stays", {"baseline": None}),
    *(
        _frozen(f"{field}-{name}", _PINNED, {field: value})
        for field in ("judged", "previous")
        for name, value in (
            ("removed", None),
            ("of-another-hash", {"templateHash": "sha256:9"}),
            ("of-another-uid", {"uid": "9"}),
            ("of-another-name", {"name": "app-9"}),
        )
    ),
    _frozen("target-removed", _PINNED, {"target": None}),
    _frozen("target-of-another-uid", _PINNED, {"target": {"uid": "9"}}),
    _frozen("members-removed", _PINNED_BESIDE, {"members": None}),
    _frozen("member-left-out", _PINNED_BESIDE, {"members": []}),
    _frozen("member-renamed", _PINNED_BESIDE, {"members": [MEMBER | {"name": "other"}]}),
    *(
        _frozen(f"{field}-of-a-member-{name}", _PINNED_BESIDE, {"members": [merged(MEMBER, {field: value})]})
        for field, name, value in (
            ("target", "removed", None),
            ("target", "of-another-uid", {"uid": "9"}),
            ("judged", "removed", None),
            ("judged", "of-another-hash", {"templateHash": "sha256:9"}),
            ("previous", "removed", None),
            ("previous", "of-another-hash", {"templateHash": "sha256:9"}),
            ("kept", "removed", None),
            ("kept", "emptied", []),
            ("kept", "of-another-hash", [MEMBER["kept"][0] | {"templateHash": "sha256:9"}]),
        )
    ),
    *(
        Change(f"{field}-{name}-since-t0", "DriftReview", {"status": {field: value}}, "status", _PINNED, status=True,
               of="chainable")
        for field, name, value in (
            ("target", "removed", None),
            ("target", "of-another-uid", {"uid": "9"}),
            ("judged", "removed", None),
            ("judged", "of-another-hash", {"templateHash": "sha256:9"}),
            ("previous", "of-another-hash", {"templateHash": "sha256:9"}),
            ("previous", "of-another-uid", {"uid": "9"}),
            ("previous", "of-another-name", {"name": "app-9"}),
        )
    ),
    Change("previous-added-since-frozen", "DriftReview", {"status": {"previous": FROZEN["previous"]}}, "status",
           _PINNED, status=True),
    _status("status-removed", "<nil>", "status is never removed", None),
    _status("rollout-took-for-ever", "status.target.rolloutTook", DURATION,
            {"target": _TARGET | {"rolloutTook": "long"}}),
    _status("rollout-of-another-took-for-ever", "status.members[0].target.rolloutTook", DURATION,
            {"members": [{"kind": "Deployment", "name": "a", "target": _TARGET | {"rolloutTook": "long"}}]}),
    _status("due-moved", "status.checkpoints[1]", "due times are written once",
            {"checkpoints": [_DUES[0], _DUES[1] | {"due": _LATER}]}),
    _status("checkpoints-emptied", "status", _ROWS, {"checkpoints": []}),
    _status("checkpoints-removed", "status", _ROWS, {"checkpoints": None}),
    _status("checkpoint-renamed", "status", _ROWS, {"checkpoints": [_DUES[0], _DUES[1] | {"name": "7h"}]}),
    _status("checkpoint-added", "status", _ROWS, {"checkpoints": [*_DUES, {"name": "7h", "due": _LATER}]}),
    _status("guards-found-two-drifts", "status", _ROWS, {"checkpoints": [*_DUES, *_FOUND]}),
    _status("act-removed", "status", "an intent is never removed", {"act": None}),
    _status("act-other", "status.act", _INTENT, {"act": {"type": "Promote"}}),
    _status("act-on-other", "status.act", _INTENT, {"act": {"targetUid": "2"}}),
    _status("act-on-other-generation", "status.act", _INTENT, {"act": {"generation": 4}}),
    _status("act-at-other-time", "status.act", _INTENT, {"act": {"intentAt": _LATER}}),
    _status("act-by-other", "status.act", "who acted is written once", {"act": {"by": "other"}}),
    _status("act-by-nobody", "status.act", "who acted is written once", {"act": {"by": None}}),
    _status("act-does-other", "status.act", _INTENT, {"act": {"do": "Approve"}}),
    _status("act-scales-to-nothing-said", "status.act", "an act that scales, and no other, has a number of pods",
            {"act": {"do": "Scale"}}),
    _status("act-puts-back-a-number-of-pods", "status.act", "an act that scales, and no other, has a number of pods",
            {"act": {"replicas": 0}}),
    _status("steps-added", "status.act", _STEPS, {"act": {"steps": STEPS}}),
    _steps("steps-removed", _STEPS, None),
    _steps("step-left-out", _STEPS, STEPS[:1]),
    _steps("steps-in-another-order", _STEPS, STEPS[::-1]),
    _steps("step-to-other", _STEPS, [STEPS[0], STEPS[1] | {"name": "other"}]),
    _steps("step-elsewhere", _STEPS, [STEPS[0], STEPS[1] | {"namespace": "other"}]),
    _steps("step-to-other-kind", _STEPS, [STEPS[0], STEPS[1] | {"kind": "StatefulSet"}]),
    _steps("step-does-other", _STEPS, [STEPS[0] | {"do": "GiveTemplate"}, STEPS[1]]),
    _steps("step-to-another-size", _STEPS, [STEPS[0], STEPS[1] | {"replicas": 1}]),
    _steps("step-undone", "a step that was done stays done", [STEPS[0] | {"completedAt": None}, STEPS[1]]),
    _steps("step-that-scales-to-nothing-said", "a step that scales, and no other, has a number of pods",
           [STEPS[0], {name: value for name, value in STEPS[1].items() if name != "replicas"}], "[1]"),
    _status("pause-removed", "status.act", "an intent is never removed", {"act": {"pause": None}}),
    _status("pause-of-other", "status.act.pause", _INTENT, {"act": {"pause": {"name": "other"}}}),
    _status("pause-elsewhere", "status.act.pause", _INTENT, {"act": {"pause": {"namespace": "other"}}}),
    _status("pause-of-other-kind", "status.act.pause", _INTENT, {"act": {"pause": {"kind": "Target"}}}),
    _status("pause-at-other-time", "status.act.pause", _INTENT, {"act": {"pause": {"intentAt": _LATER}}}),
    _status("recovery-removed", "status", "what followed a rollback is never removed", {"recovery": None}),
    _status("recovery-due-moved", "status.recovery", "the due time is written once", {"recovery": {"due": _LATER}}),
    _status("recovery-judged-again", "status.recovery", "the recovery is judged once",
            {"recovery": {"verdict": "NotRecovered"}}),
    _status("recovery-unjudged", "status.recovery", "the recovery is judged once", {"recovery": {"verdict": None}}),
    Change("final-phase-left", "DriftReview", {"status": {"phase": "Watching"}}, "status", "a final phase is final",
           status=True, of="ended"),
    Change("final-phase-removed", "DriftReview", {"status": {"phase": None}}, "status", "a final phase is final",
           status=True, of="ended"),
    Change("evidence-value", "DriftSnapshot", {"spec": {"hash": "other"}}, "spec", "evidence is never changed"),
    Change("evidence-template", "DriftSnapshot", {"spec": {"previous": {"template": '{"spec":{"a":1}}'}}},
           "spec", "evidence is never changed"),
    Change("evidence-removed", "DriftSnapshot", {"spec": {"signals": None}}, "spec", "evidence is never changed"),
]  # fmt: skip
