"""A heartbeat replayed from files: `up.csv` tells whose silence it was, and what lacks is called by its name."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from driftreview.cli.app import app
from tests.replaydata import HEAD

REVIEW = (
    HEAD
    + """\
  window: {checkpoints: [1h, 6h]}
  baseline: {length: 6h}
  signals:
    - {name: heartbeat, query: up, kind: Presence, for: 10m}
    - {name: errors, query: errors, per: requests, margin: {relative: 10%}}
    - {name: latency, query: latency, control: stable, unit: s, margin: {relative: 10%}}
"""
)
BEGINS, T0, ENDS = (1_772_496_000 + hours * 3600 for hours in (-7, 0, 7))
AT = ("--t0", "2026-03-03T00:00:00Z")
FILES = ("heartbeat", "errors", "errors.per", "latency", "latency.control")

Replayed = Callable[..., Result]


def moments(*gaps: tuple[int, int]) -> list[int]:
    """Every minute, without those from one hour after T0 to another."""
    return [
        each
        for each in range(BEGINS, ENDS + 60, 60)
        if not any(T0 + first * 3600 < each <= T0 + last * 3600 for first, last in gaps)
    ]


def write(path: Path, times: Iterable[int]) -> None:
    lines = [f"{time},{1 + time // 60 % 7 / 1000}" for time in times]
    path.write_text("\n".join(["timestamp,value", *lines, ""]), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "review.yaml").write_text(REVIEW, "utf-8")
    for name in FILES:
        write(tmp_path / f"{name}.csv", moments())
    return tmp_path


@pytest.fixture
def replayed(folder: Path) -> Replayed:
    def run(*arguments: str) -> Result:
        given = ["-f", str(folder / "review.yaml"), "--data", str(folder)]
        return CliRunner().invoke(app, ["replay", *given, *arguments])

    return run


def of(result: Result, name: str, checkpoint: int = -1) -> dict[str, Any]:
    signals = json.loads(result.stdout)["checkpoints"][checkpoint]["signals"]
    return next(each for each in signals if each["name"] == name)


def test_a_silence_while_the_source_was_scraping_is_a_drift(folder: Path, replayed: Replayed) -> None:
    write(folder / "up.csv", moments())
    write(folder / "heartbeat.csv", moments((2, 3)))
    result = replayed(*AT, "-o", "json")
    assert (result.exit_code, result.stderr) == (10, "")
    assert of(result, "heartbeat")["message"].startswith("no sample for 1h while the source was scraping")


def test_a_silence_of_the_source_as_well_is_none(folder: Path, replayed: Replayed) -> None:
    write(folder / "up.csv", moments((2, 3)))
    write(folder / "heartbeat.csv", moments((2, 3)))
    found = of(replayed(*AT, "-o", "json"), "heartbeat")
    assert (found["verdict"], found["reason"]) == ("Missing", "SourceGap")
    assert "the source itself scraped nothing from 2026-03-03T02:00:00Z to 2026-03-03T03:00:00Z" in found["message"]


def test_without_up_a_silence_is_missing_and_both_say_which_file_lacks(folder: Path, replayed: Replayed) -> None:
    write(folder / "heartbeat.csv", moments((2, 3)))
    result = replayed(*AT, "-o", "json")
    lacks = f"there is no up.csv in {folder}"
    assert result.stderr == (
        f"driftreview replay: {lacks}: where heartbeat is silent, whether the source was scraping is not known, and it "
        "is Missing, never Degraded\n"
    )
    assert of(result, "heartbeat")["verdict"] == "Missing"
    assert of(result, "heartbeat")["message"].endswith(f"whether the source was scraping then is not known: {lacks}")


def test_what_the_source_scraped_after_the_last_beat_is_part_of_the_data(folder: Path, replayed: Replayed) -> None:
    for name in FILES:
        write(folder / f"{name}.csv", moments((2, 7)))
    assert json.loads(replayed(*AT, "-o", "json").stdout)["checkpoints"][1]["verdict"] is None
    write(folder / "up.csv", moments())
    assert of(replayed(*AT, "-o", "json"), "heartbeat")["verdict"] == "Degraded"


@pytest.mark.parametrize(
    ("lacks", "name", "said"),
    [
        ("errors.per", "errors", "`per`: there is no errors.per.csv in {folder}: that is where what the query"),
        ("latency.control", "latency", "the control: there is no latency.control.csv in {folder}: that is where"),
        ("latency", "latency", "there is no latency.csv in {folder}: that is where what the query returned is looked"),
    ],
)
def test_a_file_that_lacks_is_named_with_its_folder(
    folder: Path, replayed: Replayed, lacks: str, name: str, said: str
) -> None:
    write(folder / "up.csv", moments())
    (folder / f"{lacks}.csv").unlink()
    result = replayed(*AT, "-o", "json")
    assert f"there is no {lacks}.csv in {folder}: what is looked for there is Missing" in result.stderr
    found = of(result, name)
    assert (found["verdict"], found["message"].startswith(said.format(folder=folder))) == ("Missing", True), found


@pytest.mark.parametrize(
    ("value", "said"),
    [("1", "holds no sample after 2026-03-03T00:00:00Z up to"), ("NaN", "holds no finite value after 2026-03-03T00:")],
)
def test_a_file_with_nothing_of_a_window_is_named(folder: Path, replayed: Replayed, value: str, said: str) -> None:
    later = "".join(f"{time},{value}\n" for time in moments() if time > T0 and value == "NaN")
    write(folder / "latency.csv", moments((0, 7)))
    with (folder / "latency.csv").open("a", encoding="utf-8") as file:
        file.write(later)
    result = replayed(*AT, "-o", "json")
    assert of(result, "latency")["message"].startswith(f"latency.csv in {folder} {said}")


def test_an_empty_file_is_told_from_one_that_is_not_there(folder: Path, replayed: Replayed) -> None:
    write(folder / "up.csv", [])
    write(folder / "latency.csv", [])
    said = replayed(*AT).stderr
    assert f"no sample is in latency.csv in {folder}: what is looked for there is Missing" in said
    assert f"there is no sample of count(up) in {folder}: where heartbeat is silent" in said


def test_in_openmetrics_the_metric_is_named(folder: Path) -> None:
    path = folder / "history.om"
    lines = [f"{name} 1 {time}" for name in ("latency", "latency_control", "up") for time in moments()]
    path.write_text("\n".join([*lines, "# EOF", ""]), "utf-8")
    given = ["-f", str(folder / "review.yaml"), "--openmetrics", str(path), *AT, "-o", "json"]
    result = CliRunner().invoke(app, ["replay", *given])
    said = f"no sample is in metric heartbeat, metric errors, metric errors_per in {path}"
    assert result.stderr.startswith(f"driftreview replay: {said.replace('no sample is in', 'there is no')}: what is")
    found = of(result, "heartbeat")
    assert found["message"].startswith(f"there is no metric heartbeat in {path}: that is where")


def found_by(result: Result) -> dict[str, list[float]]:
    return {
        each["fault"]: [*(look["rate"] for look in each["detected"]), each["promoted"]]
        for each in json.loads(result.stdout)["power"]
    }


def test_an_injected_silence_is_found_if_it_is_known_that_the_source_was_scraping(
    folder: Path, replayed: Replayed
) -> None:
    silent = [part for text in ("heartbeat silent", "heartbeat silent after 3h") for part in ("--inject", text)]
    silent += ["--inject", "heartbeat silent after 5h55m"]
    assert found_by(replayed(*AT, "-o", "json", *silent))["heartbeat silent"] == [0, 0, 0]
    write(folder / "up.csv", moments())
    assert found_by(replayed(*AT, "-o", "json", *silent)) == {
        "none": [0, 0, 1],
        "heartbeat silent": [1, 1, 0],
        "heartbeat silent after 3h": [0, 1, 0],
        "heartbeat silent after 5h55m": [0, 0, 0],  # too short to break the rule, and not over
    }


def test_what_falls_silent_is_not_promoted_whatever_its_kind(folder: Path, replayed: Replayed) -> None:
    write(folder / "up.csv", moments())
    found = found_by(replayed(*AT, "-o", "json", "--inject", "latency silent", "--inject", "errors silent after 3h"))
    assert [found[each] for each in ("latency silent", "errors silent after 3h")] == [[0, 0, 0]] * 2


@pytest.mark.parametrize("fault", ["heartbeat*1.10", "heartbeat+1", "heartbeat leak 1/h"])
def test_a_value_fault_in_a_heartbeat_is_refused(replayed: Replayed, fault: str) -> None:
    result = replayed(*AT, "--inject", fault)
    assert result.exit_code == 2
    assert "heartbeat is of kind Presence, which is about samples being there" in result.stderr
    assert "write 'heartbeat silent' or 'heartbeat silent after 6h'" in result.stderr
