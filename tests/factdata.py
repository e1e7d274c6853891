"""Facts as the two hand-written reviews tell them: a bot that runs one cycle after another, and what is beside it."""

from datetime import timedelta
from typing import Any

from driftreview.api.alerts import AlertFact, AlertsFact
from driftreview.api.configuration import (
    AutoscalerFact,
    ConfigurationFact,
    ContainerFact,
    DeploymentFact,
    EnvFact,
    NodeFact,
    ReferenceFact,
    RunningImage,
)
from driftreview.api.facts import ContractFact, FactProblem, Facts
from driftreview.api.flag import FlagFact
from driftreview.api.incident import Incident, IncidentKind
from driftreview.api.inventory import InventoryFact, ServiceFact, ServiceKind, ServiceStatus
from driftreview.api.observability import FailingRule, ObservabilityFact, RulesFact
from driftreview.api.preflight import FindingSeverity, PreflightFinding
from driftreview.api.reasons import Reason
from driftreview.domain.observability import metric_names
from tests.builders import HOUR, MINUTE, T0

MIB = 1024 * 1024
DECLARED: dict[str, Any] = {
    "inventory": {},
    "flags": [
        {"name": "USE_NEW_CLI_HANDLERS", "expect": "Absent", "from": {"env": {}}},
        {
            "name": "mode",
            "expect": "Value",
            "value": "canary",
            "from": {"configMap": {"name": "settings", "key": "mode"}},
        },
        {"name": "streaming", "from": {"query": "streaming_enabled or vector(0)"}, "mode": "Shadow"},
    ],
    "contracts": [{"name": "event-store", "from": {"configMap": {"name": "event-store-schema"}}}],
    "alerts": {"heartbeat": "Watchdog"},
    "observability": {"dashboards": [{"name": "Bot", "url": "https://grafana.example.org/d/bot"}]},
    "checklist": [{"name": "backup-workflow-unchanged"}],
}
"""What a review declares to be told all of it."""
BESIDE = (
    ("postgres", 0.0, 19.25, ServiceStatus.HEALTHY),
    ("redis", 0.0085, 9.49, ServiceStatus.HEALTHY),
    ("rabbitmq", 0.4518, 126.6, ServiceStatus.HEALTHY),
    ("elasticsearch", 0.0083, 1004.0, ServiceStatus.HEALTHY),
    ("grafana", 0.0031, 296.4, ServiceStatus.RUNNING),
)
SINGLE_CYCLE = PreflightFinding(
    name="ContinuousOperation",
    severity=FindingSeverity.WARNING,
    message="container web of Pod/web-new-x2x9p exits 0 and is restarted",
    impact="Continuous metrics cannot be captured, nor drift be tracked over the window.",
    fix="Let the command go on: drop what makes it end after one cycle.",
)
UNSCRAPED = PreflightFinding(
    name="MetricsScraped",
    severity=FindingSeverity.WARNING,
    message="no metrics endpoint: the source scrapes none of the 1 judged pods (web-new-x2x9p)",
    impact="What the pods measure cannot be tracked: signals made of it have no data.",
    fix="Serve metrics and let the source scrape them: a /metrics endpoint, and a target for it.",
)
DRY_RUN = PreflightFinding(
    name="ForbiddenArgument",
    severity=FindingSeverity.BLOCKER,
    message="forbidden argument --dry-run in container web",
    impact="Cannot measure order latency.",
    fix="Switch to the canary profile with small positions.",
)
MOCK_BROKER = PreflightFinding(
    name="ForbiddenVariable",
    severity=FindingSeverity.BLOCKER,
    message="forbidden variable BROKER=mock in container web",
    impact="No WebSocket streaming metrics, no real API latency.",
    fix="Configure the real broker.",
)


def service(name: str, cpu: float, memory: float, status: ServiceStatus, **fields: Any) -> ServiceFact:
    """A service of one pod."""
    given: dict[str, Any] = {
        "kind": ServiceKind.DEPLOYMENT,
        "name": name,
        "status": status,
        "restarts": 0,
        "images": [f"registry/{name}:1"],
        "ready": 1,
        "desired": 1,
        "cpu": f"{cpu:.9g}",
        "memory": f"{memory * MIB:.9g}",
    }
    return ServiceFact(**given | fields)


def inventory(*services: ServiceFact, left_out: str = "") -> InventoryFact:
    """Services with their sums."""
    cpu, memory = (
        [float(amount) for each in services if (amount := getattr(each, part))] for part in ("cpu", "memory")
    )
    return InventoryFact(
        services=list(services),
        cpu=f"{sum(cpu):.9g}" if cpu else None,
        memory=f"{sum(memory):.9g}" if memory else None,
        left_out=left_out,
    )


