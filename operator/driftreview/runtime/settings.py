"""Settings of the operator process, from the environment (DRIFTREVIEW_…) and the command line."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final

import kopf
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from driftreview.domain.action import Role

_LOGIN_PAUSE: Final = 1.0
"""Seconds before the same credentials are tried again."""


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """What is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Settings(BaseSettings):
    """Everything about the process that is not in a resource."""

    model_config = SettingsConfigDict(env_prefix="DRIFTREVIEW_", frozen=True)

    role: Role = Role.ALL
    """all; or judge, which changes no workload, beside an actor, which does only that."""
    kubeconfig: Path | None = None
    """Which kubeconfig to use; without one, the pod's ServiceAccount."""
    namespace: str = "driftreview-system"
    """The operator's own namespace: its Lease, and the Secrets of ClusterMetricSources."""
    watch_namespaces: tuple[str, ...] = ()
    """Namespaces whose reviews are looked after; all, if empty."""
    identity: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """Who holds the Lease."""
    lease_seconds: Annotated[int, Field(ge=3, le=300)] = 15
    """How long the Lease holds without being renewed."""
    listen_host: str = "127.0.0.1"
    """Address of /healthz, /readyz and /metrics; the chart sets 0.0.0.0."""
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of the same; 0 takes a free one."""
    workers: Annotated[int, Field(ge=1, le=64)] = 16
    """How many reviews are worked on at once."""
    turn_seconds: Annotated[float, Field(ge=0, le=300)] = 20
    """How long a review asks its metric source before others have their turn, plus the one query it may be at."""
    stall_seconds: Annotated[int, Field(ge=10)] = 300
    """One step of one review takes longer than this: /healthz fails."""
    log_format: LogFormat = LogFormat.JSON
    """json or text."""
    log_level: LogLevel = LogLevel.INFO
    """DEBUG, INFO, WARNING or ERROR."""


def kopf_login(kubeconfig: Path | None) -> Callable[..., Any]:
    """How kopf logs in: by a kubeconfig, or as the pod's ServiceAccount.

    A 401 may pass, such as while an API server starts. But kopf takes no login for a new one that equals a refused one,
    and never recovers from having none: so each is told from the one before by its number.
    """
    number = count()

    async def log_in(**context: Any) -> Any:
        if (index := next(number)) > 0:
            await asyncio.sleep(_LOGIN_PAUSE)
        log_in_once = kopf.login_with_service_account if kubeconfig is None else kopf.login_with_kubeconfig
        found = log_in_once(**context)
        return None if found is None else replace(found, priority=index)

    return log_in


def kopf_settings() -> kopf.OperatorSettings:
    """How kopf watches: it writes nothing, and a watch that falls silent is begun anew."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.networking.connect_timeout, settings.networking.request_timeout = 10, 30
    settings.networking.error_backoffs = [1, 2, 4, 8, 16, 30]
    settings.watching.connect_timeout, settings.watching.server_timeout, settings.watching.client_timeout = 10, 300, 310
    settings.watching.chunk_size = 500
    settings.scanning.disabled = True
    settings.posting.loggers = False
    return settings
