"""Some hours of what programs and exporters expose, as OpenMetrics: names, labels and types as theirs, values made up.

Where the names are from:
- HTTP: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ (in Prometheus' spelling)
- gRPC: https://github.com/grpc-ecosystem/go-grpc-middleware/tree/main/providers/prometheus
- JVM: https://prometheus.github.io/client_java/instrumentation/jvm/
- Python: https://prometheus.github.io/client_python/collector/
- Go: https://github.com/prometheus/client_golang/blob/main/prometheus/go_collector.go
- PostgreSQL: https://github.com/prometheus-community/postgres_exporter/blob/master/collector/pg_stat_database.go
- Redis: https://github.com/oliver006/redis_exporter/blob/master/exporter/exporter.go
- RabbitMQ: https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_prometheus/metrics.md
- Elasticsearch: https://github.com/prometheus-community/elasticsearch_exporter#metrics
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, product
from pathlib import Path
from typing import Final

STEP: Final = 60
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_SHARES: Final = (0.05, 0.2, 0.55, 0.8, 0.93, 0.98, 0.995, 1.0)
_FAST: Final = (0.3, 0.6, 0.9, 0.97, 0.998, 1.0, 1.0, 1.0)
_PODS: Final = [{"namespace": "shop", "pod": f"shop-6d4b75cb6d-{suffix}"} for suffix in ("abcde", "fghij")]

Labels = dict[str, str]


@dataclass(frozen=True)
class Family:
    """Series of one name."""

    name: str
    """Of a histogram without its suffixes."""
    type: str
    """As the exporter says it: counter, gauge, histogram, summary."""
    labels: list[Labels]
    level: float
    """A gauge's value; how much a counter or a histogram's count grows in a second."""
    noise: float = 0.02
    """Of the level, one standard deviation."""
    shares: tuple[float, ...] = _SHARES
    """Of a histogram's counts, by bucket."""


def _all(base: list[Labels], **values: list[str]) -> list[Labels]:
    return [each | dict(zip(values, chosen, strict=True)) for each in base for chosen in product(*values.values())]


def _of(job: str, **labels: str) -> list[Labels]:
    return [{"job": job, "instance": f"{job}:9000"} | labels]


_HTTP = _all(_PODS, http_request_method=["GET"], http_route=["/orders"], http_response_status_code=["200", "404"])
_HTTP_FAILED = _all(_PODS, http_request_method=["GET"], http_route=["/orders"], http_response_status_code=["503"])
_GRPC = _all(_PODS, grpc_service=["shop.Orders"], grpc_method=["Get"], grpc_type=["unary"])
_DATABASE = _of("postgres-exporter", datid="16384", datname="shop")
_REDIS, _RABBIT = _of("redis-exporter"), _of("rabbitmq")
_NODE = {"cluster": "shop", "host": "10.0.0.1", "name": "es-0"}
_ELASTIC, _ELASTIC_NODE = _of("elasticsearch-exporter", cluster="shop"), _of("elasticsearch-exporter", **_NODE)

