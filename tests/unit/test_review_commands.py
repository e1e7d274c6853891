"""`driftreview report -f`, and `driftreview verify`: what they print, and with which exit code."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from driftreview.adapters.errors import NotFoundError
from driftreview.cli.app import app
from driftreview.cli.fetched import fetched
from tests.support.bundles import bundle
from tests.unit.test_bundle import OTHER, PEM, PUBLIC


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "review.tar.gz"
    path.write_bytes(bundle())
    return path


def test_a_report_is_written_from_a_bundle_in_every_format(packed: Path) -> None:
    assert run("report", "-f", packed).stdout.startswith("# Drift Review - release\n")
    assert run("report", "-f", packed, "-o", "html").stdout.startswith("<!DOCTYPE html>")
    assert json.loads(run("report", "-f", packed, "-o", "json").stdout)["recommendation"] == "APPROVE"


def test_alert_rules_are_printed_as_a_file_as_their_tests_and_as_an_object(packed: Path) -> None:
    rules = run("rules", "-f", packed)
    assert rules.stdout.startswith("# Alert rules of review shop/release, with the values of its T0 as numbers.\n")
    (group,) = yaml.safe_load(rules.stdout)["groups"]
    assert [each["alert"] for each in group["rules"]] == ["LatencyWorseThanT0", "LagWorseThanT0"]
    document = yaml.safe_load(run("rules", "-f", packed, "--prometheus-rule").stdout)
    assert (document["kind"], document["metadata"]["name"]) == ("PrometheusRule", "release-rules")
    assert document["spec"]["groups"] == [group]
    assert yaml.safe_load(run("rules", "-f", packed, "--tests").stdout)["rule_files"] == ["rules.yaml"]
    assert run("rules", "-f", packed, "--tests", "--prometheus-rule").exit_code == 2


def test_without_a_t0_there_are_no_alert_rules(tmp_path: Path) -> None:
    path = tmp_path / "review.tar.gz"
    path.write_bytes(bundle("pending"))
    done = run("rules", "-f", path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "shop/release: its T0 is not frozen yet: rules are made of it" in done.stderr


def test_a_review_that_is_not_there_is_said_to_be_none() -> None:
    class Empty:
        def get(self, _: object, name: str, __: str) -> None:
            raise NotFoundError(f"GET /apis/{name}: 404")

    with pytest.raises(NotFoundError, match=r"^there is no DriftReview a in namespace b; see kubectl get"):
        fetched(Empty(), "b", "a")  # type: ignore[arg-type] # stands for a cluster


def test_a_bundle_is_proved(packed: Path) -> None:
    done = run("verify", packed)
    assert done.exit_code == 0
    assert "shop/release (review-uid), Promoted" in done.stdout
    assert "a chain of 4 snapshots unaltered\n3 looks judged again: the same verdicts\nT0 is sha256:" in done.stdout
    assert "note: not signed" in done.stdout


def test_an_altered_one_is_told_with_exit_code_1(packed: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run("verify", packed)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "was altered" in done.stderr
    assert run("report", "-f", packed).exit_code == 1


def test_a_signature_is_asked_for(tmp_path: Path) -> None:
    path, public, other = (tmp_path / name for name in ("review.tar.gz", "public.pem", "other.pem"))
    path.write_bytes(bundle(private_pem=PEM))
    public.write_bytes(PUBLIC)
    other.write_bytes(OTHER)
    assert run("verify", path, "--public-key", public).exit_code == 0
    assert "manifest.sig" in run("verify", path, "--public-key", other).stderr
    other.write_bytes(b"no key")
    assert run("verify", path, "--public-key", other).exit_code == 2


def test_wrong_usage_is_exit_code_2(tmp_path: Path, packed: Path) -> None:
    for arguments in (
        ("report",),
        ("report", "web", "-f", packed),
        ("verify", tmp_path / "none"),
        ("verify", tmp_path),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
    keys = ("--sign-key", packed, "--sign-secret", "a/b/c")
    assert run("export", "web", "-o", tmp_path / "x", *keys).exit_code == 2


def test_no_way_to_the_cluster_is_exit_code_1(tmp_path: Path) -> None:
    done = run("report", "web", "--kubeconfig", tmp_path / "none")
    assert done.exit_code == 1
    assert "no way to the API server" in done.stderr
