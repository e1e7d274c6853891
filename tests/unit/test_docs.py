"""What the documentation names exists: links, paths, make targets, tests; what it shows is accepted and runs."""

import io
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.api.base import API_VERSION, Model
from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.crd import RESOURCES
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, RevisionEvidence
from driftreview.api.reasons import UNMEASURED, Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.evidence import Look, Measurement, freeze, snapshot_name, take
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.samples import Samples, Series, Window
from driftreview.domain.validate import contradictions
from driftreview.runtime.metricsdoc import MOST, PREFIX, with_table
from driftreview.runtime.settings import Settings
from lab.ports import free_port
from lab.web import Client, wait_until

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
OWN_SERVICE = ROOT / "docs" / "own-service.md"
MODELS: dict[str, type[Model]] = {resource.kind: resource.model for resource in RESOURCES}

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'?EOF'?\n(.*?)^EOF$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?!\.venv/)[\w.-]+(/[\w.-]+)+/?|[\w-]+/")
_FOLDERS = {each.name for each in ROOT.iterdir() if each.is_dir()}
_MAKE = re.compile(r"\bmake ((?:[a-z-]+ ?)+)")
_LEVEL = re.compile(
    r"(?P<now>[\d.]+) (?P<unit>\w+) against (?P<old>[\d.]+) (?P=unit), (?P<step>[+-][\d.]+)% "
    r"\(between (?P<low>[+-][\d.]+)% and (?P<high>[+-][\d.]+)%\), margin (?P<margin>[\d.]+)%"
    r"([^;`|]*;( the noise alone \((?P<alone>[\d.]+)%\)[^;`|]*;)? good up to (?P<good>[+-][\d.]+)%, "
    r"Degraded from (?P<bad>[+-][\d.]+)%)?"
)
_TEST = re.compile(r"`([\w/]+\.py)(?:::(?:\w+::)?(\w+))?`")


def blocks(page: Path, language: str) -> Iterator[str]:
    return (text for found, text in _BLOCK.findall(page.read_text("utf-8")) if found == language)


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def paths(page: Path) -> Iterator[str]:
    for code in _CODE.findall(prose(page)):
        if _PATH.fullmatch(code) and code.split("/")[0] in _FOLDERS:
            yield code


def manifests() -> Iterator[Any]:
    for page in PAGES:
        applied = (text for block in blocks(page, "bash") for text in _HEREDOC.findall(block) if "apiVersion:" in text)
        for number, block in enumerate([*blocks(page, "yaml"), *applied]):
            for document in yaml.safe_load_all(block):
                if document.get("apiVersion") == API_VERSION:
                    yield pytest.param(document, id=f"{page.stem}-{number}-{document['kind']}")


def test_manifests_are_found_in_commands_too() -> None:
    found = [each.id for each in manifests()]
    assert any(name.startswith("own-service-") and name.endswith("-DriftReview") for name in found if name)
    assert any(name.startswith("own-service-") and name.endswith("-MetricSource") for name in found if name)


