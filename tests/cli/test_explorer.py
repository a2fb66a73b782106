"""The explorer: current, silent, and of one mind with the package, in a real browser."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from solvable import SGD, PowerLaw, phase, predict
from solvable.asymptotics.phases import TERMS
from solvable.cli import explore as cli_explore
from solvable.cli import main as cli
from solvable.verify.presets import POINTS

SOURCES = Path(__file__).parents[2] / "docs" / "explorer"
needs_sources = pytest.mark.skipif(not SOURCES.exists(), reason="no docs/explorer here")
REQUIRED = "EXPLORER_REQUIRED" in os.environ
"""Set where node and a browser are known to be there: nothing here is skipped then."""
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")


@needs_sources
def test_the_page_is_made_from_these_sources():
    files = ["index.html", "package-lock.json", "vite.config.ts"]
    files += [f"src/{path.name}" for path in (SOURCES / "src").iterdir()]
    hash = hashlib.sha256(b"".join((SOURCES / file).read_bytes() for file in sorted(files)))
    assert f'content="{hash.hexdigest()}"' in cli_explore.PAGE.read_text(), "npm run build"


@needs_sources
@pytest.mark.skipif(
    not REQUIRED and not (shutil.which("node") and (SOURCES / "node_modules").exists()),
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
        assert len(text.encode()) < 400_000
        assert not re.search(r"(src|href)=\"(?!data:)|@import|fetch\(|XMLHttpRequest", text)

    def test_the_page_carries_the_licences_of_what_it_contains(self):
        comment = re.search("<!--(.*?)-->", cli_explore.PAGE.read_text(), re.DOTALL)[1]
        for package in ("d3-array", "d3-axis", "d3-scale", "d3-selection", "d3-shape"):
            assert re.search(
                rf"^{package} [\d.]+: Copyright .* Mike Bostock$", comment, re.MULTILINE
            )
        assert "Permission to use, copy, modify, and/or distribute this software" in comment
        assert 'THE SOFTWARE IS PROVIDED "AS IS"' in comment


@pytest.fixture(scope="module")
def browser():
    if not REQUIRED and not (CHROMIUM and find_spec("playwright")):
        pytest.skip("no Chromium, or no Playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Open the page offline; afterwards it must have been silent and asked for nothing else."""
    contexts, complaints, requests = [], [], []

    def visit(hash: str = "", address: str = cli_explore.PAGE.as_uri(), **options):
        options = {"viewport": {"width": 1280, "height": 720}} | options
        context = browser.new_context(offline=True, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address + hash)
        page.frames[-1].wait_for_selector("#size .line", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def await_address(page, part: str) -> None:
    """The address follows once the page has come to rest."""
    page.wait_for_function("part => location.hash.includes(part)", arg=part)


def notice(page) -> str:
    return page.inner_text("#notice")


def saved(page, kind: str) -> Path:
    with page.expect_download() as download:
        page.click(f"#save [data-kind={kind}]")
    return download.value.path()


def written(x: Fraction) -> str:
    return str(x).replace("-", "−")


def number(text: str) -> float:
    """A number as the page writes it."""
    ascii = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--"))
    return float(re.sub(r"^10(?=-?\d)", "1e", ascii.replace("×10", "e")) if text != "10" else 10)


class TestTheory:
    def test_every_phase_is_what_the_package_says(self, visit):
        page = visit()
        for alpha, beta in (pair[0] for pair in POINTS.values()):
            found = phase(Fraction(str(alpha)), Fraction(str(beta)))
            page.evaluate(f"location.hash = '#alpha={alpha}&beta={beta}'")
            page.wait_for_selector(f"#name:has-text('Phase {found.name} ')")
            status = "proven" if found.proven else "conjecture"
            assert page.inner_text("#name small").startswith(status)
            facts = page.inner_text("#facts")
            for exponent in (found.loss_exponent, found.size_exponent):
                assert written(exponent) in facts
            for term in found.terms:
                assert TERMS[term] in facts
        page.evaluate("location.hash = '#alpha=3/10&beta=1/5'")
        page.wait_for_selector("#name:has-text('No power law')")

    def test_curves_are_those_of_the_package(self, visit):
        page = visit("#alpha=7/10&beta=6/5&d=400&v/d=4&B=8&fraction=0.75&noise=0.01")
        data = json.loads(saved(page, "json").read_text())
        problem = PowerLaw(alpha=0.7, beta=1.2, v=1600, d=400, noise=0.01)
        rule = SGD.stable(problem, 0.75, B=8)
        (own,) = (curve for curve in data["curves"] if curve["d"] == 400)
        step = np.array(own["step"])
        whole = step == np.round(step)
        curve = predict(problem, rule, step[whole], terms=True)
        assert own["gamma"] == pytest.approx(rule.gamma, rel=1e-12)
        np.testing.assert_allclose(np.array(own["excess"])[whole], curve.excess, rtol=1e-6)
        for name, term in curve.terms.items():
            shown = np.array(data["terms"][name])[whole]
            np.testing.assert_allclose(shown, term, atol=1e-6 * curve.excess.min())

    def test_values_under_the_pointer_and_the_arrow_keys(self, visit):
        page = visit("#alpha=1&beta=0.3&d=400&v/d=4")
        page.hover("#terms", position={"x": 180, "y": 100})
        texts = page.locator("#terms-values b").all_inner_texts()
        step, total, *_ = (number(text) for text in texts)
        data = json.loads(saved(page, "json").read_text())
        (own,) = (curve for curve in data["curves"] if curve["d"] == 400)
        between = np.interp(np.log(step), np.log(own["step"]), np.log(own["excess"]))
        # six points per decade of a curve that bends by less than its slope, 1.7, in one
        assert total == pytest.approx(np.exp(between), rel=0.02)
        page.focus("#loss")
        page.keyboard.press("ArrowRight")
        assert "best:" in page.inner_text("#loss-values")


class TestControls:
    def test_the_point_moves_by_keys_and_pointer(self, visit):
        page = visit()
        page.focus("#plane")
        for key in ("ArrowLeft", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
            page.keyboard.press(key)
        await_address(page, "#alpha=99/100&beta=49/100&")
        assert page.inner_text("#name").startswith("Phase Ia")
        assert "phase Ia" in page.inner_text("#live")
        box = page.locator("#plane").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0], box["y"] + 40, steps=4)
        page.mouse.up()
        page.wait_for_selector("#name:has-text('Phase III ')")

    def test_sliders_boxes_and_presets(self, visit):
        page = visit()
        page.focus("#slider-B")
        page.keyboard.press("ArrowRight")
        page.fill("#alpha", "2/7")
        page.fill("#beta", "0.90")
        await_address(page, "#alpha=2/7&beta=9/10&d=1000&v/d=100&B=2&")
        assert page.input_value("#beta") == "0.90"  # not rewritten while it is typed
        page.select_option("#preset", label="IVa, typical")
        await_address(page, "#alpha=2/5&beta=4/5&d=1000&v/d=4&B=2&")
        assert page.input_value("#beta") == "0.8"

    def test_what_is_typed_and_cannot_be_shown_is_said(self, visit):
        page = visit("#alpha=0.8&beta=0.7")
        for text in ("3", "0.04", "-1", "", "1/0", "two"):
            page.fill("#alpha", text)
            assert notice(page).startswith(f"α = “{text}” is not ")
            assert notice(page).endswith("α = 0.8 is shown.")
            assert page.get_attribute("#alpha", "aria-invalid") == "true"
            page.keyboard.press("Tab")  # left, the box says what the plot shows, and why
            assert page.input_value("#alpha") == "0.8"
            assert notice(page).endswith("α = 0.8 is shown.")
        page.fill("#alpha", "0.9")
        assert notice(page) == "" and page.get_attribute("#alpha", "aria-invalid") == "false"


