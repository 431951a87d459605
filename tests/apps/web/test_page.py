"""The page in a real browser, before the real server: what a visitor does, and what is seen then."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from .strokes import STROKES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")
pytestmark = pytest.mark.xdist_group("page")

WIDTH, HEIGHT = 480, 360  # the pad's own units
Page = Any  # playwright.sync_api.Page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own, as a user starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("serve") / "log").open("w+")
    command = [sys.executable, "-m", "digitlab", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait_for(base, server, log)
        yield base
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _wait_for(base: str, server: subprocess.Popen[bytes], log: Any) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/healthz", timeout=2):  # noqa: S310
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    log.seek(0)
    pytest.fail(f"`digitlab serve` did not begin to listen: {log.read()}")


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    """Pages made by code: what is written, and the pictures."""
    from digitlab.examples.paper import paper_page
    from digitlab.examples.paper_video import digits_of

    return {text: paper_page(digits_of(text), seed=3) for text in ("4071", "285")}


@pytest.fixture(scope="module")
def browser(needs_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, numbers: Any) -> Iterator[Any]:
    """Debian's Chromium, with a camera that sees a sheet with 285."""
    chromium = needs_program("chromium", "chromium-browser")
    film = tmp_path_factory.mktemp("camera") / "sheet.mjpeg"
    one = cv2.imencode(".jpg", cv2.cvtColor(numbers["285"].image, cv2.COLOR_RGB2BGR))[1].tobytes()
    film.write_bytes(one * 30)
    switches = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    switches.append(f"--use-file-for-fake-video-capture={film}")
    with playwright.sync_playwright() as play:
        running = play.chromium.launch(executable_path=chromium, args=switches, chromium_sandbox=False)
        yield running
        running.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    """The page, just opened, in English; its scripts may make no mistake."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    opened = context.new_page()
    mistakes: list[str] = []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda said: mistakes.append(said.text) if said.type == "error" else None)
    opened.goto(address)
    opened.wait_for_selector("html[data-ready]")
    yield opened
    context.close()
    assert mistakes == []


def draw(page: Page, digit: int, *, left: float = 0.5, high: float = 0.8) -> None:
    """Draw a digit with the mouse: `left` is its middle in shares of the pad, `high` its height."""
    pad = page.locator("#pad").bounding_box()
    size = high * pad["height"]
    x0, y0 = pad["x"] + left * pad["width"] - size / 2, pad["y"] + (pad["height"] - size) / 2
    for stroke in STROKES[digit]:
        places = [(x0 + size * x, y0 + size * y) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def answers(page: Page, text: str) -> None:
    """Wait until the page's answer is this one."""
    page.wait_for_function("(text) => document.querySelector('#answer-digit').textContent === text", arg=text)


def test_ten_digits_drawn_with_the_mouse_are_read_at_once(page: Page) -> None:
    assert page.inner_text("#answer-digit") == "none"
    read = {}
    for digit in STROKES:
        draw(page, digit)
        page.wait_for_selector("#answer[aria-busy=false]")
        read[digit] = page.inner_text("#answer-digit")
        page.click("#clear")
        answers(page, "none")
    assert sum(read[digit] == str(digit) for digit in STROKES) >= 9, read
    median = float(page.get_attribute("#answer-time", "data-median"))
    assert median <= 250, "of a busy machine; 50 is what a quiet one keeps"


def test_undo_redo_and_the_eraser(page: Page) -> None:
    draw(page, 7)
    answers(page, "7")
    page.keyboard.press("Control+z")
    answers(page, "none")
    page.click("#redo")
    answers(page, "7")
    page.click("#eraser")
    pad = page.locator("#pad").bounding_box()
    page.mouse.move(pad["x"] + 20, pad["y"] + 10)
    page.mouse.down()
    for row in range(12):
        page.mouse.move(pad["x"] + (20 if row % 2 else pad["width"] - 20), pad["y"] + row * pad["height"] / 11, steps=2)
    page.mouse.up()
    answers(page, "none")


def test_several_digits_and_the_one_that_is_looked_at(page: Page) -> None:
    for place, digit in enumerate((4, 7, 2)):
        draw(page, digit, left=0.18 + 0.32 * place, high=0.5)
    answers(page, "472")
    assert page.locator("#pad-boxes g").count() == 3
    page.click("#found button:nth-child(2)")
    page.wait_for_selector("#answer-bars li:nth-child(8).first")


