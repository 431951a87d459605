"""The two pages in docs/sheets.md, in Chromium:  python docs/pictures/sheets_pages.py [review] [marking].

`review`: a stack drawn by code, read, and looked over by keys; `marking`: a blank whose boxes were found, and one more
field, drawn by the mouse. Both by the commands that a person types.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import sync_playwright

from digitlab.examples.sheet_stacks import form_page
from digitlab.sheets import lay_out, read_form

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "sheets"
SIZE, WIDE = {"width": 1280, "height": 887}, 1100  # pixels: of the page, and of its picture
SHEETS, SEED = 6, 7


def digitlab(folder: Path, *words: str) -> None:
    """A command of digitlab. Sheets that cannot be read end `sheet read` with 2; the table is there all the same."""
    done = subprocess.run([sys.executable, "-m", "digitlab", "sheet", *words], cwd=folder, check=False)
    if done.returncode not in (0, 2):
        raise SystemExit(done.returncode)


def review(page: Any, folder: Path) -> None:
    """The third field, after two that were confirmed."""
    digitlab(folder, "example", "marks.toml")
    digitlab(folder, "draw", "marks.toml", "--count", str(SHEETS), "--seed", str(SEED), "--out", "stack")
    digitlab(folder, "read", "marks.toml", "stack", "--out", "marks.csv")
    digitlab(folder, "review", "marks.toml", "marks.csv", "--out", "review.html", "--sample", "12")
    page.goto((folder / "review.html").as_uri())
    page.locator(".card input").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)


def marking(page: Any, folder: Path) -> None:
    """A form of ours as if it were somebody else's, and a field that has no boxes there."""
    digitlab(folder, "example", "form.toml")
    Image.fromarray(form_page(lay_out(read_form(folder / "form.toml")))).save(folder / "blank.png")
    command = [
        sys.executable,
        "-m",
        "digitlab",
        "sheet",
        "from",
        "blank.png",
        "--out",
        "lab.toml",
        "--mark",
        "--no-open",
    ]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            page.goto((server.stdout.readline() if server.stdout else "").strip())
            paper = page.locator("#blank").bounding_box()
            x0, y0 = paper["x"] + 0.6 * paper["width"], paper["y"] + 0.6 * paper["height"]
            page.mouse.move(x0, y0)
            page.mouse.down()
            page.mouse.move(x0 + 0.22 * paper["width"], y0 + 0.04 * paper["height"], steps=8)
            page.mouse.up()
            page.fill("#name", "weight")
            page.select_option("#kind", "pattern")
            page.fill("#shape", "###.#")
            page.locator("fieldset input:not([type=checkbox])").last.fill("range:0-200")
            page.click("#save")
            page.locator("#said").filter(has_text="written").wait_for()
            page.evaluate("() => window.scrollTo(0, 0)")
        finally:
            server.terminate()


PAGES: dict[str, Callable[[Any, Path], None]] = {"review": review, "marking": marking}


def main() -> None:
    """Those that are named, or both."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        for name in sys.argv[1:] or PAGES:
            page = browser.new_page(viewport=SIZE, locale="en-GB", color_scheme="light", reduced_motion="reduce")
            page.set_default_timeout(120_000)
            with tempfile.TemporaryDirectory() as folder:
                PAGES[name](page, Path(folder))
                shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            shot = shot.resize((WIDE, round(shot.height * WIDE / shot.width)), Image.Resampling.LANCZOS)
            shot.save(FOLDER / f"{name}.jpg", quality=85, optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
