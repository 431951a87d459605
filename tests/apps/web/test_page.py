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
    for _ in range(1200):  # a busy machine is no fault of the server's
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

    # Digits that the reader is sure of: what is tested is the page.
    return {text: paper_page(digits_of(text, seed=2), seed=3) for text in ("4071", "285")}


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
    # Its scripts end here, while a test's routes still answer: what they ask without them would reach the real server.
    opened.goto("about:blank")
    opened.unroute_all(behavior="ignoreErrors")  # requests may be on their way still
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
    # Crumbs may be left, which are no digit: "?", as everywhere else.
    page.wait_for_function("() => ['none', '?'].includes(document.querySelector('#answer-digit').textContent)")


def test_several_digits_and_the_one_that_is_looked_at(page: Page) -> None:
    for place, digit in enumerate((4, 7, 2)):
        draw(page, digit, left=0.18 + 0.32 * place, high=0.5)
    answers(page, "472")
    assert page.locator("#pad-boxes g").count() == 3
    assert page.inner_text("#answer-bars .whose") == "Probabilities of digit 1 of 3: 4"
    page.click("#found button:nth-child(2)")
    page.wait_for_selector("#answer-bars li:nth-child(8).first")
    assert page.inner_text("#answer-bars .whose") == "Probabilities of digit 2 of 3: 7"
    assert page.locator("#pad-boxes g").nth(1).get_attribute("class") == "read chosen"


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
    page.wait_for_selector("#found button:nth-child(4)")
    page.route("**/v1/read*", lambda route: route.fulfill(body="cut off"))  # the next photo cannot be read
    page.set_input_files("#photo-file", tmp_path / "sheet.png")
    page.wait_for_selector("#trouble:not([hidden])")
    answers(page, "none")
    assert page.is_hidden("#found"), "the digits of the photo before are not those of this one"


@pytest.fixture(scope="module")
def papers(numbers: Any) -> dict[str, tuple[bytes, str]]:
    """Files of two sheets, 4071 and 285 → content and type as an operating system tells it."""
    import io

    from PIL import Image

    made = {}
    for name, kind in (("scan.pdf", "application/pdf"), ("scan.tif", "image/tiff"), ("film.gif", "image/gif")):
        sheets, stream = [Image.fromarray(numbers[text].image) for text in ("4071", "285")], io.BytesIO()
        sheets[0].save(stream, name.rpartition(".")[2].replace("tif", "tiff"), save_all=True, append_images=sheets[1:])
        made[name] = (stream.getvalue(), kind)
    stream = io.BytesIO()
    Image.fromarray(numbers["285"].image).save(stream, "JPEG2000")
    made["photo.jp2"] = (stream.getvalue(), "")
    return made


GIVEN = """([name, kind, base64, event]) => {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: kind }));
  const told = event === "drop"
    ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
  document.dispatchEvent(told);
}"""


def give(page: Page, papers: dict[str, tuple[bytes, str]], name: str, event: str) -> None:
    """Drop or paste a file."""
    from base64 import b64encode

    content, kind = papers[name]
    page.evaluate(GIVEN, [name, kind, b64encode(content).decode(), event])


def reads(page: Page, text: str) -> None:
    page.wait_for_function("(text) => document.querySelector('#photo-text').textContent.startsWith(text)", arg=text)


