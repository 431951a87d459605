"""The one door to Keras: chooses the backend and keeps its start quiet.

TensorFlow unless ``KERAS_BACKEND`` says otherwise; on a CPU it is two to ten times as quick as Keras' other backends
(docs/diary.md). Everything here takes ``keras`` from this module, so that no other order of imports is possible.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from typing import TYPE_CHECKING

from digitlab.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["dtype_policy", "keras", "native_stderr_silenced", "release_memory"]


@contextlib.contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """TensorFlow's C++ half writes to file descriptor 2 while it loads and converts, whatever its log level."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


# What TensorFlow and Keras load at their start where it is installed, and what nothing here asks them for: their
# adapters for tables, their drawing, their wrappers. All of it took 2.6 of 4.3 seconds and 265 MB.
_NOT_WANTED = ("jax", "matplotlib", "pandas", "scipy", "sklearn")


@contextlib.contextmanager
def _hidden(modules: Iterable[str]) -> Iterator[None]:
    """Imports of those of the modules that are not loaded yet fail inside, as if they were not installed."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how Python is told so
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with native_stderr_silenced(), _hidden(_NOT_WANTED if os.environ["KERAS_BACKEND"] == "tensorflow" else ()):
        import keras
except ModuleNotFoundError as error:
    raise MissingExtraError("train", needed_for="training and opening Keras models") from error


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Layers made inside get Keras' dtype policy ``name`` ("float32", "mixed_bfloat16")."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def release_memory() -> None:
    """Give back what is no longer used.

    Graphs and their networks hold each other and wait for Python's collector; and what is then freed, hundreds of MB
    after a conversion, the C library keeps to itself until it is told (glibc only).
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