def configuration(**fields: Any) -> ConfigurationFact:
    """The bot's."""
    bot = ContainerFact(
        name="web",
        image="registry/web:new",
        command=["python", "-m", "bot_v2"],
        args=["--profile", "dev", "--interval", "60", "--dry-run"],
        env=[
            EnvFact(name="SYMBOLS", value="BTC,ETH,SOL"),
            EnvFact(name="STRATEGY", value="BaselinePerpsStrategy short_ma=5 long_ma=20"),
            EnvFact(name="BROKER_TOKEN", source="secret broker, key token"),
            EnvFact(name="DB_PASSWORD", hash="scrypt:" + "9" * 64),
        ],
        env_from=["configMap settings"],
        resources={"requests.cpu": "100m", "limits.memory": "3Gi"},
        ports=["metrics 9090/TCP"],
        probes=["readiness httpGet"],
    )
    given: dict[str, Any] = {
        "containers": [bot],
        "autoscalers": [AutoscalerFact(name="web", least=1, most=3, metrics=["cpu"])],
        "config_maps": [ReferenceFact(name="settings", hash="sha256:" + "a" * 64, changed_at=T0 - 48 * HOUR)],
        "secrets": [ReferenceFact(name="broker")],
        "kubernetes": "v1.33.1",
        "nodes": [NodeFact(name="node-a", kubelet="v1.33.1")],
    }
    return ConfigurationFact(**given | fields)


def deployment(**fields: Any) -> DeploymentFact:
    """The bot as it runs."""
    image = RunningImage(container="web", image="registry/web:new", digests=["registry/web@sha256:" + "c" * 64])
    given: dict[str, Any] = {"version": "1.4.0", "images": [image], "pods": 1, "generation": 7, "desired": 1}
    return DeploymentFact(**given | {"updated": 1, "ready": 1, "available": 1} | fields)


def alert(name: str, severity: str = "warning", *, firing: bool = False, at: timedelta = -HOUR) -> AlertFact:
    """One that fired for ten minutes."""
    since = T0 + at
    return AlertFact(name=name, severity=severity, since=since, until=since + 10 * MINUTE, seconds=600, firing=firing)


def alerts(*fired: AlertFact, hours: float = 0, **fields: Any) -> AlertsFact:
    """Those of the baseline, or of so many hours since T0."""
    stretch = (T0, T0 + hours * HOUR) if hours else (T0 - 24 * HOUR, T0)
    given: dict[str, Any] = {"heartbeat": True, "unwatched": []} | fields
    return AlertsFact(since=stretch[0], until=stretch[1], fired=list(fired), **given)


def observability(*names: str, failing: bool = False) -> ObservabilityFact:
    """The metrics of the bot, and the rules of its source."""
    wrong = FailingRule(group="bot", name="BotLate", health="err", error="parse error: unknown function")
    rules = RulesFact(count=57, alerting=12, failing=[wrong] if failing else [], oldest=T0 - MINUTE)
    return ObservabilityFact(metrics=metric_names(names), rules=rules)


def flags(*, cli: bool = False, mode: str = "canary", streaming: bool = False) -> list[FlagFact]:
    """The declared flags as they stand."""
    return [
        FlagFact(name="USE_NEW_CLI_HANDLERS", present=cli, source="no such variable"),
        FlagFact(
            name="mode", present=True, matches=mode == "canary", value=mode, source="configMap settings, key mode"
        ),
        FlagFact(name="streaming", present=streaming, value=f"{streaming:d}", source="query"),
    ]


def at_t0() -> Facts:
    """As the first of the two documents has it."""
    restarting = service("web", 0.0, 0.0, ServiceStatus.RESTARTING, judged=True, ready=0, restarts=41)
    own = restarting.model_copy(
        update={"cpu": None, "memory": None, "reason": "CrashLoopBackOff: exits 0 and is restarted"}
    )
    return Facts(
        taken_at=T0 + MINUTE,
        deployment=deployment(),
        configuration=configuration(),
        inventory=inventory(own, *(service(*each) for each in BESIDE)),
        contracts=[ContractFact(name="event-store", hash="sha256:" + "e" * 64)],
        flags=flags(),
        preflight=[SINGLE_CYCLE, UNSCRAPED],
        alerts=alerts(alert("NodeDiskFills", firing=True)),
        observability=observability(),
        incidents=[
            Incident(
                kind=IncidentKind.RESTARTED,
                object="Pod/web-new-x2x9p, container web",
                reason="CrashLoopBackOff",
                at=T0 - MINUTE,
                count=41,
                exit_code=0,
            )
        ],
        problems=[
            FactProblem(
                about="configuration/secrets/broker",
                reason=Reason.FORBIDDEN,
                message="the operator may not read secrets/broker",
            )
        ],
    )


def well() -> Facts:
    """An hour later: mended, and nothing else."""
    own = service("web", 0.06, 2690.0, ServiceStatus.HEALTHY, judged=True, restarts=41)
    return at_t0().model_copy(
        update={
            "taken_at": T0 + HOUR,
            "inventory": inventory(own, *(service(*each) for each in BESIDE)),
            "preflight": [],
            "alerts": alerts(hours=1),
            "observability": observability("bot_cycles_total", "mark_age_seconds"),
            "incidents": [],
        }
    )