def smallest_review() -> DriftReview:
    (document,) = yaml.safe_load_all(next(blocks(ROOT / "README.md", "yaml")))
    return DriftReview.model_validate(document)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = _CODE.sub("", prose(page))
    for link in (inline or reference for inline, reference in _LINK.findall(text)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert [path for path in paths(page) if not (ROOT / path).exists()] == []


def test_paths_in_backticks_are_found_at_all() -> None:
    assert len(list(paths(ROOT / "docs" / "architecture.md"))) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = page.read_text("utf-8")
    commands = [*_CODE.findall(text), *(line[2:] for block in blocks(page, "console") for line in block.splitlines())]
    commands += blocks(page, "bash")
    named = {name for command in commands for found in _MAKE.findall(command) for name in found.split()}
    assert named <= targets


@pytest.mark.parametrize("document", list(manifests()))
def test_every_manifest_is_read_by_its_model_without_losing_a_field(document: dict[str, Any]) -> None:
    read = MODELS[document["kind"]].model_validate(document)
    assert set(names(document["spec"])) <= set(names(read.to_wire()["spec"]))
    if isinstance(read, DriftReview):
        assert list(contradictions(read.spec, whole=not read.spec.signal_set_refs)) == []


def names(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all fields of a manifest, numbers of list items left out."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield f"{path}.{name}"
            yield from names(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from names(part, path)


@pytest.mark.parametrize("page", ["promises", "reviews"])
def test_every_test_that_proves_something_exists(page: str) -> None:
    found = _TEST.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8"))
    assert found
    for file, test in found:
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert not test or f"def {test}(" in path.read_text("utf-8"), f"{file}::{test}"


def test_every_setting_is_in_its_table_with_its_default() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|(.*)$", text, re.MULTILINE))
    assert set(rows) == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | str):
            assert re.search(rf"\b{re.escape(str(field.default))}\b", rows[name.upper()]), name


def test_the_table_of_metrics_is_what_the_code_says_and_every_other_place_names_what_there_is() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert page == with_table(page), "run `make docs`"
    rows = set(re.findall(r"^\| `(driftreview_\w+)`", page, re.MULTILINE))
    assert {f"{PREFIX}{each}" for each in MOST} <= {each.removesuffix("_total") for each in rows}
    for each in PAGES:
        named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\bdriftreview_\w+", prose(each))}
        known = rows | {re.sub(r"_(bucket|count|sum)$", "", name) for name in rows} | {"driftreview_"}
        assert named - known == set(), each.name


def test_every_alert_is_in_its_table_and_is_about_metrics_there_are() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    (group,) = yaml.safe_load((ROOT / "charts" / "driftreview" / "alerts.yaml").read_text("utf-8"))["groups"]
    assert [each["alert"] for each in group["rules"]] == re.findall(r"^\| `(DriftReview\w+)`", page, re.MULTILINE)
    tested = (ROOT / "tests" / "integration" / "alerts_test.yaml").read_text("utf-8")
    known = set(re.findall(r"^\| `(driftreview_\w+)`", page, re.MULTILINE))
    for each in group["rules"]:
        named = {re.sub(r"_(bucket|count)$", "", name) for name in re.findall(r"driftreview_\w+", each["expr"])}
        assert named
        assert named <= known, each["alert"]
        assert set(each["annotations"]) == {"summary", "description"}
        assert f'alertname="{each["alert"]}"' in tested


def test_what_to_do_is_said_of_every_reason_a_signal_may_have() -> None:
    rows = re.findall(
        r"^\| (?:Inconclusive|Missing), ([^:|]*)", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE
    )
    said = {word for row in rows for word in _CODE.findall(row)}
    words = list(Reason)
    of_signals = words[words.index(Reason.EMPTY) : words.index(Reason.ANSWER_TOO_LARGE) + 1]
    of_queries = {Reason.QUERY_INVALID, Reason.SEVERAL_SERIES, Reason.EACH_LABEL_MISSING, Reason.TOO_MANY_SERIES}
    assert said == {*of_signals, *of_queries, *UNMEASURED} - {Reason.STAND_IN}  # which there is before T0 only


def reviewed() -> tuple[DriftReview, list[DriftSnapshot]]:
    """A review with T0 and one judged checkpoint, and its snapshots as they would be stored."""
    t0 = datetime(2026, 1, 10, tzinfo=UTC)
    review = smallest_review()
    review = review.model_copy(update={"metadata": review.metadata.model_copy(update={"uid": "0123456789"})})
    minute, block = timedelta(minutes=1), timedelta(minutes=10)
    judged = RevisionEvidence(name="shop-1", uid="rs-1", template_hash="sha256:0")

    def look(name: str, start: datetime, hours: int, before: str) -> DriftSnapshot:
        window = Window(start, start + timedelta(hours=hours), minute)
        series = Series({}, tuple(1.0 + 0.01 * (index % 7) for index in range(window.points)))
        measured = [Measurement(signal, "q", Samples(window, (series,))) for signal in review.spec.signals]
        frozen = [freeze(each, window, block) for each in measured]
        spec = take(review, Look(name, window, block, "MetricSource/prometheus http://x", before), frozen, judged)
        metadata = review.metadata.model_copy(update={"name": snapshot_name("shop-v2", "0123456789", name)})
        return DriftSnapshot(metadata=metadata, spec=spec)

    baseline = look("T0", t0 - timedelta(hours=24), 24, "")
    first = look("6h", t0, 6, baseline.spec.hash)
    result = judge_checkpoint(review.spec, baseline.spec, first.spec)
    row = Checkpoint(
        name="6h", due=t0 + timedelta(hours=6), verdict=result.verdict,
        snapshot=SnapshotRef(name=first.metadata.name, hash=first.spec.hash),
    )  # fmt: skip
    later = Checkpoint(name="24h", due=t0 + timedelta(hours=24))
    ref = SnapshotRef(name=baseline.metadata.name, hash=baseline.spec.hash)
    status = DriftReviewStatus(t0=t0, baseline=ref, checkpoints=[row, later])
    return review.model_copy(update={"status": status}), [baseline, first]


def printed(program: str) -> str:
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(program, "a page", "exec"), {})  # noqa: S102 - our own documentation
    return said.getvalue()


def run_snippet(folder: Path, review: DriftReview, items: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> str:
    (snippet,) = blocks(ROOT / "docs" / "operations.md", "python")
    (folder / "review.json").write_text(json.dumps(review.to_wire()), "utf-8")
    (folder / "snapshots.json").write_text(json.dumps({"items": items}), "utf-8")
    monkeypatch.chdir(folder)
    return printed(snippet)


def test_the_shown_program_recomputes_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review, snapshots = reviewed()
    said = run_snippet(tmp_path, review, [each.to_wire() for each in snapshots], monkeypatch)
    assert said.startswith("T0+6h: same: Pass: all enforced signals (1) pass")


@pytest.mark.parametrize(("which", "what"), [(0, "T0 was altered"), (1, "T0.6h was altered")])
def test_the_shown_program_finds_altered_evidence(
    which: int, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review, snapshots = reviewed()
    items = [each.to_wire() for each in snapshots]
    items[which]["spec"]["signals"][0]["series"][0]["values"] += " 1"
    with pytest.raises(AssertionError, match=what):
        run_snippet(tmp_path, review, items, monkeypatch)


@pytest.mark.parametrize(("kept", "lacking"), [(0, "T0, 6h"), (1, "6h")])
def test_the_shown_program_says_which_evidence_it_was_not_given(
    kept: int, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review, snapshots = reviewed()
    with pytest.raises(SystemExit, match=rf"lacks {lacking} of shop-v2 in namespace .*was the -n the same\?"):
        run_snippet(tmp_path, review, [each.to_wire() for each in snapshots[:kept]], monkeypatch)


def test_the_verdicts_with_numbers_are_what_the_shown_program_prints() -> None:
    page = ROOT / "docs" / "signals.md"
    (program,) = blocks(page, "python")
    (shown,) = [each for each in blocks(page, "console") if "verdicts.py" in each]
    assert shown.removeprefix("$ .venv/bin/python verdicts.py\n") == printed(program)


def level_sentences() -> Iterator[Any]:
    for page in PAGES:
        for found in _LEVEL.finditer(re.sub(r"\n(> )?", " ", page.read_text("utf-8"))):
            yield pytest.param(found.groupdict(), id=f"{page.stem}: {found[0][:40]}")


@pytest.mark.parametrize("said", list(level_sentences()))
def test_the_numbers_of_a_shown_sentence_on_a_level_hang_together(said: dict[str, str | None]) -> None:
    """As docs/operations.md reckons them by hand, within what rounding to tenths of a percent leaves."""
    number = {name: float(text) for name, text in said.items() if text and name != "unit"}
    step, low, high, margin = (1 + number[name] / 100 for name in ("step", "low", "high", "margin"))
    assert number["now"] / number["old"] == pytest.approx(step, abs=0.008)
    assert math.sqrt(low * high) == pytest.approx(step, abs=0.0015)
    if "good" in number:
        half = math.sqrt(high / low)
        assert 1 + number["good"] / 100 == pytest.approx(margin / half, abs=0.0015)
        assert 1 + number["bad"] / 100 > margin * half
    assert ("alone" in number) is ("good" in number and number["good"] < 0)
    if "alone" in number:
        assert 1 + number["alone"] / 100 == pytest.approx(half, abs=0.0015)


def test_shown_sentences_are_found_at_all() -> None:
    found = [each.id or "" for each in level_sentences()]
    assert len(found) > 10
    assert {each.split(":")[0] for each in found} == {"README", "operations", "own-service", "replay", "signals"}


def test_the_program_of_the_lab_s_page_serves_a_metric(tmp_path: Path) -> None:
    (text,) = [each for block in blocks(OWN_SERVICE, "bash") for each in _HEREDOC.findall(block) if "import" in each]
    (tmp_path / "shop.py").write_text(text, "utf-8")
    port = free_port()
    environment = os.environ | {"PORT": str(port), "DELAY": "0.05"}
    with subprocess.Popen([sys.executable, "shop.py"], cwd=tmp_path, env=environment) as shop:
        try:
            wait_until(lambda: Client(f"http://127.0.0.1:{port}").ok("/metrics"), "the shop's metrics are there")
            said = Client(f"http://127.0.0.1:{port}").request("GET", "/metrics")[1]
        finally:
            shop.terminate()
    assert re.fullmatch(r"shop_latency_seconds 0\.0\d+\n", said)


def test_the_times_in_the_picture_are_the_defaults() -> None:
    picture = (ROOT / "docs" / "images" / "life-of-a-review.svg").read_text("utf-8")
    window = smallest_review().spec.window
    assert [offset for offset in window.checkpoints if f">+{offset}<" not in picture] == []
    assert (window.rollback, window.grace) == ("48h", "30m")
    assert "rollback window: 48 hours" in picture
    assert "+48h30m" in picture
