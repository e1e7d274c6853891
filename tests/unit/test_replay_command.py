"""`driftreview replay` as it is called: what it prints, what it refuses, what it ends with."""

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from driftreview.cli.app import app
from driftreview.cli.printing import shown
from driftreview.cli.replaying import _jobs
from driftreview.domain.history import History, Track
from driftreview.domain.replay import Past
from driftreview.domain.samples import Window
from driftreview.domain.sweep import Study
from tests.builders import review
from tests.replaydata import COMMANDS, GOLDEN, REVIEW, STEP, T0, run, write, write_csv

AT = ("--t0", "2026-03-03T00:00:00Z")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("replay"))


def edited(data: Path, *pairs: tuple[str, str]) -> Path:
    text = REVIEW
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = data.parent / f"edited-{abs(hash(text))}.yaml"
    path.write_text(text, "utf-8")
    return path


def slower(data: Path, folder: Path) -> Path:
    """A folder with the same data, but latency is three times as high from T0 on."""
    for each in data.parent.glob("*.csv"):
        (folder / each.name).write_bytes(each.read_bytes())
    t0 = datetime.fromisoformat(AT[1]).timestamp()
    head, *lines = (data.parent / "latency-p99.csv").read_text("utf-8").split()
    rows = (line.split(",") for line in lines)
    after = [f"{time},{float(value) * (3 if int(time) >= t0 else 1)}" for time, value in rows]
    (folder / "latency-p99.csv").write_text("\n".join([head, *after, ""]), "utf-8")
    return folder


def said(data: Path, *arguments: str, code: int) -> str:
    """What stands on standard error, on one line."""
    result = run(data, *arguments)
    assert result.exit_code == code, result.output
    return " ".join(result.stderr.replace("│", " ").split())


def document(data: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(data, "-o", "json", *arguments).stdout)
    return found


