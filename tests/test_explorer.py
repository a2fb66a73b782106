"""The explorer: current, silent, and of one mind with the package, in a real browser."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from solvable import SGD, PowerLaw, phase, predict
from solvable.asymptotics.phases import TERMS
from solvable.cli import explore as cli_explore
from solvable.cli import main as cli
from solvable.verify.presets import POINTS

SOURCES = Path(__file__).parents[1] / "docs" / "explorer"
needs_sources = pytest.mark.skipif(not SOURCES.exists(), reason="no docs/explorer here")


@needs_sources
def test_the_page_is_made_from_these_sources():
    files = ["index.html", "package-lock.json", "vite.config.ts"]
    files += [f"src/{path.name}" for path in (SOURCES / "src").iterdir()]
    hash = hashlib.sha256(b"".join((SOURCES / file).read_bytes() for file in sorted(files)))
    assert f'content="{hash.hexdigest()}"' in cli_explore.PAGE.read_text(), "npm run build"


@needs_sources
@pytest.mark.skipif(
    not (shutil.which("node") and (SOURCES / "node_modules").exists()),
    reason="no node, or no packages: npm ci in docs/explorer",
)
class TestWithNode:
    def node(self, *command: str) -> None:
        subprocess.run(["npx", *command], cwd=SOURCES, check=True, timeout=60, capture_output=True)

    def test_the_page_is_what_the_build_gives(self, tmp_path):
        self.node("vite", "build", "--outDir", str(tmp_path), "--emptyOutDir")
        assert (tmp_path / "index.html").read_bytes() == cli_explore.PAGE.read_bytes()

    def test_types_and_golden_values(self):
        self.node("tsc", "--noEmit")
        self.node("vitest", "run")


class TestCommand:
    @pytest.fixture
    def opened(self, monkeypatch):
        addresses = []
        monkeypatch.setattr(cli_explore.webbrowser, "open", addresses.append)
        return addresses

    def test_opens_the_page_and_prints_its_path(self, opened, capsys):
        assert cli.run(["explore"]) == 0
        assert opened == [cli_explore.PAGE.as_uri()]
        assert capsys.readouterr().out == f"{cli_explore.PAGE}\n"

    def test_prints_only(self, opened, capsys):
        assert cli.run(["explore", "--no-open"]) == 0
        assert opened == []
        assert capsys.readouterr().out == f"{cli_explore.PAGE}\n"

    def test_the_page_is_small_and_asks_for_nothing(self):
        text = cli_explore.PAGE.read_text()
        assert len(text) < 300_000
        assert not re.search(r"(src|href)=\"(?!data:)|@import|fetch\(|XMLHttpRequest", text)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if not chromium:
        pytest.skip("no Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Open the page offline; afterwards it must have been silent and asked for nothing else."""
    contexts, complaints, requests = [], [], []

    def visit(hash: str = "", **options):
        options = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(offline=True, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(cli_explore.PAGE.as_uri() + hash)
        page.wait_for_selector("#size .line", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    ours = (cli_explore.PAGE.as_uri(), "blob:", "data:")
    assert [url for url in requests if not url.startswith(ours)] == []


def settled(page) -> str:
    """The address, once the page has come to rest."""
    page.wait_for_timeout(600)
    return page.evaluate("location.hash")


def saved(page, kind: str) -> Path:
    with page.expect_download() as download:
        page.click(f"#save [data-kind={kind}]")
    return download.value.path()


def written(x: Fraction) -> str:
    return str(x).replace("-", "−")


def test_every_phase_is_what_the_package_says(visit):
    page = visit()
    for alpha, beta in (pair[0] for pair in POINTS.values()):
        found = phase(Fraction(str(alpha)), Fraction(str(beta)))
        page.evaluate(f"location.hash = '#alpha={alpha}&beta={beta}'")
        page.wait_for_selector(f"#name:has-text('Phase {found.name} ')")
        assert page.inner_text("#name small") == ("proven" if found.proven else "conjecture")
        facts = page.inner_text("#facts")
        for exponent in (found.loss_exponent, found.size_exponent):
            assert written(exponent) in facts
        for term in found.terms:
            assert TERMS[term] in facts


def test_no_power_law_is_said(visit):
    page = visit("#alpha=3/10&beta=1/5")
    assert page.inner_text("#name") == "No power law"


def test_curves_are_those_of_the_package(visit):
    page = visit("#alpha=7/10&beta=6/5&d=400&v/d=4&B=8&fraction=0.75&noise=0.01")
    data = json.loads(saved(page, "json").read_text())
    problem = PowerLaw(alpha=0.7, beta=1.2, v=1600, d=400, noise=0.01)
    (own,) = (curve for curve in data["curves"] if curve["d"] == 400)
    step = np.array(own["step"])
    whole = step == np.round(step)
    curve = predict(problem, SGD.stable(problem, 0.75, B=8), step[whole], terms=True)
    assert own["gamma"] == pytest.approx(curve.sgd.gamma, rel=1e-12)
    np.testing.assert_allclose(np.array(own["excess"])[whole], curve.excess, rtol=1e-6)
    for name, term in curve.terms.items():
        shown = np.array(data["terms"][name])[whole]
        np.testing.assert_allclose(shown, term, atol=1e-6 * curve.excess.min())


def test_the_point_moves_by_keys_and_pointer(visit):
    page = visit()
    page.focus("#plane")
    for key in ("ArrowLeft", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert settled(page).startswith("#alpha=99/100&beta=49/100&")
    assert page.inner_text("#name").startswith("Phase Ia")
    assert "phase Ia" in page.inner_text("#live")
    box = page.locator("#plane").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0], box["y"] + 20, steps=4)
    page.mouse.up()
    assert page.inner_text("#name").startswith("Phase III")


def test_sliders_inputs_and_presets(visit):
    page = visit()
    page.focus("#slider-B")
    page.keyboard.press("ArrowRight")
    page.fill("#alpha", "2/7")
    page.fill("#beta", "0.9")
    assert settled(page).startswith("#alpha=2/7&beta=9/10&d=1000&v/d=100&B=2&")
    page.fill("#alpha", "nonsense")
    assert page.get_attribute("#alpha", "aria-invalid") == "true"
    page.select_option("#preset", "0.4, 0.8")
    assert settled(page).startswith("#alpha=2/5&beta=4/5&d=1000&v/d=4&B=2&")


def test_values_under_the_pointer_and_the_arrow_keys(visit):
    page = visit("#alpha=1&beta=0.3&d=400&v/d=4")
    page.hover("#terms", position={"x": 180, "y": 150})
    problem = PowerLaw(alpha=1.0, beta=0.3, v=1600, d=400)
    texts = page.locator("#terms-values b").all_inner_texts()
    step, total, *_ = (number(text) for text in texts)
    assert 30 < step < 1e12
    steps = int(step) + np.arange(33)  # as many as above share a compiled program
    curve = predict(problem, SGD.stable(problem), steps)
    # the step is shown with four digits, and the risk falls no faster than the inverse of it
    assert total == pytest.approx(curve.excess[0], rel=2e-3)
    page.focus("#loss")
    page.keyboard.press("ArrowRight")
    assert "best:" in page.inner_text("#loss-values")


def number(text: str) -> float:
    """A number as the page writes it."""
    ascii = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--"))
    return float(re.sub(r"^10(?=-?\d)", "1e", ascii.replace("×10", "e")) if text != "10" else 10)


def test_what_is_saved(visit):
    page = visit()
    svg = saved(page, "svg").read_text()
    assert svg.startswith("<svg") and "var(" not in svg and "light-dark" not in svg
    assert saved(page, "png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    head, *rows = saved(page, "csv").read_text().splitlines()
    assert head == "what,d,step,flops,excess,capacity,population,distortion,sgd_noise"
    assert len(rows) > 100 and all(row.count(",") == 8 for row in rows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_both_themes(visit, scheme):
    page = visit(viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.click("#theme")
    assert page.evaluate(paper) != before


@pytest.mark.parametrize(
    "hash",
    [
        "#alpha=1.5&beta=1.6&d=100000000&v/d=10000&B=65536&fraction=0.95",
        "#alpha=0.05&beta=0.46&d=10&v/d=1&noise=1",
        "#alpha=0.05&beta=-0.3&d=8&v/d=1&fraction=0.05",
        "#alpha=1.5&beta=-0.3&d=10000000&v/d=10000",
    ],
)
def test_the_corners_draw_whole_axes(visit, hash):
    page = visit(hash)
    labels = page.locator("#loss .tick text").all_text_contents()
    labels = [text for text in labels if text]
    assert len(labels) >= 4 and all(re.fullmatch("10[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", text) for text in labels)
    for path in page.locator(".line").evaluate_all("lines => lines.map(l => l.getAttribute('d'))"):
        assert path is None or not re.search("NaN|Infinity", path)
