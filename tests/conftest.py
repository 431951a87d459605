"""What the tests of several packages share."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import random
import shutil
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitlab.values import Digits

# A terminal's width must not decide what a test sees.
os.environ["COLUMNS"] = "120"
os.environ.pop("FORCE_COLOR", None)

# Shells let what they start with "&" ignore Ctrl-C, and whoever is started by that ignores it as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Networks that a test makes without a seed get the same weights every time: Keras draws their seeds from here."""
    random.seed(0)


@pytest.fixture
def few_digits() -> Digits:
    """Two of each class from MNIST's test images."""
    from digitlab.datasets import load_dataset

    test = load_dataset("mnist").split("test")
    rows = np.concatenate([np.flatnonzero(test.labels == digit)[:2] for digit in range(10)])
    return test[rows]


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIGITLAB_CACHE", str(folder))
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about a report's figures: ten of them take a second, and every training writes one."""
    monkeypatch.setattr("digitlab.reports.page.svg", lambda name, _: f"<svg><title>{name}</title></svg>")


@pytest.fixture
def quick_ending(undrawn: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For trainings that are not about their exported file either: it is compared with Keras' on fewer images."""
    monkeypatch.setattr("digitlab.models.export.verify.CHECKED_IMAGES", 100)


@pytest.fixture(scope="session")
def needs_program() -> Callable[..., str]:
    """Where a system program is, by the first of its names that is found: `needs_program("octave-cli")`.

    Without it the test is skipped with the reason; where the environment variable CI is set it fails.
    """

    def path_of(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        missing = f"{' or '.join(names)} is not installed (`make setup` installs it where it may)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)

    return path_of


class Watch:
    """Tells, by the kernel's word, whether anyone opened a file: libraries in C are seen as well."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_NONBLOCK)
        opened_or_read = 0x20 | 0x01
        assert self._libc.inotify_add_watch(self._handle, os.fsencode(path), opened_or_read) >= 0

    def touched(self) -> bool:
        try:
            return bool(os.read(self._handle, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture
def secret(tmp_path: Path) -> Any:
    """A file outside, with numbers in it, and a watch on it."""
    path = tmp_path / "outside" / "secret.bin"
    path.parent.mkdir()
    path.write_bytes(np.arange(7840, dtype=np.float32).tobytes())
    watch = Watch(path)
    yield path, watch
    watch.close()


@pytest.fixture(scope="session")
def needs_ice() -> None:
    """ZeroC Ice. Without it the test is skipped with the reason; where the environment variable CI is set it fails."""
    if importlib.util.find_spec("Ice") is None:
        missing = "ZeroC Ice is not installed (`make setup` installs it where it may)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