class TestAddress:
    def test_says_what_it_has_replaced(self, visit):
        page = visit("#beta=0.3&fraction=1e-300")
        for faulty in ("fraction=1e-300", "alpha=3", "d=10.5", "noise=", "n=1"):
            page.evaluate(f"location.hash = '#beta=0.3&{faulty}'")
            await_address(page, "#alpha=1&beta=3/10&d=1000&v/d=100&B=1&fraction=0.5&noise=0")
            word, _, value = faulty.partition("=")
            said = notice(page)  # still there when the address has been put right
            assert f"“{value}” is not " in said or f"“{word}” is not a setting" in said

    def test_a_good_one_is_not_spoken_of(self, visit):
        assert notice(visit("#alpha=1/3&beta=0.7&v/d=7/2")) == ""

    def test_keeps_the_theme(self, visit):
        paper = "getComputedStyle(document.body).backgroundColor"
        page = visit(color_scheme="light")
        light = page.evaluate(paper)
        page.click("#theme")
        await_address(page, "&theme=dark")
        dark = page.evaluate(paper)
        assert dark != light
        again = visit(page.evaluate("location.hash"), color_scheme="light")
        assert again.evaluate(paper) == dark
        again.evaluate("location.hash = '#theme=light'")
        again.wait_for_function(f"{paper} === '{light}'")


