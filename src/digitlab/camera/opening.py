"""From what a user writes after `--source` to a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.camera.folder import ImageFolder
from digitlab.camera.video import VideoFile
from digitlab.errors import SourceError

if TYPE_CHECKING:
    from digitlab.camera.source import Source

__all__ = ["open_source"]


def open_source(text: str, *, realtime: bool) -> Source:
    """The source that `text` names: the path of a video file or of a folder of pictures (25 frames a second).

    It is opened by its `with` statement.

    Raises:
        SourceError: for a path where nothing is, and for kinds of source that this version cannot read.
    """
    kind = _kind_still_missing(text)
    if kind:
        raise SourceError(
            f"{text}: {kind} cannot be read in this version; what can: a video file, or a folder of pictures"
        )
    path = Path(text)
    if not text or not path.exists():
        raise SourceError(f"{text or '(nothing)'}: there is no such file or folder")
    return ImageFolder(path, realtime=realtime) if path.is_dir() else VideoFile(path, realtime=realtime)


def _kind_still_missing(text: str) -> str | None:
    if text.isdigit() or text.startswith("/dev/video"):
        return "a camera"
    if text.lower().startswith("ice:"):
        return "an Ice server"
    if "://" in text:
        return "an address"
    return None
