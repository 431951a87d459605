"""The pictures of the page, for the README and docs/web-page.md:  python docs/pictures/page.py [NAME …].

In Chromium: `page` as `digitlab serve` has it, a 4 drawn with the mouse and how one number of a map came about; the
others (whole, damage, lesson, printed, dark) as `digitlab page` writes it. Some minutes on a busy machine.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from digitlab.jobs import write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
PORT = 8399
STROKES = (((0.38, 0.05), (0.3, 0.3), (0.22, 0.58), (0.5, 0.62), (0.85, 0.62)), ((0.66, 0.1), (0.62, 0.5), (0.6, 0.97)))
MOST = 1280  # pixels of a picture's width
PATIENCE = 400_000  # milliseconds; a build machine has other work


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server."""
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([sys.executable, "-m", "digitlab", "serve", "--port", str(PORT)])
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def draw(page: Any) -> None:
    """A 4 by the mouse."""
    pad = page.locator("#pad").bounding_box()
    size = 0.85 * pad["height"]
    left, top = pad["x"] + (pad["width"] - size) / 2, pad["y"] + (pad["height"] - size) / 2
    for stroke in STROKES:
        places = [(left + size * x, top + size * y) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


def drawn(page: Any) -> None:
    """The README's picture."""
    draw(page)
    page.wait_for_selector(".layer .maps .map >> nth=1")
    page.click(".strip .card.convolution >> nth=0")
    page.hover(".layer .maps .map >> nth=1")
    page.click(".looks .looked:nth-child(3) canvas")
    page.wait_for_selector(".explained .total")
    page.evaluate("window.scrollTo(0, 0)")


def whole(page: Any) -> None:
    """A map that is pointed at, and what it is made from."""
    page.hover("#whole .column >> nth=3 >> .spot >> nth=3")


def damage(page: Any) -> None:
    """Noise on the weights, and both networks asked about out-of-distribution images."""
    amount = page.locator("#damage input[type=range]")
    amount.wait_for()
    amount.evaluate("each => { each.value = 80; each.dispatchEvent(new Event('input', { bubbles: true })) }")
    page.click("#damage button.strong")
    page.wait_for_selector("#damage .doubt >> nth=19")
    page.get_by_text("of 500 test images").wait_for()


def explained(page: Any) -> None:
    """One number of a map, by hand."""
    page.wait_for_selector(".explained .total")


def at_a_glance(page: Any) -> None:
    """All layers."""
    page.wait_for_selector("#whole .column >> nth=6 >> .spot >> nth=3")


PLACES: dict[str, tuple[str, tuple[int, int], Callable[[Any], None]]] = {
    "whole": ("view=whole&digit=mnist-9", (1440, 900), whole),
    "damage": ("view=damage&digit=mnist-9", (1440, 900), damage),
    "lesson": ("lesson=convolution&part=2", (1440, 900), explained),
    "printed": ("view=network&layer=conv-1&map=3&at=10.10&digit=mnist-9", (900, 915), explained),
    "dark": ("model=plain&view=whole&digit=mnist-1&theme=dark&lang=fr", (1440, 900), at_a_glance),
}


def take(browser: Any, address: str, name: str) -> None:
    """One picture of a page, when the answer stands there and nothing moves any more."""
    fragment, (width, height), then = PLACES.get(name, ("", (1280, 1000), drawn))
    page = browser.new_page(viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    page.goto(address + (f"#{fragment}" if fragment else ""))
    page.wait_for_selector("html[data-ready]")
    if fragment:
        page.wait_for_selector("#answer[aria-busy=false]")
        expect(page.locator("#answer-digit")).to_have_text(re.compile("[0-9]"), timeout=PATIENCE)
    if name == "printed":
        page.emulate_media(media="print")
    then(page)
    page.wait_for_timeout(3000)
    page.locator("#answer-time").evaluate(
        "each => { each.style.visibility = 'hidden' }"
    )  # of a machine with other work
    path = HERE / (f"page-{name}.png" if name in PLACES else "page.png")
    page.screenshot(path=str(path), full_page=name == "damage")
    page.close()
    with Image.open(path) as shot:
        small = shot.convert("RGB")
    if small.width > MOST:
        small = small.resize((MOST, round(small.height * MOST / small.width)), Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path}\n")


def main() -> None:
    """Take those that are named, or all."""
    names = sys.argv[1:] or ["page", *PLACES]
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as play,
        contextlib.closing(
            play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        ) as browser,
    ):
        if "page" in names:
            with served() as address:
                take(browser, address, "page")
        if others := [name for name in names if name != "page"]:
            index = (write_page(Path(folder, "page")).folder / "index.html").as_uri()
            for name in others:
                take(browser, index, name)


if __name__ == "__main__":
    main()