SIZE = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"


class TestLayout:
    def test_all_fits_one_screen(self, visit):
        page = visit("#alpha=0.27&beta=0.7&v/d=4&noise=0.01")  # where the most is said
        for width, height in ((1280, 720), (1280, 600), (1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(SIZE) == [width, height]
            for part in ("#phase", "#where", "#loss-figure", "#save"):
                box = page.locator(part).bounding_box()
                assert box["y"] + box["height"] <= height
            whole = "part => part.scrollHeight <= part.clientHeight"
            assert page.locator("#phase").evaluate(whole)

    def test_all_fits_the_frame_of_the_documents_and_takes_their_theme(self, visit, tmp_path):
        around = tmp_path / "around.html"
        around.write_text(
            f'<iframe src="{cli_explore.PAGE.as_uri()}" width=872 height=702></iframe>'
        )
        page = visit(address=around.as_uri(), color_scheme="light")
        frame = page.frames[-1]
        assert frame.evaluate(SIZE) == [872, 702]
        page.evaluate("frames[0].postMessage({ theme: 'dark' }, '*')")
        frame.wait_for_function("document.documentElement.dataset.theme === 'dark'")

    def test_the_names_of_regions_stay_in_them(self, visit):
        page = visit()
        for width in (320, 390, 860, 1280):
            page.set_viewport_size({"width": width, "height": 720})
            page.wait_for_function(
                "plane => plane.viewBox.baseVal.width === plane.clientWidth",
                arg=page.query_selector("#plane"),
            )
            assert page.evaluate("document.documentElement.scrollWidth") == width
            outside = page.evaluate(
                """() => [...document.querySelectorAll(".region")].flatMap((region, k) => {
                    const name = document.querySelectorAll(".region-name")[k];
                    const { x, y, width, height } = name.getBBox();
                    const across = [x, x + width];
                    const corners = [y, y + height].flatMap((y) => across.map((x) => [x, y]));
                    const inside = ([x, y]) => region.isPointInFill(new DOMPoint(x, y));
                    return corners.every(inside) ? [] : [name.textContent];
                })"""
            )
            assert outside == ["IVb"]  # which is narrower than its name, and has it above

    def test_the_corners_draw_whole_axes(self, visit):
        page = visit()
        for alpha, beta, rest in (
            (1.5, 1.6, "d=100000000&v/d=10000&B=65536&fraction=0.99"),
            (0.05, 0.46, "d=10&v/d=1&noise=1"),
            (0.05, -0.3, "d=8&v/d=1&fraction=0.01"),
            (1.5, -0.3, "d=10000000&v/d=10000"),
        ):
            page.evaluate(f"location.hash = '#alpha={alpha}&beta={beta}&{rest}'")
            point = f"alpha {Fraction(str(alpha))}, beta {Fraction(str(beta))}:"
            page.wait_for_selector(f"#plane[aria-label*='{point}']")
            labels = [text for text in page.locator("#loss .tick text").all_text_contents() if text]
            assert len(labels) >= 3
            assert all(re.fullmatch("10[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", text) for text in labels)
            lines = page.locator(".line").evaluate_all("all => all.map(l => l.getAttribute('d'))")
            assert not any(line and re.search("NaN|Infinity", line) for line in lines)


class TestTouch:
    def swipe(self, page, start: tuple[float, float], down: float) -> None:
        """With one finger; the browser itself tells a scroll from a drag."""
        session = page.context.new_cdp_session(page)
        x, y = start

        def send(kind: str, *points: tuple[float, float]) -> None:
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        send("touchStart", (x, y))
        for k in range(10):
            send("touchMove", (x, y + down * (k + 1) / 10))
        send("touchEnd")

    def test_a_finger_scrolls_on_the_plane(self, visit):
        page = visit(**PHONE)
        box = page.locator("#plane").bounding_box()
        self.swipe(page, (box["x"] + 120, box["y"] + 300), -250)
        page.wait_for_function("scrollY > 150")
        assert page.get_attribute("#plane", "aria-label").endswith(
            "alpha 1, beta 7/10: phase II, loss exponent -12/17, size exponent 7/17, proven"
        )

    def test_a_finger_drags_the_point_and_taps_the_plane(self, visit):
        page = visit(**PHONE)
        box = page.locator("#plane .point").bounding_box()
        at = box["x"] + box["width"] / 2 + 12, box["y"] + box["height"] / 2 + 12
        self.swipe(page, at, 120)
        page.wait_for_selector("#name:has-text('Phase Ia ')")
        assert page.evaluate("scrollY") == 0
        plane = page.locator("#plane").bounding_box()
        page.touchscreen.tap(plane["x"] + 130, plane["y"] + 60)
        page.wait_for_selector("#name:has-text('Phase IV')")


class TestSaved:
    def test_pictures_say_what_they_show(self, visit):
        page = visit("#alpha=1/3&beta=0.7&d=400&v/d=4&B=8&noise=0.01")
        svg = saved(page, "svg").read_text()
        assert svg.startswith("<svg") and "var(" not in svg and "light-dark" not in svg
        text = " ".join(re.findall("<text[^>]*>([^<]*)</text>", svg))
        for setting in ("α = 1/3", "β = 7/10", "d = 400", "v/d = 4", "B = 8", "σ² = 0.01", "phase"):
            assert setting in text
        assert "#alpha=1/3" in text.replace("&amp; ", "&amp;")
        assert saved(page, "png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"

    def test_every_row_of_numbers_has_the_settings(self, visit):
        page = visit("#alpha=1/3&beta=0.7&d=400&v/d=4&B=8&noise=0.01")
        rows = list(csv.DictReader(saved(page, "csv").read_text().splitlines()))
        assert len(rows) > 100 and {row["what"] for row in rows} == {"curve", "frontier"}
        settings = {"beta": 0.7, "ratio": 4, "noise": 0.01, "B": 8, "fraction": 0.5}
        for row in rows:
            assert {name: float(row[name]) for name in settings} == settings
            assert float(row["alpha"]) == 1 / 3 and float(row["excess"]) > 0
        curves = [row for row in rows if row["what"] == "curve"]
        assert all(float(row["v"]) == 4 * float(row["d"]) for row in curves)
        assert {row["capacity"] != "" for row in curves if row["d"] == "400"} == {True}
