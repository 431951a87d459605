"""The page without a mouse: all that can be used is reached by Tab and arrow keys, is seen where it is, and works."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.jobs import write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.xdist_group("page")

Page = Any  # playwright.sync_api.Page
VIEWS = ["whole", "network", "why", "diagnosis", "pair", "damage", "tour", "learning", "training"]
INPUTS = ["draw", "photo", "camera", "gallery"]
MOST_STOPS = 90  # of one walk: more is a trap

# Who listens to the pointer is written down, to be compared with what the keys reach.
LISTEN = """(() => {
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (this instanceof Element) (this.heard ??= new Set()).add(type);
    return add.call(this, type, ...rest);
  };
})();"""

TOOLS = """(() => {
  const label = (each) => each.closest("label.button") ?? each;
  const seen = (each) => {
    const box = label(each).getBoundingClientRect();
    return each.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0 && !each.disabled;
  };
  const ids = (each, name) => (each.getAttribute(name) ?? "").split(" ").map((id) => document.getElementById(id));
  const nameOf = (each) => (
    each.getAttribute("aria-label") ||
    ids(each, "aria-labelledby").map((other) => other?.textContent ?? "").join(" ").trim() ||
    [...(each.labels ?? [])].map((other) => other.textContent).join(" ").trim() ||
    (each.matches("select") ? "" : each.textContent.trim()) ||
    each.title
  ).replace(/\\s+/g, " ");
  const said = (each) =>
    `${each.localName}#${each.id}.${each.getAttribute("class") ?? ""} ${nameOf(each).slice(0, 50)}`;
  const ringed = (each) => [each, label(each)].some((one) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
    const clear = /^rgba.*, 0\\)$|transparent/.test(outlineColor);
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 && !clear;
  });
  const covered = (each) => {
    const { left, right, top, bottom } = label(each).getBoundingClientRect();
    const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2;
    const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    const there = document.elementFromPoint(x, y);
    if (there && (label(each).contains(there) || there.contains(each))) return null;
    return `is at ${Math.round(x)}, ${Math.round(y)}, where ${there ? said(there) : "nothing"} is`;
  };
  let last = null;
  const reached = new Set();
  const group = (each) => each.closest("[role=tablist], .net, .strip, .maps");
  const usable = () => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  window.keys = {
    begin: () => { last = null; reached.clear(); },
    here: async () => {
      const each = document.activeElement;
      if (!each || each === document.body) return null;
      const wrong = [];
      if (!nameOf(each)) wrong.push("has no name");
      if (!ringed(each)) wrong.push("has no ring");
      // The page may still be scrolling to it.
      for (let looks = 0; looks < 20 && covered(each); looks += 1) await new Promise((done) => setTimeout(done, 50));
      if (covered(each)) wrong.push(`is not to be seen: it ${covered(each)}`);
      if (each.tabIndex > 0) wrong.push("jumps the queue");
      if (last?.isConnected && !(last.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING))
        wrong.push(`comes after ${said(last)}`);
      last = each;
      reached.add(each);
      const others = [...(group(each)?.querySelectorAll("[tabindex='-1']") ?? [])].filter(seen);
      return { id: each.id, said: said(each), wrong, roving: others.length && !each.matches("[role=tab]") };
    },
    end: () => { last = null; },
    moved: () => {
      const now = document.activeElement;
      return group(now) && said(now) !== said(last) && ringed(now) ? null : `${said(last)}, to ${said(now)}`;
    },
    missed: () => usable().filter((each) => seen(each) && each.tabIndex >= 0 && !reached.has(each)).map(said),
    // -1 is for what arrow keys reach, and for headings that the focus is put on.
    stray: () => usable().filter((each) => seen(each) && each.tabIndex < 0 && !group(each) && !each.matches("h2, h3"))
      .map(said),
    pointed: () => [...document.querySelectorAll("body *")].filter((each) =>
      seen(each) && (each.onclick || ["click", "pointerdown", "mousedown"].some((type) => each.heard?.has(type))) &&
      !each.matches("button, label, a, input, select") && each.tabIndex < 0 &&
      !each.querySelector("button, a, input, select, [tabindex]")).map(said),
    settled: () => new Promise((done) => {
      let [before, same] = ["", 0];
      const look = () => {
        const now = usable().filter(seen).map(said).join();
        same = now === before && !document.querySelector("#answer[aria-busy=true]") ? same + 1 : 0;
        before = now;
        if (same >= 4) done(null);
        else setTimeout(look, 60);
      };
      look();
    }),
  };
})();"""


@pytest.fixture(scope="module")
def opened(needs_program: Callable[..., str]) -> Iterator[Callable[[str], Page]]:
    """A page at an address, ready; none of its scripts may fail."""
    chromium = needs_program("chromium", "chromium-browser")
    wrong: list[str] = []
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en", reduced_motion="reduce")
        context.set_default_timeout(60_000)
        context.add_init_script(LISTEN + TOOLS)

        def at(address: str) -> Page:
            tab = context.new_page()
            tab.on("pageerror", lambda error: wrong.append(str(error)))
            tab.goto(address)
            tab.wait_for_selector("html[data-ready]")
            return tab

        yield at
        browser.close()
    assert wrong == []


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the page without a server, on the disk."""
    return (write_page(tmp_path_factory.mktemp("keys") / "page").folder / "index.html").as_uri()


