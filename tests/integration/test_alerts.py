"""The alerts on the operator, by promtool: rules that Prometheus takes, which fire when they should."""

import subprocess
from pathlib import Path

import pytest

from lab import binaries

pytestmark = pytest.mark.integration
HERE = Path(__file__).parent
RULES = HERE.parents[1] / "charts" / "driftreview" / "alerts.yaml"


@pytest.mark.parametrize("words", [("check", "rules", RULES), ("test", "rules", HERE / "alerts_test.yaml")])
def test_promtool_finds_nothing_wrong_with_the_alerts(words: tuple[str | Path, ...]) -> None:
    promtool = binaries.find(("promtool",))["promtool"].path
    done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
