"""The pictures of the documentation, on a real X server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture
def display(needs_program: Callable[..., str]) -> Iterator[str]:
    """The name of an X server without a screen."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [needs_program("Xvfb"), "-displayfd", str(write), "-screen", "0", "1280x860x24", "-nolisten", "tcp"],
        pass_fds=(write,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


def test_screenshots_of_a_digit_of_none_and_of_a_camera_that_is_gone(display: str, tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
    }
    done = subprocess.run(
        [sys.executable, ROOT / "docs/pictures/window.py", tmp_path, "--only", "dark", "none", "reconnecting"],
        env={**environment, "DISPLAY": display}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    pictures = {path.stem.removeprefix("window-"): np.asarray(Image.open(path).convert("RGB"), np.int16)
                for path in tmp_path.glob("*.png")}  # fmt: skip
    assert set(pictures) == {"dark", "none", "reconnecting"}
    assert {picture.shape for picture in pictures.values()} == {(700, 1120, 3)}
    # The large type is in the accent colour where something is read, and only there.
    blue = {name: _share_of(picture, (86, 180, 233) if name == "dark" else (0, 114, 178))
            for name, picture in pictures.items()}  # fmt: skip
    assert blue["dark"] > 2.0 * blue["none"]
    orange = {name: _share_of(picture, (184, 74, 0)) for name, picture in pictures.items()}
    assert orange["reconnecting"] > 0.0
    assert orange["none"] == 0.0
    assert pictures["dark"].mean() < 0.6 * pictures["none"].mean()


def _share_of(picture: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Of the right-hand side and the frame together: the share of pixels that have exactly this colour."""
    return float((picture == np.array(colour)).all(axis=-1).mean())
