"""The pages of a class in a real browser: the teacher's wall, the projector, and pupils' phones."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from classroom import strokes_of

from .strokes import STROKES

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")
pytestmark = pytest.mark.xdist_group("page")

MARKUP = "<img src=x onerror=1>"[:20]
Page = Any  # playwright.sync_api.Page
expect = playwright.expect
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Class:
    """A class as `digitlab serve --class` says it."""

    wall: str
    code: str
    data: Path

    @property
    def address(self) -> str:
        return self.wall.partition("/wall")[0]

    @property
    def teacher(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.wall.partition('token=')[2]}"}


@pytest.fixture(scope="module")
def class_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    """A server of our own, as a teacher starts it."""
    data = tmp_path_factory.mktemp("class") / "class.npz"
    command = [sys.executable, "-m", "digitlab", "serve", "--class", "--port", "0", "--class-data", str(data)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = [server.stdout.readline() for _ in range(2)]
        assert "token=" in lines[0], lines
        yield Class(re.findall(r"http\S+", lines[0])[0], lines[1].split()[-1], data)
    finally:
        server.terminate()
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser(needs_program: Callable[..., str]) -> Iterator[Any]:
    chromium = needs_program("chromium", "chromium-browser")
    with playwright.sync_playwright() as play:
        running = play.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Page]]:
    """A page of a visitor of its own; its scripts may make no mistake."""
    contexts, mistakes = [], []

    def opened(address: str, **more: Any) -> Page:
        settings = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**settings, **more})
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert mistakes == []


@pytest.fixture
def wall(class_: Class, open_page: Callable[..., Page]) -> Page:
    """The wall of a class that nobody is in."""
    httpx.delete(f"{class_.address}/v1/class", headers=class_.teacher, timeout=60)
    httpx.post(f"{class_.address}/v1/class", headers=class_.teacher, json={"task": 7}, timeout=60)
    page = open_page(class_.wall)
    expect(page.locator("#task")).to_have_text("Draw a 7")
    return page


@pytest.fixture
def join(class_: Class, wall: Page, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """A pupil's phone, joined."""

    def joined(name: str, width: int = 360) -> Page:
        code = wall.inner_text("#code")
        page = open_page(f"{class_.address}/class#{code}", viewport={"width": width, "height": 740}, has_touch=True)
        expect(page.locator("#code")).to_have_value(code)
        page.fill("#name", name)
        page.press("#name", "Enter")
        expect(page.locator("#task")).to_have_text("Draw a 7")
        return page

    return joined


