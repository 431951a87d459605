"""The picture of the page's camera, for docs/web-page.md: while somebody draws, and when the camera's answers are old.

    python docs/pictures/page_camera.py

Chromium is given a made film of a hand that draws; `digitlab serve` reads it, and is then held. Some minutes on a busy
machine.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from digitlab.examples.drawn_scenes import times_of_frames
from digitlab.examples.scene_kinds import made_scene

HERE = Path(__file__).parent
PORT = 8398
PATIENCE = 400_000  # milliseconds; a build machine has other work
_SEED, _RATE = 3, 30.0  # of the film, which the browser plays at this rate


def film(path: Path) -> None:
    """Somebody draws a digit, which then stands for a second: Motion JPEG."""
    scene = made_scene("paper", _SEED, size=(640, 480))
    mark = scene.drawn()[0]
    with path.open("wb") as out:
        for at in times_of_frames(mark.end + 1.0, _RATE):
            picture = cv2.cvtColor(scene.image(at), cv2.COLOR_RGB2BGR)
            out.write(cv2.imencode(".jpg", picture)[1].tobytes())


def shot(page: Any) -> Image.Image:
    """The camera and the answer beside it."""
    page.locator("#answer-time").evaluate(
        "each => { each.style.visibility = 'hidden' }"
    )  # of a machine with other work
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return picture.convert("RGB").crop((0, 0, picture.width, 640))


def main() -> None:
    """Take both, one beside the other."""
    address = f"http://127.0.0.1:{PORT}"
    server = subprocess.Popen([sys.executable, "-m", "digitlab", "serve", "--port", str(PORT)])
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
            film(Path(folder, "draws.mjpeg"))
            switches = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
            switches.append(f"--use-file-for-fake-video-capture={folder}/draws.mjpeg")
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium"), args=switches, chromium_sandbox=False
            )
            page = browser.new_page(viewport={"width": 900, "height": 900}, locale="en-GB", reduced_motion="reduce")
            page.set_default_timeout(PATIENCE)
            page.goto(address)
            page.wait_for_selector("html[data-ready]")
            page.click("#tab-camera")
            page.click("#camera-switch")
            page.wait_for_function("() => document.querySelector('#answer-words').textContent.includes('drawing')")
            drawing = shot(page)
            page.wait_for_function("() => /^[0-9]/.test(document.querySelector('#answer-digit').textContent)")
            server.send_signal(signal.SIGSTOP)
            page.wait_for_selector("body.camera-old")
            page.wait_for_timeout(1500)
            old = shot(page)
            server.send_signal(signal.SIGCONT)
            browser.close()
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait(20)
    both = Image.fromarray(np.concatenate([np.asarray(drawing), np.asarray(old)], axis=1))
    small = both.resize((1280, round(both.height * 1280 / both.width)), Image.Resampling.LANCZOS)
    path = HERE / "page-camera.png"
    small.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
