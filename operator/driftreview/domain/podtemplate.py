"""A pod template as facts: its containers, without what looks like a secret, and what it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from driftreview.api.configuration import ContainerFact, EnvFact
from driftreview.domain.display import shorten
from driftreview.domain.evidence import canonical
from driftreview.domain.masking import Mask

Raw = Mapping[str, Any]

MOST_BYTES: Final = 128 * 1024
"""Of the facts about containers: what evidence would otherwise lack."""
_CONTAINERS: Final = 64
_COMMAND: Final = 64
_ARGS: Final = 128
_ENV: Final = 200
_ENV_FROM: Final = 50
_MANY: Final = 64
_RESOURCES: Final = 32
_SHORT: Final = 64
_LONG: Final = 512
_PROBES: Final = ("startup", "readiness", "liveness")
_HANDLERS: Final = ("httpGet", "tcpSocket", "grpc", "exec")
_CONFIG_MAP: Final = ("configMapKeyRef", "configMapRef", "configMap")
_SECRET: Final = ("secretKeyRef", "secretRef", "secret")


def containers(template: Raw, mask: Mask) -> list[ContainerFact]:
    """The containers of a pod template, init containers first; of more than MOST_BYTES the environment is left out."""
    spec = template.get("spec") or {}
    raw = [
        *((each, True) for each in spec.get("initContainers") or []),
        *((each, False) for each in spec.get("containers") or []),
    ][:_CONTAINERS]
    # Twice, since a secret may stand first where nothing gives it away.
    mask.learn(secret for each, _ in raw for secret in _secrets(each, mask))
    found = [_container(each, mask, init=init) for each, init in raw]
    sizes = [len(canonical(each.to_wire())) for each in found]
    for index in sorted(range(len(found)), key=lambda index: -sizes[index]):
        if sum(sizes) <= MOST_BYTES:
            break
        found[index] = _slim(found[index])
        sizes[index] = len(canonical(found[index].to_wire()))
    return found


def references(template: Raw) -> tuple[list[str], list[str]]:
    """Names of the ConfigMaps and of the Secrets that containers and volumes of a pod template read, sorted.

    Not those by which images are pulled: they are the nodes' business.
    """
    spec = template.get("spec") or {}
    config_maps, secrets = set[str](), set[str]()
    for part in _parts(spec):
        for keys, names in ((_CONFIG_MAP, config_maps), (_SECRET, secrets)):
            named = [part[key] for key in keys if isinstance(part.get(key), Mapping)]
            names |= {each.get("name") or each.get("secretName") or "" for each in named}
    return sorted(config_maps - {""}), sorted(secrets - {""})


def _parts(spec: Raw) -> Iterator[Raw]:
    """Everything of a pod that may name a ConfigMap or a Secret."""
    for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
        yield from (each.get("valueFrom") or {} for each in container.get("env") or [])
        yield from container.get("envFrom") or []
    for volume in spec.get("volumes") or []:
        yield volume
        yield from (volume.get("projected") or {}).get("sources") or []


def in_clear(template: Raw) -> list[str]:
    """Which plain variables and arguments of a pod template look like secrets, each with its container."""
    spec, mask, found = template.get("spec") or {}, Mask(""), []
    for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
        names = [
            each["name"]
            for each in container.get("env") or []
            if each.get("value") and mask.hides(each["name"], each["value"])
        ]
        parts = (container.get("command") or [], container.get("args") or [])
        names += ["its arguments"] if any(mask.secrets_of(each) for each in parts) else []
        found += [f"{container['name']}: {name}" for name in names]
    return found


def tells_secrets(template: Raw) -> bool:
    """Whether a pod template, shown whole, would show what looks like a secret anywhere."""
    metadata, mask = template.get("metadata") or {}, Mask("")
    notes = (metadata.get("annotations") or {}).items()
    hidden = any(mask.hides(name, value) for name, value in notes)
    return hidden or bool(in_clear(template)) or any(_tells(template.get("spec") or {}, mask))


def _tells(part: Any, mask: Mask) -> Iterator[bool]:
    """Of each text in a part of a pod spec, whether it looks like a secret; images are told everywhere."""
    if isinstance(part, Mapping):
        if part.get("value") and isinstance(part["value"], str):  # a variable, or a header of a probe
            yield mask.hides(str(part.get("name", "")), part["value"])
        yield from (found for name, each in part.items() if name != "image" for found in _tells(each, mask))
    elif isinstance(part, str):
        yield mask.hides("", part)
    elif isinstance(part, Sequence):
        yield bool(mask.secrets_of([each for each in part if isinstance(each, str)]))
        yield from (found for each in part for found in _tells(each, mask))


def _secrets(container: Raw, mask: Mask) -> Iterator[str]:
    """What of a container is masked by its name or looks."""
    for each in container.get("env") or []:
        if "valueFrom" not in each and mask.hides(each["name"], each.get("value", "")):
            yield each.get("value", "")
    for parts in (container.get("command"), container.get("args")):
        yield from mask.secrets_of(parts or [])


def _container(raw: Raw, mask: Mask, *, init: bool) -> ContainerFact:
    env, command, args = raw.get("env") or [], raw.get("command") or [], raw.get("args") or []
    left_out = [
        f"{len(parts) - most} of {len(parts)} {what}"
        for what, parts, most in (("variables", env, _ENV), ("parts of the command", command, _COMMAND),
                                  ("arguments", args, _ARGS))
        if len(parts) > most
    ]  # fmt: skip
    return ContainerFact(
        name=raw["name"],
        init=init,
        image=str(raw.get("image", ""))[:_LONG],
        command=mask.arguments(command)[:_COMMAND],
        args=mask.arguments(args)[:_ARGS],
        env=[_variable(each, mask) for each in env[:_ENV]],
        env_from=[_source(each, each.get("prefix", "")) for each in (raw.get("envFrom") or [])[:_ENV_FROM]],
        resources=dict(_resources(raw.get("resources") or {})[:_RESOURCES]),
        ports=[_port(each) for each in (raw.get("ports") or [])[:_MANY]],
        probes=[
            f"{name}: {_handler(raw[f'{name}Probe'])}"
            for name in _PROBES
            if isinstance(raw.get(f"{name}Probe"), Mapping)
        ],
        left_out=", ".join(left_out),
    )


def _variable(raw: Raw, mask: Mask) -> EnvFact:
    name = raw["name"]
    if "valueFrom" in raw:
        return EnvFact(name=shorten(name, 253), source=_source(raw["valueFrom"]))
    value = raw.get("value", "")
    if mask.hides(name, value):
        return EnvFact(name=shorten(name, 253), hash=mask.hash(value))
    return EnvFact(name=shorten(name, 253), value=value)


def _source(raw: Raw, prefix: str = "") -> str:
    """Where a value comes from, such as `secret broker, key token`."""
    for keys, what in ((_CONFIG_MAP, "configMap"), (_SECRET, "secret")):
        for key in keys:
            if isinstance(ref := raw.get(key), Mapping):
                part = f", key {ref['key']}" if "key" in ref else f", every key as {prefix}…" if prefix else ""
                return shorten(f"{what} {ref.get('name', '')}{part}", _LONG)
    if isinstance(ref := raw.get("fieldRef"), Mapping):
        return shorten(f"field {ref.get('fieldPath', '')}", _LONG)
    if isinstance(ref := raw.get("resourceFieldRef"), Mapping):
        return shorten(f"resource {ref.get('resource', '')}", _LONG)
    return shorten(", ".join(sorted(raw)) or "nothing", _LONG)


def _resources(raw: Raw) -> list[tuple[str, str]]:
    return [
        (f"{part}.{name}", str(amount)[:_SHORT])
        for part in ("requests", "limits")
        for name, amount in sorted((raw.get(part) or {}).items())
    ]


def _port(raw: Raw) -> str:
    name = f"{raw['name']} " if raw.get("name") else ""
    return f"{name}{raw['containerPort']}/{raw.get('protocol', 'TCP')}"[:_SHORT]


def _handler(probe: Raw) -> str:
    return next((each for each in _HANDLERS if each in probe), "unknown")


def _slim(container: ContainerFact) -> ContainerFact:
    """A container of which only what has few bytes is kept."""
    what = f"{len(container.env)} variables, {len(container.command) + len(container.args)} arguments: no room for them"
    return container.model_copy(update={"env": [], "command": [], "args": [], "left_out": what})


def images(template: Raw) -> Sequence[tuple[str, str]]:
    """Name and image of each container that is not an init container, as many as facts have room for."""
    found = (template.get("spec") or {}).get("containers") or []
    return [(each["name"], str(each.get("image", ""))[:_LONG]) for each in found[:_CONTAINERS]]
