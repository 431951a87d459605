"""The pictures of the window in `docs/desktop.md` and the README: screenshots in every state, of pages made by code.

    xvfb-run -s "-screen 0 1280x860x24" python docs/pictures/window.py docs/pictures

Each is what the screen shows, of a window with a real engine behind it. Written are `window.png` and, of all states,
`window-states.png`; `--only NAME …` writes some of them as they are.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from digitlab.camera import Recorded
from digitlab.camera.source import Source
from digitlab.errors import SourceError
from digitlab.examples.paper_video import Layout, digits_of, paper_page
from digitlab.examples.scene_kinds import made_scene
from digitlab.live.engine import LiveEngine
from digitlab.values import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.live.frame_reading import Mode
    from digitlab.values import Box

MODES: dict[str, Mode] = {"many": "page", "drawing": "page"}
SHEET = ("many", "maps", "none", "drawing", "stalled", "reconnecting", "missing", "ended")


class Camera(Source):
    """Shows a page with a camera's grain, 30 times a second; from a frame on it is silent, or gone."""

    rate = 30.0
    realtime = True

    def __init__(
        self, page: NDArray[np.uint8], *, silent_from: int | None = None, gone_from: int | None = None
    ) -> None:
        rng = np.random.default_rng(0)
        self._frames = [np.clip(page + rng.normal(0.0, 3.0, page.shape), 0, 255).astype(np.uint8) for _ in range(6)]
        self._silent_from, self._gone_from = silent_from, gone_from
        self._live = silent_from is None  # a camera that is silent is asked again half a second after we say so
        self._given = 0
        self._open = False

    @property
    def live(self) -> bool:
        """Whether it is asked for again when it is lost."""
        return self._live

    def open(self) -> None:
        """Begin, unless it is gone."""
        if self._gone_from is not None and self._given >= self._gone_from:
            raise SourceError("camera 0 was unplugged")
        self._open = True

    def read(self) -> Frame | None:
        """The next frame."""
        if self._gone_from is not None and self._given >= self._gone_from:
            raise SourceError("camera 0 was unplugged")
        while self._open and self._silent_from is not None and self._given >= self._silent_from:
            time.sleep(0.02)
        time.sleep(1.0 / self.rate)
        if not self._open:
            return None
        self._given += 1
        return Frame(self._frames[self._given % len(self._frames)].copy(), time.monotonic(), self._given - 1)

    def close(self) -> None:
        """End."""
        self._open = False


class Drawn(Camera):
    """Somebody draws a digit, and is then kept in the middle of it, with the hand in the picture."""

    def __init__(self) -> None:
        scene = made_scene("paper", 3, size=(640, 480))
        mark = scene.drawn()[0]
        self._images = [scene.image(at) for at in np.arange(0.0, mark.start + 0.96 * mark.drawn.seconds, 1 / 15)]
        super().__init__(self._images[0])

    def read(self) -> Frame | None:
        """The next frame; the last strokes again and again."""
        time.sleep(1.0 / 15)
        if not self._open:
            return None
        self._given += 1
        last = len(self._images) - 4
        number = self._given if self._given < last else last + self._given % 4
        return Frame(self._images[min(number, len(self._images) - 1)].copy(), time.monotonic(), self._given - 1)


class Missing(Source):
    """A camera that is not there."""

    rate = None
    realtime = True
    live = True

    def open(self) -> None:
        """Say that there is none."""
        raise SourceError("there is no camera 0; `digitlab live --list` names those that are there")

    def read(self) -> Frame | None:
        """Nothing."""
        return None

    def close(self) -> None:
        """Nothing is held."""


# An engine calls a source by its class where it has no other name; a camera is called by its number.
Camera.__name__ = Drawn.__name__ = Missing.__name__ = "0"


def one_digit(text: str, seed: int) -> tuple[NDArray[np.uint8], Box]:
    """A page with a digit, and a square region about it."""
    page = paper_page(digits_of(text, seed=seed), Layout((640, 480), digit_height=120, pen="blue"), seed=seed)
    x0, y0, x1, y1 = page.boxes[0]
    half = round(0.85 * max(x1 - x0, y1 - y0))
    x, y = (x0 + x1) // 2, (y0 + y1) // 2
    return page.image, (max(0, x - half), max(0, y - half), min(640, x + half), min(480, y + half))


