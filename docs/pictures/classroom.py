"""The pictures of a class in docs/web-page.md:  python docs/pictures/classroom.py [FOLDER].

A server with a class of pupils that are simulated (bench/classroom.py draws for them), and the wall, the projector's
view and a pupil's page in Chromium. With a folder, views of all sizes go there, for looking at.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
from classroom import strokes_of  # noqa: E402 - the bench is no package

PUPILS = (
    "Ana", "Bilal", "Chen", "Dora", "<b>Emil</b>", "Fatou", "Goran", "Hind", "Ines", "João", "Kiran", "Léa", "Mia",
    "Noor", "Otto", "Pilar", "Quin", "Rosa", "Salma", "Timo", "Uma", "Vera", "Wim", "Xenia", "Youssef", "Zoé", "Tiger",
)  # fmt: skip


def main() -> None:
    """Start the server, fill the class, take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as kept:
        command = [
            sys.executable,
            "-m",
            "digitlab",
            "serve",
            "--class",
            "--port",
            "0",
            "--class-data",
            f"{kept}/class.npz",
        ]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            wall = re.findall(r"http\S+", server.stdout.readline())[0]
            code = server.stdout.readline().split()[-1]
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
                taken(browser, wall, code, folder)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)


def taken(browser: Any, wall: str, code: str, folder: Path | None) -> None:
    """Take the pictures."""
    address = wall.partition("/wall")[0]
    teacher = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
    teacher.goto(wall)
    teacher.wait_for_selector("html[data-ready]")
    teacher.wait_for_function("() => document.querySelector('#code').textContent")
    if folder:
        teacher.screenshot(path=folder / "wall-empty-1440.png")
        teacher.goto(f"{address}/wall#projector")
        teacher.set_viewport_size({"width": 1920, "height": 1080})
        teacher.wait_for_function("() => document.querySelector('#code').textContent")
        teacher.screenshot(path=folder / "projector-empty-1920.png")
        teacher.set_viewport_size({"width": 1440, "height": 900})
        teacher.evaluate("location.hash = ''")
    fill(address, code)
    pupil = browser.new_page(viewport={"width": 390, "height": 780}, locale="en-GB", reduced_motion="reduce")
    pupil.goto(f"{address}/class#{code}")
    pupil.fill("#name", "Nils")
    if folder:
        pupil.screenshot(path=folder / "join-390.png")
    teacher.click("#tasks button >> nth=7")
    pupil.click("#join button")
    draw(pupil, [(0.3, 0.15), (0.72, 0.15), (0.6, 0.45), (0.47, 0.85)])
    pupil.wait_for_function("() => document.querySelector('#read').textContent")
    teacher.wait_for_timeout(1500)
    teacher.screenshot(path=(folder or HERE) / ("wall-1440.png" if folder else "class-wall.png"))
    pupil.screenshot(path=(folder or HERE) / ("pupil-390.png" if folder else "class-pupil.png"))
    if folder:
        more(teacher, pupil, folder)


def more(teacher: Any, pupil: Any, folder: Path) -> None:
    """All sizes, dark, another language, the teacher's dialogs."""
    pupil.click("#done")
    pupil.wait_for_selector("#own li")
    for width in (360, 768):
        pupil.set_viewport_size({"width": width, "height": 740})
        pupil.screenshot(path=folder / f"pupil-{width}.png")
    pupil.click("#theme")
    pupil.select_option("#language", "fr")
    pupil.wait_for_timeout(300)
    pupil.screenshot(path=folder / "pupil-768-dark.png")
    teacher.evaluate("location.hash = '#projector'")
    teacher.set_viewport_size({"width": 1920, "height": 1080})
    teacher.wait_for_timeout(500)
    teacher.screenshot(path=folder / "projector-1920.png")
    teacher.evaluate("location.hash = ''")
    for width in (360, 768):
        teacher.set_viewport_size({"width": width, "height": 900})
        teacher.wait_for_timeout(300)
        teacher.screenshot(path=folder / f"wall-{width}.png")
    teacher.set_viewport_size({"width": 1440, "height": 900})
    teacher.click("#keep")
    teacher.wait_for_timeout(500)
    teacher.click("#theme")
    teacher.select_option("#language", "es")
    teacher.wait_for_timeout(500)
    teacher.screenshot(path=folder / "wall-1440-dark.png")
    teacher.click(".tile >> nth=2")
    teacher.wait_for_selector("#pupil[open]")
    teacher.screenshot(path=folder / "wall-pupil.png")


def draw(page: Any, places: list[tuple[float, float]]) -> None:
    """One stroke with the mouse, in shares of the pad."""
    pad = page.locator("#pad").bounding_box()
    at = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def fill(address: str, code: str) -> None:
    """Pupils who have drawn some digits, and draw."""
    with httpx.Client(base_url=address, timeout=60) as client:
        for place, name in enumerate(PUPILS):
            joined = client.post("/v1/pupil", json={"code": code, "name": name}).raise_for_status().json()
            headers, label = {"Authorization": f"Pupil {joined['key']}"}, joined["state"]["label"]
            for drawing in range(1 + place % 4):
                picture = strokes_of(label, seed=100 * place + drawing)[-1]
                path = f"/v1/pupil/drawings?label={label}"
                label = client.post(path, content=picture, headers=headers).raise_for_status().json()["label"]
            if place % 3:
                client.post("/v1/pupil/sketch", content=strokes_of(label, seed=place)[4 + place % 4], headers=headers)
    time.sleep(0.5)


if __name__ == "__main__":
    main()