@pytest.fixture
def page(opened: Callable[[str], Page], address: str) -> Iterator[Page]:
    """The page as it begins, whatever other tests did with theirs."""
    tab = opened(address)
    yield tab
    tab.close()


def to(page: Page, selector: str) -> None:
    """Tab on until this has the focus."""
    for _ in range(MOST_STOPS):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.id || document.activeElement.localName"))


def answered(page: Page, text: str) -> None:
    playwright.expect(page.locator("#answer-digit")).to_have_text(text, timeout=60_000)


def walk(page: Page) -> list[str]:
    """Once round the page by Tab, from where the focus is; what is wrong with any stop, and what is never reached."""
    page.evaluate("() => keys.settled()")
    page.evaluate("() => keys.begin()")
    first, wrong = None, []
    for _ in range(MOST_STOPS):
        stop = page.evaluate("() => keys.here()")
        if stop is None:  # the end of the page
            page.evaluate("() => keys.end()")
        elif first == stop["said"]:
            break
        else:
            first = first or stop["said"]
            wrong += [f"{stop['said']} {each}" for each in stop["wrong"] if "comes after" not in each or stop["id"]]
            if stop["roving"]:
                press(page, "End")
                wrong += [f"{each}: End leads nowhere" for each in [page.evaluate("() => keys.moved()")] if each]
                press(page, "Home")
                page.evaluate("() => keys.here()")
        press(page, "Tab")
    else:
        wrong.append(f"Tab does not come round to {first}")
    wrong += [f"{each} is not reached" for each in page.evaluate("() => keys.missed()")]
    wrong += [f"{each} is out of the order of Tab" for each in page.evaluate("() => keys.stray()")]
    return wrong + [f"{each} is for pointers alone" for each in page.evaluate("() => keys.pointed()")]


def draw_the_example(page: Page) -> None:
    playwright.expect(page.locator("#example")).to_be_visible(timeout=60_000)  # as soon as the models are there
    to(page, "#example")
    press(page, "Enter")
    answered(page, "4")


def test_a_digit_comes_onto_the_pad_by_keys(page: Page) -> None:
    draw_the_example(page)
    page.wait_for_function("() => document.activeElement.id === 'tab-network'")  # the button has gone
    page.keyboard.press("Shift+Tab")
    to(page, "#pad")
    press(page, "Control+z")
    answered(page, "none")
    press(page, *["ArrowUp"] * 8, *["ArrowLeft"] * 5, "Space", *["ArrowRight"] * 10)
    press(page, *["ArrowDown", "ArrowDown", "ArrowLeft"] * 8, "Space")  # a seven
    answered(page, "7")
    press(page, "Escape", "Tab")
    assert focused(page) == "undo", "the pad lets go of the focus"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "tab-draw"
    press(page, "End", "Tab")
    assert focused(page) == "gallery-set"
    press(page, "Tab", "Enter")
    playwright.expect(page).to_have_url(re.compile("digit=mnist-1&"), timeout=60_000)
    answered(page, "0")  # the gallery begins with two zeros
    assert focused(page) == "tab-draw", "the gallery has gone: the focus is on what has come"


