"""`driftreview lint` at the prompt: files and folders, both outputs, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from driftreview.cli.app import app
from tests.support.lintfiles import HEAD, SIGNALS, SOURCE

BAD = HEAD.replace("metadata: {name: shop}", "metadata: {name: bad}") + "  windwo: {}\n" + SIGNALS
WARNED = HEAD + "  variables: {unused: a}\n" + SIGNALS + SOURCE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("good.yaml", HEAD + SIGNALS + SOURCE),
        ("bad.yml", BAD),
        ("warned.yaml", WARNED),
        ("a.txt", "x"),
    ):
        Path(name).write_text(text, "utf-8")
    return tmp_path


def run(*arguments: str, stdin: str | bytes | None = None, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["lint", *arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result.output


def test_nothing_found_is_one_line_and_exit_code_0(folder: Path) -> None:
    assert folder
    assert run("-f", "good.yaml") == "2 objects in 1 file checked: 0 errors, 0 warnings\n"


def test_an_error_is_one_line_with_file_line_column_and_fix_and_exit_code_1(folder: Path) -> None:
    assert folder
    assert run("-f", "bad.yml", "good.yaml", code=1).splitlines() == [
        "bad.yml:7:3: error: spec.windwo: found an unknown field; did you mean window?",
        "3 objects in 2 files checked: 1 error, 0 warnings",
    ]


def test_warnings_are_exit_code_0_unless_strict(folder: Path) -> None:
    assert folder
    said = run("-f", "warned.yaml")
    assert said.startswith(
        "warned.yaml:7:23: warning: spec.variables.unused: is used in no query; drop it, or write ${un"
    )
    assert run("-f", "warned.yaml", "--strict", code=1) == said
    run("-f", "good.yaml", "--strict")


def test_a_folder_is_its_yaml_files_each_once(folder: Path) -> None:
    said = run("-f", str(folder), "-f", str(folder / "bad.yml"), code=1)
    assert said.count("windwo") == 1
    assert said.endswith("5 objects in 3 files checked: 1 error, 3 warnings\n")


def test_standard_input_is_a_file(folder: Path) -> None:
    assert folder
    assert run("-f", "-", stdin=BAD, code=1).startswith("<stdin>:7:3: error: spec.windwo:")
    assert run("-", stdin=b"\xff", code=1).startswith("<stdin>:1:1: error: is not UTF-8")


def test_what_cannot_be_opened_is_told_like_everything_else(folder: Path) -> None:
    (folder / "empty").mkdir()
    said = run("-f", "missing.yaml", "-f", "empty", "-f", "good.yaml", code=1)
    assert "missing.yaml:1:1: error: cannot be read: No such file or directory; check the path\n" in said
    assert "empty:1:1: error: cannot be read: it is a directory without files named *.yaml or *.yml; check" in said
    assert said.endswith("2 objects in 1 file checked: 2 errors, 0 warnings\n")


@pytest.mark.parametrize("arguments", [[], ["-f"], ["-f", "good.yaml", "-o", "xml"], ["--unknown"]], ids=str)
def test_wrong_usage_is_exit_code_2(folder: Path, arguments: list[str]) -> None:
    assert folder
    run(*arguments, code=2)


def test_json_has_the_documented_shape(folder: Path) -> None:
    assert folder
    said = json.loads(run("-f", "bad.yml", "-o", "json", code=1))
    finding = {
        "file": "bad.yml",
        "line": 7,
        "column": 3,
        "severity": "error",
        "check": "schema-unknown-field",
        "resource": "DriftReview/bad",
        "path": "spec.windwo",
        "signal": "",
        "message": "found an unknown field; did you mean window?",
    }
    counts = {"files": 1, "objects": 1, "passedOver": 0, "errors": 1, "warnings": 0, "notes": 0}
    assert said == {"version": 1, **counts, "findings": [finding]}


def test_colours_are_for_terminals_that_want_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder
    arguments = ["lint", "-f", "bad.yml"]
    assert "\x1b[31merror:" in CliRunner().invoke(app, arguments, color=True).output
    assert "\x1b" not in run("-f", "bad.yml", code=1)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(app, arguments, color=True).output


def test_a_terminal_that_knows_few_characters_is_no_obstacle(folder: Path) -> None:
    (folder / "Ω.yaml").write_text(BAD.replace("windwo", "windwΩ"), "utf-8")
    command = [sys.executable, "-m", "driftreview", "lint", "-f", "Ω.yaml"]
    done = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"\\u03a9.yaml:7:3: error: spec.windw\\u03a9: found an unknown field")


def test_what_may_never_end_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    for name in ("pipe.yaml", "/dev/zero"):
        said = run("-f", name, "good.yaml", code=1)
        assert said.startswith(f"{name}:1:1: error: cannot be read: it is no file but a pipe, a socket or a device, ")
        assert "; write - for standard input; check the path\n2 objects in 1 file checked: 1 error" in said
    (folder / "link.yaml").symlink_to("good.yaml")
    assert "2 objects in 1 file checked: 0 errors" in run("-f", "link.yaml")


def test_of_many_findings_the_worst_are_shown_and_all_are_counted(folder: Path) -> None:
    assert folder
    wide = "".join(f"  x{number:03}: 1\n" for number in range(500))
    warned = (
        HEAD.replace("shop", "other", 1) + "  variables: {" + ", ".join(f"v{n}: a" for n in range(20)) + "}\n" + SIGNALS
    )
    Path("wide.yaml").write_text(warned + "---\n" + HEAD + wide + SIGNALS, "utf-8")
    found = json.loads(run("-f", "wide.yaml", "-f", "bad.yml", "-o", "json", code=1))
    assert (found["errors"], found["warnings"], len(found["findings"])) == (501, 20, 202)
    assert [each["severity"] for each in found["findings"]] == ["error"] * 201 + ["note"]
    assert [each["line"] for each in found["findings"]] == sorted(each["line"] for each in found["findings"])
    *_, more, counted = run("-f", "wide.yaml", code=1).splitlines()
    assert more == (
        "wide.yaml:516:3: note: and 321 more (300 errors, 20 warnings, 1 note), which are not shown: mend those above "
        "and lint again"
    )
    assert counted == "2 objects in 1 file checked: 500 errors, 20 warnings"


def test_what_every_finding_repeats_is_cut(folder: Path) -> None:
    assert folder
    base = "x: &wide {" + "k" * 9999 + ": 1}\n"
    head = HEAD.replace("name: shop}", "name: " + "n" * 9999 + "}", 1)
    signals = "  signals:\n" + "    - {<<: *wide, name: s, query: up}\n" * 50
    Path("long.yaml").write_text(head.replace("spec:", base + "spec:") + signals, "utf-8")
    assert len(run("-f", "long.yaml", "-o", "json", code=1)) < 200_000


def test_a_file_that_is_too_large_is_read_no_further(folder: Path) -> None:
    assert folder
    Path("large.yaml").write_bytes(b"#" * (2**21 + 1))
    assert run("-f", "large.yaml", code=1).startswith(
        "large.yaml:1:1: error: has more than 2097152 bytes; split the file"
    )


def test_the_operator_does_not_load_what_lint_needs() -> None:
    code = "import sys, driftreview.cli.app; sys.exit('numpy' in sys.modules or 'cel_expr_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
