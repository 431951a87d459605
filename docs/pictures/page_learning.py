"""The picture of learning in docs/web-page.md:  python docs/pictures/page_learning.py.

The page without a server in Chromium: the gradients of a 4 in the convolutional network, after one step.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from digitlab.jobs import write_page

LINK = "view=learning&digit=mnist-9&learn=convolution~sgd~0.03~1~10~4"


def main() -> None:
    """Write the page, open the link, take a step, take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        address = (write_page(Path(folder) / "page").folder / "index.html").as_uri()
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en", reduced_motion="reduce")
        page.goto(f"{address}#{LINK}")
        page.get_by_text("Your digit, as the network takes it.").wait_for(timeout=120_000)
        page.get_by_role("button", name="One step").click()
        page.get_by_role("button", name="conv-1, unit 2", exact=True).click()
        page.locator("#learning > section").screenshot(path=str(Path(__file__).with_name("page-learning.png")))
        browser.close()


if __name__ == "__main__":
    main()