def test_drawing_with_the_keys(page: Page) -> None:
    page.focus("#pad")
    for key, times in (("ArrowUp", 10), (" ", 1), ("ArrowDown", 20), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    answers(page, "1")


def test_a_photo_gets_boxes(page: Page, numbers: Any, tmp_path: Path) -> None:
    sheet = numbers["4071"]
    cv2.imwrite(str(tmp_path / "sheet.png"), cv2.cvtColor(sheet.image, cv2.COLOR_RGB2BGR))
    page.click("#tab-photo")
    page.set_input_files("#photo-file", tmp_path / "sheet.png")
    page.wait_for_selector("#photo-boxes g")
    assert page.inner_text("#photo-text").startswith("4071")
    found = page.eval_on_selector_all(
        "#photo-boxes rect", "all => all.map(e => ['x','y','width','height'].map(n => +e.getAttribute(n)))"
    )
    for (x, y, wide, high), (x0, y0, x1, y1) in zip(found, sheet.boxes, strict=True):
        assert abs(x + wide / 2 - (x0 + x1) / 2) < 12
        assert abs(y + high / 2 - (y0 + y1) / 2) < 12


def test_the_camera_is_read_live(page: Page) -> None:
    page.click("#tab-camera")
    page.click("#camera-switch")
    answers(page, "285")
    page.wait_for_function("() => Number(document.querySelector('#video').dataset.frames) >= 8")
    assert page.locator("#video-boxes .read").count() == 3
    page.click("#camera-keep")
    page.wait_for_selector("#photo-boxes g")
    assert page.get_attribute("#tab-photo", "aria-selected") == "true"


def test_a_look_into_the_network(page: Page) -> None:
    draw(page, 4)
    page.wait_for_selector(".layer .maps .map >> nth=1")
    page.get_by_role("slider", name="Layer").press("ArrowRight")
    assert page.locator(".strip [aria-expanded=true]").count() == 1
    page.click(".strip .card.convolution >> nth=0")
    page.hover(".layer .maps .map >> nth=3")
    assert "filter 4" in page.inner_text(".looks")
    assert page.locator(".looks .field").count() == 1
    page.click(".looks .looked:nth-child(3) canvas")
    page.wait_for_selector(".explained .total")
    total = page.inner_text(".explained .total")
    network = page.inner_text(".explained p.quiet")
    numbers = [float(each.replace("−", "-")) for each in re.findall(r"= ([−\d.]+)", total)]
    assert abs(numbers[0] - float(re.search(r"[−\d.]+", network)[0].replace("−", "-"))) < 0.01


def test_why_and_rubbing_out(page: Page) -> None:
    draw(page, 4)
    page.wait_for_selector(".layer")
    page.click("#tab-why")
    page.wait_for_function("() => document.querySelector('#why figcaption')?.textContent.startsWith('why 4')")
    before = page.inner_text("#why .bars li.first .share")
    digit = page.locator("#why .looked >> nth=1").locator("canvas").bounding_box()
    page.mouse.move(digit["x"] + 10, digit["y"] + digit["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(digit["x"] + digit["width"] - 10, digit["y"] + digit["height"] * 0.6, steps=12)
    page.mouse.up()
    page.wait_for_function(
        "(before) => document.querySelector('#why .bars li.first .share').textContent !== before", arg=before
    )
    page.get_by_role("button", name="Put everything back").click()
    page.wait_for_function(
        "(before) => document.querySelector('#why .bars li.first .share').textContent === before", arg=before
    )


def test_the_tour_is_walked_through_with_the_keys(page: Page) -> None:
    page.click("#tab-tour")
    page.click("#example")
    page.wait_for_selector("#tour .figure > *")
    steps = page.locator("#tour .dots button").count()
    titles = [page.inner_text("#tour h2")]
    page.focus("#tour .walk button.strong")
    for step in range(1, steps):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f"#tour .dots li:nth-child({step + 1}) [aria-current=step]")
        titles.append(page.inner_text("#tour h2"))
    assert steps == len(set(titles)) == 10
    page.wait_for_selector("#tour .filtered:nth-child(12) img")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#tour h2") == titles[-2]


def test_a_training_is_watched_and_its_result_used(page: Page) -> None:
    """The server's side is told, as the schemas have it: a real one loads TensorFlow for ten seconds."""
    events = _told_training()
    page.route(
        "**/v1/trainings",
        lambda route: route.fulfill(json=events["begun"] if route.request.method == "POST" else events["none"]),
    )
    page.route(
        "**/v1/trainings/t1/events",
        lambda route: route.fulfill(body=events["stream"], content_type="text/event-stream"),
    )
    page.click("#tab-training")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_function("() => document.querySelector('#training .total').textContent.startsWith('It is done.')")
    assert "87.5" in page.inner_text("#training .total")
    assert page.locator("#training circle.tested").count() == 4
    assert page.locator("#training .slices canvas").count() == 6
    assert page.inner_text("#training .mistakes figcaption").startswith("4 → 9")
    page.get_by_role("button", name="Use it on the pad").click()
    page.wait_for_selector("#pad:focus")
    assert page.input_value("#model") == "reader"


def _told_training() -> dict[str, Any]:
    from base64 import b64encode

    from digitlab.apps.web import schemas

    kernels = schemas.Kernels(shape=[6, 1, 3, 3], scale=0.5, data=b64encode(bytes(range(54))).decode(), bias=None)
    mistake = schemas.Mistake(glyph=b64encode(bytes(784)).decode(), label=4, answer=9, confidence=0.8)
    epochs = [
        schemas.TrainingEpoch(
            epoch=epoch, loss=1 / epoch, accuracy=0.5, validation_loss=0.9 / epoch, validation_accuracy=accuracy,
            seconds=1.0, filters=kernels, mistakes=[mistake],
        )
        for epoch, accuracy in ((1, 0.75), (2, 0.875))
    ]  # fmt: skip
    question = schemas.TrainingQuestion(epochs=2)
    state = {"id": "t1", "question": question, "error": None}
    begun = schemas.TrainingState(**state, state="starting", epochs=[], model=None)
    done = schemas.TrainingState(**state, state="done", epochs=epochs, model="reader")
    progress = [
        schemas.TrainingProgress(
            epoch=epoch, batch=batch, batches=4, loss=2.0 / (epoch + batch), accuracy=0.1 * (epoch + batch)
        )
        for epoch in (1, 2)
        for batch in range(1, 5)
    ]
    told = (
        [("progress", each) for each in progress[:4]]
        + [("epoch", epochs[0])]
        + [("progress", each) for each in progress[4:]]
    )
    told += [("epoch", epochs[1]), ("state", done)]
    return {
        "begun": begun.model_dump(mode="json"),
        "none": schemas.Trainings(allowed=True, reason=None, trainings=[]).model_dump(mode="json"),
        "stream": "".join(f"event: {name}\ndata: {each.model_dump_json()}\n\n" for name, each in told),
    }


def test_it_is_small_and_ready_soon(page: Page) -> None:
    sizes = page.evaluate("""() => ["resource", "navigation"].flatMap(kind => performance.getEntriesByType(kind))
        .filter(each => !each.name.includes("/v1/")).map(each => each.decodedBodySize)""")
    assert len(sizes) > 10
    assert sum(sizes) <= 400_000
    painted = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    ready = float(page.get_attribute("html", "data-ready"))
    assert ready - painted <= 2500, "of a busy machine; 500 is what a quiet one keeps"


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_a_screen_reader(page: Page, shade: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.emulate_media(color_scheme=shade)
    draw(page, 4)
    for view in ("network", "why", "pair", "tour", "training"):
        page.click(f"#tab-{view}")
        page.wait_for_load_state("networkidle")
        # In the dark only the contrasts are others. By evaluate: the page's policy would refuse a script's tag.
        page.evaluate(axe.Axe().axe_script)
        rules = {"runOnly": ["color-contrast"]} if shade == "dark" else {}
        found = page.evaluate("(settings) => axe.run(settings)", {**rules, "resultTypes": ["violations"]})
        assert len(found["passes"]) >= (1 if rules else 20)
        serious = [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{view}, {shade}"


def test_it_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    draw(page, 4)
    for view in ("network", "why", "pair", "tour", "training"):
        page.click(f"#tab-{view}")
        page.wait_for_load_state("networkidle")
        wide, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= seen <= 360, view


def test_spanish(page: Page, address: str) -> None:
    page.goto(f"{address}/?lang=es")
    page.wait_for_selector("html[data-ready][lang=es]")
    assert page.inner_text("#tab-draw") == "Dibujar"
    draw(page, 4)
    page.wait_for_selector(".layer")
    assert "parámetros" in page.inner_text(".facts")
    page.select_option("#language", "en")
    page.wait_for_selector("html[lang=en]")
    assert page.inner_text("#tab-draw") == "Draw"
