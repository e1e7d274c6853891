"""Free TCP ports on loopback that stay free for long enough."""

import random
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 12000
_random = random.SystemRandom()  # two test workers with the same seed must not try the same ports


def free_port() -> int:
    """A port nobody listens on.

    Taken from below the range the kernel uses for outgoing connections: a port from ``bind(0)`` may become the source
    port of anyone's connection while a stopped server waits to be started again on it.
    """
    lowest_ephemeral = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 0
    for _ in range(100):
        candidate = _random.randrange(_LOWEST, lowest_ephemeral) if lowest_ephemeral > _LOWEST + 1000 else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free TCP port on 127.0.0.1 after 100 tries; end some servers")