def scenes() -> dict[str, Callable[[], tuple[Source, Box | None]]]:
    """What each picture shows."""
    digit, region = one_digit("7", 4)
    empty = paper_page([], Layout((640, 480)), seed=2).image
    many = paper_page(digits_of("20171\n31415\n96085", seed=8), Layout((1280, 720), digit_height=120), seed=8).image
    return {
        "running": lambda: (Camera(digit), region),
        "dark": lambda: (Camera(digit), region),
        "none": lambda: (Camera(empty), None),
        "stalled": lambda: (Camera(digit, silent_from=45), region),
        "reconnecting": lambda: (Camera(digit, gone_from=45), region),
        "many": lambda: (Camera(many), None),
        "maps": lambda: (Camera(digit), region),
        "paused": lambda: (Camera(digit), region),
        "missing": lambda: (Missing(), None),
        "drawing": lambda: (Drawn(), None),
        "ended": lambda: (Recorded(list(itertools.repeat(digit, 20))), region),
    }


READY: dict[str, Callable[[LiveEngine], bool]] = {
    "none": lambda engine: engine.snapshot().steady == "",
    "stalled": lambda engine: engine.snapshot().state == "stalled",
    "reconnecting": lambda engine: engine.snapshot().state == "reconnecting",
    "drawing": lambda engine: engine.snapshot().drawing and engine.snapshot().read > 14,
    "missing": lambda engine: bool(engine.snapshot().problem),
    "ended": lambda engine: engine.snapshot().state == "ended",
    "many": lambda engine: len(engine.snapshot().steady or "") > 5,
}


def take(name: str, scene: Callable[[], tuple[Source, Box | None]], target: Path, size: tuple[int, int]) -> None:
    """Open the window on a scene, wait for its state, and keep what the screen shows."""
    from PySide6.QtCore import QEventLoop, QTimer

    from digitlab.apps.desktop.running import application
    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.window import LiveWindow

    app = application()

    def run(seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    source, region = scene()
    settings = WindowSettings()
    settings.theme = "dark" if name in ("dark", "maps") else "light"
    settings.maps = name == "maps"
    with LiveEngine(source, region=region, mode=MODES.get(name, "region"), insist=name != "missing") as engine:
        window = LiveWindow(engine, settings, source="0")
        window.resize(*size)
        window.move(0, 0)
        window.show()
        ready = READY.get(name, lambda engine: bool(engine.snapshot().steady))
        deadline = time.monotonic() + 120.0  # a busy machine
        while not ready(engine):
            if time.monotonic() > deadline:
                raise SystemExit(f"{name}: never came; {engine.snapshot().state}, {engine.snapshot().problem}")
            run(0.05)
        if name == "paused":
            window.actions_.pause.trigger()
        run(1.2 if name in ("running", "dark", "many", "maps") else 0.4)  # bars come to rest, maps are computed
        shot = window.screen().grabWindow(window.winId())
        if not shot.save(str(target)):
            raise SystemExit(f"cannot write {target}")
        window.close()
        app.processEvents()


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--size", type=int, nargs=2, default=(1120, 700))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DIGITLAB_CONFIG"] = temporary
        folder = options.folder if options.only else Path(temporary)
        for name, scene in scenes().items():
            if not options.only or name in options.only:
                take(name, scene, folder / f"window-{name}.png", tuple(options.size))
                sys.stdout.write(f"window-{name}.png\n")
        if not options.only:
            write_pictures(folder, options.folder)
    return 0


def write_pictures(shots: Path, target: Path) -> None:
    """One picture for the README, and one of all states, small enough for a repository."""
    first = Image.open(shots / "window-running.png").convert("RGB")
    save(first.resize((first.width * 4 // 5, first.height * 4 // 5), Image.Resampling.LANCZOS), target / "window.png")
    size = first.width // 2, first.height // 2
    sheet = Image.new("RGB", (2 * size[0] + 12, 4 * size[1] + 36), "#8a8f98")
    for place, name in enumerate(SHEET):
        shot = Image.open(shots / f"window-{name}.png").convert("RGB").resize(size, Image.Resampling.LANCZOS)
        row, column = divmod(place, 2)
        sheet.paste(shot, (column * (size[0] + 12), row * (size[1] + 12)))
    save(sheet, target / "window-states.png")


def save(picture: Image.Image, path: Path) -> None:
    """In 256 colours, chosen so that neither the pale ground nor the few strong colours suffer."""
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    sys.stdout.write(f"{path} {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    sys.exit(main())
