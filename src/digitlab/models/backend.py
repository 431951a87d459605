"""The only place that imports Keras: selects the backend, and keeps its start-up quiet and fast.

The backend is TensorFlow unless ``KERAS_BACKEND`` says otherwise; on a CPU it is two to ten times as fast as the others
(docs/diary.md). All other modules import ``keras`` from here, so that the order of imports is fixed.
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
    """Silence TensorFlow's C++ code, which writes to file descriptor 2 at any log level while it loads and converts."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


# Optional libraries that TensorFlow and Keras import if installed, for features that are not used here: data frames,
# plots, wrappers, a file editor in notebooks. They took 2.6 of 4.3 seconds and 265 MB.
_NOT_WANTED = ("IPython", "jax", "matplotlib", "pandas", "scipy", "sklearn")


@contextlib.contextmanager
def _hidden(modules: Iterable[str]) -> Iterator[None]:
    """Make imports of these modules fail inside the context, as if not installed, unless they are already loaded."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None makes Python's import fail
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Disable the garbage collector inside the context, and then exclude the objects that exist from later collections.

    Otherwise it scans TensorFlow's 280,000 objects many times while they are created, and takes 0.2 seconds of CPU time
    at each `release_memory`, which a training calls three times.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with (
        native_stderr_silenced(),
        _hidden(_NOT_WANTED if os.environ["KERAS_BACKEND"] == "tensorflow" else ()),
        _uncollected() if "keras" not in sys.modules else contextlib.nullcontext(),
    ):
        import keras
except ModuleNotFoundError as error:
    raise MissingExtraError("train", needed_for="training and opening Keras models") from error


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Give layers that are created inside the context Keras' dtype policy ``name`` ("float32", "mixed_bfloat16")."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def release_memory() -> None:
    """Return unused memory to the system.

    Graphs and networks form reference cycles, which only the garbage collector frees; and the C library keeps the freed
    memory, hundreds of MB after a conversion, until ``malloc_trim`` is called (glibc only).
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
