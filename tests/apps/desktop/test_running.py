"""The window with a real engine: opened, read with, closed, with no thread left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

import window_paints
from digitlab.apps.desktop import run_window
from digitlab.apps.desktop.running import _usable_model, check_display
from digitlab.apps.desktop.settings import WindowSettings
from digitlab.apps.desktop.window import LiveWindow
from digitlab.camera import Recorded
from digitlab.errors import MissingExtraError, ModelError, UsageError
from digitlab.live.engine import LiveEngine
from window_paints import SilentCamera, measure_paints

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from digitlab.live.frame_reading import Mode
    from digitlab.values import Digits


@pytest.fixture
def seven(few_digits: Digits) -> NDArray[np.uint8]:
    """A frame with a dark seven on light paper in the usual region."""
    import cv2

    image = np.full((480, 640, 3), 225, np.uint8)
    row = int(np.flatnonzero(few_digits.labels == 7)[0])
    ink = cv2.resize(few_digits.images[row], (150, 150), interpolation=cv2.INTER_CUBIC)
    image[165:315, 245:395] = (225 - 0.8 * ink[..., None].astype(np.float32)).clip(0, 255).astype(np.uint8)
    return image


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("digitlab-")]


def test_it_reads_pauses_records_and_closes(qtbot: QtBot, settings: WindowSettings, seven: NDArray[np.uint8]) -> None:
    with LiveEngine(Recorded([seven] * 3000, rate=30.0)) as engine:
        window = LiveWindow(engine, settings)
        qtbot.addWidget(window)
        window.show()
        window.actions_.maps.trigger()
        qtbot.waitUntil(lambda: window.panels.answer_view.text == "7", timeout=20_000)
        assert window.panels.lamps.lit == 7
        qtbot.waitUntil(lambda: window.panels.maps_panel.view.maps is not None, timeout=10_000)
        window.actions_.record.trigger()
        qtbot.waitUntil(lambda: window.status_line.recording.text() != "", timeout=5000)
        window.actions_.snapshot.trigger()
        qtbot.waitUntil(lambda: bool(list(settings.folder.glob("*-boxes.png"))), timeout=5000)
        window.frame_view.region_changed.emit((0, 0, 120, 120))
        qtbot.waitUntil(lambda: window.frame_view.box == (0, 0, 120, 120), timeout=5000)
        qtbot.waitUntil(lambda: window.panels.answer_view.text == "", timeout=10_000)
        window.actions_.modes["page"].trigger()
        qtbot.waitUntil(lambda: window.frame_view.box is None and window.panels.answer_view.text == "7", timeout=10_000)
        assert [view.item(0).data(0x0100 + 1) for view in [window.panels.history_view]] == ["7"]
        start = time.monotonic()
        window.close()
        assert time.monotonic() - start < 5.0
    assert threads() == []
    names = sorted(path.suffix for path in settings.folder.iterdir())
    assert names == [".json", ".jsonl", ".mp4", ".png", ".png"]


def test_a_source_that_cannot_be_had_leaves_the_window_alive(
    qtbot: QtBot, settings: WindowSettings, tmp_path: Path, seven: NDArray[np.uint8]
) -> None:
    with LiveEngine(str(tmp_path / "gone.mp4")) as engine:
        window = LiveWindow(engine, settings, source=str(tmp_path / "gone.mp4"))
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda: window.status_line.words.text() == "No picture", timeout=10_000)
        assert "gone.mp4" in window.status_line.message.toolTip()
        window.engine.set_source(Recorded([seven] * 900, rate=30.0))
        qtbot.waitUntil(lambda: window.panels.answer_view.text == "7", timeout=20_000)
        window.close()
    assert threads() == []


def test_a_model_that_is_none_is_named_and_the_one_before_goes_on(
    qtbot: QtBot, settings: WindowSettings, tmp_path: Path, seven: NDArray[np.uint8]
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with LiveEngine(Recorded([seven] * 3000, rate=30.0)) as engine:
        window = LiveWindow(engine, settings)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda: window.panels.answer_view.text == "7", timeout=20_000)
        window.set_model(str(bad))
        qtbot.waitUntil(lambda: "bad.onnx" in window.notice.text, timeout=5000)
        assert window.panels.answer_view.text == "7"
        window.close()


def test_a_model_of_the_last_session_that_needs_a_missing_extra_does_not_keep_the_window_closed(
    settings: WindowSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def needs_more(_: object) -> None:
        raise MissingExtraError("train", needed_for="theirs.onnx")

    monkeypatch.setattr("digitlab.reading.resolve_model", needs_more)
    notes: list[str] = []
    assert _usable_model("theirs.onnx", notes) is None
    assert "theirs.onnx needs the extra" in notes[0]
    assert notes[0].endswith("reading with the shipped model")


@pytest.mark.parametrize(("source", "asked", "mode"), [
    ("page.mp4", None, "page"), ("page.mp4", "region", "region"), ("0", None, "thesis"),
])  # fmt: skip
def test_a_film_opens_in_page_mode_and_a_camera_as_it_was_left(
    settings: WindowSettings, monkeypatch: pytest.MonkeyPatch, source: str, asked: Mode | None, mode: str
) -> None:
    """Whatever the last session left; what is asked for wins."""
    settings.mode = "thesis"
    monkeypatch.setattr("digitlab.apps.desktop.settings.WindowSettings", lambda: settings)
    engine = lambda *_, **told: (_ for _ in ()).throw(ModelError(told["mode"]))  # noqa: E731
    monkeypatch.setattr("digitlab.live.LiveEngine", engine)
    with pytest.raises(ModelError, match=f"^{mode}$"):
        run_window(source, mode=asked)


def in_a_process(code: str, tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "DIGITLAB_CONFIG": str(tmp_path / "config"), **environment},
    )  # fmt: skip


BENCH = Path(window_paints.__file__).parent
RUN = f"""
import sys, threading
sys.path.insert(0, {str(BENCH)!r})
from window_paints import SilentCamera
from digitlab.apps.desktop import run_window
print("ready", flush=True)
code = run_window(SilentCamera(), notes=["a note"])
left = [each.name for each in threading.enumerate() if each.name.startswith("digitlab-")]
print("left", left, flush=True)
sys.exit(code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_closes_the_window_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    process = in_a_process(RUN, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    remembered = tmp_path / "config" / "window.json"
    time.sleep(1.0)
    for _ in range(100):  # until its handlers are there, the signal ends it as any other program
        if process.poll() is not None:
            break
        if _shows(process.pid):
            process.send_signal(number)
            break
        time.sleep(0.1)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "left []\n"), err
    assert err == ""
    assert json.loads(remembered.read_text())["geometry"]


def _shows(pid: int) -> bool:
    """Whether a process catches SIGINT and SIGTERM by now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            caught = int(line.split()[1], 16)
            return all(caught >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))
    return False


def test_without_a_display_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"no display .* --headless"):
        check_display()


def test_a_display_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(UsageError, match=r"':4711' does not answer|cannot be opened"):
        check_display()


def test_without_qt_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("PySide6")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PySide6", None)
    with pytest.raises(MissingExtraError, match=r'pip install .*\[desktop\]"'):
        run_window("0")


def test_the_package_imports_no_qt(tmp_path: Path) -> None:
    code = "import sys, digitlab.apps.desktop; print('PySide6' in sys.modules)"
    out, _ = in_a_process(code, tmp_path).communicate(timeout=30)
    assert out == "False\n"


def test_a_paint_never_waits_for_a_silent_camera(qtbot: QtBot, settings: WindowSettings) -> None:
    with LiveEngine(SilentCamera(frames=2)) as engine:
        window = LiveWindow(engine, settings)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda: str(engine.snapshot().state) in ("stalled", "reconnecting"), timeout=20_000)
        before = window.frame_view.paints
        # The camera says nothing for an hour. Sixty a second is the bench's affair: this machine may be busy.
        qtbot.waitUntil(lambda: window.frame_view.paints >= before + 60, timeout=30_000)
        window.close()
    assert threads() == []


@pytest.mark.usefixtures("qtbot")
def test_the_bench_counts_paints() -> None:
    result = measure_paints(0.5, settle=0.0)
    assert result.paints > 0
    assert result.seconds >= 0.4
    assert result.paints_per_second == pytest.approx(result.paints / result.seconds)
    assert f"{result.paints_per_second:.1f} paints/s" in result.describe()


def test_qt_and_python_fit_each_other(qtbot: QtBot) -> None:
    """PySide6 6.12.0 takes a reference from None with each call on Python 3.11, until Python ends the process."""
    from PySide6.QtGui import QColor, QPainter, QPixmap

    pixmap = QPixmap(4, 4)
    painter = QPainter(pixmap)
    before = sys.getrefcount(None)
    for _ in range(1000):
        painter.setPen(QColor(0, 0, 0))
    lost = before - sys.getrefcount(None)
    painter.end()
    assert lost < 500