def test_a_page_of_a_pdf_is_chosen(page: Page, papers: dict[str, tuple[bytes, str]], tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(papers["scan.pdf"][0])
    page.click("#tab-photo")
    page.set_input_files("#photo-file", tmp_path / "scan.pdf")
    reads(page, "4071")
    assert page.inner_text("#page-count") == "of 2"
    assert page.input_value("#page-number") == "1"
    assert page.is_disabled("#page-before")
    page.click("#page-next")
    reads(page, "285")
    assert page.locator("#photo-boxes g").count() == 3
    assert page.is_disabled("#page-next")
    page.fill("#page-number", "1")
    page.press("#page-number", "Enter")
    reads(page, "4071")
    page.fill("#page-number", "77")  # the last there is
    page.press("#page-number", "Enter")
    reads(page, "285")
    assert page.input_value("#page-number") == "2"


@pytest.mark.parametrize(
    ("name", "event", "text", "pages"),
    [
        ("scan.tif", "drop", "4071", True),
        ("scan.pdf", "paste", "4071", True),
        ("film.gif", "paste", "4071", False),
        ("photo.jp2", "drop", "285", False),
    ],
)
def test_files_are_dropped_and_pasted(
    page: Page, papers: dict[str, tuple[bytes, str]], name: str, event: str, text: str, pages: bool
) -> None:
    give(page, papers, name, event)
    reads(page, text)
    assert page.get_attribute("#tab-photo", "aria-selected") == "true"
    assert page.is_visible("#photo-pages") == pages


def test_a_file_that_is_no_picture_is_refused_and_the_last_one_stays(
    page: Page, papers: dict[str, tuple[bytes, str]]
) -> None:
    give(page, papers, "scan.tif", "drop")
    reads(page, "4071")
    page.evaluate("() => { window.real = window.fetch; }")
    _refuses(page, {"type": "urn:digitlab:problem:image", "title": "", "status": 422, "detail": "is no picture"})
    give(page, {"notes.txt": (b"seven", "text/plain")}, "notes.txt", "drop")
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.inner_text("#trouble") == "is no picture"
    assert page.inner_text("#photo-text").startswith("4071")
    page.evaluate("() => { window.fetch = window.real; }")
    page.click("#page-next")
    reads(page, "285")


def test_the_camera_is_read_live(page: Page) -> None:
    page.click("#tab-camera")
    page.click("#camera-switch")
    answers(page, "285")
    page.wait_for_function("() => Number(document.querySelector('#video').dataset.frames) >= 8")
    assert page.locator("#video-boxes .read").count() == 3
    page.wait_for_function("() => /^Probabilities of the most certain digit: [285]$/.test("
        "document.querySelector('#answer-bars .whose').textContent)")  # fmt: skip
    assert page.locator("#video-boxes .chosen").count() == 1
    page.click("#camera-keep")
    page.wait_for_selector("#photo-boxes g")
    assert page.get_attribute("#tab-photo", "aria-selected") == "true"


def test_an_answer_that_no_other_follows_is_said_to_be_old(page: Page) -> None:
    page.click("#tab-camera")
    page.click("#camera-switch")
    answers(page, "285")
    page.evaluate("() => { WebSocket.prototype.send = () => undefined; }")  # as a server that hangs
    page.wait_for_selector("body.camera-old")
    playwright.expect(page.locator("#answer-words")).to_have_text(re.compile(r"^old: this was \d+ seconds ago$"))
    playwright.expect(page.locator("#answer-time")).to_have_text("")
    playwright.expect(page.locator("#answer-digit")).to_have_text("285")
    page.click("#camera-switch")
    playwright.expect(page.locator("body.camera-old")).to_have_count(0)
    playwright.expect(page.locator("#answer-words")).to_have_text("")


def test_a_dead_line_of_the_camera_is_said_and_opened_anew(page: Page) -> None:
    page.evaluate("""() => {
        const Real = window.WebSocket;
        window.lines = 0;
        window.WebSocket = class extends Real {
            constructor(address) {
                super(address);
                window.lines += 1;
                this.addEventListener("message", (event) => window.dead && event.stopImmediatePropagation());
            }
        };
    }""")
    page.click("#tab-camera")
    page.click("#camera-switch")
    answers(page, "285")
    page.evaluate("() => { window.dead = true; }")
    page.wait_for_selector("body.camera-old")
    assert page.locator("#video-boxes *").count() == 0, "what was read does not lie over what the camera shows now"
    assert page.inner_text("#answer-words").startswith("old: this was ")
    page.wait_for_function("() => window.lines >= 2")
    page.evaluate("() => { window.dead = false; }")
    page.wait_for_selector("body:not(.camera-old) #video-boxes .read")
    page.click("#camera-switch")


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


def test_why_a_drawing_is_answered_so(page: Page) -> None:
    """A drawing is dark on light: the network is asked about it as a beginner gives it, and with that corrected."""
    assert not page.is_visible("#why-answer")
    draw(page, 5, high=0.5)
    answers(page, "5")
    page.click("#why-answer")
    page.wait_for_selector("#diagnosis .outcome")
    assert page.get_attribute("#tab-diagnosis", "aria-selected") == "true"
    assert "dark on light" in page.inner_text("#diagnosis .outcome")
    assert page.locator("#diagnosis .differences tbody tr").count() == 10
    assert page.locator("#diagnosis .differences tr.cause").count() >= 1
    page.click("#diagnosis summary")
    page.wait_for_selector("#diagnosis .costs meter >> nth=12")
    page.select_option("#diagnosis-label", "3")
    page.wait_for_function("() => document.querySelector('#diagnosis .outcome')?.textContent.includes('not 3')")


def test_why_a_photo_is_answered_so(page: Page, tmp_path: Path) -> None:
    from digitlab.examples.paper_video import Layout, digits_of, paper_page

    sheet = paper_page(digits_of("5", seed=3), Layout((640, 480), digit_height=150, pen="blue"), seed=3).image
    cv2.imwrite(str(tmp_path / "five.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    page.click("#tab-photo")
    page.set_input_files("#photo-file", tmp_path / "five.png")
    answers(page, "5")
    page.click("#why-answer")
    page.wait_for_selector("#diagnosis .outcome")
    assert "the digit is small in it" in page.inner_text("#diagnosis .outcome"), "the whole photo, not the digit alone"
    page.click("#tab-draw")
    page.wait_for_selector("#start:not([hidden])")
    assert not page.is_visible("#why-answer")


def test_the_tour_is_walked_through_with_the_keys(page: Page) -> None:
    page.click("#tab-tour")
    page.click("#example")
    page.wait_for_selector("#tour .figure > *")
    steps = page.locator("#tour .dots button").count()
    titles = [page.inner_text("#tour h2")]
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
    page.wait_for_function("() => document.querySelector('#training .total').textContent.startsWith('Finished.')")
    assert "87.5" in page.inner_text("#training .total")
    assert page.locator("#training circle.tested").count() == 4
    curves = page.eval_on_selector_all(
        "#training polyline.training", "all => all.map(each => each.getAttribute('points').split(' ').length)"
    )
    assert curves == [12, 12], "one curve over all epochs, with each batch of each event"
    assert page.locator("#training .slices canvas").count() == 6
    assert page.inner_text("#training .mistakes figcaption").startswith("true 4, predicted 9")
    page.get_by_role("button", name="Use it on the pad").click()
    page.wait_for_selector("#pad:focus")
    assert page.input_value("#model") == "reader"


def _told_training() -> dict[str, Any]:
    from base64 import b64encode

    from digitlab.apps.web import network_schemas

    kernels = network_schemas.Kernels(
        shape=[6, 1, 3, 3], scale=0.5, data=b64encode(bytes(range(54))).decode(), bias=None
    )
    mistake = network_schemas.Mistake(glyph=b64encode(bytes(784)).decode(), label=4, answer=9, confidence=0.8)
    epochs = [
        network_schemas.TrainingEpoch(
            epoch=epoch, loss=1 / epoch, accuracy=0.5, validation_loss=0.9 / epoch, validation_accuracy=accuracy,
            seconds=1.0, filters=kernels, mistakes=[mistake],
        )
        for epoch, accuracy in ((1, 0.75), (2, 0.875))
    ]  # fmt: skip
    question = network_schemas.TrainingQuestion(epochs=2)  # type: ignore[call-arg]
    state: dict[str, Any] = {"id": "t1", "question": question, "error": None}
    begun = network_schemas.TrainingState(**state, state="starting", epochs=[], model=None)
    done = network_schemas.TrainingState(**state, state="done", epochs=epochs, model="reader")
    progress = [
        network_schemas.TrainingProgress(
            epoch=epoch, batch=batch, batches=6, losses=[2.0 / epoch] * new, accuracies=[0.3 * epoch] * new
        )
        for epoch in (1, 2)
        for batch, new in ((1, 1), (3, 2), (5, 2), (6, 1))
    ]
    told: list[tuple[str, Any]] = (
        [("progress", each) for each in progress[:4]]
        + [("epoch", epochs[0])]
        + [("progress", each) for each in progress[4:]]
    )
    told += [("epoch", epochs[1]), ("state", done)]
    return {
        "begun": begun.model_dump(mode="json"),
        "none": network_schemas.Trainings(allowed=True, reason=None, refused=None, trainings=[]).model_dump(
            mode="json"
        ),
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


@pytest.mark.parametrize("language", ["en", "es"])
def test_it_fits_a_phone(page: Page, address: str, language: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{address}/?lang={language}")
    page.wait_for_selector(f"html[data-ready][lang={language}]")
    draw(page, 4)
    for view in ("network", "why", "pair", "tour", "training"):
        page.click(f"#tab-{view}")
        page.wait_for_load_state("networkidle")
        wide, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= seen <= 360, view
        cut = page.evaluate("""() => [...document.querySelectorAll("button")].filter(each => each.checkVisibility()
            && each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)""")
        assert cut == [], view


def test_the_strip_of_layers_is_seen_whole(page: Page) -> None:
    draw(page, 4)
    page.wait_for_selector(".strip .card >> nth=15")
    for width in (1440, 1024, 360):
        page.set_viewport_size({"width": width, "height": 900})
        outside = page.evaluate("""() => [...document.querySelectorAll(".strip .card")].filter(card => {
            const [own, strip] = [card, card.closest(".strip")].map(each => each.getBoundingClientRect());
            return own.left < strip.left - 1 || own.right > Math.min(strip.right, innerWidth) + 1;
        }).length""")
        assert outside == 0, width


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_every_view_can_be_seen_to_be_there(page: Page, address: str, language: str) -> None:
    page.goto(f"{address}/?lang={language}")
    page.wait_for_selector(f"html[data-ready][lang={language}]")
    for width in (1440, 1280, 1024, 700):
        page.set_viewport_size({"width": width, "height": 900})
        outside = page.evaluate("""() => [...document.querySelectorAll("[role=tab]")].filter(tab => {
            const [own, row] = [tab, tab.parentElement].map(each => each.getBoundingClientRect());
            return tab.checkVisibility() && (own.left < row.left - 1 || own.right > row.right + 1);
        }).map(tab => tab.textContent)""")
        assert outside == [], width


def test_logits_go_from_a_line_at_zero_and_nothing_lies_on_them(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    draw(page, 4)
    answers(page, "4")
    page.click("#tab-tour")
    page.wait_for_selector("#tour .figure > *")
    for step in range(1, 7):
        page.keyboard.press("ArrowRight")  # nothing but the tab was clicked
        page.wait_for_selector(f"#tour .dots li:nth-child({step + 1}) [aria-current=step]")
    page.wait_for_selector("#tour table.signed")
    rows = page.evaluate("""() => [...document.querySelectorAll("#tour .signed tbody tr")].map(row => {
        const [bar, zero] = [...row.querySelectorAll(".track i")].map(each => each.getBoundingClientRect());
        const text = row.querySelector("td").getBoundingClientRect();
        const there = document.elementFromPoint(text.left + text.width / 2, text.top + text.height / 2);
        return [row.querySelector("td").textContent, bar.left, bar.right, zero.left + 1, row.contains(there)];
    })""")
    assert [text[0] for text, *_ in rows].count("+") >= 1
    for text, left, right, zero, seen in rows:
        assert text[0] in "+−"
        assert (left if text[0] == "+" else right) == pytest.approx(zero, abs=1.5)
        assert seen, "at 1440×900 the whole table is to be seen, and no button lies on it"


def as_product(page: Page, digit: int, said: dict[str, Any]) -> str:
    """The line below the answer: why the confidence is not the digit's own bar."""
    which = said["probabilities"][digit]
    share, there, bar = (written(page, each) for each in (said["confidence"], said["confidence"] / which, which))
    return f"confidence {share}" if share == bar else f"confidence {share} = (a digit: {there}) × (a {digit}: {bar})"


def test_the_softmax_is_the_networks_and_the_answer_the_readers(page: Page) -> None:
    """Two quantities, each under its own title: every place that shows the same one writes it alike."""
    responses: list[Any] = []
    page.on("response", lambda each: responses.append(each))  # noqa: PLW0108 - playwright takes no built-in
    draw(page, 7)
    answers(page, "7")
    assert page.inner_text("#answer-bars .whose") == "The reader's answer: probability of each digit"
    page.wait_for_selector(".strip .card.softmax")
    page.wait_for_selector("#answer[aria-busy=false]")
    shown = page.locator("#answer-bars .share").all_inner_texts(), page.inner_text("#answer-words")
    asked = [each.json() for each in responses if "/v1/classify" in each.url]  # while it was drawn, too
    assert shown in [
        ([written(page, share) for share in each["probabilities"]], as_product(page, each["digit"], each))
        for each in asked
        if each["digit"] is not None
    ]
    seen = next(each.json() for each in reversed(responses) if "/v1/inspect" in each.url)
    told = [written(page, share) for share in seen["probabilities"]]
    page.click("#tab-tour")
    page.wait_for_selector("#tour .figure > *")
    page.click("#tour .dots li:nth-child(8) button")
    page.wait_for_selector("#tour input[type=range]")
    assert page.locator("#tour table tr td:nth-child(3)").all_inner_texts() == told
    page.click("#tab-network")
    page.click(".strip .card.softmax")
    assert page.locator(".layer .maps .map span").all_inner_texts() == told
    assert page.inner_text(".layer h3") == "This network's softmax for the prepared 28×28 image"


def written(page: Page, share: float) -> str:
    """A probability as the page writes it."""
    return page.evaluate("(share) => import('./static/words.js').then((words) => words.probability(share))", share)


def test_two_models_start_with_two_different_ones(page: Page) -> None:
    """The second one is the first under another name: what counts here is which are asked."""

    def renamed(route: Any) -> None:
        answer = route.fetch(url=route.request.url.replace("second", "reader"))
        route.fulfill(json={**answer.json(), route_name(route): "second"})

    def route_name(route: Any) -> str:
        return "model" if "inspect" in route.request.url else "name"

    def listed(route: Any) -> None:
        told = route.fetch().json()
        route.fulfill(json={**told, "models": [*told["models"], {**told["models"][0], "name": "second"}]})

    draw(page, 4)
    page.click("#tab-pair")
    page.wait_for_selector("#pair .side .maps canvas")
    assert page.locator("#pair .side").count() == 1, "one model is not shown beside itself"
    page.get_by_role("button", name="Train a second model").click()
    page.wait_for_selector("#training form")
    for address, answer in (("**/v1/models", listed), ("**/v1/models/second", renamed), ("**/*model=second", renamed)):
        page.route(address, answer)
    page.evaluate("() => import('./static/state.js').then(state => state.refreshModels())")
    page.wait_for_function("() => document.querySelectorAll('#model option').length === 2")
    page.click("#tab-pair")
    page.wait_for_selector("#pair .side:nth-child(2) .maps canvas")
    assert [each.input_value() for each in page.locator("#pair select").all()] == ["reader", "second"]
    page.select_option("#model", "second")
    page.wait_for_function("() => document.querySelector('#pair select').value === 'second'")
    assert [each.input_value() for each in page.locator("#pair select").all()] == ["second", "reader"]


def _refuses(page: Page, problem: dict[str, Any]) -> None:
    """From now on every request is refused; in the page itself, because the browser writes refusals to its console."""
    page.evaluate(
        """(problem) => { window.fetch = async () => new Response(JSON.stringify(problem),
            { status: problem.status, headers: { "Content-Type": "application/problem+json" } }); }""",
        problem,
    )


def test_what_is_not_installed_is_said_and_not_called_busy(page: Page) -> None:
    problem = {"type": "urn:digitlab:problem:missing-part", "title": "", "status": 503, "detail": "keras is missing"}
    page.click("#tab-training")
    page.wait_for_selector("#training form")
    _refuses(page, problem)
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.inner_text("#trouble") == "keras is missing"


# Text, and what stands in attributes, that is to be seen or heard and did not go through the dictionary. Names of
# models, layers and operators are marked with translate="no", or have a hyphen: conv-1. A lesson's own words say their
# language.
_UNTRANSLATED = """() => {
    const seen = [document.title];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        const hidden = !element.checkVisibility() && !(element.closest("select")?.checkVisibility());
        if (hidden || element.closest("script, style, noscript, [translate=no], [lang]:not(html)")) continue;
        if (node.nodeType === Node.TEXT_NODE) seen.push(node.textContent);
        else for (const name of ["aria-label", "title", "placeholder", "alt", "aria-valuetext", "aria-description"])
            if (element.hasAttribute(name)) seen.push(element.getAttribute(name));
    }
    const bare = (text) => {
        const less = text.replace(/⟦[^⟦⟧]*⟧/g, "");
        return less === text ? text : bare(less);
    };
    return seen.filter(text => /\\p{L}/u.test(bare(text).replace(/[a-z0-9]+-[a-z0-9]+/g, "")));
}"""


@pytest.fixture
def marked(page: Page, address: str) -> Page:
    """The page in a language in which all that comes out of the dictionary stands in ⟦brackets⟧."""

    def bracketed(route: Any) -> None:
        text = route.fetch().text()
        words = re.sub(r'("(?:[^"\\\\]|\\\\.)*"),\n', lambda found: f'"⟦{found[1][1:-1]}⟧",\n', text)
        route.fulfill(body=words, content_type="text/javascript")

    page.route("**/static/spanish.js", bracketed)
    page.goto(f"{address}/?lang=es")
    page.wait_for_selector("html[data-ready][lang=es]")
    return page


def untranslated(page: Page) -> list[str]:
    return page.evaluate(_UNTRANSLATED)


def test_all_that_is_seen_while_one_draws_is_translated(marked: Page, numbers: Any, tmp_path: Path) -> None:
    page = marked
    assert "⟦" in page.inner_text("#answer-digit")
    assert untranslated(page) == [], "before anything is drawn"
    draw(page, 4)
    page.wait_for_selector(".strip .card >> nth=15")
    for card in range(16):
        page.click(f".strip li:nth-child({card + 1}) .card")
        large = page.locator(".layer .looked:last-child canvas[role=application]")
        if large.count():
            large.click()
        else:
            page.click(".layer .maps .map >> nth=0")
        page.wait_for_load_state("networkidle")
        assert untranslated(page) == [], f"layer {card + 1}"
    page.click("#clear")
    for place, digit in enumerate((4, 7, 2)):
        draw(page, digit, left=0.18 + 0.32 * place, high=0.5)
    answers(page, "472")
    page.click("#tab-gallery")
    page.wait_for_selector("#gallery-digits button")
    assert untranslated(page) == [], "several digits, gallery"
    sheet = numbers["4071"]
    cv2.imwrite(str(tmp_path / "sheet.png"), cv2.cvtColor(sheet.image, cv2.COLOR_RGB2BGR))
    page.click("#tab-photo")
    page.set_input_files("#photo-file", tmp_path / "sheet.png")
    page.wait_for_selector("#photo-boxes g")
    assert untranslated(page) == [], "photo"
    page.click("#tab-camera")
    assert untranslated(page) == [], "camera"
    page.click("#camera-switch")
    answers(page, "285")
    assert untranslated(page) == [], "live"


def test_all_that_is_seen_of_the_other_views_is_translated(marked: Page) -> None:
    page = marked
    draw(page, 4)
    answers(page, "4")
    page.click("#tab-why")
    page.wait_for_function("() => document.querySelector('#why figcaption')?.textContent.includes('4')")
    page.locator("#why canvas").first.hover()
    page.select_option("#why label:last-child select", "fall")
    page.locator("#why canvas").first.hover(position={"x": 90, "y": 90})
    assert untranslated(page) == [], "why"
    page.click("#tab-diagnosis")
    page.wait_for_selector("#diagnosis .outcome")
    page.evaluate("() => document.querySelectorAll('#diagnosis [lang=en]').forEach((each) => each.remove())")
    assert untranslated(page) == [], "diagnosis, but for the server's own words"
    page.click("#tab-pair")
    page.wait_for_selector("#pair .side .maps canvas")
    assert untranslated(page) == [], "pair"
    page.click("#tab-tour")
    for step in range(10):
        page.click(f"#tour .dots li:nth-child({step + 1}) button")
        page.wait_for_load_state("networkidle")
        assert untranslated(page) == [], f"tour, step {step + 1}"


def test_all_that_is_seen_of_a_training_and_its_troubles_is_translated(marked: Page) -> None:
    page, events = marked, _told_training()
    page.route(
        "**/v1/trainings",
        lambda route: route.fulfill(json=events["begun"] if route.request.method == "POST" else events["none"]),
    )
    page.route(
        "**/v1/trainings/t1/events",
        lambda route: route.fulfill(body=events["stream"], content_type="text/event-stream"),
    )
    page.click("#tab-training")
    page.wait_for_selector("#training form")
    assert untranslated(page) == [], "before a training"
    page.click("#training button[type=submit]")
    page.wait_for_selector("#training .mistakes figcaption")
    assert untranslated(page) == [], "after a training"
    for word, status in (("image", 422), ("model", 404), ("missing-part", 503), ("training", 409), ("overloaded", 503),
                         ("token", 401), ("mistake", 500), ("whatever-comes-next", 418)):  # fmt: skip
        _refuses(page, {"type": f"urn:digitlab:problem:{word}", "status": status, "detail": "4711"})
        page.evaluate("() => { document.querySelector('#trouble').hidden = true; }")
        page.click("#training button[type=submit]")
        page.wait_for_selector("#trouble:not([hidden])")
        assert page.inner_text("#trouble").startswith("⟦"), word
        assert ("4711" in page.inner_text("#trouble")) == (word != "overloaded")
        assert untranslated(page) == [], word


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
