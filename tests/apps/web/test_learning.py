"""Learning in a real browser: a step on a digit and back, a training that stops and goes on, its epochs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.jobs import write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.xdist_group("page")

Page = Any  # playwright.sync_api.Page
WAIT = 120_000  # milliseconds, of a busy machine


@pytest.fixture(scope="module")
def browser(needs_program: Callable[..., str]) -> Iterator[Any]:
    chromium = needs_program("chromium", "chromium-browser")
    with playwright.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page without a server, on the disk."""
    return (write_page(tmp_path_factory.mktemp("static") / "page").folder / "index.html").as_uri()


def opened(browser: Any, address: str, mistakes: list[str]) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en", reduced_motion="reduce")
    context.set_default_timeout(WAIT)
    page = context.new_page()
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda said: mistakes.append(said.text) if said.type == "error" else None)
    page.goto(f"{address}#view=learning&digit=mnist-9&learn=dense~adam~0.003~3~2~4")
    page.wait_for_selector("#learning .learned")
    said(page, "#learning figcaption", "Your digit")
    return page


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    mistakes: list[str] = []
    found = opened(browser, address, mistakes)
    yield found
    found.context.close()
    assert mistakes == []


def said(page: Page, place: str, text: str | re.Pattern[str]) -> None:
    playwright.expect(page.locator(place).first).to_contain_text(text, timeout=WAIT)


def press(page: Page, name: str) -> None:
    page.locator("#learning").get_by_role("button", name=name, exact=True).click()


def loss(page: Page) -> float:
    return float(re.findall(r"= (\d+(?:\.\d+)?)", page.inner_text("#learning .total"))[0])


def test_a_step_lowers_the_loss_and_can_be_undone(page: Page) -> None:
    before, words = loss(page), page.inner_text("#learning .total")
    press(page, "One step")
    said(page, "#learning .total", "Before the step")
    once = loss(page)
    press(page, "Ten steps")
    assert loss(page) < once < before
    press(page, "Undo the step")
    press(page, "Undo the step")
    assert page.inner_text("#learning .total") == words
    assert page.get_by_role("button", name="Undo the step").is_disabled()
    page.locator("#learning select[name=label]").select_option("7")
    said(page, "#learning .total", "Loss for a 7")
    press(page, "Ten steps")
    said(page, "#learning .bars .first b", "7")
    playwright.expect(page).to_have_url(re.compile("learn=dense%7Eadam%7E0.003%7E3%7E2%7E7"), timeout=WAIT)


def test_a_weight_is_explained_where_one_points(page: Page) -> None:
    chain = page.locator("#learning .explained").nth(1)
    playwright.expect(chain).to_contain_text("∂L/∂w = input × δ")
    picture = page.get_by_label("dense-1: gradients")
    picture.focus()
    picture.press("ArrowUp")
    playwright.expect(chain).to_contain_text("The weight from pixel 14, 15")
    picture.press("ArrowRight")
    playwright.expect(chain).to_contain_text("The weight from pixel 14, 16")
    page.get_by_role("button", name="dense-1, unit 3", exact=True).click()
    playwright.expect(chain).to_contain_text("to unit 3")
    page.locator("#learning select[name=network]").select_option("convolution")
    page.get_by_role("button", name="conv-1, unit 2", exact=True).click()
    playwright.expect(chain).to_contain_text(re.compile(r"over the \d+ of 576 places"))


def train(page: Page) -> str:
    """The end of a training, and what it came to, without its speed."""
    press(page, "Start the training")
    said(page, "#learning .run .total", re.compile("(Finished|Stopped)"))
    return re.sub(r", [\d,]+ a second", "", page.locator("#learning .run .total").inner_text())


def test_a_training_comes_to_the_same_again_and_its_epochs_are_kept(page: Page) -> None:
    status = page.locator("#learning .run .total")
    told = train(page)
    assert float(re.findall(r"([\d.]+)%", told)[0]) > 75
    page.fill("#learning input[name=epochs]", "200")  # so many that it is still at it when it is stopped
    press(page, "Start the training")
    playwright.expect(status).to_contain_text("batch", timeout=WAIT)
    press(page, "Stop")
    playwright.expect(status).to_contain_text("Stopped.", timeout=WAIT)
    press(page, "Go on")
    playwright.expect(status).to_contain_text("batch", timeout=WAIT)
    press(page, "Discard it")
    page.fill("#learning input[name=epochs]", "2")
    assert train(page) == told
    page.locator("#learning select[name=start]").select_option("2")
    said(page, "#learning .bars .first b", "4")
    page.click("#tab-damage")
    less = page.locator("#damage section")
    playwright.expect(less).to_contain_text("after epoch 2 of 2", timeout=WAIT)
    after = less.locator(".measured").inner_text()
    assert after.split()[0] in told, "the accuracy is that of the epoch"
    less.locator("input").press("Home")
    playwright.expect(less).to_contain_text("before the first epoch")
    assert float(less.locator(".measured").inner_text().partition("%")[0]) < 30


def test_ones_own_digits_and_those_of_a_class_are_learned_from(page: Page, tmp_path: Path) -> None:
    press(page, "Add my digit, a 4")
    press(page, "Add my digit, a 4")
    page.get_by_role("button", name="your 4: press to leave it out").first.click()
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 40, (30, 28, 28), dtype=np.uint8), np.arange(30, dtype=np.int64) % 10
    np.savez_compressed(tmp_path / "class.npz", images=images, labels=labels, writers=np.zeros(30, np.uint8))
    page.set_input_files("#learning input[type=file]", str(tmp_path / "class.npz"))
    said(page, "#learning", "30 digits from class.npz will also be used")
    press(page, "Start the training")
    said(page, "#learning .run .total", "2,031 images")
    press(page, "Discard it")
    (tmp_path / "bad.npz").write_bytes(b"PK no zip")
    page.set_input_files("#learning input[type=file]", str(tmp_path / "bad.npz"))
    said(page, "#trouble", "bad.npz: This is not a readable npz file.")


def test_axe_finds_nothing_and_it_fits_small_screens(page: Page) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    press(page, "Add my digit, a 4")
    press(page, "One step")
    train(page)
    page.evaluate(axe.Axe().axe_script)
    for theme, network, width in (
        ("light", "dense", 1440),
        ("dark", "convolution", 768),
        ("light", "convolution", 360),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator("#learning select[name=network]").select_option(network)
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        found = page.evaluate("() => axe.run({ resultTypes: ['violations'], preload: false })")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], theme
        wide, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= seen <= width


def test_the_page_of_a_server_learns_too(browser: Any, start_once: Callable[..., Any]) -> None:
    pytest.importorskip("fastapi")
    with start_once() as server:
        mistakes: list[str] = []
        page = opened(browser, server.address, mistakes)
        assert "Finished." in train(page)
        page.context.close()
        assert mistakes == []