def alike(one: Any, other: Any) -> bool:
    """The same, but for the last digits of numbers: they depend on the machine's linear algebra."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == (pytest.approx(other, rel=1e-6, abs=1e-9) if isinstance(one, float) else other))


@pytest.mark.parametrize("name", COMMANDS)
def test_it_prints_what_was_looked_at_and_kept(data: Path, name: str) -> None:
    printed, kept = run(data, *COMMANDS[name]).stdout, (GOLDEN / name).read_text("utf-8")
    same = alike(json.loads(printed), json.loads(kept)) if name.endswith("json") else printed == kept
    assert same, f"run `python -m tests.replaydata` and look at what changed in {name}"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.endswith("json")])
def test_every_field_of_the_json_is_documented(data: Path, name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "replay.md").read_text("utf-8")
    assert {field for field in fields(document(data, *COMMANDS[name][2:])) if f"`{field}`" not in page} == set()


def fields(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(field for part in value.values() for field in fields(part))}
    return {field for part in value for field in fields(part)} if isinstance(value, list) else set()


@pytest.mark.parametrize(
    ("arguments", "code", "recommendation", "action"),
    [
        (AT, 0, "APPROVE", "Promote"),
        (("--t0", "2026-03-03T20:00:00Z"), 11, "INCONCLUSIVE", "Hold"),
    ],
)
def test_it_ends_with_the_recommendation(
    data: Path, arguments: tuple[str, ...], code: int, recommendation: str, action: str
) -> None:
    assert run(data, *arguments).exit_code == code
    found = document(data, *arguments)
    assert (found["recommendation"], found["action"]) == (recommendation, action)


@pytest.mark.parametrize(
    ("policy", "done"),
    [
        ("{}", "Rollback"),
        ("{onDrift: Hold}", "Hold, policy.onDrift Hold"),
        ("{onDrift: Hold, mode: Advise}", "Hold, policy.mode Advise"),
        ("{mode: Observe}", "Hold, policy.mode Observe"),
    ],
)
def test_a_drift_is_rejected_and_the_policy_says_what_is_done(
    data: Path, tmp_path: Path, policy: str, done: str
) -> None:
    path = edited(data, ("  signals:", f"  policy: {policy}\n  signals:"))
    result = run(path, "--data", str(slower(data, tmp_path)), *AT)
    assert result.exit_code == 10
    assert "T0+1h: Drift\n" in result.stdout
    assert "T0+6h: Drift (after the decision)\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"REJECT ({done}): T0+1h: latency-p99 is Degraded")


def test_a_row_says_that_it_is_ignored(data: Path, tmp_path: Path) -> None:
    for each in data.parent.glob("*.csv"):
        there = each.read_text("utf-8") if each.stem != "mark-age" else "timestamp,value,symbol\n"
        (tmp_path / each.name).write_text(there, "utf-8")
    path = edited(data, ("kind: Limit,", "kind: Limit, onMissing: Ignore,"), ("limits: {alert: 150m}", "mode: Shadow"))
    found = run(path, "--data", str(tmp_path), *AT).stdout
    assert "| Missing (ignored)" in found
    assert "1 of 2 enforced signals pass, 1 without data is ignored" in found


def test_t0_may_stand_in_the_review(data: Path) -> None:
    path = edited(data, ("window: {", 'window: {t0: "2026-03-03T00:00:00Z", '))
    assert run(path, "--data", str(data.parent)).stdout == run(data, *AT).stdout


def test_no_number_is_nan_and_what_was_not_estimated_is_null(data: Path) -> None:
    first = document(data, *AT)["checkpoints"][0]["signals"]
    growth = next(row for row in first if row["name"] == "memory-growth")
    assert (growth["verdict"], growth["reason"]) == ("Inconclusive", "Unresolved")
    assert [growth[field] for field in ("baseline", "current", "measure", "estimate", "lower", "upper", "margin")] == [
        None
    ] * 7


def test_a_checkpoint_after_the_data_is_shown_as_such(data: Path) -> None:
    arguments = ("--t0", "2026-03-03T20:00:00Z")
    last = document(data, *arguments)["checkpoints"][-1]
    assert (last["verdict"], last["signals"]) == (None, [])
    lines = run(data, *arguments).stdout.splitlines()
    assert "T0+24h: not yet judgeable, the data end before this window" in lines
    assert lines[-1].startswith("INCONCLUSIVE (Hold): T0+24h cannot be judged yet")
    promoting = edited(data, ("  signals:", "  policy: {onInconclusive: Promote}\n  signals:"))
    result = run(promoting, "--data", str(data.parent), *arguments)
    assert result.stdout.splitlines()[-1].startswith("INCONCLUSIVE (Hold): T0+24h cannot be judged yet")


def test_a_signal_without_a_file_is_missing_and_said(data: Path, tmp_path: Path) -> None:
    for path in data.parent.glob("*.csv"):
        if path.name != "load.csv":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "latency-p99.csv").unlink()
    result = run(data, "--data", str(tmp_path), *AT)
    assert result.exit_code == 11
    missing = f"there is no latency-p99.csv, load.csv in {tmp_path}: what is looked for there is Missing"
    assert result.stderr == f"driftreview replay: {missing}\n"
    assert f"latency-p99 is Missing: there is no latency-p99.csv in {tmp_path}: that is where" in result.stdout


ODD = {
    "constant": "5", "zero": "0", "negative": "-1", "tiny": "1e-300", "huge": "1e300", "nan": "nan", "infinite": "-inf",
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_data_are_judged_without_a_warning_and_without_nan_in_a_number(
    data: Path, tmp_path: Path, odd: str
) -> None:
    for path in data.parent.glob("*.csv"):
        lines = path.read_text("utf-8").splitlines()
        changed = [f"{line.rpartition(',')[0]},{ODD[odd]}" for line in lines[1:]]
        (tmp_path / path.name).write_text("\n".join([lines[0], *(changed if path.stem != "load" else lines[1:]), ""]))
    result = run(data, "--data", str(tmp_path), *AT, "-o", "json", "--inject", "latency-p99*1E")
    assert result.exit_code in (0, 10, 11), result.output
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    assert (found["recommendation"] == "APPROVE") == (result.exit_code == 0)
    assert odd not in ("nan", "infinite") or result.exit_code == 11


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_sweep_says_the_same_on_one_core_and_on_many(data: Path, jobs: str) -> None:
    assert run(data, *COMMANDS["sweep.txt"], "--jobs", jobs).stdout == (GOLDEN / "sweep.txt").read_text("utf-8")


def test_a_sweep_over_the_budget_ends_with_10_and_says_why(data: Path, tmp_path: Path) -> None:
    values = [0.08 if index < 400 else 0.1 for index in range(56 * 12)]
    write_csv(tmp_path / "latency-p99.csv", values)
    for name in ("memory-growth", "mark-age", "errors", "load"):
        (tmp_path / f"{name}.csv").write_bytes((data.parent / f"{name}.csv").read_bytes())
    result = run(data, "--data", str(tmp_path), "--sweep", "1h", "--jobs", "1")
    assert result.exit_code == 10
    assert "over policy.falseAlarmBudget 5%" in result.stdout
    assert "- latency-p99: Degraded at" in result.stdout
    found = re.search(r"it was worse by up to (\S+%) by itself, which a margin of as much tolerates", result.stdout)
    assert found
    wider = edited(data, ("relative: 5%", f"relative: {found[1]}"))
    assert run(wider, "--data", str(tmp_path), "--sweep", "1h", "--jobs", "1").exit_code in (0, 11)


def test_a_sweep_that_decides_little_ends_with_11(data: Path, tmp_path: Path) -> None:
    for path in data.parent.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    narrow = edited(data, ('margin: {absolute: "1"}, mode: Shadow', "margin: {relative: 1%}"))
    result = run(narrow, "--data", str(tmp_path), "--sweep", "1h", "--jobs", "1")
    assert result.exit_code == 11
    assert "- errors: undecided at" in result.stdout
    found = re.search(r"at 80% of all T0s a margin of (\S+%) would have been affirmed at the last look", result.stdout)
    assert found
    wider = edited(data, ('margin: {absolute: "1"}, mode: Shadow', f"margin: {{relative: {found[1]}}}"))
    assert run(wider, "--data", str(tmp_path), "--sweep", "1h", "--jobs", "1").exit_code == 0


@pytest.mark.parametrize(
    ("policy", "code", "rolled_back", "promoted", "left"),
    [
        ("Hold", 11, 0, 0, "left to a person"),
        ("Promote", 11, 0, 1, "counted as promoted"),
        ("Rollback", 10, 1, 0, "counted as rolled back"),
    ],
)
def test_a_sweep_counts_undecided_t0s_as_the_policy_treats_them(
    data: Path, policy: str, code: int, rolled_back: int, promoted: int, left: str
) -> None:
    doubtful = edited(
        data,
        ('margin: {absolute: "1"}, mode: Shadow', "margin: {relative: 1%}"),
        ("  signals:", f"  policy: {{onInconclusive: {policy}}}\n  signals:"),
    )
    sweep = ("--sweep", "3h", "--jobs", "1", "--inject", "load*1")
    result = run(doubtful, *sweep)
    assert result.exit_code == code
    assert f"undecided 100%, more than 20% (errors 100%), {left} by policy.onInconclusive {policy}\n" in result.stdout
    found = document(doubtful, *sweep)
    assert found["onInconclusive"] == policy
    assert [found[field] for field in ("falseRollback", "inconclusive", "promoted")] == [rolled_back, 1, promoted]
    assert len(found["rolledBackAt"]) == rolled_back * found["t0s"]
    assert [each["promoted"] for each in found["power"]] == [promoted] * 2
    assert "with mode: Shadow 0 T0s instead of" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "say with --t0 when the release was, or with --sweep 6h"),
        ((*AT, "--openmetrics", "x.om"), "give exactly one of --data, --openmetrics and --prometheus"),
        ((*AT, "--sweep", "6h"), "--sweep chooses T0s by itself"),
        ((*AT, "--since", "2026-03-03T00:00:00Z"), "--since and --until bound the T0s of --sweep"),
        ((*AT, "--map", "a=b"), "--map is for --openmetrics"),
        ((*AT, "--var", "a=b"), "--var is for --prometheus"),
        ((*AT, "--inject", "latency"), "is no fault: write"),
        ((*AT, "--inject", "latency*2"), "there is no signal latency, but latency-p99, memory-growth"),
        ((*AT, "--inject", 'mark-age{symbol="doge"}*2'), "none of the 2 recorded series of mark-age is meant by it"),
        (("--t0", "2026-03-09T00:00:00Z"), "lies outside of the data: 2026-03-01T22:00:00Z to 2026-03-04T05:55:00Z"),
        (("--t0", "yesterday"), "'yesterday' is no time"),
        (
            ("--t0", "2026-02-09T00:00:00Z"),
            "the data begin at 2026-03-01T22:00:00Z; the baseline of T0 2026-02-09T00:00:00Z needs them from 2026-02",
        ),
        (("--t0", "2026-03-09"), "'2026-03-09' has no time zone; write for example 2026-03-09T00:00:00Z"),
        ((*AT, "--inject", "latency-p99+10%"), "'latency-p99+10%': a share is a factor: write latency-p99*1.1"),
        (
            (*AT, "--inject", "mark-age{symbol=btc}*2"),
            "a label's value stands in quotes: write 'mark-age{symbol=\"btc\"}*2'",
        ),
        (("--t0", "0001-01-01T00:00:00Z"), "lies outside of the years 1970 to 2099"),
        (("--sweep", "soon"), "must be a duration"),
        (("--sweep", "0s"), "is no time at all"),
        (
            ("--sweep", "6h", "--since", "2026-03-03T23:00:00Z"),
            "checkpoint in the data lie from 2026-03-03T00:00:00Z to 2026-03-03T00:00:00Z",
        ),
        (("--sweep", "1h", "--since", "2027-03-03T23:00:00Z"), "--since 2027-03-03T23:00:00Z leave no T0: those with"),
        (("--sweep", "1h", "--until", "2025-03-03T23:00:00Z"), "--until 2025-03-03T23:00:00Z leave no T0: those with"),
        (
            ("--sweep", "1h", "--since", "2026-03-03T01:10:00Z", "--until", "2026-03-03T01:50:00Z"),
            "--since 2026-03-03T01:10:00Z and --until 2026-03-03T01:50:00Z leave no T0: those with their whole",
        ),
        (
            ("--sweep", "1h", "--since", "2026-03-03T02:00:00Z", "--until", "2026-03-03T01:00:00Z"),
            "--since 2026-03-03T02:00:00Z is later than --until 2026-03-03T01:00:00Z, and no T0 lies between",
        ),
        (("--sweep", "1s", "--since", "2026-03-04T05:00:00Z"), "lie from 2026-03-02T22:"),
        (("--sweep", "72d"), "there is no T0 with its whole baseline before it"),
        (
            (*AT, "--history-ends-at", "2026-03-02T23:50:01Z"),
            "is later than 2026-03-02T23:50:00Z, T0 2026-03-03T00:00:00Z less the warm-up of 10m, where a baseline",
        ),
        ((*AT, "--resolution", "0s"), "is no time at all"),
        ((*AT, "--jobs", "0"), "greater than or equal to 1"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_do(data: Path, arguments: tuple[str, ...], what: str) -> None:
    assert what in said(data, *arguments, code=2)


def test_where_the_history_ends_is_for_a_baseline_from_history(data: Path) -> None:
    ends = ("--history-ends-at", "2026-03-02T23:50:00Z")
    assert run(data, *AT, *ends).stdout == run(data, *AT).stdout
    snapshot = edited(data, ("baseline: {length: 1d}", "baseline: {from: Snapshot, length: 30m}"))
    assert "--history-ends-at is for baseline.from History, found Snapshot" in said(snapshot, *AT, *ends, code=2)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (("relative: 5%", "relative: five"), ": spec.signals[0].margin.relative (signal latency-p99): "),
        (("checkpoints: [1h, 6h, 24h]", "checkpoints: [6h, 1h]"), ": spec.window.checkpoints: "),
        (("margin: {relative: 5%}, limits: {alert: 150m}", "worse: Lower"), "a Level signal needs margin"),
        (("kind: Growth, limits: {perHour: 20Mi}", "kind: Growth"), "a Growth signal needs limits.perHour"),
        (("limits: {alert: 60}, for: 10m", "for: 10m"), "a Limit signal needs limits.alert"),
        (("margin: {relative: 5%},", "margin: {},"), "spec.signals[0].margin (signal latency-p99): "),
        (("name: errors", "name: load"), "found name 'load' a second time"),
        (('unit: "%", margin', "worse: Either, limits: {alert: 5}, margin"), "with worse: Either a limit has no side"),
        (("kind: Info", "kind: Info, limits: {alert: 3}"), "kind Info knows no limits.alert"),
        (("checkpoints: [1h,", "checkpoints: [5m,"), "must be at least 30m, 6 times the source's resolution, 5m"),
        (("kind: DriftReview", "kind: Review"), "DriftReview"),
        (("spec:", "spec: ["), "is not YAML"),
        (("  target: {name: shop}\n", ""), "target"),
        (("  target: {name: shop}\n", "  target: {name: shop}\n  polcy: {mode: Observe}\n"), "polcy"),
        (("worse: Lower", "worze: Lower") if "worse: Lower" in REVIEW else ("kind: Info", "kinnd: Info"), "kind"),
    ],
)  # fmt: skip
def test_a_review_that_cannot_be_judged_is_refused_with_its_file(data: Path, edit: tuple[str, str], what: str) -> None:
    path = edited(data, edit)
    found = said(path, "--data", str(data.parent), *AT, code=1)
    assert what in found
    assert path.name in found or "resolution" in what


def test_of_several_reviews_one_is_chosen_by_name(data: Path) -> None:
    path = data.parent / "two.yaml"
    path.write_text(f"{REVIEW}---\nkind: Deployment\n---\n{REVIEW.replace('shop-v2', 'shop-v3')}", "utf-8")
    assert "holds 2 DriftReviews (shop-v2, shop-v3): choose one with --name" in said(path, *AT, code=1)
    assert "holds no DriftReview named shop, but shop-v2, shop-v3" in said(path, *AT, "--name", "shop", code=1)
    assert document(path, *AT, "--name", "shop-v3")["review"] == "shop-v3"


def test_a_file_that_is_not_there_is_said(data: Path) -> None:
    assert "cannot be read" in said(data.parent / "no.yaml", *AT, code=1)
    assert "there is no such folder" in said(data, "--data", "/nowhere", *AT, code=1)


def test_a_time_that_makes_the_data_far_too_long_is_refused(data: Path, tmp_path: Path) -> None:
    for name in ("latency-p99", "errors"):
        write_csv(tmp_path / f"{name}.csv", [1.0, 2.0, 3.0])
    with (tmp_path / "errors.csv").open("a", encoding="utf-8") as file:
        file.write("1,1\n")
    found = said(data, "--data", str(tmp_path), *AT, "--resolution", "1s", code=1)
    assert "is a time wrong?" in found


def far_apart(folder: Path) -> Path:
    (folder / "latency-p99.csv").write_text("timestamp,value\n2004-01-01T00:00:00Z,1\n2099-01-01T00:00:00Z,2\n")
    return folder


def test_95_years_of_two_rows_are_refused_for_their_resolution_or_their_length(data: Path, tmp_path: Path) -> None:
    sweep = ("--data", str(far_apart(tmp_path)), "--sweep", "1h", "--jobs", "1")
    found = said(data, *sweep, code=1)
    assert f"{tmp_path}: the resolution, 34699d, is the usual distance of the samples of latency-p99" in found
    found = said(data, *sweep, "--resolution", "30s", code=1)
    assert "lie 34699d apart from first to last, which is 99933120 points of each series at 30s; 4000000 can" in found
    assert "is a time wrong?" in found


def test_a_resolution_finer_than_the_data_is_said(data: Path) -> None:
    assert "finer" not in run(data, *AT, "--resolution", "5m").stderr
    assert run(data, *AT, "--resolution", "2m").stderr == (
        f"driftreview replay: {data.parent}: --resolution 2m is finer than the usual distance of the samples of "
        "latency-p99, 5m: what lies between them counts as missing\n"
    )


@pytest.mark.parametrize(("points", "jobs"), [(10, 8), (40_000_000, 1), (20_000_000, 3), (10_000_000, 7)])
def test_there_are_only_as_many_processes_as_have_room(monkeypatch: pytest.MonkeyPatch, points: int, jobs: int) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    window = Window(T0, T0 + points // 10 * STEP, STEP)
    nothing = Track({}, np.empty(0), np.empty(0, bool))
    assert _jobs(Study(review(), Past(History(window, {"latency": (nothing,) * 10})), {})) == jobs


@pytest.mark.parametrize(
    ("more", "t0s"),
    [(("--sweep", "3s"), "up to 67200 T0s, one every 3s;"),
     (("--sweep", "15s", *["--inject", "errors*2"] * 2), "up to 13440 T0s, one every 15s, each judged 3 times")],
)  # fmt: skip
def test_more_t0s_than_can_be_judged_are_refused(data: Path, more: tuple[str, ...], t0s: str) -> None:
    found = said(data, *more, code=2)
    assert f"--sweep: from 2026-03-01T21:55:00Z to 2026-03-04T05:55:00Z there are {t0s}" in found
    assert "use a longer --sweep, or bound the T0s with --since and --until" in found
    bounded = ("--since", "2026-03-03T00:00:00Z", "--until", "2026-03-03T00:00:10Z", "--jobs", "1")
    assert run(data, *more, *bounded).exit_code == 0


def test_a_prometheus_is_not_asked_for_more_than_can_be_judged(data: Path) -> None:
    arguments = ["-f", str(data), "--prometheus", "http://127.0.0.1:9", "--sweep", "6h", "--since", "1990-01-01T00:00Z"]
    result = CliRunner().invoke(app, ["replay", *arguments, "--until", "2026-01-01T00:00Z"])
    assert result.exit_code == 2
    assert "points of each series at 30s; 4000000 can be judged: bring --since and --until closer" in result.stderr


def test_openmetrics_are_judged_as_csv_is(data: Path, tmp_path: Path) -> None:
    lines = []
    for name in ("latency_p99", "memory_growth", "errors", "load"):
        rows = (data.parent / f"{name.replace('_', '-')}.csv").read_text("utf-8").splitlines()[1:]
        lines += [f"# TYPE {name} gauge", *(f"{name} {row.split(',')[1]} {row.split(',')[0]}" for row in rows)]
    rows = (data.parent / "mark-age.csv").read_text("utf-8").splitlines()[1:]
    marks = [row.split(",") for row in rows]
    lines += ["# TYPE age gauge", *(f'age{{symbol="{name}",pod="a"}} {value} {time}' for time, name, value in marks)]
    path = tmp_path / "history.om"
    path.write_text("\n".join([*lines, "# EOF", ""]), "utf-8")
    arguments = ["-f", str(data), "--openmetrics", str(path), *AT, "-o", "json", "--map", 'mark-age=age{pod="a"}']
    result = CliRunner().invoke(app, ["replay", *arguments])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == document(data, *AT)


@pytest.mark.parametrize(
    ("mapped", "what"),
    [("mark-age", "is no mapping"), ("age=b", "there is no signal age"), ("errors=b", "errors is mapped already")],
)
def test_a_wrong_mapping_is_refused(data: Path, mapped: str, what: str) -> None:
    arguments = ["-f", str(data), "--openmetrics", "x.om", *AT, "--map", "errors=e", "--map", mapped]
    result = CliRunner().invoke(app, ["replay", *arguments])
    assert result.exit_code == 2
    assert what in result.stderr


def test_a_prometheus_that_is_not_there_is_said_and_queries_need_their_variables(data: Path) -> None:
    def asked(query: str, *more: str) -> tuple[int, str]:
        path = edited(data, ("query: latency", f"query: '{query}'"))
        arguments = ["-f", str(path), "--prometheus", "http://127.0.0.1:9", *AT, *more]
        result = CliRunner().invoke(app, ["replay", *arguments])
        return result.exit_code, result.stderr

    assert asked("latency")[0] == 1
    assert "signal latency-p99: Prometheus at 127.0.0.1:9" in asked("latency")[1]
    assert "${container} is not defined" in asked('l{c="${container}"}')[1]
    assert "127.0.0.1:9" in asked('l{c="${container}"}', "--var", "container=shop")[1]
    assert asked("latency", "--var", "container")[0] == 2
    assert "is not PromQL" in asked("sum(")[1]


def test_it_needs_no_cluster_and_colours_nothing_in_a_pipe(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "driftreview", "replay", "-f", str(data), "--data", str(data.parent), *AT]
    environment = {"PATH": "/usr/bin", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (GOLDEN / "replay.txt").read_text("utf-8")


def test_verdicts_are_coloured_where_the_output_is_a_terminal() -> None:
    line = [("| ", ""), ("Degraded  ", "Degraded"), (" | ", ""), ("memory", "memory")]
    assert shown(line, coloured=True) == "| \x1b[31mDegraded  \x1b[0m | memory"
    assert shown(line, coloured=False) == "| Degraded   | memory"


NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2028\r"


def test_what_a_terminal_would_obey_is_shown_as_its_escape(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / f"data{NASTY}"
    folder.mkdir()
    for path in slower(data, folder).glob("*.csv"):
        path.write_text(path.read_text("utf-8").replace("btc", f"btc{NASTY}".strip()), "utf-8")
    (folder / "load.csv").unlink()
    review = edited(data, ("margin: {relative: 5%}", 'runbook: "\\e[1mread this", margin: {relative: 5%}'))
    for arguments in (AT, ("--sweep", "1h", "--jobs", "1"), (*AT, "-o", "json")):
        result = run(review, "--data", str(folder), *arguments)
        assert result.exit_code == 10, result.output
        printed = result.output.splitlines() if "json" in arguments else result.output.split("\n")
        assert [line for line in printed if not line.isprintable()] == []
        assert "owned" in result.output
    named = json.loads(run(review, "--data", str(folder), *AT, "-o", "json").stdout)["checkpoints"][0]["signals"]
    assert f"btc{NASTY}".strip() in {row["series"] for row in named}


@pytest.mark.parametrize(
    "text",
    [
        f"timestamp,{NASTY}\n",
        f"timestamp,value\n{NASTY},1\n",
        f"timestamp,value\n1,{NASTY}\n",
        f"timestamp,value,{NASTY},{NASTY}\n1,1,1,1\n",
        f'timestamp,value,"a{NASTY}"\n10,1,"{NASTY}"\n10,2,"{NASTY}"\n',
    ],
)
def test_nor_is_it_in_what_is_said_of_a_file_that_cannot_be_read(data: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "errors.csv").write_text(text, "utf-8", newline="")
    (tmp_path / "history.om").write_text(f'# TYPE errors gauge\nerrors {{a="{NASTY}" {NASTY}\n# EOF\n', "utf-8")
    for given in (["--data", str(tmp_path)], ["--openmetrics", str(tmp_path / "history.om")]):
        result = CliRunner().invoke(app, ["replay", "-f", str(data), *given, *AT])
        assert result.exit_code == 1, result.output
        assert result.stderr.rstrip("\n").isprintable(), result.stderr


def test_what_of_the_review_no_recording_tells_is_said(data: Path) -> None:
    flags = "  flags: [{name: dry-run, expect: Absent, from: {env: {}}}]\n  checklist: [{name: backup}]\n  signals:"
    path = edited(data, ("  signals:", flags))
    said = run(path, "--data", str(data.parent), *AT).stdout
    assert "left out: spec.flags, of which there are no recordings\nleft out: spec.checklist, which people" in said
    found = json.loads(run(path, "-o", "json", "--data", str(data.parent), *AT).stdout)
    assert [each.split(",")[0] for each in found["leftOut"]] == ["spec.flags", "spec.checklist"]
    assert document(data, *AT)["leftOut"] == []


NUMBERS = """\
  evidence:
    - {name: tests, worse: Lower, baseline: 5, current: 4, source: CI}
    - {name: coverage, from: {current: {configMap: {name: tests, key: c}, format: Number}}}
  signals:"""


def test_declared_numbers_are_judged_and_those_of_files_are_left_out_by_name(data: Path) -> None:
    path = edited(data, ("  signals:", NUMBERS))
    result = run(path, "--data", str(data.parent), *AT)
    assert result.exit_code == 10, result.output
    assert "left out: spec.evidence[coverage], which is read from a ConfigMap, not from recordings\n" in result.stdout
    assert "left out: spec.evidence," not in result.stdout
    assert "evidence/tests is Degraded: 4 against 5 (-20%), nothing worse is tolerated; from CI" in result.stdout
    rows = [line.split("|")[2:-1] for line in result.stdout.splitlines() if line.startswith("| evidence/tests")]
    assert [[cell.strip() for cell in row] for row in rows] == [["5", "4", "-20%", "Degraded"]] * 3
    found = json.loads(run(path, "-o", "json", "--data", str(data.parent), *AT).stdout)
    first = {"name": "tests", "verdict": "Degraded", "counts": "Degraded", "baseline": 5, "current": 4, "margin": 0}
    assert found["checkpoints"][0]["evidence"][0].items() >= first.items()
    assert (found["decidedAt"], found["recommendation"]) == (found["checkpoints"][0]["at"], "REJECT")


def test_a_number_is_of_one_release_and_not_of_every_t0(data: Path) -> None:
    path = edited(data, ("  signals:", NUMBERS))
    options = ("--data", str(data.parent), "--sweep", "1h", "--jobs", "1")
    said = [json.loads(run(each, "-o", "json", *options).stdout) for each in (path, data)]
    assert said[0]["leftOut"][0] == "spec.evidence, whose numbers are of one release and not of every T0"
    assert [{**each, "leftOut": []} for each in said] == [{**said[1], "leftOut": []}] * 2


def test_each_missing_signal_has_its_reason_in_the_table(data: Path) -> None:
    others = "".join(f"\n    - {{name: gone-{n}, query: x, margin: {{relative: 5%}}}}" for n in range(2))
    said = run(edited(data, ("  signals:", f"  signals:{others}")), "--data", str(data.parent), *AT).stdout
    assert "gone-0 is Missing (also Missing: gone-1): there is no gone-0.csv in " in said
    assert "gone-1 is Missing: there is no gone-1.csv in " in said
