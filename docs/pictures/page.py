"""The picture of the page in the README:  python docs/pictures/page.py.

A 4 drawn with the mouse on the page in Chromium, and how one number of a map of the first convolution came about.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

PORT = 8399
STROKES = (((0.38, 0.05), (0.3, 0.3), (0.22, 0.58), (0.5, 0.62), (0.85, 0.62)), ((0.66, 0.1), (0.62, 0.5), (0.6, 0.97)))


def main() -> None:
    """Start the server, draw, look, take the picture."""
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([sys.executable, "-m", "digitlab", "serve", "--port", str(PORT)])
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="en-GB", reduced_motion="reduce")
            page.goto(address)
            page.wait_for_selector("html[data-ready]")
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
            page.wait_for_selector(".layer .maps .map >> nth=1")
            page.click(".strip .card.convolution >> nth=0")
            page.hover(".layer .maps .map >> nth=1")
            page.click(".looks .looked:nth-child(3) canvas")
            page.wait_for_selector(".explained .total")
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=str(Path(__file__).with_suffix(".png")))
            browser.close()
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