def draw(page: Page, digit: int) -> None:
    pad = page.locator("#pad").bounding_box()
    size = 0.8 * pad["height"]
    x0, y0 = pad["x"] + (pad["width"] - size) / 2, pad["y"] + 0.1 * pad["height"]
    for stroke in STROKES[digit]:
        places = [(x0 + size * x, y0 + size * y) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def fits(page: Page) -> bool:
    wide, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return bool(wide <= seen)


def test_a_lesson_from_the_phone_to_the_wall_to_the_file(class_: Class, wall: Page, join: Callable[..., Page]) -> None:
    expect(wall.locator("#nobody")).to_be_visible()
    pupil = join(MARKUP)
    tile = wall.locator(".tile")
    expect(tile.locator("b")).to_have_text(MARKUP)
    assert wall.locator(".tile b img").count() == 0, "markup in a name is a name"
    draw(pupil, 7)
    expect(tile.locator(".answer-read")).to_have_text("7")
    expect(tile).to_have_class(re.compile("live"))
    expect(pupil.locator("#read")).to_have_text("Read as 7")
    pupil.click("#done")
    expect(pupil.locator("#own li")).to_have_count(1)
    expect(tile).not_to_have_class(re.compile("live"))
    assert tile.get_attribute("aria-label") == f"{MARKUP}: handed in 7, read as 7; 1 of 1 drawings read as meant"
    pupil.click("#undo")  # what was handed in does not come back
    expect(pupil.locator("#pad-hint")).to_be_visible()
    assert not class_.data.exists()
    wall.click("#keep")
    expect(wall.locator("#kept")).to_contain_text("1 drawings")
    assert class_.data.exists()
    expect(wall.locator("#keep")).to_be_disabled()
    pupil.reload()  # as phones do
    expect(pupil.locator("#own li")).to_have_count(1)
    expect(pupil.locator("#who")).to_have_text(MARKUP)
    tile.click()
    wall.click("#rename")
    wall.keyboard.press("Escape")
    expect(wall.locator("#kept")).to_contain_text("removed or renamed here: 1. Press “Keep it” again")
    wall.click("#keep")
    expect(wall.locator("#keep")).to_be_disabled()
    expect(wall.locator("#kept")).not_to_contain_text("Still in the file")


def test_a_drawing_is_handed_in_once_however_often_done_is_pressed(wall: Page, join: Callable[..., Page]) -> None:
    pupil = join("Twice")
    draw(pupil, 7)
    pupil.evaluate("() => { const done = document.querySelector('#done'); done.click(); done.click(); }")
    expect(pupil.locator("#own li")).to_have_count(1)
    expect(pupil.locator("#pad-hint")).to_be_visible()
    expect(wall.locator(".tile span").last).to_have_text("1/1")
    draw(pupil, 7)
    pupil.click("#done")  # the next one is handed in as well
    expect(pupil.locator("#own li")).to_have_count(2)


def test_whoever_was_taken_out_joins_again_at_once(class_: Class, wall: Page, join: Callable[..., Page]) -> None:
    pupil = join("Again")
    wall.click(".tile")
    wall.click("#remove")
    expect(pupil.locator("#join")).to_be_visible()
    pupil.press("#name", "Enter")
    expect(pupil.locator("#task")).to_be_visible()
    pupil.wait_for_timeout(2500)  # until the stream of the first key has been tried again
    expect(pupil.locator("#drawing")).to_be_visible()
    pupil.reload()
    expect(pupil.locator("#who")).to_have_text("Again")


def test_the_task_changes_while_somebody_draws(wall: Page, join: Callable[..., Page]) -> None:
    pupil = join("Ana")
    draw(pupil, 7)
    wall.get_by_role("button", name="Draw an 8").click()
    expect(pupil.locator("#task")).to_have_text("Draw an 8")
    expect(pupil.locator("#late")).to_contain_text("counts as 7")
    pupil.click("#done")
    expect(pupil.locator("#own b")).to_have_text("7")
    wall.get_by_role("button", name="Each goes through 0 to 9").click()
    expect(pupil.locator("#task")).to_have_text("Draw a 1")


def test_the_teacher_removes_a_drawing_a_name_and_a_pupil(wall: Page, join: Callable[..., Page]) -> None:
    pupil = join("Rude")
    draw(pupil, 7)
    pupil.click("#done")
    expect(pupil.locator("#own li")).to_have_count(1)
    wall.locator(".tile").focus()
    wall.keyboard.press("Enter")
    expect(wall.locator("#pupil[open] .drawings li")).to_have_count(1)
    wall.click("#pupil .drawings button")
    expect(wall.locator("#pupil-none")).to_be_visible()
    expect(pupil.locator("#own li")).to_have_count(0)
    wall.click("#rename")
    expect(pupil.locator("#who")).to_have_text(re.compile(r"Pupil \d+"))
    wall.keyboard.press("Escape")
    expect(wall.locator(".tile")).to_be_focused()
    wall.click(".tile")
    wall.click("#remove")
    expect(wall.locator(".tile")).to_have_count(0)
    expect(pupil.locator("#join")).to_be_visible()
    expect(pupil.locator("#trouble")).to_contain_text("taken you out")


def test_a_pupil_without_a_mouse(wall: Page, join: Callable[..., Page]) -> None:
    pupil = join("Keys")
    expect(pupil.locator("#task")).to_be_focused()
    pupil.keyboard.press("Tab")
    expect(pupil.locator("#pad")).to_be_focused()
    for key, times in (("ArrowUp", 10), (" ", 1), ("ArrowDown", 20), (" ", 1)):
        for _ in range(times):
            pupil.keyboard.press(key)
    expect(wall.locator(".tile .answer-read")).to_have_text("1")
    pupil.keyboard.press("Enter")
    expect(pupil.locator("#own b")).to_have_text("7")
    expect(pupil.locator("#own span").first).to_have_text("→ 1")
    pupil.locator("#own button").focus()
    pupil.keyboard.press("Enter")
    expect(pupil.locator("#own li")).to_have_count(0)


def test_whoever_has_no_code_or_no_token(class_: Class, open_page: Callable[..., Page], browser: Any) -> None:
    page = open_page(f"{class_.address}/class")
    page.fill("#code", "AAAA-AAAA")
    page.fill("#name", "Eve")
    page.click("#join button")
    expect(page.locator("#trouble")).to_have_text("This is not the class's code; the wall shows it.")
    assert page.context.cookies() == []
    answer = page.goto(f"{class_.address}/wall")
    assert answer.status == 401


@pytest.mark.slow
@pytest.mark.parametrize("shade", ["light", "dark"])
def test_axe_finds_nothing_and_all_fits(class_: Class, wall: Page, join: Callable[..., Page], shade: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for place in range(30):
        _draws(class_, wall.inner_text("#code"), f"Pupil {place}", place)
    pupil = join("Ana")
    draw(pupil, 7)
    pupil.click("#done")
    expect(pupil.locator("#own li")).to_have_count(1)
    expect(wall.locator(".tile")).to_have_count(31)
    for page, sizes in ((pupil, (360, 768)), (wall, (360, 768, 1440, 1920))):
        page.emulate_media(color_scheme=shade)
        for width in sizes:
            page.set_viewport_size({"width": width, "height": {1440: 900, 1920: 1080}.get(width, 740)})
            page.evaluate("(hash) => { location.hash = hash; }", "projector" if width == 1920 else "")
            page.wait_for_timeout(200)
            assert fits(page), width
            if width > 1000:
                bottom = page.evaluate("() => document.querySelector('#tiles').getBoundingClientRect().bottom")
                assert bottom <= (900 if width == 1440 else 1080), "all pupils are seen at once"
        assert _violations(page, axe) == []
    wall.evaluate("() => { location.hash = ''; }")
    wall.click(".tile >> nth=30")
    expect(wall.locator("#pupil[open] .drawings li")).to_have_count(1)
    assert _violations(wall, axe) == []


def _draws(class_: Class, code: str, name: str, seed: int) -> None:
    with httpx.Client(base_url=class_.address, timeout=60) as client:
        key = client.post("/v1/pupil", json={"code": code, "name": name}).raise_for_status().json()["key"]
        client.post("/v1/pupil/sketch", content=strokes_of(7, seed)[-1], headers={"Authorization": f"Pupil {key}"})


def _violations(page: Page, axe: Any) -> list[Any]:
    page.evaluate(axe.Axe().axe_script)
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'], preload: false })")
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]


@pytest.mark.parametrize(("language", "task"), [("es", "Dibuja un 7"), ("fr", "Dessine un 7")])
def test_in_other_languages(wall: Page, join: Callable[..., Page], language: str, task: str) -> None:
    pupil = join("Zoé")
    for page in (wall, pupil):
        page.select_option("#language", language)
        expect(page.locator("#task")).to_have_text(task)
        assert page.get_attribute("html", "lang") == language
        assert page.title().startswith("digitlab: ") == (language == "es")


def test_the_damage_tab_of_a_server_complains_of_nothing(class_: Class, open_page: Callable[..., Page]) -> None:
    page = open_page(class_.wall)
    page.goto(class_.address)
    page.wait_for_selector("html[data-ready]")
    page.click("#example")
    page.click("#tab-damage")
    expect(page.locator("#damage")).to_contain_text("needs the page without a server")
    page.wait_for_timeout(500)
    assert not page.is_visible("#trouble")
