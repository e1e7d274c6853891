"""The report as a person opens it: a real Chromium, its console, its network, and axe-core's rules."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftreview.domain.report.build import report
from driftreview.report.page import page
from tests.reportdata import HOSTILE, STATES, Taken, hostile, large, taken
from tests.support.browser import Browser, browser, found

HERE = Path(__file__).parent
CHROMIUM = found()
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]
REVIEWS: dict[str, Taken] = {
    **{
        state: taken(STATES[state]()) for state in ("pending", "t0", "holding", "inconclusive", "rolled-back", "bot-2h")
    },
    "hostile": hostile(),
    "large": large(signals=12, each=2),
}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(str(CHROMIUM), tmp_path_factory.mktemp("profile")) as found_page:
        yield found_page


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's program, as pinned by its hash."""
    if (given := os.environ.get("AXE_CORE")) is not None:
        return Path(given).read_text("utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here to bring axe-core (or AXE_CORE=path/to/axe.min.js)")
    folder = tmp_path_factory.mktemp("axe")
    for each in (HERE / "axe").iterdir():
        shutil.copy(each, folder)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        pytest.skip("npm could not bring axe-core: no registry in reach")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def opened(chromium: Browser, folder: Path, name: str, **how: str) -> None:
    path = folder / f"{name}.html"
    path.write_text(page(report(*REVIEWS[name])), encoding="utf-8")
    chromium.open(path, **how)


@pytest.mark.parametrize("name", REVIEWS)
def test_it_opens_without_an_error_and_asks_nobody_for_anything(chromium: Browser, tmp_path: Path, name: str) -> None:
    opened(chromium, tmp_path, name)
    assert chromium.evaluate("document.querySelectorAll('h2').length") >= 2
    assert chromium.happened("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
    asked = [each["request"]["url"] for each in chromium.happened("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(asked) <= 2, "the page itself and its empty icon"


@pytest.mark.parametrize("name", REVIEWS)
@pytest.mark.parametrize(("scheme", "medium"), [("light", ""), ("dark", ""), ("light", "print")])
def test_axe_finds_no_violation(
    chromium: Browser, axe: str, tmp_path: Path, name: str, scheme: str, medium: str
) -> None:
    opened(chromium, tmp_path, name, scheme=scheme, medium=medium)
    chromium.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    chromium.call("Runtime.evaluate", expression=axe)
    found_wrong: list[dict[str, Any]] = chromium.evaluate(
        "axe.run().then(done => done.violations.map(each => ({id: each.id, nodes: each.nodes.slice(0, 3)"
        ".map(node => node.html + ' ' + node.failureSummary)})))"
    )
    assert found_wrong == []
    if shown := os.environ.get("SHOW_REPORTS"):
        path = Path(shown) / f"{name}-{scheme}{medium}.png"
        path.write_bytes(chromium.picture())


def test_a_label_that_is_a_script_does_nothing_and_is_shown(chromium: Browser, tmp_path: Path) -> None:
    opened(chromium, tmp_path, "hostile")
    assert chromium.happened("Page.javascriptDialogOpening") == []
    assert chromium.evaluate("document.scripts.length") == 0
    assert HOSTILE in chromium.evaluate("document.body.innerText")


def test_even_a_script_that_were_in_the_page_would_not_run(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "broken.html"
    source = page(report(*REVIEWS["t0"]))
    path.write_text(source.replace("</main>", "<script>document.title = 'ran'</script></main>"), encoding="utf-8")
    chromium.open(path)
    assert chromium.evaluate("document.title") == "Drift review shop/release"


def test_every_query_is_one_click_away_and_printed(chromium: Browser, tmp_path: Path) -> None:
    opened(chromium, tmp_path, "holding")
    shown = "[...document.querySelectorAll('details pre')].map(each => each.checkVisibility())"
    assert not any(chromium.evaluate(shown))
    chromium.evaluate("document.querySelector('th details summary, td details summary').click()")
    assert sum(chromium.evaluate(shown)) == 1
    opened(chromium, tmp_path, "holding", medium="print")
    assert all(chromium.evaluate(shown))