def test_all_of_every_view_is_reached_by_keys(page: Page) -> None:
    draw_the_example(page)
    to(page, "#views [role=tab]")
    press(page, "Home")
    found = {}
    for view in VIEWS:
        assert focused(page) == f"tab-{view}"
        found[view] = walk(page)
        to(page, f"#tab-{view}")
        press(page, "ArrowRight")
    assert {view: wrong for view, wrong in found.items() if wrong} == {}


def test_all_of_every_input_is_reached_by_keys(page: Page) -> None:
    draw_the_example(page)
    to(page, "#views [role=tab]")
    press(page, "End")  # the shortest of the views
    found = {}
    for view in INPUTS:
        to(page, "#inputs [role=tab]")
        press(page, "Home", *["ArrowRight"] * INPUTS.index(view))
        assert focused(page) == f"tab-{view}"
        found[view] = walk(page)
    assert {view: wrong for view, wrong in found.items() if wrong} == {}


def test_what_is_reached_works_by_keys_and_the_focus_is_never_lost(page: Page) -> None:
    draw_the_example(page)
    to(page, "#views [role=tab]")
    press(page, "Home")
    playwright.expect(page.locator("#whole .spot").first).to_be_visible(timeout=60_000)
    to(page, "#whole .spot")
    press(page, "ArrowRight", "Enter")
    playwright.expect(page.locator("#network")).to_be_visible(timeout=60_000)
    assert focused(page) == "tab-network", "what was pressed has gone with its view"
    page.evaluate("() => keys.settled()")
    to(page, "#network .maps button")
    looked = page.locator("#network .looks")
    before = looked.inner_text()
    press(page, "ArrowRight", "Enter")
    playwright.expect(looked).not_to_have_text(before, use_inner_text=True, timeout=60_000)
    to(page, "#tab-network")
    press(page, *["ArrowRight"] * 5)
    assert focused(page) == "tab-tour"
    to(page, "#tour button.strong")
    press(page, "Enter")
    playwright.expect(page.locator("#tour")).to_contain_text("step 2 of", timeout=60_000)
    press(page, "ArrowRight")
    playwright.expect(page.locator("#tour")).to_contain_text("step 3 of", timeout=60_000)
    to(page, "#lesson")
    press(page, "ArrowDown")
    panel = page.locator("#lesson-panel")
    playwright.expect(panel).to_contain_text("part 1 of", timeout=60_000)
    to(page, "#lesson-panel button.strong")
    press(page, "Enter")
    playwright.expect(panel).to_contain_text("part 2 of", timeout=60_000)
    assert page.evaluate("() => document.activeElement.localName") == "h2", "what is to be read next has the focus"
    to(page, "#lesson-panel button:last-child")
    press(page, "Space")
    playwright.expect(panel).to_be_hidden(timeout=60_000)
    assert focused(page) == "lesson"
    to(page, "#theme")
    press(page, "Space")
    playwright.expect(page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    press(page, "Space")


def test_a_server_s_page_has_its_own_parts_in_reach(opened: Callable[[str], Page], start_once: Any) -> None:
    with start_once() as server:
        page = opened(server.address)
        to(page, "#views [role=tab]")
        found = {}
        for key, view in (("End", "training"), ("Home", "whole")):
            press(page, key)
            assert focused(page) == f"tab-{view}"
            found[view] = walk(page)
            to(page, f"#tab-{view}")
        page.close()
    assert {view: wrong for view, wrong in found.items() if wrong} == {}