def amiss() -> Facts:
    """Two hours later: whatever can be another way is."""
    own = service("web", 0.25, 2990.0, ServiceStatus.HEALTHY, judged=True, restarts=42)
    rabbit = service("rabbitmq", 0.9, 140.0, ServiceStatus.PENDING, images=["registry/rabbitmq:2"], ready=0)
    beside = [rabbit.model_copy(update={"reason": "0 of 1 pods are ready: ImagePullBackOff"})]
    beside += [service(*each) for each in BESIDE if each[0] not in {"rabbitmq", "grafana"}]
    killed = Incident(
        kind=IncidentKind.OOM_KILLED,
        object="Pod/web-new-x2x9p, container web",
        reason="OOMKilled",
        at=T0 + 100 * MINUTE,
        count=42,
        exit_code=137,
    )
    event = Incident(
        kind=IncidentKind.WARNING,
        object="Pod/web-new-x2x9p",
        reason="Unhealthy",
        at=T0 + 101 * MINUTE,
        count=3,
        message="Readiness probe failed: connection refused",
    )
    stale = alert("MarkUpdateStale", "critical", firing=True, at=90 * MINUTE)
    settings = ReferenceFact(name="settings", hash="sha256:" + "b" * 64, changed_at=T0 + 80 * MINUTE)
    return at_t0().model_copy(
        update={
            "taken_at": T0 + 2 * HOUR,
            "deployment": deployment(desired=2, scaled_at=T0 + 70 * MINUTE),
            "configuration": configuration(config_maps=[settings]),
            "inventory": inventory(own, *beside),
            "contracts": [ContractFact(name="event-store", hash="sha256:" + "f" * 64)],
            "flags": flags(mode="dev", streaming=True),
            "preflight": [],
            "alerts": alerts(stale, alert("StreamingLag", at=HOUR), hours=2, heartbeat=False, unwatched=["backlog"]),
            "observability": observability("bot_cycles_total", failing=True),
            "incidents": [event, killed],
        }
    )


def hostile(label: str) -> Facts:
    """Facts in which people, labels and servers say whatever may not be taken for markup."""
    short, line = label[:60], label[:250]
    bad = ServiceFact(
        kind=ServiceKind.STATEFUL_SET, name=line, status=ServiceStatus.PENDING, reason=line, images=[line], desired=1
    )
    container = ContainerFact(
        name=short,
        image=line,
        command=[line],
        args=[line],
        env=[EnvFact(name=line, value=line), EnvFact(name=line, source=line)],
        env_from=[line],
        resources={short: short},
        ports=[short],
        probes=[short],
        left_out=line,
    )
    scaler = AutoscalerFact(name=line, least=1, most=2, metrics=[line])
    reference = ReferenceFact(name=line, hash="sha256:" + "a" * 64)
    nodes = [NodeFact(name=line, kubelet=short)]
    finding = PreflightFinding(name=short, severity=FindingSeverity.WARNING, message=line, impact=line, fix=line)
    happened = Incident(kind=IncidentKind.WARNING, object=line, reason=short, message=line)
    seen = observability(label + "x").model_copy(
        update={"rules": RulesFact(count=1, alerting=1, failing=[FailingRule(group=short, name=short, health="err")])}
    )
    return Facts(
        taken_at=T0,
        deployment=deployment(version=short),
        configuration=configuration(
            containers=[container],
            autoscalers=[scaler],
            config_maps=[reference],
            secrets=[],
            kubernetes=short,
            nodes=nodes,
            left_out=line,
        ),
        inventory=inventory(bad, left_out=line),
        flags=[FlagFact(name="mode", present=True, matches=False, value=line, source=line)],
        preflight=[finding],
        alerts=alerts(alert(line, short)),
        observability=seen,
        incidents=[happened],
        problems=[FactProblem(about=f"inventory/{line}", reason=Reason.FORBIDDEN, message=line)],
    )


def full(word: str = "x") -> Facts:
    """As much as a look may hold: containers fill the room that the snapshot has for them."""
    env = [EnvFact(name=f"VARIABLE_{number}", value=word * 30) for number in range(29)]
    each = [ContainerFact(name=f"c{number}", args=[word * 100] * 4, env=env) for number in range(64)]
    used = [
        service(f"{number}-{word * 200}", 0.5, 100.0, ServiceStatus.PENDING, reason=word * 250, images=[word * 250] * 4)
        for number in range(100)
    ]
    happened = [
        Incident(kind=IncidentKind.WARNING, object=f"Pod/{number}-{word * 200}", reason=word, message=word * 250)
        for number in range(100)
    ]
    return Facts(
        taken_at=T0,
        deployment=deployment(),
        configuration=configuration(containers=each),
        inventory=inventory(*used),
        alerts=alerts(*(alert(f"{number}-{word * 150}") for number in range(100))),
        observability=observability(*(f"{word * 50}_{number}" for number in range(1500))),
        incidents=happened,
        problems=[
            FactProblem(about=f"flags/{number}", reason=Reason.FORBIDDEN, message=word * 1000) for number in range(200)
        ],
    )
