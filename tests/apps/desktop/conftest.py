"""The window off the screen, and an engine that does what a test says."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitlab.camera.source import SourceState
from digitlab.live.region import default_box
from digitlab.live.snapshot import Snapshot
from digitlab.live.tracks import Track
from digitlab.values import Frame, ReadDigit, Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from digitlab.apps.desktop.settings import WindowSettings
    from digitlab.apps.desktop.window import LiveWindow

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Without Qt, or a library of the system that it needs, each module here is skipped and says so; but not in CI.
if os.environ.get("CI"):
    import PySide6.QtWidgets  # noqa: F401

SEVEN = tuple(0.91 if digit == 7 else 0.01 for digit in range(10))


def track_of(digit: int | None, box: tuple[int, int, int, int], identity: int = 1, line: int = 0) -> Track:
    return Track(identity, box, digit, SEVEN, line, 9, changing=False)


def snapshot_with(**changes: Any) -> Snapshot:
    """A seven that is read in the region of a 640×480 frame; what differs is named."""
    image = np.full((480, 640, 3), 200, np.uint8)
    glyph = np.zeros((28, 28), np.uint8)
    glyph[6:22, 12:16] = 255
    box = default_box(image.shape)
    seen = Snapshot(
        frame=Frame(image, captured=1.0, number=3),
        region=box,
        reading=Reading((ReadDigit(7, 0.91, box, 0),), 1.0),
        tracks=(track_of(7, box),),
        glyph=glyph,
        probabilities=SEVEN,
        steady="7",
        mode="region",
        paused=False,
        recording=None,
        source="0",
        model="reader",
        state=SourceState.RUNNING,
        problem=None,
        frames_per_second=29.97,
        latency_ms=3.14,
        age_ms=12.0,
        captured=30,
        dropped=0,
        read=30,
        history=(),
        number=30,
    )
    return replace(seen, **changes)


NOTHING_YET: dict[str, Any] = {
    "frame": None, "region": None, "reading": None, "tracks": (), "glyph": None, "probabilities": (0.0,) * 10,
    "steady": None, "latency_ms": None, "age_ms": None, "frames_per_second": 0.0,
}  # fmt: skip


class ToldEngine:
    """Shows `seen` and notes down what it is told, as the real one would take it."""

    def __init__(self) -> None:
        self.seen = snapshot_with()
        self.told: list[tuple[Any, ...]] = []
        self.reader: Any = None
        self.saved: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        return self.seen

    def close(self) -> None:
        self.told.append(("close",))

    def pause(self) -> None:
        self.told.append(("pause",))
        self.seen = replace(self.seen, paused=True)

    def resume(self) -> None:
        self.told.append(("resume",))
        self.seen = replace(self.seen, paused=False)

    def set_region(self, region: Any) -> None:
        self.told.append(("region", region))

    def set_source(self, source: Any) -> None:
        self.told.append(("source", source))
        self.seen = replace(self.seen, source=source)

    def set_model(self, model: Any) -> None:
        self.told.append(("model", model))

    def set_mode(self, mode: Any) -> None:
        self.told.append(("mode", mode))
        self.seen = replace(self.seen, mode=mode)

    def record(self, path: Path) -> None:
        self.told.append(("record", path))
        self.seen = replace(self.seen, recording=path)

    def stop_recording(self) -> Path | None:
        path = self.seen.recording
        self.told.append(("stop", path))
        self.seen = replace(self.seen, recording=None)
        return path

    def save_snapshot(self, path: Path, seen: Snapshot | None = None) -> Path:
        self.told.append(("snapshot", path))
        self.saved = seen
        return path


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """Makes snapshots: a seven is read, but for what is named."""
    return snapshot_with


@pytest.fixture
def track() -> Callable[..., Track]:
    """Makes tracks: digit, box, and then identity and line."""
    return track_of


@pytest.fixture
def nothing_yet() -> dict[str, Any]:
    """What a snapshot says before the first frame."""
    return dict(NOTHING_YET)


@pytest.fixture
def engine() -> ToldEngine:
    return ToldEngine()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WindowSettings:
    from digitlab.apps.desktop.settings import WindowSettings

    monkeypatch.setenv("DIGITLAB_CONFIG", str(tmp_path / "config"))
    made = WindowSettings()
    made.folder = tmp_path / "pictures"
    made.theme = "light"
    return made


@pytest.fixture
def window(qtbot: QtBot, engine: ToldEngine, settings: WindowSettings) -> LiveWindow:
    from digitlab.apps.desktop.window import LiveWindow

    made = LiveWindow(engine, settings, source="0")  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(lambda: made.ticks > 1)
    return made