FAMILIES: Final = (
    Family("http_server_request_duration_seconds", "histogram", _HTTP, 20),
    Family("http_server_request_duration_seconds", "histogram", _HTTP_FAILED, 0.02),
    Family("grpc_server_handled_total", "counter", _all(_GRPC, grpc_code=["OK"]), 30),
    Family("grpc_server_handled_total", "counter", _all(_GRPC, grpc_code=["Unavailable"]), 0.03),
    Family("grpc_server_handling_seconds", "histogram", _GRPC, 30),
    Family("process_cpu_seconds_total", "counter", _PODS, 0.12),
    Family("process_resident_memory_bytes", "gauge", _PODS, 200e6, 0.005),
    Family("process_open_fds", "gauge", _PODS, 40),
    Family("jvm_memory_used_bytes", "gauge", _all(_PODS, area=["heap", "nonheap"]), 3e8, 0.005),
    Family("jvm_memory_max_bytes", "gauge", _all(_PODS, area=["heap"]), 1e9, 0),
    Family(
        "jvm_gc_collection_seconds_sum", "summary", _all(_PODS, gc=["G1 Young Generation", "G1 Old Generation"]), 0.01
    ),
    Family("jvm_threads_current", "gauge", _PODS, 60),
    Family("jvm_threads_deadlocked", "gauge", _PODS, 0),
    Family("python_gc_collections_total", "counter", _all(_PODS, generation=["0", "1", "2"]), 0.5),
    Family("go_memstats_heap_inuse_bytes", "gauge", _PODS, 5e7),
    Family("go_goroutines", "gauge", _PODS, 120, 0.01),
    Family("go_gc_duration_seconds", "summary", _all(_PODS, quantile=["0", "0.5", "1"]), 0.0004),
    Family("streaming_lag_seconds", "histogram", _PODS, 10, shares=_FAST),
    Family("order_latency_seconds", "histogram", _PODS, 2, shares=_FAST),
    Family("orders_total", "counter", _all(_PODS, outcome=["placed"]), 2),
    Family("orders_total", "counter", _all(_PODS, outcome=["failed"]), 0.005),
    Family("ws_reconnects_total", "counter", _PODS, 0),
    Family("rate_limit_errors_total", "counter", _PODS, 0),
    Family("pg_up", "gauge", _of("postgres-exporter"), 1, 0),
    Family("pg_stat_database_numbackends", "gauge", _DATABASE, 20),
    Family("pg_stat_database_xact_commit", "counter", _DATABASE, 100),
    Family("pg_stat_database_xact_rollback", "counter", _DATABASE, 0.2),
    Family("pg_stat_database_blks_hit", "counter", _DATABASE, 5000),
    Family("pg_stat_database_blks_read", "counter", _DATABASE, 50),
    Family("pg_stat_database_temp_bytes", "counter", _DATABASE, 1e5),
    Family("pg_stat_database_deadlocks", "counter", _DATABASE, 0),
    Family("redis_up", "gauge", _REDIS, 1, 0),
    Family("redis_memory_used_bytes", "gauge", _REDIS, 1e8),
    Family("redis_connected_clients", "gauge", _REDIS, 30),
    Family("redis_keyspace_hits_total", "counter", _REDIS, 900),
    Family("redis_keyspace_misses_total", "counter", _REDIS, 100),
    Family("redis_commands_total", "counter", _all(_REDIS, cmd=["get", "set"]), 500),
    Family("redis_commands_duration_seconds_total", "counter", _all(_REDIS, cmd=["get", "set"]), 0.01),
    Family("redis_evicted_keys_total", "counter", _REDIS, 0),
    Family("redis_rejected_connections_total", "counter", _REDIS, 0),
    Family("rabbitmq_queue_messages_ready", "gauge", _RABBIT, 200, 0.05),
    Family("rabbitmq_queue_messages_unacked", "gauge", _RABBIT, 50, 0.05),
    Family("rabbitmq_global_messages_redelivered_total", "counter", _RABBIT, 0.05),
    Family("rabbitmq_global_messages_delivered_total", "counter", _RABBIT, 100),
    Family("rabbitmq_global_messages_unroutable_dropped_total", "counter", _RABBIT, 0),
    Family("rabbitmq_global_consumers", "gauge", _RABBIT, 12, 0),
    Family("rabbitmq_process_resident_memory_bytes", "gauge", _RABBIT, 2e8),
    Family("rabbitmq_resident_memory_limit_bytes", "gauge", _RABBIT, 1e9, 0),
    Family("elasticsearch_indices_search_query_time_seconds", "counter", _ELASTIC_NODE, 0.5),
    Family("elasticsearch_indices_search_query_total", "counter", _ELASTIC_NODE, 50),
    Family("elasticsearch_indices_indexing_index_time_seconds_total", "counter", _ELASTIC_NODE, 0.2),
    Family("elasticsearch_indices_indexing_index_total", "counter", _ELASTIC_NODE, 40),
    Family("elasticsearch_jvm_memory_used_bytes", "gauge", _all(_ELASTIC_NODE, area=["heap", "non-heap"]), 5e8),
    Family("elasticsearch_jvm_memory_max_bytes", "gauge", _all(_ELASTIC_NODE, area=["heap"]), 1e9, 0),
    Family("elasticsearch_jvm_gc_collection_seconds_sum", "counter", _all(_ELASTIC_NODE, gc=["young", "old"]), 0.01),
    Family("elasticsearch_thread_pool_rejected_count", "counter", _all(_ELASTIC_NODE, type=["search", "write"]), 0),
    Family("elasticsearch_cluster_health_unassigned_shards", "gauge", _ELASTIC, 0),
    Family("elasticsearch_cluster_health_status", "gauge", _all(_ELASTIC, color=["green"]), 1, 0),
    Family("elasticsearch_cluster_health_status", "gauge", _all(_ELASTIC, color=["yellow", "red"]), 0, 0),
)
_TIMES: Final = {"mark_update_timestamp_seconds": "symbol", "stream_last_message_timestamp_seconds": "stream"}
"""Gauges of when something came last, and their label."""


def write_exporters(path: Path, start: int, end: int) -> Path:
    """Everything above from one time to another, in seconds since 1970, a sample each minute."""
    rng = random.Random(7)  # noqa: S311 - noise for a test
    moments = range(start, end, STEP)
    lines: list[str] = []
    for family in FAMILIES:
        lines += _lines(family, moments, rng)
    for name, label in _TIMES.items():
        for labels in _all(_PODS, **{label: ["BTC", "ETH"]}):
            lines += (f"{_named(name, labels)} {moment - 2} {moment}" for moment in moments)
    lines += (f'up{{job="shop",instance="shop:9000"}} 1 {moment}' for moment in moments)
    path.write_text("\n".join([*lines, "# EOF\n"]), encoding="utf-8")
    return path


def _lines(family: Family, moments: range, rng: random.Random) -> Iterator[str]:
    for labels in family.labels:
        noisy = _noisy(family, rng)
        if family.type == "histogram":
            yield from _histogram(family, labels, noisy, moments)
        elif family.type == "gauge" or "quantile" in labels:
            yield from (f"{_named(family.name, labels)} {noisy():.6f} {moment}" for moment in moments)
        else:
            total = 1000.0
            for moment in moments:
                total += noisy() * STEP
                yield f"{_named(family.name, labels)} {total:.6f} {moment}"


def _histogram(family: Family, labels: Labels, noisy: Callable[[], float], moments: range) -> Iterator[str]:
    """All its samples; each bucket of a share of the requests, as in steady work."""
    counts = list(accumulate((noisy() * STEP for _ in moments), initial=1000.0))[1:]
    for bound, share in [*zip(BUCKETS, family.shares, strict=True), ("+Inf", 1.0)]:
        where = _named(f"{family.name}_bucket", labels | {"le": str(bound)})
        yield from (f"{where} {count * share:.6f} {moment}" for count, moment in zip(counts, moments, strict=True))
    for suffix, factor in (("count", 1.0), ("sum", 0.03)):
        where = _named(f"{family.name}_{suffix}", labels)
        yield from (f"{where} {count * factor:.6f} {moment}" for count, moment in zip(counts, moments, strict=True))


def _noisy(family: Family, rng: random.Random) -> Callable[[], float]:
    return lambda: max(0.0, family.level * rng.gauss(1, family.noise))


def _named(name: str, labels: Labels) -> str:
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"
