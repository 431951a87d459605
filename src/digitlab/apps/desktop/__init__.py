"""The live view in a window. Qt is imported when it opens; the window only shows: all logic is in `digitlab.live`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digitlab.camera import Keep, Source
    from digitlab.live.engine import Mode
    from digitlab.live.region import Region
    from digitlab.reading import Reader
    from digitlab.values import Box

__all__ = ["run_window"]


def run_window(
    source: str | Source | None = None,
    reader: Reader | None = None,
    *,
    region: Region | Box | None = None,
    mode: Mode | None = None,
    model: str | Path | None = None,
    realtime: bool = True,
    keep: Keep | None = None,
    notes: Sequence[str] = (),
) -> int:
    """Open the window and return when it is closed: 0, with no thread left.

    The arguments are those of `LiveEngine`; where the source, the mode or the model is None, the last session's is
    taken, or camera 0, "region" and the shipped reader. A film or a folder of pictures is read whole (mode "page").

    notes: sentences to be shown once, e.g. the warnings of an old configuration file

    Raises:
        MissingExtraError: without PySide6.
        UsageError: where no window can be opened: no display, or a library of the system is missing.
        ModelError: for a model that was named here and cannot be used.
    """
    from digitlab.apps.desktop.display import check_display

    check_display()
    from digitlab.apps.desktop.running import open_and_run

    return open_and_run(
        source, reader, region=region, mode=mode, model=model, realtime=realtime, keep=keep, notes=notes
    )
