"""Valid objects with something changed: what lint and the API server shall agree on."""

from typing import Any

from hypothesis import strategies as st

from tests.integration.crd_samples import SPECS, Raw, made

Place = tuple[str | int, ...]
DURATIONS = st.sampled_from([
    "1h", "60m", "3600s", "0s", "1m", "59s", "2d", "48h", "49h", "30m", "15m", "28d", "29d", "672h", "673h", "5m",
    "301s", "0d",
    "99999h", "9999d", "1h0m0s", "00h", "1800s", "1801s", "x", "", "1d1h", "1H", " 1h", "\u0661h", "1h\n",
])  # fmt: skip
QUANTITIES = st.sampled_from([
    "5", "-5", "+5", "0", "1e3", "1E3", "1e-3", "5m", "5Mi", "5k", "5K", "Ki", "5%", "5 m", "5,0", ".5", "5.", "1e",
    "-", "\u0663", "1" * 15, "1" * 16, "1.1234567891", "5ms", "", "0x10", "1_0", "x" * 33, "\u00e9" * 32, "\u20ac",
    0, -1, 10**15, 10**15 - 1, -(10**15), 1.5, 2.0, 1e16, 1e20, True,
])  # fmt: skip
PERCENTS = st.sampled_from([
    "5%", "0%", "100%", "100.0001%", "0.1%", "0.0999%", "50%", "50.0001%", "5", "5.%", ".5%", "-5%", "99999%", "0.0%",
])  # fmt: skip
NAMES = st.sampled_from([
    "a", "A", "a.b", "a-", "-a", "a" * 63, "a" * 64, "a" * 253, "a" * 254, "", "a b", "\u00e9", "latency", "memory",
    "authorization", "Host", "X-A", "x-a", "X_A",
])  # fmt: skip
ADDRESSES = st.sampled_from([
    "http://a", "HTTP://a", "http://", "http://a:b", "http://a:99999", "http://a:", "http://:80", "http://a b",
    "http://a/%zz", "http://a/%41", "http://[::1]:9090", "http://[::1", "http://[::1]a", "http:/a", "http:a", "//a",
    "http://a?", "http://a#", "http://a@b", "http://\u00e9", "http://a\\b", 'http://a"b', "http://a|b",
    "http://a%41b", "/x", "",
    "1http://a", "http:///a", "http://[x]", "http://a\n", " http://a", "http://a:1:2", "http://a:\u0663", "http://a/ ",
])  # fmt: skip
TIMES = st.sampled_from([
    *(f"2026-01-05T10:00:00{rest}" for rest in ("Z", "z", "", "+02:00", "+0200", ".123456789Z", ".Z")),
    "2026-01-05t10:00:00Z", "2026-02-30T10:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05T10:00:60Z", "2026-01-05",
    "1999-12-31T23:59:59-05:00", "2100-01-01T00:00:00+05:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
])  # fmt: skip
CHOICES = st.sampled_from([
    "Level", "Growth", "Limit", "Info", "Lower", "Either", "Shadow", "Snapshot", "Declared", "Hold",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_TIMED = ("warmup", "settle", "rollback", "grace", "length", "for", "timeout", "resolution")
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(_TIMED, DURATIONS),
    **dict.fromkeys(("absolute", "baseline", "alert", "perHour"), QUANTITIES),
    **dict.fromkeys(("relative", "falseAlarmBudget", "minCoverage"), PERCENTS),
    **dict.fromkeys(("kind", "worse", "mode", "from", "onMissing"), CHOICES),
    "checkpoints": st.lists(DURATIONS, max_size=4),
    "name": NAMES,
    "url": ADDRESSES,
    "t0": TIMES,
    "value": st.sampled_from(["a", "a b", " a", "a ", "\u00e9", "", "\x7f", "a\nb", "~"]),
}
"""What people may write into a field of this name, right or wrong."""


def places(value: Any, path: Place = ()) -> list[Place]:
    """Every place in a value, itself left out."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        found += places(part, (*path, key))
    return found


@st.composite
def changed(draw: st.DrawFn) -> Raw:
    """A sample with some values replaced, removed or doubled."""
    kind = draw(st.sampled_from([kind for kind in SPECS if kind != "DriftSnapshot"]))
    document = made(kind, draw(st.sampled_from(SPECS[kind])))
    for _ in range(draw(st.integers(1, 4))):
        inside = places(document["spec"])
        likely = [place for place in inside if place[-1] in LIKELY]
        what = draw(st.sampled_from(["likely", "likely", "likely", "any", "removed", "doubled", "null"]))
        if not likely:
            break
        place = draw(st.sampled_from(likely if what == "likely" else inside))
        holder: Any = document["spec"]
        for part in place[:-1]:
            holder = holder[part]
        if what == "removed" and isinstance(holder, dict):
            del holder[place[-1]]
        elif what == "doubled" and isinstance(holder, list):
            holder.append(holder[int(place[-1])])
        elif what == "null":
            holder[place[-1]] = None
        else:
            holder[place[-1]] = draw(LIKELY[str(place[-1])] if place[-1] in LIKELY else VALUES)
    return document
