"""The page without a server, in a real browser: from the disk, from a plain file server, and without any network."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from digitlab.examples.paper_video import digits_of, paper_page
from digitlab.jobs import write_page

from .strokes import STROKES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.xdist_group("page")

Page = Any  # playwright.sync_api.Page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("static") / "page").folder


@pytest.fixture(scope="module")
def launch(needs_program: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    """Launch Chromium with further switches."""
    chromium = needs_program("chromium", "chromium-browser")
    with playwright.sync_playwright() as play:
        yield lambda *switches: play.chromium.launch(executable_path=chromium, args=["--no-sandbox", *switches])


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Any]) -> Iterator[Any]:
    launched = launch()
    yield launched
    launched.close()


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Page]:
    """From the disk; anything that went wrong fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.goto((folder / "index.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    yield tab
    context.close()
    assert wrong == []


def answered(page: Page, text: str | re.Pattern[str]) -> None:
    playwright.expect(page.locator("#answer-digit")).to_have_text(text, timeout=60_000)


def draw(page: Page, digit: int) -> None:
    pad = page.locator("#pad").bounding_box()
    size = 0.8 * pad["height"]
    x0, y0 = pad["x"] + (pad["width"] - size) / 2, pad["y"] + (pad["height"] - size) / 2
    for stroke in STROKES[digit]:
        places = [(x0 + size * x, y0 + size * y) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def test_ten_digits_are_read_from_the_disk_without_a_network(page: Page) -> None:
    page.context.set_offline(True)
    read = {}
    for digit in STROKES:
        draw(page, digit)
        page.wait_for_selector("#answer[aria-busy=false]", timeout=60_000)
        read[digit] = page.inner_text("#answer-digit")
        page.click("#clear")
        answered(page, "none")
    assert sum(read[digit] == str(digit) for digit in STROKES) >= 9, read


def test_a_number_in_front_of_the_camera_becomes_steady(
    launch: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    film = tmp_path / "sheet.mjpeg"
    sheet = paper_page(digits_of("285", seed=2), seed=3)
    film.write_bytes(cv2.imencode(".jpg", sheet.image[..., ::-1])[1].tobytes() * 30)
    fake = "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"
    running = launch(*fake, f"--use-file-for-fake-video-capture={film}")
    tab = running.new_page(locale="en")
    tab.goto((folder / "index.html").as_uri())
    tab.click("#tab-camera")
    tab.wait_for_selector("#lesson:not([hidden])")  # the models are there; what was chosen before that stays chosen
    playwright.expect(tab.locator("#tab-camera")).to_have_attribute("aria-selected", "true")
    tab.click("#camera-switch")
    playwright.expect(tab.locator("#answer-words")).to_have_text("steady", timeout=60_000)
    assert tab.inner_text("#answer-digit") == "285"
    running.close()


def test_it_answers_as_python_does(page: Page) -> None:
    tool = importlib.import_module("tools.compare_browser")
    for pictures, whole in ((tool.small_digits(8), False), (tool.on_paper(6), False), (tool.pages(1), True)):
        compared = tool.compare(page, pictures, whole=whole)
        assert compared.equal, compared


def test_nothing_is_asked_of_anybody_but_the_folder(browser: Any, folder: Path) -> None:
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        context = browser.new_context()
        tab = context.new_page()
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        tab.click("#example")
        answered(tab, "4")
        for view in ("why", "pair", "tour", "training"):
            tab.click(f"#tab-{view}")
        assert {each for each in asked if not each.startswith("blob:")} == {
            address, *(f"{address}{name}" for name in ("digitlab.js", "models.js", "page.css", "shade.js", "icon.svg")),
        }  # fmt: skip
        refused = tab.evaluate("() => fetch('/models.js').then(() => 'sent', () => 'refused')")
        assert refused == "refused", "the page's policy lets nothing be fetched or sent, not even here"
        context.close()
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_the_views_show_the_network_at_work(page: Page) -> None:
    page.click("#example")
    answered(page, "4")
    playwright.expect(page.locator("#network")).to_contain_text("216,330")
    page.click("#tab-why")
    playwright.expect(page.locator("#why")).to_contain_text("why 4 and not", timeout=60_000)
    page.click("#tab-training")
    playwright.expect(page.locator("#training")).to_contain_text("digitlab serve")
    assert page.locator("#training form").count() == 0
    page.click("#tab-diagnosis")
    playwright.expect(page.locator("#diagnosis")).to_have_text(re.compile("^A diagnosis needs digitlab on a computer"))
    assert not page.is_visible("#why-answer"), "it would lead to that sentence"
    playwright.expect(page.locator("footer")).to_contain_text("no picture leaves it")


def test_a_photo_is_read_as_python_reads_it(page: Page, tmp_path: Path) -> None:
    from digitlab.examples.paper import paper_page
    from digitlab.examples.paper_video import digits_of
    from digitlab.reading import Reader

    photo = paper_page(digits_of("4071\n285", seed=2), seed=3).image
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))
    page.set_input_files("#photo-file", str(file))
    playwright.expect(page.locator("#photo-text")).to_contain_text("digits in", timeout=60_000)
    assert page.inner_text("#photo-text").startswith(" · ".join(Reader(threads=1).read(photo).lines))


def test_a_model_of_ones_own_is_opened(page: Page, tmp_path: Path) -> None:
    """One as other programs write it: floats 0 … 1 of (N, 1, 28, 28), logits."""
    file = tmp_path / "their net.onnx"
    file.write_bytes(usual_convention())
    page.set_input_files("#model-file", str(file))
    playwright.expect(page.locator("#model")).to_have_value("their-net", timeout=30_000)
    page.click("#example")
    answered(page, "4")
    playwright.expect(page.locator("#network")).to_contain_text("their-net", timeout=30_000)
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07 no model")
    page.set_input_files("#model-file", str(tmp_path / "broken.onnx"))
    playwright.expect(page.locator("#trouble")).to_contain_text("not an ONNX model")
    playwright.expect(page.locator("#model")).to_have_value("their-net")


def usual_convention() -> bytes:
    """The shipped reader behind what turns floats into bytes, and without its softmax."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    from digitlab.reading import resolve_model

    model = onnx.load(str(resolve_model(None)))
    graph = model.graph
    before = [
        helper.make_node("Mul", ["floats", "by"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["whole"]),
        helper.make_node("Reshape", ["whole", "flat"], ["flattened"]),
        helper.make_node("Cast", ["flattened"], ["images"], to=TensorProto.UINT8),
    ]
    nodes = [node for node in graph.node if node.op_type != "Softmax"]
    logits = next(node for node in graph.node if node.op_type == "Softmax").input[0]
    constants = [
        numpy_helper.from_array(np.float32(255), "by"),
        numpy_helper.from_array(np.array([-1, 28, 28]), "flat"),
    ]
    made = helper.make_graph(
        [*before, *nodes],
        "theirs",
        [helper.make_tensor_value_info("floats", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info(logits, TensorProto.FLOAT, ["N", 10])],
        [*graph.initializer, *constants],
    )
    content: bytes = helper.make_model(made, opset_imports=model.opset_import, ir_version=8).SerializeToString()
    return content


def test_axe_finds_nothing(page: Page) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.click("#example")
    answered(page, "4")
    for view in ("network", "why", "pair", "tour", "training"):
        page.click(f"#tab-{view}")
        page.wait_for_timeout(300)
        page.evaluate(axe.Axe().axe_script)
        found = page.evaluate("() => axe.run({ resultTypes: ['violations'], preload: false })")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], view


def test_without_its_models_it_says_what_is_missing(browser: Any, folder: Path, tmp_path: Path) -> None:
    for name in ("index.html", "digitlab.js", "page.css", "shade.js", "icon.svg"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    context = browser.new_context()
    tab = context.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    playwright.expect(tab.locator("#trouble")).to_contain_text("models.js is not beside this page")
    context.close()


def test_a_link_brings_everything_back(page: Page) -> None:
    draw(page, 7)
    answered(page, "7")
    page.click("#tab-tour")
    page.click("#tour button.strong")
    playwright.expect(page).to_have_url(re.compile("view=tour.*step=2.*ink="), timeout=20_000)
    page.select_option("#language", "es")
    playwright.expect(page).to_have_url(re.compile("lang=es"), timeout=20_000)
    other = page.context.new_page()
    other.goto(page.url)
    answered(other, "7")
    playwright.expect(other.locator("#tab-tour")).to_have_attribute("aria-selected", "true")
    assert other.get_attribute("html", "lang") == "es"
    playwright.expect(other.locator("#tour .small").first).to_contain_text("2", timeout=20_000)


def test_back_and_forward_go_through_the_views(page: Page) -> None:
    page.click("#example")
    answered(page, "4")
    for view in ("why", "tour"):
        page.click(f"#tab-{view}")
        playwright.expect(page).to_have_url(re.compile(f"view={view}"), timeout=20_000)
    page.go_back()
    playwright.expect(page.locator("#tab-why")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    playwright.expect(page.locator("#tab-tour")).to_have_attribute("aria-selected", "true")


def test_a_lesson_leads_through_the_page(page: Page) -> None:
    page.select_option("#lesson", "what-makes-a-4")
    answered(page, "4")
    panel = page.locator("#lesson-panel")
    playwright.expect(panel).to_contain_text("part 1 of 4")
    playwright.expect(page.locator("#tab-why")).to_have_attribute("aria-selected", "true")
    page.click("#lesson-panel .strong")
    answered(page, "9")
    page.go_back()
    playwright.expect(panel).to_contain_text("part 1 of 4", timeout=20_000)
    answered(page, "4")
    page.get_by_role("button", name="End the lesson").click()
    playwright.expect(panel).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768])
def test_it_fits_small_screens(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.select_option("#lesson", "convolution")
    answered(page, "4")
    for view in ("whole", "network", "why", "diagnosis", "pair", "damage", "tour", "learning", "training"):
        page.click(f"#tab-{view}")
        playwright.expect(page.locator(f"#{view} > *").first).to_be_visible(timeout=60_000)
        wide, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= seen <= width, view
        assert page.evaluate(STICKS_OUT) == [], view
        assert page.evaluate(OVERFULL) == [], view


@pytest.mark.parametrize("language", ["es", "fr"])
def test_other_languages_fit_a_phone(page: Page, language: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.select_option("#language", language)
    playwright.expect(page.locator("html")).to_have_attribute("lang", language)
    for view in ("whole", "pair", "training"):
        page.click(f"#tab-{view}")
        assert page.evaluate(OVERFULL) == [], view
    assert page.locator("#inputs").evaluate("(tabs) => tabs.scrollWidth <= tabs.clientWidth"), "one is out of sight"


# Tabs whose words are wider than they are, and layers whose maps lie over what follows.
OVERFULL = """() => [...document.querySelectorAll("#views [role=tab], #whole .column")]
  .filter((each) => each.checkVisibility())
  .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1)
  .map((each) => each.textContent)"""

# What a margin of the page does not hold back, and no frame of its own lets scroll.
STICKS_OUT = """() => {
  const edge = document.querySelector("main").getBoundingClientRect().right + 1;
  const framed = (each) => {
    for (let other = each.parentElement; other; other = other.parentElement)
      if (getComputedStyle(other).overflowX !== "visible") return true;
    return false;
  };
  return [...document.querySelectorAll("main *")]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > edge && !framed(each))
    .map((each) => `${each.localName}.${each.getAttribute("class")} ${each.textContent.slice(0, 40)}`);
}"""


def test_the_whole_network_fits_on_one_screen(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("#example")
    answered(page, "4")
    for model, own in (("reader", "concat-1"), ("plain", "conv-7")):
        page.select_option("#model", model)
        page.click("#tab-whole")
        playwright.expect(page.locator("#whole .net")).to_contain_text(own, timeout=20_000)
        assert page.evaluate("() => document.querySelector('#whole').getBoundingClientRect().bottom") <= 900
    page.get_by_role("button", name="Next layer").click()
    waiting = page.locator("#whole .spot.waiting")
    before = waiting.count()
    page.get_by_role("button", name="Next layer").click()
    assert 0 < waiting.count() < before, "the numbers have come a layer further"
    page.get_by_role("button", name="pool-1: map 1", exact=True).click()
    playwright.expect(page.locator("#network h2")).to_have_text("pool-1")


def test_damage_is_followed_by_the_answers(page: Page) -> None:
    page.click("#example")
    answered(page, "4")
    page.select_option("#model", "plain")  # the quicker one
    page.click("#tab-damage")
    right = page.locator("#damage .total")
    playwright.expect(right).to_contain_text("of 500 test images", timeout=90_000)
    assert float(right.inner_text().partition("%")[0]) > 90
    page.locator("#damage select").nth(1).select_option("zero")
    playwright.expect(right).not_to_contain_text("of 500", timeout=20_000)
    playwright.expect(right).to_contain_text("of 500", timeout=90_000)
    assert float(right.inner_text().partition("%")[0]) < 20, "without weights every answer is the same"
    page.get_by_role("button", name="Show both").click()
    playwright.expect(page.locator(".doubt")).to_have_count(20, timeout=120_000)
    said = page.locator("#damage").inner_text()
    assert said.count("reader: refused") >= 18
    assert max(map(float, re.findall(r"network: \d, (?:> )?([\d.]+)%", said))) > 90
